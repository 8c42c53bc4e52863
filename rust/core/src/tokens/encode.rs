//! One text, or a pair of texts, to everything that is known of its tokens.

use super::added::{Search, Stretch};
use super::assembly::Assembly;
use super::encoding::{EncodedToken, Encoding};
use super::models::Token;
use super::pipeline::{Part, Pipeline, SpecialText, Workspace};
use super::portions::Extent;
use super::post_process::{PostProcessor, white_space_ends};
use super::sentencepiece::{Piece, SentencePiece};
use super::tokenizer::{Algorithm, Tokenizer};
use crate::text::Origin;
use crate::{Error, Result};

/// How to encode. [`Tokenizer::options`] gives what the tokenizer's file says.
#[derive(Debug, Clone, Copy)]
pub struct EncodeOptions<'a> {
    /// Truncation, special tokens and padding.
    pub assembly: &'a Assembly,
    /// Whether special tokens are put in.
    pub add_special_tokens: bool,
    /// What to do with text that spells a special token.
    pub special_text: SpecialText,
    /// Whether to say which characters each token came from; without it all spans are (0, 0).
    pub with_spans: bool,
}

/// A text, or a text that was split into words already.
#[derive(Debug, Clone)]
pub enum Sentence<'a> {
    /// As it stands.
    Text(&'a str),
    /// Its words, each of which is encoded as if it stood alone.
    Words(Vec<&'a str>),
}

impl Sentence<'_> {
    /// How many bytes there are to encode.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Words(words) => words.iter().map(|word| word.len()).sum(),
        }
    }
}

impl Tokenizer {
    /// The ids around a single text, if ids are all that the options need, so that no other column has to be made.
    pub(super) fn frame_of(&self, options: &EncodeOptions<'_>) -> Option<(&[u32], &[u32])> {
        if options.assembly.truncation.is_some() || options.assembly.padding.is_some() {
            None
        } else if options.add_special_tokens {
            self.frame.as_ref().map(|(prefix, suffix)| (&**prefix, &**suffix))
        } else {
            Some((&[], &[]))
        }
    }

    /// Appends the ids of a text, or of a portion of one, that needs nothing but ids.
    pub(super) fn encode_framed(
        &self,
        (text, extent): (&str, Extent),
        frame: (&[u32], &[u32]),
        policy: SpecialText,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        check_length(text)?;
        if extent.begins {
            ids.extend_from_slice(frame.0);
        }
        match &self.algorithm {
            Algorithm::Pipeline(pipeline) => {
                pipeline.encode_ids(&self.added, (text, extent), policy, workspace, ids)?;
            }
            Algorithm::SentencePiece(model) => {
                self.added.stretches(Search::Raw, text, policy.parses(), &mut |stretch| match stretch {
                    Stretch::Token(token, _) => {
                        ids.push(token.id);
                        policy.check(token)
                    }
                    Stretch::Text(range) => {
                        let extent = extent.of_stretch(&range, text.len());
                        model.encode_ids_with(&text[range], extent, &mut workspace.sentencepiece, ids)
                    }
                })?;
            }
        }
        if extent.ends {
            ids.extend_from_slice(frame.1);
        }
        Ok(())
    }

    /// A text or a pair of texts with all that is known of its tokens.
    pub fn encode(
        &self,
        text: &Sentence<'_>,
        pair: Option<&Sentence<'_>>,
        options: &EncodeOptions<'_>,
    ) -> Result<Encoding> {
        let first = self.encode_sentence(text, 0, options)?;
        let second = pair.map(|pair| self.encode_sentence(pair, 1, options)).transpose()?;
        options.assembly.assemble(first, second, options.add_special_tokens)
    }

    fn encode_sentence(
        &self,
        sentence: &Sentence<'_>,
        type_id: u32,
        options: &EncodeOptions<'_>,
    ) -> Result<Encoding> {
        match sentence {
            Sentence::Text(text) => self.encode_one(text, type_id, options).map(Encoding::from),
            Sentence::Words(words) => {
                let mut all = Vec::new();
                for (number, word) in words.iter().enumerate() {
                    let tokens = self.encode_one(word, type_id, options)?;
                    all.extend(
                        tokens.into_iter().map(|token| EncodedToken { word_id: number as i32, ..token }),
                    );
                }
                Ok(all.into())
            }
        }
    }

    fn encode_one(&self, text: &str, type_id: u32, options: &EncodeOptions<'_>) -> Result<Vec<EncodedToken>> {
        check_length(text)?;
        let characters = Characters::of(text, options.with_spans);
        let trims =
            options.with_spans && options.assembly.post_processor.as_ref().is_some_and(PostProcessor::trims);
        let mut tokens = match &self.algorithm {
            Algorithm::Pipeline(pipeline) => {
                let parts = pipeline.parts(&self.added, text, options.special_text, options.with_spans)?;
                tokens_of_parts(pipeline, &parts, &characters, trims)?
            }
            Algorithm::SentencePiece(model) => {
                let parts = self.sentencepiece_parts(model, text, options.special_text)?;
                self.tokens_of_sentencepiece(model, &parts, &characters)
            }
        };
        for token in &mut tokens {
            token.type_id = type_id;
        }
        Ok(tokens)
    }
}

/// Documents longer than 4 GiB have no origins in 32 bits.
fn check_length(text: &str) -> Result<()> {
    if u32::try_from(text.len()).is_err() {
        return Err(Error::new(format!("the text has {} bytes", text.len()))
            .advise("cut it into documents of less than 4 GiB"));
    }
    Ok(())
}

/// The tokens of `parts`. Every piece and every added token is a word, and words are counted from 0.
fn tokens_of_parts(
    pipeline: &Pipeline,
    parts: &[Part],
    characters: &Characters,
    trims: bool,
) -> Result<Vec<EncodedToken>> {
    let mut encoded = Vec::new();
    let mut number = 0;
    let mut tokens = Vec::new();
    for part in parts {
        match part {
            Part::Added { id, origin, white_space } => {
                let token = EncodedToken::new(*id, 0, characters.span(*origin), number);
                encoded.push(EncodedToken { white_space: *white_space, ..token });
                number += 1;
            }
            Part::Pieces(pieces) => {
                for (index, piece) in pieces.iter().enumerate() {
                    tokens.clear();
                    pipeline.tokens_of(piece, &mut tokens)?;
                    for (token, range) in tokens.iter().zip(Token::ranges(&tokens)) {
                        // Where the token says to lie outside its piece the original keeps what the token says.
                        let said = (range.start as u32, range.end as u32);
                        let origin = pieces.origin_of(index, range.clone()).unwrap_or(said);
                        let mut token = EncodedToken::new(token.id, 0, characters.span(origin), number);
                        if trims {
                            token.white_space = white_space_ends(pipeline.spelled(token.id, piece, range));
                        }
                        encoded.push(token);
                    }
                    number += 1;
                }
            }
        }
    }
    Ok(encoded)
}

/// From bytes of a text to its characters.
struct Characters {
    /// For each byte the character that it belongs to; None where spans are not asked for.
    numbers: Option<Vec<u32>>,
}

impl Characters {
    fn of(text: &str, wanted: bool) -> Self {
        let numbers = wanted.then(|| {
            let mut numbers = Vec::with_capacity(text.len());
            for (number, character) in text.chars().enumerate() {
                numbers.resize(numbers.len() + character.len_utf8(), number as u32);
            }
            numbers
        });
        Self { numbers }
    }

    /// The same where a stretch may be empty at the very end, which the original of `span` does not know.
    fn place(&self, (begin, end): Origin) -> (u32, u32) {
        let Some(numbers) = &self.numbers else { return (0, 0) };
        let count = numbers.last().map_or(0, |last| last + 1);
        let number = |byte: u32| numbers.get(byte as usize).copied().unwrap_or(count);
        (number(begin), number(end))
    }

    fn span(&self, (begin, end): Origin) -> (u32, u32) {
        let Some(numbers) = &self.numbers else { return (0, 0) };
        let number = |byte: u32| numbers.get(byte as usize).copied();
        match (number(begin), number(end)) {
            (Some(first), Some(last)) => (first, last),
            (Some(first), None) => (first, end.checked_sub(1).and_then(number).unwrap_or(first + 1) + 1),
            _ => (begin, end),
        }
    }
}

/// A part of a text of a SentencePiece tokenizer: pieces with where their stretch began.
pub(super) enum SentencePiecePart {
    Added(u32, Origin),
    Pieces(Vec<Piece>, u32),
}

impl Tokenizer {
    fn sentencepiece_parts(
        &self,
        model: &SentencePiece,
        text: &str,
        policy: SpecialText,
    ) -> Result<Vec<SentencePiecePart>> {
        let mut parts = Vec::new();
        self.added.stretches(Search::Raw, text, policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, range) => {
                parts.push(SentencePiecePart::Added(token.id, (range.start as u32, range.end as u32)));
                policy.check(token)
            }
            Stretch::Text(range) => {
                let mut pieces = Vec::new();
                model.encode(&text[range.clone()], &mut pieces)?;
                parts.push(SentencePiecePart::Pieces(pieces, range.start as u32));
                Ok(())
            }
        })?;
        Ok(parts)
    }

    /// SentencePiece knows no words: here one begins wherever a token begins one, and at every added token.
    fn tokens_of_sentencepiece(
        &self,
        model: &SentencePiece,
        parts: &[SentencePiecePart],
        characters: &Characters,
    ) -> Vec<EncodedToken> {
        let mut encoded = Vec::new();
        let mut number = -1;
        for part in parts {
            match part {
                SentencePiecePart::Added(id, origin) => {
                    number += 1;
                    encoded.push(EncodedToken::new(*id, 0, characters.span(*origin), number));
                }
                SentencePiecePart::Pieces(pieces, start) => {
                    for (index, piece) in pieces.iter().enumerate() {
                        // Unknown text is an added token too, but goes on with its word.
                        let begins = self.begins_word(piece.id) && Some(piece.id) != model.special_ids().unk;
                        number += i32::from(index == 0 || begins);
                        let span = characters.place((start + piece.start, start + piece.end));
                        encoded.push(EncodedToken::new(piece.id, 0, span, number));
                    }
                }
            }
        }
        encoded
    }
}
