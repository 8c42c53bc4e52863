//! `WordPiece`: the longest token first, then the longest that continues the word (Schuster and Nakajima 2012).
//!
//! The search is linear in the word: see `automaton.rs`.

mod automaton;
mod double_array;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Token, file, no_unknown_token};
use crate::Result;
use crate::tokens::Vocab;
use automaton::Automaton;

/// A vocabulary of the beginnings of words and of what continues them.
#[derive(Debug, Clone)]
pub struct WordPiece {
    vocab: Vocab,
    unk_token: String,
    unk_id: Option<u32>,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    automaton: Automaton,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordPieceFile {
    #[serde(rename = "type")]
    _kind: Option<String>,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: Map<String, Value>,
}

impl WordPiece {
    /// A model from its vocabulary. The unknown token may be missing from it: then unknown words are errors.
    pub fn new(
        vocab: Vocab,
        unk_token: String,
        continuing_subword_prefix: String,
        max_input_chars_per_word: usize,
    ) -> Self {
        Self {
            automaton: Automaton::new(&vocab, &continuing_subword_prefix),
            unk_id: vocab.id(&unk_token),
            vocab,
            unk_token,
            continuing_subword_prefix,
            max_input_chars_per_word,
        }
    }

    pub(super) fn from_json(model: Value) -> Result<Self> {
        let fields: WordPieceFile = file::fields(model)?;
        let (unk_token, prefix) = (fields.unk_token, fields.continuing_subword_prefix);
        Ok(Self::new(file::vocab(&fields.vocab)?, unk_token, prefix, fields.max_input_chars_per_word))
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "type": "WordPiece",
            "unk_token": self.unk_token,
            "continuing_subword_prefix": self.continuing_subword_prefix,
            "max_input_chars_per_word": self.max_input_chars_per_word,
            "vocab": file::vocab_to_json(&self.vocab),
        })
    }

    pub(super) fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    pub(super) fn max_input_chars_per_word(&self) -> usize {
        self.max_input_chars_per_word
    }

    pub(super) fn encode_word(&self, word: &str, tokens: &mut Vec<Token>) -> Result<()> {
        let mut ids = Vec::new();
        if self.push_tokens(word.as_bytes(), &mut ids) {
            tokens.extend(ids.iter().enumerate().map(|(place, &id)| self.token(id, place)));
        } else {
            let id = self.unk_id.ok_or_else(|| no_unknown_token(word, &self.unk_token))?;
            tokens.push(Token { id, length: word.len() as u32 });
        }
        Ok(())
    }

    /// Appends the ids of a word, which is UTF-8.
    pub(in crate::tokens) fn encode_ids(&self, word: &[u8], ids: &mut Vec<u32>) -> Result<()> {
        let start = ids.len();
        if !self.push_tokens(word, ids) {
            let unknown = || no_unknown_token(&String::from_utf8_lossy(word), &self.unk_token);
            let id = self.unk_id.ok_or_else(unknown)?;
            ids.truncate(start);
            ids.push(id);
        }
        Ok(())
    }

    /// Appends the ids of a word; false, and perhaps some of them, where it is unknown.
    fn push_tokens(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let limit = self.max_input_chars_per_word;
        let is_too_long = word.len() > limit && number_of_characters(word) > limit;
        !is_too_long && self.automaton.push_longest(word, ids)
    }

    /// A token that is the `place`th of its word: all but the first have the prefix, which is not in the word.
    fn token(&self, id: u32, place: usize) -> Token {
        let prefix = if place == 0 { 0 } else { self.continuing_subword_prefix.len() };
        let spelled = self.vocab.token(id).map_or(0, str::len);
        Token { id, length: spelled.saturating_sub(prefix) as u32 }
    }
}

/// Of UTF-8: every byte but those that continue a character.
fn number_of_characters(word: &[u8]) -> usize {
    word.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(tokens: &[&str], prefix: &str, limit: usize) -> WordPiece {
        let mut vocab = Vocab::default();
        for token in tokens {
            vocab.append(token).unwrap();
        }
        WordPiece::new(vocab, "[UNK]".into(), prefix.into(), limit)
    }

    /// The definition: of all tokens that fit the longest, again and again.
    fn by_definition(model: &WordPiece, word: &str) -> Option<Vec<Token>> {
        let (mut tokens, mut begin) = (Vec::new(), 0);
        while begin < word.len() {
            let ends = (begin + 1..=word.len()).rev().filter(|&end| word.is_char_boundary(end));
            let prefix = if begin > 0 { model.continuing_subword_prefix.as_str() } else { "" };
            let mut fitting = ends
                .filter_map(|end| Some((end, model.vocab.id(&format!("{prefix}{}", &word[begin..end]))?)));
            let (end, id) = fitting.next()?;
            tokens.push(Token { id, length: (end - begin) as u32 });
            begin = end;
        }
        Some(tokens)
    }

    fn found(model: &WordPiece, word: &str) -> Option<Vec<Token>> {
        let mut ids = Vec::new();
        let found = model.automaton.push_longest(word.as_bytes(), &mut ids);
        found.then(|| ids.iter().enumerate().map(|(place, &id)| model.token(id, place)).collect())
    }

    proptest! {
        #[test]
        fn links_find_what_the_definition_says(
            tokens in proptest::collection::btree_set("(##|#)?[abé]{0,5}", 0..24),
            prefix in "#{0,2}",
            words in proptest::collection::vec("#{0,3}[abé]{1,12}", 1..20),
        ) {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let model = model(&tokens, &prefix, 100);
            for word in words {
                prop_assert_eq!(found(&model, &word), by_definition(&model, &word), "{} with {:?}", word, tokens);
            }
        }
    }

    #[test]
    fn a_word_of_a_megabyte_is_no_trouble_whatever_the_vocabulary() {
        // Longest first, by definition, this takes the square of the length: each search runs to the word's end.
        let long = format!("{}b", "a".repeat(100_000));
        let model = model(&["[UNK]", "a", "##a", &long, &format!("##{long}")], "##", usize::MAX);
        let word = "a".repeat(1_000_000);
        assert_eq!(found(&model, &word).unwrap().len(), 1_000_000);
        assert_eq!(found(&model, &format!("{word}b")).unwrap().len(), 1_000_000 - 100_000 + 1);
        let mut tokens = Vec::new();
        model.encode_word(&format!("{word}c"), &mut tokens).unwrap();
        assert_eq!(tokens, [Token { id: 0, length: 1_000_001 }]);
    }
}
