//! A word is a token, or it is unknown.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Token, file, no_unknown_token};
use crate::Result;
use crate::tokens::Vocab;

/// A vocabulary of whole words.
#[derive(Debug, Clone)]
pub struct WordLevel {
    vocab: Vocab,
    unk_token: String,
    unk_id: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordLevelFile {
    #[serde(rename = "type")]
    _kind: Option<String>,
    vocab: Map<String, Value>,
    unk_token: String,
}

impl WordLevel {
    /// A model from its vocabulary. The unknown token may be missing from it: then unknown words are errors.
    pub fn new(vocab: Vocab, unk_token: String) -> Self {
        Self { unk_id: vocab.id(&unk_token), vocab, unk_token }
    }

    pub(super) fn from_json(model: Value) -> Result<Self> {
        let fields: WordLevelFile = file::fields(model)?;
        Ok(Self::new(file::vocab(&fields.vocab)?, fields.unk_token))
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"type": "WordLevel", "vocab": file::vocab_to_json(&self.vocab), "unk_token": self.unk_token})
    }

    pub(super) fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    pub(super) fn encode_word(&self, word: &str, tokens: &mut Vec<Token>) -> Result<()> {
        let id =
            self.vocab.id(word).or(self.unk_id).ok_or_else(|| no_unknown_token(word, &self.unk_token))?;
        tokens.push(Token { id, length: word.len() as u32 });
        Ok(())
    }
}
