//! Distinct strings, each with a count: open addressing, one half of a cache line for each string.

/// The smallest table; a power of two.
const SMALLEST_TABLE: usize = 64;

/// The most bytes of a word that is kept in its entry.
const SHORT: usize = 15;

/// In place of a short word's length: the entry says where the word is.
const LONG: u8 = u8::MAX;

/// Odd numbers without a pattern: the fraction of the golden ratio and a prime of the xxHash family.
const MIX: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];

/// A word with its count; there is none where the count is 0.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The bytes of a short word, zeros, and its length in the last byte. For a long word eight bytes of where it begins
    /// in `Tally::text`, seven of its length, and `LONG`.
    key: [u8; 16],
    hash: u64,
    count: u64,
}

const EMPTY: Entry = Entry { key: [0; 16], hash: 0, count: 0 };

/// A word that has been counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted<'a> {
    pub(super) word: &'a str,
    pub(super) count: u64,
    pub(super) hash: u64,
}

/// Words and how often each has been added.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// At most three quarters full.
    table: Vec<Entry>,
    words: usize,
    /// The long words.
    text: String,
}

impl Tally {
    pub(super) fn len(&self) -> usize {
        self.words
    }

    /// How much memory the words take.
    pub(super) fn bytes(&self) -> usize {
        self.table.len() * size_of::<Entry>() + self.text.len()
    }

    /// The words with their counts, in the order of the table.
    pub(super) fn iter(&self) -> impl Iterator<Item = Counted<'_>> {
        self.table.iter().filter(|entry| entry.count > 0).map(|entry| Counted {
            word: self.word(entry),
            count: entry.count,
            hash: entry.hash,
        })
    }

    fn word<'a>(&'a self, entry: &'a Entry) -> &'a str {
        match entry.key[SHORT] {
            LONG => {
                let (start, length) = place_of(&entry.key);
                &self.text[start..start + length]
            }
            // It was a string when it was added.
            length => std::str::from_utf8(&entry.key[..usize::from(length)]).unwrap_or_default(),
        }
    }

    /// Adds `count`, which is not 0, to that of `word`.
    #[inline]
    pub(super) fn add(&mut self, word: &str, count: u64) {
        if self.words * 4 >= self.table.len() * 3 {
            self.grow();
        }
        match packed(word.as_bytes()) {
            Some(key) => self.add_short(key, count),
            None => self.add_long(word, count),
        }
    }

    #[inline]
    fn add_short(&mut self, key: u128, count: u64) {
        let hash = folded(key as u64 ^ MIX[0], (key >> 64) as u64 ^ MIX[1]);
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let entry = &mut self.table[slot];
            if u128::from_le_bytes(entry.key) == key && entry.count > 0 {
                entry.count = entry.count.saturating_add(count);
                return;
            }
            if entry.count == 0 {
                *entry = Entry { key: key.to_le_bytes(), hash, count };
                self.words += 1;
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn add_long(&mut self, word: &str, count: u64) {
        let hash = long_hash(word.as_bytes());
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let entry = self.table[slot];
            if entry.count == 0 {
                let key = key_of_place(self.text.len(), word.len());
                self.text.push_str(word);
                self.table[slot] = Entry { key, hash, count };
                self.words += 1;
                return;
            }
            if entry.hash == hash && entry.key[SHORT] == LONG && self.word(&entry) == word {
                self.table[slot].count = entry.count.saturating_add(count);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(SMALLEST_TABLE);
        let full = std::mem::replace(&mut self.table, vec![EMPTY; size]);
        for entry in full.into_iter().filter(|entry| entry.count > 0) {
            let mut slot = entry.hash as usize & (size - 1);
            while self.table[slot].count > 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.table[slot] = entry;
        }
    }
}

/// A short word as the key of its entry, read as one number.
#[inline]
fn packed(word: &[u8]) -> Option<u128> {
    let length = word.len();
    let low = if let (Some(first), Some(last)) = (word.first_chunk::<8>(), word.last_chunk::<8>()) {
        if length > SHORT {
            return None;
        }
        // The last eight bytes, without those that are among the first eight; in two steps, as there may be eight.
        let high = (u64::from_le_bytes(*last) >> 1) >> (127 - 8 * length);
        u128::from(u64::from_le_bytes(*first)) | u128::from(high) << 64
    } else if let (Some(first), Some(last)) = (word.first_chunk::<4>(), word.last_chunk::<4>()) {
        let high = u64::from(u32::from_le_bytes(*last)) >> (64 - 8 * length);
        u128::from(u64::from(u32::from_le_bytes(*first)) | high << 32)
    } else if let (Some(first), Some(last)) = (word.first(), word.last()) {
        let middle = word[length / 2];
        u128::from(*first)
            | u128::from(middle) << (8 * (length / 2))
            | u128::from(*last) << (8 * (length - 1))
    } else {
        0
    };
    Some(low | (length as u128) << (8 * SHORT))
}

fn key_of_place(start: usize, length: usize) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&(start as u64).to_le_bytes());
    key[8..].copy_from_slice(&(length as u64).to_le_bytes());
    key[SHORT] = LONG;
    key
}

fn place_of(key: &[u8; 16]) -> (usize, usize) {
    let number = u128::from_le_bytes(*key);
    (number as u64 as usize, (number << 8 >> 72) as usize)
}

/// Both halves of the product.
#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

fn long_hash(word: &[u8]) -> u64 {
    let mut hash = word.len() as u64;
    let mut mix = |bytes: &[u8; 16]| {
        let number = u128::from_le_bytes(*bytes);
        hash = folded(number as u64 ^ hash ^ MIX[0], (number >> 64) as u64 ^ MIX[1]);
    };
    let (chunks, rest) = word.as_chunks::<16>();
    chunks.iter().for_each(&mut mix);
    if let (false, Some(last)) = (rest.is_empty(), word.last_chunk::<16>()) {
        mix(last);
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_as_a_map_does(
            words in prop::collection::vec("[ab\u{e9}]{0,4}|[ab]{13,18}|[ab\0]{30,36}", 0..300),
        ) {
            let (mut tally, mut map) = (Tally::default(), BTreeMap::new());
            for (index, word) in words.iter().enumerate() {
                tally.add(word, index as u64 + 1);
                *map.entry(word.as_str()).or_insert(0) += index as u64 + 1;
            }
            prop_assert_eq!(tally.len(), map.len());
            prop_assert_eq!(tally.iter().map(|one| (one.word, one.count)).collect::<BTreeMap<_, _>>(), map);
        }

        #[test]
        fn words_of_one_hash_are_one_word(words in prop::collection::btree_set("[ab\0]{0,40}", 0..300)) {
            let mut tally = Tally::default();
            for word in &words {
                tally.add(word, 1);
            }
            let hashes: std::collections::BTreeSet<u64> = tally.iter().map(|one| one.hash).collect();
            prop_assert_eq!(hashes.len(), words.len());
        }
    }

    #[test]
    fn zeros_and_lengths_tell_words_apart() {
        let text = "\0".repeat(40);
        let mut tally = Tally::default();
        (0..=40).for_each(|length| tally.add(&text[..length], length as u64 + 1));
        let mut found: Vec<(usize, u64)> = tally.iter().map(|one| (one.word.len(), one.count)).collect();
        found.sort_unstable();
        assert_eq!(found, (0..=40).zip(1..).collect::<Vec<_>>());
    }

    #[test]
    fn counts_stay_at_the_greatest_number() {
        let mut tally = Tally::default();
        for word in ["short", "longer than an entry"] {
            tally.add(word, u64::MAX);
            tally.add(word, 2);
        }
        assert!(tally.iter().all(|one| one.count == u64::MAX));
    }
}
