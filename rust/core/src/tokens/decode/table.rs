//! Everything that turns ids into text.

use rustc_hash::FxHashSet;

use super::Decoder;
use super::pipeline::Pipeline;
use crate::text::byte_level;
use crate::{Error, Result};

/// The texts of all tokens and a decoder. Where the decoder takes tokens for bytes, it is a table of bytes, and the
/// decoder does not run.
///
/// ```
/// use fastmask_core::tokens::{Decoder, Detokenizer};
/// let decoder = Decoder::WordPiece { prefix: "##".into(), cleanup: true };
/// let detokenizer = Detokenizer::new([(0, "[SEP]"), (1, "mask"), (2, "##ing")], ["[SEP]"], Some(decoder));
/// assert_eq!(detokenizer.decode(&[1, 2, 0], true)?, "masking");
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Detokenizer {
    decoder: Option<Decoder>,
    only_bytes: bool,
    /// The bytes of every token, or their texts' where a decoder has to run; one after the other.
    tokens: Vec<u8>,
    /// Where each token begins, and at last the number of bytes.
    starts: Vec<usize>,
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Missing,
    Plain,
    Special,
}

impl Detokenizer {
    /// `tokens` are ids with their texts, as decoding sees them; of two with the same id the later is taken.
    /// `special` are the texts of the tokens that decoding may skip.
    pub fn new<'a>(
        tokens: impl IntoIterator<Item = (u32, &'a str)>,
        special: impl IntoIterator<Item = &'a str>,
        decoder: Option<Decoder>,
    ) -> Self {
        let special: FxHashSet<&str> = special.into_iter().collect();
        let mut texts: Vec<Option<&str>> = Vec::new();
        for (id, text) in tokens {
            let id = id as usize;
            texts.resize(texts.len().max(id + 1), None);
            texts[id] = Some(text);
        }
        let only_bytes = decoder.as_ref().is_some_and(Decoder::only_spells_bytes);
        let mut table = Self {
            decoder,
            only_bytes,
            tokens: Vec::new(),
            starts: vec![0],
            kinds: Vec::with_capacity(texts.len()),
        };
        for text in texts {
            table.kinds.push(match text {
                None => Kind::Missing,
                Some(text) if special.contains(text) => Kind::Special,
                Some(_) => Kind::Plain,
            });
            match text {
                Some(text) if only_bytes => table.tokens.extend(byte_level::bytes_of(text)),
                text => table.tokens.extend_from_slice(text.unwrap_or_default().as_bytes()),
            }
            table.starts.push(table.tokens.len());
        }
        table
    }

    /// The decoder.
    pub fn decoder(&self) -> Option<&Decoder> {
        self.decoder.as_ref()
    }

    /// Whether the bytes of a text are those of its tokens, so that they may be anything.
    pub fn only_bytes(&self) -> bool {
        self.only_bytes
    }

    /// The text of `ids`. Where they end, begin or join in the middle of a character, U+FFFD stands for it.
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String> {
        if self.only_bytes {
            let bytes = self.bytes(ids, skip_special_tokens)?;
            return Ok(String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()));
        }
        let mut pipeline = Pipeline::new(self.decoder.as_ref());
        let mut text = String::with_capacity(ids.len() * 4);
        pipeline.feed(self.texts(ids, skip_special_tokens)?, &mut text)?;
        pipeline.finish(&mut text)?;
        Ok(text)
    }

    /// The bytes of `ids`: of a byte-level decoder just those of the tokens, of any other those of the text.
    pub fn decode_bytes(&self, ids: &[u32], skip_special_tokens: bool) -> Result<Vec<u8>> {
        if self.only_bytes {
            self.bytes(ids, skip_special_tokens)
        } else {
            self.decode(ids, skip_special_tokens).map(String::into_bytes)
        }
    }

    fn bytes(&self, ids: &[u32], skip_special_tokens: bool) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for (place, &id) in ids.iter().enumerate() {
            bytes.extend_from_slice(self.token(id, place, skip_special_tokens)?.unwrap_or_default());
        }
        Ok(bytes)
    }

    /// The bytes of the token at a place; None if it is skipped.
    pub(in super::super) fn token(
        &self,
        id: u32,
        place: usize,
        skip_special_tokens: bool,
    ) -> Result<Option<&[u8]>> {
        let index = id as usize;
        match self.kinds.get(index) {
            Some(Kind::Special) if skip_special_tokens => Ok(None),
            Some(Kind::Plain | Kind::Special) => {
                Ok(Some(&self.tokens[self.starts[index]..self.starts[index + 1]]))
            }
            Some(Kind::Missing) | None => Err(self.no_such_id(id, place)),
        }
    }

    /// The texts of `ids`, those that are skipped left out.
    pub(in super::super) fn texts(&self, ids: &[u32], skip_special_tokens: bool) -> Result<Vec<&str>> {
        let mut texts = Vec::with_capacity(ids.len());
        for (place, &id) in ids.iter().enumerate() {
            let token = self.token(id, place, skip_special_tokens)?;
            texts.extend(token.map(|token| std::str::from_utf8(token).unwrap_or_default()));
        }
        Ok(texts)
    }

    fn no_such_id(&self, id: u32, place: usize) -> Error {
        Error::new(format!("id {id} at position {place} is not in the vocabulary")).advise(format!(
            "ids run from 0 to {}: was this encoded by another tokenizer?",
            self.kinds.len().saturating_sub(1)
        ))
    }
}
