//! `WordPiece`, as the `tokenizers` library trains it: the vocabulary of a byte-pair encoding whose continuing
//! symbols have a prefix. (The original chose the merge that raises the likelihood most, Schuster and Nakajima
//! 2012; its trainer was never published.)

use serde_json::json;

use super::bpe::BpeSettings;
use super::{Trained, WordCounts};
use crate::Result;

/// What a `WordPiece` vocabulary is trained with; the names and the defaults are those of the `tokenizers` library's
/// `WordPieceTrainer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPieceSettings {
    /// The number of tokens in all.
    pub vocab_size: usize,
    /// Pairs seen less often than this are not merged.
    pub min_frequency: u64,
    /// The special tokens, which get the ids from 0.
    pub special_tokens: Vec<String>,
    /// At most this many characters are kept, the most frequent ones; the others are left out of their words.
    pub limit_alphabet: Option<usize>,
    /// Characters that are kept before others, whether the text has them or not.
    pub initial_alphabet: Vec<char>,
    /// Put before each symbol that continues a word.
    pub continuing_subword_prefix: Option<String>,
    /// Put after the last character of each word.
    pub end_of_word_suffix: Option<String>,
    /// What stands for a word that cannot be spelled. Training does not use it; it is written into the model.
    pub unk_token: String,
}

impl Default for WordPieceSettings {
    fn default() -> Self {
        Self {
            vocab_size: 30_000,
            min_frequency: 0,
            special_tokens: Vec::new(),
            limit_alphabet: None,
            initial_alphabet: Vec::new(),
            continuing_subword_prefix: Some("##".to_owned()),
            end_of_word_suffix: None,
            unk_token: "[UNK]".to_owned(),
        }
    }
}

impl WordPieceSettings {
    /// Learns a vocabulary from `counts`. `report(tokens, vocab_size)` is called now and then; an error of its ends
    /// the training.
    pub fn train(
        &self,
        counts: WordCounts,
        num_threads: usize,
        report: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<Trained> {
        let bpe = BpeSettings {
            vocab_size: self.vocab_size,
            min_frequency: self.min_frequency,
            special_tokens: self.special_tokens.clone(),
            limit_alphabet: self.limit_alphabet,
            initial_alphabet: self.initial_alphabet.clone(),
            continuing_subword_prefix: self.continuing_subword_prefix.clone(),
            end_of_word_suffix: self.end_of_word_suffix.clone(),
            ..BpeSettings::default()
        };
        let (vocabulary, _) = bpe.learn(counts, num_threads, report)?;
        Ok(Trained {
            model: json!({
                "type": "WordPiece",
                "unk_token": self.unk_token,
                // Without a prefix the library's model has its usual one, and so has ours.
                "continuing_subword_prefix": self.continuing_subword_prefix.as_deref().unwrap_or("##"),
                "max_input_chars_per_word": 100,
                "vocab": vocabulary.to_json(),
            }),
            special_tokens: vocabulary.with_ids(&self.special_tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(settings: &WordPieceSettings, text: &str) -> Result<Trained> {
        let mut counts = WordCounts::new();
        text.split(' ').for_each(|word| counts.add(word, 1));
        settings.train(counts, 1, |_, _| Ok(()))
    }

    #[test]
    fn models_are_those_of_the_tokenizers_library() {
        let settings = WordPieceSettings {
            vocab_size: 12,
            special_tokens: vec!["[PAD]".into(), "[UNK]".into()],
            ..WordPieceSettings::default()
        };
        let got = trained(&settings, "ab abab abb").unwrap();
        assert_eq!(
            got.model.to_string(),
            r###"{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[PAD]":0,"[UNK]":1,"a":2,"b":3,"##a":4,"##b":5,"ab":6,"##ab":7,"abb":8,"abab":9}}"###
        );
        assert_eq!(got.special_tokens, [("[PAD]".to_owned(), 0), ("[UNK]".to_owned(), 1)]);
    }

    #[test]
    fn the_forms_of_characters_need_room_too() {
        let small = WordPieceSettings { vocab_size: 3, ..WordPieceSettings::default() };
        let message = "vocab_size is 3, but 4 ids are taken by 0 special tokens and an alphabet of 4: give at least \
                       4, or keep fewer characters with limit_alphabet";
        assert_eq!(trained(&small, "aa bb").unwrap_err().to_string(), message);
    }
}
