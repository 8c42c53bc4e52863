//! Ids to text, by the decoder of a `tokenizer.json` or by SentencePiece's own rules.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::decode::Detokenizer;
use super::sentencepiece::{DecodeState, SentencePiece};
use super::stream::StreamDecoder;
use super::tokenizer::{Algorithm, Tokenizer};
use crate::{Error, Result};

impl Tokenizer {
    /// The bytes of `ids`: UTF-8, except that a byte-level tokenizer may end, begin or join in the middle of a
    /// character.
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<Vec<u8>> {
        if let Algorithm::Pipeline(_) = self.algorithm {
            return self.detokenizer.decode_bytes(ids, skip_special_tokens);
        }
        let mut stream = self.stream_decoder(skip_special_tokens);
        let mut text = stream.push(ids)?;
        text.push_str(&stream.finish()?);
        Ok(text.into_bytes())
    }

    /// A decoder that is fed ids as they come.
    pub fn stream_decoder(&self, skip_special_tokens: bool) -> TokenStream {
        let detokenizer = Arc::clone(&self.detokenizer);
        TokenStream(match &self.algorithm {
            Algorithm::Pipeline(_) => Stream::Decoder(StreamDecoder::new(detokenizer, skip_special_tokens)),
            Algorithm::SentencePiece(model) => {
                let special = self.added_tokens().iter().filter(|token| token.special && skip_special_tokens);
                Stream::SentencePiece(Box::new(PieceStream {
                    model: Arc::clone(model),
                    detokenizer,
                    skipped: special.map(|token| token.id).collect(),
                    state: DecodeState::default(),
                    pushed: 0,
                }))
            }
        })
    }
}

/// Decodes ids as they come, and gives text as soon as it is certain: never half a character, and what was given is
/// a prefix of the text of whatever follows.
#[derive(Debug)]
pub struct TokenStream(Stream);

#[derive(Debug)]
enum Stream {
    Decoder(StreamDecoder),
    SentencePiece(Box<PieceStream>),
}

impl TokenStream {
    /// Takes ids and gives the text that is certain by now.
    pub fn push(&mut self, ids: &[u32]) -> Result<String> {
        match &mut self.0 {
            Stream::Decoder(stream) => stream.push(ids),
            Stream::SentencePiece(stream) => stream.push(ids),
        }
    }

    /// The rest of the text. The decoder is then as new.
    pub fn finish(&mut self) -> Result<String> {
        match &mut self.0 {
            Stream::Decoder(stream) => stream.finish(),
            Stream::SentencePiece(stream) => stream.finish(),
        }
    }
}

#[derive(Debug)]
struct PieceStream {
    model: Arc<SentencePiece>,
    /// Knows the tokens that were added to the model.
    detokenizer: Arc<Detokenizer>,
    skipped: FxHashSet<u32>,
    state: DecodeState,
    pushed: usize,
}

impl PieceStream {
    fn push(&mut self, ids: &[u32]) -> Result<String> {
        // All ids are looked at before one is taken.
        let tokens = self.detokenizer.texts(ids, false).map_err(|error| self.at_begin(error))?;
        let mut text = String::new();
        for (&id, token) in ids.iter().zip(tokens).filter(|(id, _)| !self.skipped.contains(id)) {
            if self.model.piece(id).is_some() {
                self.model.decode_next(&mut self.state, id, &mut text)?;
            } else {
                self.model.decode_end(&mut self.state, &mut text)?;
                text.push_str(token);
            }
        }
        self.pushed += ids.len();
        Ok(text)
    }

    fn at_begin(&self, error: Error) -> Error {
        if self.pushed == 0 { error } else { error.at(format!("after {} ids", self.pushed)) }
    }

    fn finish(&mut self) -> Result<String> {
        let mut text = String::new();
        self.pushed = 0;
        self.model.decode_end(&mut self.state, &mut text)?;
        Ok(text)
    }
}
