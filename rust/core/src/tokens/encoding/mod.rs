//! What encoding a text gives: its tokens, where each came from, and which text of a pair it belongs to.

mod lookup;
mod merge;

use std::collections::BTreeMap;
use std::ops::Range;

pub use merge::OVERFLOW_LIMIT;

/// The word of a token that belongs to none: special tokens and padding.
pub const NO_WORD: i32 = -1;

/// One token of an [`Encoding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedToken {
    /// Its id.
    pub id: u32,
    /// Which kind of text it stands in, as BERT numbers them (0: the first, 1: the second).
    pub type_id: u32,
    /// The characters of the text that it covers; (0, 0) for what was put in.
    pub span: (u32, u32),
    /// The word of the text that it belongs to, or [`NO_WORD`].
    pub word_id: i32,
    /// The characters of white space with which the token itself begins and ends: post-processors that trim spans
    /// go by the token's text, not by the text that it covers. See [`white_space_ends`](super::white_space_ends).
    pub white_space: (u32, u32),
    /// Whether it was put in: a special token of the post-processor, or padding.
    pub special: bool,
    /// Whether a model attends to it: everything but padding.
    pub attended: bool,
}

impl EncodedToken {
    /// A token of the text.
    pub fn new(id: u32, type_id: u32, span: (u32, u32), word_id: i32) -> Self {
        Self { id, type_id, span, word_id, white_space: (0, 0), special: false, attended: true }
    }

    /// A special token that stands for no text.
    pub fn special(id: u32, type_id: u32) -> Self {
        Self { special: true, ..Self::new(id, type_id, (0, 0), NO_WORD) }
    }

    /// A token that fills a row up.
    pub fn padding(id: u32, type_id: u32) -> Self {
        Self { attended: false, ..Self::special(id, type_id) }
    }
}

/// The tokens of a text or of a pair of texts, and what truncation cut off.
///
/// Which text a token belongs to is kept as ranges, one a text, under the rules of the `tokenizers` library: without
/// any range there is one text and it is everything, special tokens included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The tokens.
    pub tokens: Vec<EncodedToken>,
    /// What truncation cut off, as encodings of their own.
    pub overflowing: Vec<Encoding>,
    /// The tokens of each text, by the text's number.
    pub(super) ranges: BTreeMap<usize, Range<usize>>,
}

impl From<Vec<EncodedToken>> for Encoding {
    fn from(tokens: Vec<EncodedToken>) -> Self {
        Self { tokens, ..Self::default() }
    }
}

impl Encoding {
    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.iter().map(|token| token.id)
    }

    /// Says that all tokens are of the text with this number.
    pub fn set_sequence_id(&mut self, sequence: usize) {
        self.ranges.insert(sequence, 0..self.len());
    }

    /// Says which tokens are of the text with this number, the other texts forgotten.
    pub(super) fn set_only_range(&mut self, sequence: usize, range: Range<usize>) {
        self.ranges = BTreeMap::from([(sequence, range)]);
    }

    /// Gives every token this type.
    pub fn set_type_id(&mut self, type_id: u32) {
        for token in &mut self.tokens {
            token.type_id = type_id;
        }
    }
}
