//! Distinct strings, each with a count, in little memory: one buffer of bytes and a table of numbers.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// The smallest table; a power of two.
const SMALLEST_TABLE: usize = 16;

/// The hash by which words are found, the same in every tally.
pub(super) fn hash_of(word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(word.as_bytes());
    hasher.finish()
}

/// Words in the order in which they were first added.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    text: String,
    words: Vec<Word>,
    /// Open addressing, at most three quarters full; `number` is one more than a word's index, 0 is empty.
    table: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    end: usize,
    count: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    hash: u32,
    number: u32,
}

impl Tally {
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The words with their counts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        (0..self.words.len()).map(|index| (self.word(index), self.words[index].count))
    }

    fn word(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.words[before].end);
        &self.text[start..self.words[index].end]
    }

    /// Adds `count` to that of `word`, whose hash is given.
    pub(super) fn add(&mut self, word: &str, hash: u64, count: u64) {
        if self.words.len() * 4 >= self.table.len() * 3 {
            self.grow();
        }
        // The low half is kept to tell words apart; it also says where to look.
        let hash = hash as u32;
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let place = self.table[slot];
            if place.number == 0 {
                self.text.push_str(word);
                self.words.push(Word { end: self.text.len(), count });
                self.table[slot] = Place { hash, number: self.words.len() as u32 };
                return;
            }
            let index = place.number as usize - 1;
            if place.hash == hash && self.word(index) == word {
                self.words[index].count = self.words[index].count.saturating_add(count);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(SMALLEST_TABLE);
        let full = std::mem::replace(&mut self.table, vec![Place::default(); size]);
        for place in full.into_iter().filter(|place| place.number != 0) {
            let mut slot = place.hash as usize & (size - 1);
            while self.table[slot].number != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.table[slot] = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_as_a_map_does(words in prop::collection::vec("[ab\u{e9}]{0,4}", 0..300)) {
            let (mut tally, mut map) = (Tally::default(), BTreeMap::new());
            for (index, word) in words.iter().enumerate() {
                tally.add(word, hash_of(word), index as u64);
                *map.entry(word.as_str()).or_insert(0) += index as u64;
            }
            prop_assert_eq!(tally.len(), map.len());
            prop_assert_eq!(tally.iter().collect::<BTreeMap<_, _>>(), map);
        }
    }

    #[test]
    fn words_of_one_hash_are_told_apart() {
        let mut tally = Tally::default();
        for word in ["a", "b", "a", "c"] {
            tally.add(word, 7, 1);
        }
        assert_eq!(tally.iter().collect::<Vec<_>>(), [("a", 2), ("b", 1), ("c", 1)]);
    }
}
