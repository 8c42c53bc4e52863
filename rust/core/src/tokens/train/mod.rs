//! Learns a vocabulary from text.
//!
//! Text is counted into [`WordCounts`] batch by batch; what is trained on the counts is a matter of settings:
//! [`BpeSettings`] and [`WordPieceSettings`] learn what the trainers of the `tokenizers` library learn, to the
//! letter, [`UnigramSettings`] learns as the `sentencepiece` library does. The same words in the same numbers give
//! the same vocabulary, whatever the number of threads.

mod alphabet;
mod bpe;
#[cfg(test)]
mod bpe_cases;
mod chain;
mod changes;
mod first_pairs;
mod merges;
mod pair_table;
mod pairs;
mod steps;
mod tally;
mod unigram;
mod vocabulary;
mod wordpiece;
mod words;

use serde_json::Value;

pub use alphabet::byte_alphabet;
pub use bpe::BpeSettings;
pub use unigram::UnigramSettings;
pub use wordpiece::WordPieceSettings;
pub use words::{CutText, SplitWords, WordCounts};

/// What a trainer has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The field `model` of a `tokenizer.json`. What training does not decide (an unknown token of a BPE, dropout)
    /// has the value that the `tokenizers` library gives a new model, and may be overwritten.
    pub model: Value,
    /// The special tokens, in the order of the settings, with their ids.
    pub special_tokens: Vec<(String, u32)>,
}
