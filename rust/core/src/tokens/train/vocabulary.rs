//! The vocabulary while it grows.

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Tokens in the order of their ids, and their ids by text.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    texts: Vec<Box<str>>,
    ids: FxHashMap<Box<str>, u32>,
}

impl Vocabulary {
    /// A vocabulary of special tokens, which get the ids from 0.
    pub(super) fn new(special_tokens: &[String]) -> Result<Self> {
        let mut vocabulary = Self::default();
        for (index, token) in special_tokens.iter().enumerate() {
            if token.is_empty() || vocabulary.get(token).is_some() {
                return Err(Error::new(format!("the special token {token:?} is empty or there twice"))
                    .at(format!("special_tokens[{index}]"))
                    .advise("name each token once"));
            }
            vocabulary.id(token);
        }
        Ok(vocabulary)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn text(&self, id: u32) -> &str {
        &self.texts[id as usize]
    }

    pub(super) fn get(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// The id of a token, which is added if it is not there.
    pub(super) fn id(&mut self, text: &str) -> u32 {
        if let Some(id) = self.get(text) {
            return id;
        }
        let id = self.texts.len() as u32;
        self.texts.push(text.into());
        self.ids.insert(text.into(), id);
        id
    }

    /// Forgets the tokens from an id on.
    pub(super) fn truncate(&mut self, length: usize) {
        for text in self.texts.drain(length..) {
            self.ids.remove(&text);
        }
    }

    /// The tokens with these texts and their ids.
    pub(super) fn with_ids(&self, texts: &[String]) -> Vec<(String, u32)> {
        texts.iter().filter_map(|text| Some((text.clone(), self.get(text)?))).collect()
    }

    /// Refuses to go on where the tokens that must be there leave no room.
    pub(super) fn check_size(&self, vocab_size: usize, special_tokens: usize, advice: &str) -> Result<()> {
        let least = self.len();
        if vocab_size >= least {
            return Ok(());
        }
        let characters = least - special_tokens;
        Err(Error::new(format!(
            "vocab_size is {vocab_size}, but {least} ids are taken by {special_tokens} special tokens and an \
             alphabet of {characters}"
        ))
        .advise(format!("give at least {least}{advice}")))
    }

    /// The field `vocab` of a `tokenizer.json`: ids by text, in the order of the ids.
    pub(super) fn to_json(&self) -> Value {
        let ids = self.texts.iter().zip(0_u32..);
        Value::Object(ids.map(|(text, id)| (text.to_string(), Value::from(id))).collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_tokens_come_first_and_once() {
        let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let mut vocabulary = Vocabulary::new(&strings(&["<s>", "a"])).unwrap();
        assert_eq!((vocabulary.id("a"), vocabulary.id("b"), vocabulary.id("b")), (1, 2, 2));
        assert_eq!(vocabulary.to_json().to_string(), r#"{"<s>":0,"a":1,"b":2}"#);
        for (tokens, fault) in [
            (["<s>", "<s>"], "special_tokens[1]: the special token \"<s>\""),
            (["", "<s>"], "special_tokens[0]: the special token \"\""),
        ] {
            let message = format!("{fault} is empty or there twice: name each token once");
            assert_eq!(Vocabulary::new(&strings(&tokens)).unwrap_err().to_string(), message);
        }
    }
}
