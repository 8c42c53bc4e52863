//! Words that are one token.
//!
//! A third of the different words of an English text are tokens. That they are is seen at once, where it is known of a
//! token that its text is merged to it.

/// A word is looked for up to this length: with its length and its token it is one number, and to compare numbers is to
/// compare words.
const LONGEST: usize = 12;
/// How many places are looked at for a word. A word that would be further off is left out: it is merged.
const FARTHEST: usize = 32;
/// How many places share a word of the filter, as a power of two.
const PLACES_A_WORD: u32 = 3;
/// The bits of a number from here on are the token; those below are the word.
const ID: u32 = 100;
/// Ids have the bits that are left.
const HIGHEST_ID: u32 = (1 << (u128::BITS - ID)) - 1;

/// A hash table of words, before it a filter of bits, as that of [`super::pairs`] has.
#[derive(Debug, Clone)]
pub(super) struct WholeTokens {
    filter: Vec<u64>,
    /// Word and token. No word has the key 0.
    places: Vec<u128>,
    /// A hash is shifted by this to give a place, and by [`PLACES_A_WORD`] bits more to give a word of the filter.
    shift: u32,
}

impl WholeTokens {
    /// An empty table with room for so many words.
    pub(super) fn with_room(count: usize) -> Self {
        let places = (count + count / 4).next_power_of_two().max(64);
        Self {
            filter: vec![0; places >> PLACES_A_WORD],
            places: vec![0; places],
            shift: u64::BITS - places.trailing_zeros(),
        }
    }

    /// Adds a word, of any length, that is not there.
    pub(super) fn insert(&mut self, word: &[u8], id: u32) {
        let Some(key) = key(word).filter(|_| id <= HIGHEST_ID) else { return };
        let hash = hash(key);
        if let Some(place) = self.near(hash).find(|&place| self.places[place] == 0) {
            self.places[place] = key | u128::from(id) << ID;
            self.filter[(hash >> (self.shift + PLACES_A_WORD)) as usize] |= bits(hash);
        }
    }

    /// The token that a word is.
    #[inline]
    pub(super) fn get(&self, word: &[u8]) -> Option<u32> {
        let key = key(word)?;
        let hash = hash(key);
        let bits = bits(hash);
        if self.filter[(hash >> (self.shift + PLACES_A_WORD)) as usize] & bits != bits {
            return None;
        }
        let mut numbers = self.near(hash).map(|place| self.places[place]);
        let number = numbers.find(|&number| is(number, key) || number == 0)?;
        is(number, key).then_some((number >> ID) as u32)
    }

    /// The places where a word may be.
    #[inline]
    fn near(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (first, last) = ((hash >> self.shift) as usize, self.places.len() - 1);
        (0..FARTHEST).map(move |step| (first + step) & last)
    }
}

#[inline]
fn is(number: u128, key: u128) -> bool {
    (number ^ key) << (u128::BITS - ID) == 0
}

/// A word with its length; None if it is too long, or empty.
#[inline]
fn key(word: &[u8]) -> Option<u128> {
    let length = word.len();
    let bytes = match length {
        0 => return None,
        1..4 => word.iter().rev().fold(0, |bytes, &byte| bytes << 8 | u128::from(byte)),
        4..8 => {
            let (first, last) = (word.first_chunk::<4>()?, word.last_chunk::<4>()?);
            u128::from(
                u64::from(u32::from_le_bytes(*first))
                    | u64::from(u32::from_le_bytes(*last)) << (8 * (length - 4)),
            )
        }
        8..=LONGEST => {
            let (first, last) = (word.first_chunk::<8>()?, word.last_chunk::<8>()?);
            u128::from(u64::from_le_bytes(*first))
                | u128::from(u64::from_le_bytes(*last)) << (8 * (length - 8))
        }
        _ => return None,
    };
    Some(bytes | (length as u128) << (8 * LONGEST))
}

/// Both halves of a product, as wyhash has it.
#[inline]
fn hash(key: u128) -> u64 {
    let (low, high) = (key as u64, (key >> 64) as u64);
    let product = u128::from(low ^ 0x9E37_79B9_7F4A_7C15) * u128::from(high ^ 0xD6E8_FEB8_6659_FD93);
    (product >> 64) as u64 ^ product as u64
}

/// The bits of a word in its word of the filter.
#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash % 64) | 1 << (hash / 64 % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn finds_what_was_inserted(
            words in proptest::collection::btree_map(proptest::collection::vec(0_u8..3, 0..20), 0..=HIGHEST_ID, 0..200),
            others in proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..20), 0..100),
            room in 0_usize..200,
        ) {
            let words: BTreeMap<Vec<u8>, u32> = words;
            let mut table = WholeTokens::with_room(room);
            for (word, &id) in &words {
                table.insert(word, id);
            }
            for word in words.keys().chain(&others) {
                let found = table.get(word);
                prop_assert!(found.is_none() || found == words.get(word).copied());
                let must_be_there = room >= words.len() && (1..=LONGEST).contains(&word.len());
                prop_assert!(found.is_some() || !must_be_there || !words.contains_key(word));
            }
        }

        #[test]
        fn keys_are_different(words in proptest::collection::btree_set(proptest::collection::vec(0_u8..3, 1..=LONGEST), 0..300)) {
            let keys: std::collections::BTreeSet<_> = words.iter().map(|word| key(word)).collect();
            prop_assert_eq!(keys.len(), words.len());
        }
    }
}
