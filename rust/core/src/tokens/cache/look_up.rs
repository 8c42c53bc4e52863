//! What is kept for a word need not be its ids: here it is whatever numbers the caller keeps.

use super::WordCache;
use super::block::{Block, WORDS};
use crate::Result;

impl WordCache {
    /// Calls `visit` with the numbers that are kept for each of the words at `places` of `text`, in order. Those of a
    /// word that was not seen before are what `make` appends to an empty list. A word is not empty.
    pub(in crate::tokens) fn look_up(
        &mut self,
        text: &str,
        places: &[(u32, u32)],
        mut make: impl FnMut(&str, &mut Vec<u32>) -> Result<()>,
        mut visit: impl FnMut(&str, &[u32]) -> Result<()>,
    ) -> Result<()> {
        let mut block = Block::new();
        let mut fresh = Vec::new();
        for places in places.chunks(WORDS) {
            block.fill(text.as_bytes(), places, &self.table);
            for (number, &(begin, end)) in places.iter().enumerate() {
                let (key, word) = (block.keys[number], &text[begin as usize..end as usize]);
                if let Some(slot) = self.table.first(key, block.lines[number])
                    && slot.key.is(key)
                    && let Some(known) = slot.ids.numbers.get(..slot.ids.count())
                {
                    visit(word, known)?;
                    continue;
                }
                if let Some(known) = self.find(word.as_bytes(), key) {
                    visit(word, known)?;
                    continue;
                }
                fresh.clear();
                make(word, &mut fresh)?;
                self.misses += 1;
                self.keep(word.as_bytes(), key, &fresh);
                visit(word, &fresh)?;
            }
        }
        Ok(())
    }
}
