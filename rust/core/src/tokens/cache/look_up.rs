//! What is kept for a word need not be its ids: here it is whatever numbers the caller keeps.

use super::{BLOCK, Key, WordCache};
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
        let mut keys = [(Key::NONE, 0); BLOCK];
        let mut fresh = Vec::new();
        for block in places.chunks(BLOCK) {
            for (place, &(begin, end)) in keys.iter_mut().zip(block) {
                let key = Key::new(text.as_bytes(), begin as usize, end as usize);
                *place = (key, key.hash());
                self.table.fetch(place.1);
            }
            for (&(key, hash), &(begin, end)) in keys.iter().zip(block) {
                let word = &text[begin as usize..end as usize];
                let slot = self.table.first(hash);
                if slot.key == key
                    && let Some(known) = slot.ids.numbers.get(..slot.ids.count())
                {
                    visit(word, known)?;
                    continue;
                }
                if let Some(known) = self.find(word.as_bytes(), key, hash) {
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
