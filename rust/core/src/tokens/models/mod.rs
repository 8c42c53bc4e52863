//! Words to tokens: the four models of a `tokenizer.json`, each exact to the `tokenizers` library.
//!
//! A model sees one piece of a text at a time and keeps nothing between pieces: who wants a cache puts it in front.

mod bpe;
mod file;
mod score;
mod unigram;
mod word_level;
mod wordpiece;

use std::ops::Range;

use serde_json::Value;

pub use bpe::{Bpe, BpeSettings};
pub(super) use bpe::{Entry, Merges, Out, Speller};
pub(in crate::tokens) use score::rounded;
pub use unigram::Unigram;
pub(in crate::tokens) use unigram::str_of;
pub use word_level::WordLevel;
pub use wordpiece::WordPiece;

use super::lattice::Lattice;
use super::vocab::Vocab;
use crate::{Error, Result};

/// A longer piece is refused: lengths are kept in 32 bits.
const LONGEST_WORD: usize = 1 << 30;

/// A token of a word, and how much of the word it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// How many bytes of the word it covers, from where the token before it ends. 0 after another token: it covers
    /// the same bytes as that one (see [`Token::ranges`]).
    pub length: u32,
}

impl Token {
    /// Which bytes of their word the tokens cover: the offsets of the `tokenizers` library.
    ///
    /// They are a count, not a place: where a BPE drops a character they shift to the left, and where it spells an
    /// affix as bytes they may run past the end of the word. A character that a Unigram model spells as bytes is
    /// covered whole by each of them, which the second and later ones say with a length of 0.
    ///
    /// ```
    /// use fastmask_core::tokens::Token;
    /// let tokens = [(5, 1), (6, 3), (7, 0), (8, 2)].map(|(id, length)| Token { id, length });
    /// assert_eq!(Token::ranges(&tokens).collect::<Vec<_>>(), [0..1, 1..4, 1..4, 4..6]);
    /// ```
    pub fn ranges(tokens: &[Self]) -> impl Iterator<Item = Range<usize>> {
        tokens.iter().scan(0..0, |last, token| {
            if token.length > 0 {
                *last = last.end..last.end + token.length as usize;
            }
            Some(last.clone())
        })
    }
}

/// The model of a tokenizer: what makes tokens of a word.
#[derive(Debug, Clone)]
pub enum Model {
    /// Byte-pair encoding, on characters or on bytes.
    Bpe(Bpe),
    /// The longest token first (BERT).
    WordPiece(WordPiece),
    /// The likeliest tokens (T5, `SentencePiece`).
    Unigram(Unigram),
    /// A word is a token or unknown.
    WordLevel(WordLevel),
}

impl Model {
    /// Reads the field `model` of a `tokenizer.json`.
    ///
    /// ```
    /// use fastmask_core::tokens::{Model, Token};
    /// let file = serde_json::json!({"type": "WordLevel", "vocab": {"[UNK]": 0, "low": 1}, "unk_token": "[UNK]"});
    /// let model = Model::from_json(file)?;
    /// let mut tokens = Vec::new();
    /// model.encode_word("low", &mut tokens)?;
    /// assert_eq!(tokens, [Token { id: 1, length: 3 }]);
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn from_json(model: Value) -> Result<Self> {
        match file::kind(&model)? {
            file::Kind::Bpe => Bpe::from_json(model).map(Self::Bpe),
            file::Kind::WordPiece => WordPiece::from_json(model).map(Self::WordPiece),
            file::Kind::Unigram => Unigram::from_json(model).map(Self::Unigram),
            file::Kind::WordLevel => WordLevel::from_json(model).map(Self::WordLevel),
        }
    }

    /// The field `model` of a `tokenizer.json`, as this and the `tokenizers` library read it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Bpe(model) => model.to_json(),
            Self::WordPiece(model) => model.to_json(),
            Self::Unigram(model) => model.to_json(),
            Self::WordLevel(model) => model.to_json(),
        }
    }

    /// Appends the tokens of `word` to `tokens`. A model that was told to read bytes takes the UTF-8 of the word.
    pub fn encode_word(&self, word: &str, tokens: &mut Vec<Token>) -> Result<()> {
        check_length(word.as_bytes())?;
        match self {
            _ if word.is_empty() && !matches!(self, Self::WordLevel(_)) => Ok(()),
            Self::Bpe(model) => model.encode_word(word, tokens),
            Self::WordPiece(model) => model.encode_word(word, tokens),
            Self::Unigram(model) => model.encode_word(word, tokens),
            Self::WordLevel(model) => model.encode_word(word, tokens),
        }
    }

    /// How many characters a word may have; a longer one is unknown.
    pub(super) fn longest_word(&self) -> Option<usize> {
        match self {
            Self::WordPiece(model) => Some(model.max_input_chars_per_word()),
            Self::Bpe(_) | Self::Unigram(_) | Self::WordLevel(_) => None,
        }
    }

    /// The tokens that the model can give.
    pub fn vocab(&self) -> &Vocab {
        match self {
            Self::Bpe(model) => model.vocab(),
            Self::WordPiece(model) => model.vocab(),
            Self::Unigram(model) => model.vocab(),
            Self::WordLevel(model) => model.vocab(),
        }
    }

    /// Whether [`Model::read_bytes`] changes neither ids nor spans of what is spelled in the byte-level alphabet.
    pub fn can_read_bytes(&self) -> bool {
        matches!(self, Self::Bpe(model) if model.can_read_bytes())
    }

    /// Lets a model whose tokens are spelled in the byte-level alphabet take words as they are, not so spelled.
    /// Nothing happens to a model that cannot.
    pub fn read_bytes(&mut self) {
        if let Self::Bpe(model) = self {
            model.read_bytes();
        }
    }

    /// Whether the model takes words as bytes.
    pub fn reads_bytes(&self) -> bool {
        matches!(self, Self::Bpe(model) if model.reads_bytes())
    }

    /// Appends the tokens of a word to `tokens`, for a model that reads bytes; lengths are in these bytes.
    pub fn encode_bytes(&self, word: &[u8], tokens: &mut Vec<Token>) -> Result<()> {
        check_length(word)?;
        match self {
            Self::Bpe(model) => model.encode_bytes(word, tokens),
            _ => Err(reads_characters()),
        }
    }

    /// Appends the ids of a word, given as UTF-8, to `ids`: those of [`Model::encode_bytes`] where the model reads bytes, and of
    /// [`Model::encode_word`] where it does not.
    ///
    /// ```
    /// use fastmask_core::tokens::{Model, Scratch};
    /// let file = serde_json::json!({"type": "WordLevel", "vocab": {"[UNK]": 0, "low": 1}, "unk_token": "[UNK]"});
    /// let model = Model::from_json(file)?;
    /// let mut ids = vec![7];
    /// model.encode_ids(b"low", &mut Scratch::default(), &mut ids)?;
    /// assert_eq!(ids, [7, 1]);
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn encode_ids(&self, word: &[u8], scratch: &mut Scratch, ids: &mut Vec<u32>) -> Result<()> {
        check_length(word)?;
        match self {
            Self::Bpe(model) if model.reads_bytes() => model.encode_byte_ids(word, ids),
            Self::Bpe(model) if !word.is_empty() => {
                model.encode_characters(text_of(word)?, &mut scratch.tokens, ids)
            }
            Self::WordPiece(model) => model.encode_ids(word, ids),
            Self::Unigram(model) => model.encode_ids(word, &mut scratch.lattice, ids),
            _ => {
                scratch.tokens.clear();
                self.encode_word(text_of(word)?, &mut scratch.tokens)?;
                ids.extend(scratch.tokens.iter().map(|token| token.id));
                Ok(())
            }
        }
    }
}

fn text_of(word: &[u8]) -> Result<&str> {
    std::str::from_utf8(word).map_err(|_| reads_characters())
}

/// Room to work in, for a model that is asked for ids alone.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(in crate::tokens) tokens: Vec<Token>,
    lattice: Lattice<f64>,
}

pub(super) fn check_length(word: &[u8]) -> Result<()> {
    if word.len() > LONGEST_WORD {
        return Err(Error::new(format!(
            "a piece of the text has {} bytes and no place to split it",
            word.len()
        ))
        .advise(format!("give texts of up to {LONGEST_WORD} bytes")));
    }
    Ok(())
}

fn reads_characters() -> Error {
    Error::new("this model reads characters, not bytes").advise("give it text")
}

fn no_unknown_token(word: &str, unk_token: &str) -> Error {
    Error::new(format!(
        "{} is not in the vocabulary, and neither is the unknown token {}",
        file::quoted(word),
        file::quoted(unk_token)
    ))
    .advise("add the unknown token to model.vocab")
}

#[cfg(test)]
mod tests;
