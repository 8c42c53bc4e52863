//! What masked language modelling can be told, and what is refused.

use super::super::{check_id, check_probability};
use crate::{Error, Result};

/// What is chosen at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grouping {
    /// A token.
    Token,
    /// A word: Devlin et al., "whole word masking".
    Word,
    /// Some words that follow each other, n with a probability in proportion to 1 / n: Lan et al., *ALBERT* (2020).
    Ngram {
        /// In words.
        longest: usize,
    },
    /// Some words that follow each other, n with a probability in proportion to p (1 - p)^(n - 1): Joshi et al.,
    /// *SpanBERT* (2020).
    Span {
        /// How likely a span ends after a word.
        p: f64,
        /// In words.
        longest: usize,
        /// Whether what would be longer is as long, instead of left out.
        clipped: bool,
    },
}

/// How many tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Each group with the same probability.
    Bernoulli,
    /// As many as the probability says, rounded, in each row that has them.
    Exact {
        /// But no more than these.
        max_predictions: Option<usize>,
    },
}

/// What becomes a mask or another token, or stays, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceUnit {
    /// A token.
    Token,
    /// A group.
    Group,
}

/// The settings of [`super::MaskedLm`].
#[derive(Debug, Clone, PartialEq)]
pub struct MaskedLmSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// The id of the mask token.
    pub mask_id: u32,
    /// What padding holds in `input_ids`.
    pub pad_id: u32,
    /// Never chosen, and never drawn as a random token.
    pub special_ids: Vec<u32>,
    /// Never chosen, though a random token may be one of them.
    pub never_mask_ids: Vec<u32>,
    /// The ids that begin a word, where there are words.
    pub word_starts: Vec<u32>,
    /// How likely a token is chosen.
    pub mlm_probability: f64,
    /// How likely a chosen token becomes the mask token.
    pub mask_replace_prob: f64,
    /// How likely a chosen token becomes a random token.
    pub random_replace_prob: f64,
    /// What is chosen at once.
    pub grouping: Grouping,
    /// How many are.
    pub count: Count,
    /// What has one fate.
    pub replace_unit: ReplaceUnit,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

impl MaskedLmSettings {
    /// Whether a token is chosen whatever happens to others.
    pub(super) fn is_token_by_token(&self) -> bool {
        self.grouping == Grouping::Token && self.count == Count::Bernoulli
    }

    pub(super) fn check(&self) -> Result<()> {
        self.check_ids()?;
        self.check_grouping()?;
        let (mask, random) = (self.mask_replace_prob, self.random_replace_prob);
        check_probability("mlm_probability", self.mlm_probability)?;
        check_probability("mask_replace_prob", mask)?;
        check_probability("random_replace_prob", random)?;
        if mask + random > 1.0 {
            let sum = format!("mask_replace_prob {mask} + random_replace_prob {random} is above 1");
            return Err(Error::new(sum)
                .advise("they are shares of the chosen tokens; what is left of 1 stays as it is"));
        }
        if random > 0.0 && self.special_ids.len() >= self.vocab_size as usize {
            return Err(Error::new("every id is special, so there is no random token to draw")
                .advise("set random_replace_prob to 0, or name fewer special_ids"));
        }
        Ok(())
    }

    fn check_ids(&self) -> Result<()> {
        check_id("mask_id", self.mask_id, self.vocab_size)?;
        check_id("pad_id", self.pad_id, self.vocab_size)?;
        self.special_ids.iter().try_for_each(|&id| check_id("special_ids", id, self.vocab_size))?;
        self.never_mask_ids.iter().try_for_each(|&id| check_id("never_mask_ids", id, self.vocab_size))?;
        self.word_starts.iter().try_for_each(|&id| check_id("word_starts", id, self.vocab_size))
    }

    fn check_grouping(&self) -> Result<()> {
        match self.grouping {
            Grouping::Ngram { longest: 0 } => {
                Err(Error::new("max_ngram is 0").advise("give at least 1 word"))
            }
            Grouping::Span { longest: 0, .. } => {
                Err(Error::new("max_span is 0").advise("give at least 1 word"))
            }
            Grouping::Span { p, .. } if !(p > 0.0 && p <= 1.0) => Err(Error::new(format!("span_p is {p}"))
                .advise("give a probability above 0, that of a span to end after a word")),
            _ => Ok(()),
        }
    }
}
