//! Viterbi's algorithm over a text: of all ways to cut it into tokens, the one whose scores have the greatest sum.
//!
//! Of each place the last token of the best way there is kept, four bytes; of the sums only those within reach, so that
//! they stay in the cache however long the text is.

mod contest;
mod ends;
mod fill;
mod weights;

use super::scored_trie::Score;

pub(super) use self::contest::Contest;
use self::ends::{Far, Single};
pub(super) use self::weights::Tokens;

/// Room for more than so many places is given back after use.
const KEPT: usize = 1 << 18;

/// The id of no token.
pub(super) const NO_TOKEN: u32 = u32::MAX;

/// A character has at most so many bytes.
const CHARACTER: usize = 4;

/// The best way to each place of a text. Its memory is used again for the next text.
#[derive(Debug, Clone)]
pub(super) struct Lattice<S> {
    far: Far<Single<S>>,
    /// For each place the last token of the best way there, greater than any id for an unknown character. What the last
    /// text left is written over before it is read: a way leads to every character.
    ends: Vec<u32>,
}

impl<S> Default for Lattice<S> {
    fn default() -> Self {
        Self { far: Far::default(), ends: Vec::new() }
    }
}

impl<S: Score> Lattice<S> {
    /// Finds the best way to each place of `text`, which is UTF-8, when the sum at its begin is `start`; returns the sum
    /// at its end.
    pub(super) fn fill(&mut self, tokens: &Tokens<S>, text: &[u8], start: S) -> S {
        let room = text.len() + 1;
        if self.ends.len() < room {
            // Zeros that nobody wrote cost nothing until they are written over.
            self.ends = vec![0; room.max(2 * self.ends.len())];
        }
        let ends = &mut self.ends[..room];
        fill::fill(tokens, text, start, &mut self.far, |place, known: Single<S>| ends[place] = known.end)
    }

    /// The last token of the best way to `end`, and where it begins. `end` is the end of a token of a best way.
    #[inline]
    pub(super) fn last(&self, tokens: &Tokens<S>, end: usize) -> (u32, usize) {
        tokens.last(&self.ends, end)
    }

    /// Gives back what a very long text needed.
    pub(super) fn shrink(&mut self) {
        if self.ends.capacity() > KEPT {
            self.ends = Vec::new();
        }
    }
}
