//! Words whose keys are worked out, and whose lines are fetched, before the first of them is looked at.

use super::key::Key;
use super::table::Table;

/// The most words of a block.
pub(super) const WORDS: usize = 64;

/// The keys of words, and for each the line of the table where it is looked for first.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) keys: [Key; WORDS],
    pub(super) lines: [usize; WORDS],
}

impl Block {
    pub(super) fn new() -> Self {
        Self { keys: [Key::NONE; WORDS], lines: [0; WORDS] }
    }

    /// Takes the words at up to [`WORDS`] places of a text, and asks for their lines.
    #[inline]
    pub(super) fn fill(&mut self, text: &[u8], places: &[(u32, u32)], table: &Table) {
        for ((word, line), &(begin, end)) in self.keys.iter_mut().zip(&mut self.lines).zip(places) {
            let key = Key::new(text, begin as usize, end as usize);
            (*word, *line) = (key, table.line(key.hash()));
            table.fetch(*line);
        }
    }
}
