//! Which pairs of symbols become one, and how early: the table that every merge looks into.

use crate::memory::{Row, fetch};

/// A hash table with open addressing, and a Bloom filter before it (Putze, Sanders, Singler: *Cache-, hash- and
/// space-efficient Bloom filters*, 2007: all bits of a key are in one word).
///
/// Most pairs that are looked for are not there. The filter, of nine bits a merge or more, says so out of the nearest
/// caches, and leaves those of the table to the pairs that are: of these the frequent ones were inserted first and stand
/// where their hash points, so that the table may be nearly full. A slot is one number, so that of the merges of GPT-2
/// most stand in the second cache.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    filter: Vec<u64>,
    /// From the highest bits on the left symbol, the right one, and the rank, each of [`BITS`] bits.
    slots: Row<u64>,
    count: usize,
    /// A hash is shifted by this to give a slot, and by [`SLOTS_A_WORD`] bits more to give a word of the filter.
    shift: u32,
}

const BITS: u32 = 21;

/// Symbols and ranks are below this.
pub(super) const LIMIT: u32 = 1 << BITS;

/// No pair: with its highest bit, which no pair has.
const FREE: u64 = u64::MAX;
const SMALLEST: usize = 64;
const MOST_ROOM: usize = 1 << 20;
/// How many slots share a word of the filter, as a power of two.
const SLOTS_A_WORD: u32 = 3;

impl Default for Pairs {
    fn default() -> Self {
        Self::with_slots(SMALLEST)
    }
}

impl Pairs {
    fn with_slots(count: usize) -> Self {
        Self {
            filter: vec![0; count >> SLOTS_A_WORD],
            slots: Row::filled(FREE, count),
            count: 0,
            shift: u64::BITS - count.trailing_zeros(),
        }
    }

    /// An empty table with room for so many pairs, or for a million if those are fewer.
    pub(super) fn with_room(count: usize) -> Self {
        let count = count.min(MOST_ROOM);
        Self::with_slots((count + count / 8 + 1).next_power_of_two().max(SMALLEST))
    }

    /// All pairs with their ranks, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = ((u32, u32), u32)> {
        let part = |slot: u64, number: u32| (slot >> (number * BITS)) as u32 % LIMIT;
        let taken = self.slots.iter().filter(|&&slot| slot != FREE);
        taken.map(move |&slot| ((part(slot, 2), part(slot, 1)), part(slot, 0)))
    }

    /// The rank of a pair. Any two numbers may be asked for.
    #[inline]
    pub(super) fn rank(&self, left: u32, right: u32) -> Option<u32> {
        let pair = pair(left, right);
        let hash = hash(pair);
        let bits = bits(hash);
        if self.filter[(hash >> (self.shift + SLOTS_A_WORD)) as usize] & bits != bits || left | right >= LIMIT
        {
            return None;
        }
        let mut place = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots[place];
            if slot >> BITS == pair {
                return Some(slot as u32 % LIMIT);
            }
            if slot == FREE {
                return None;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// Asks the memory for what tells the rank of a pair, which will be asked for soon.
    #[inline]
    pub(super) fn fetch(&self, left: u32, right: u32) {
        fetch(&self.slots, (hash(pair(left, right)) >> self.shift) as usize);
    }

    /// Adds a pair with its rank, all below [`LIMIT`]; it takes the place of an earlier one of the same pair.
    pub(super) fn insert(&mut self, (left, right): (u32, u32), rank: u32) {
        if self.count + self.count / 8 >= self.slots.len() {
            self.grow();
        }
        let pair = pair(left, right);
        let hash = hash(pair);
        self.filter[(hash >> (self.shift + SLOTS_A_WORD)) as usize] |= bits(hash);
        let mut place = (hash >> self.shift) as usize;
        loop {
            let slot = &mut self.slots[place];
            if *slot == FREE || *slot >> BITS == pair {
                self.count += usize::from(*slot == FREE);
                *slot = pair << BITS | u64::from(rank);
                return;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let mut larger = Self::with_slots(self.slots.len() * 2);
        let mut pairs: Vec<((u32, u32), u32)> = self.iter().collect();
        pairs.sort_unstable_by_key(|&(_, rank)| rank);
        for (pair, rank) in pairs {
            larger.insert(pair, rank);
        }
        *self = larger;
    }
}

#[inline]
fn pair(left: u32, right: u32) -> u64 {
    u64::from(left) << BITS | u64::from(right)
}

/// Both halves of the product with the golden ratio: its high bits alone would depend on few bits of the left id.
#[inline]
fn hash(pair: u64) -> u64 {
    let product = u128::from(pair) * 0x9E37_79B9_7F4A_7C15;
    (product >> u64::BITS) as u64 ^ product as u64
}

/// The bits of a key in its word of the filter.
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
        fn finds_what_was_last_inserted(
            pairs in proptest::collection::vec((0_u32..40, 0_u32..40), 0..500),
            highest in proptest::collection::vec((LIMIT - 9..LIMIT, LIMIT - 9..LIMIT), 0..50),
            others in proptest::collection::vec((0_u32..50, any::<u32>()), 0..50),
        ) {
            let (mut table, mut want) = (Pairs::default(), BTreeMap::new());
            for (rank, &pair) in (0..).zip(pairs.iter().chain(&highest)) {
                table.insert(pair, LIMIT - 1 - rank);
                want.insert(pair, LIMIT - 1 - rank);
            }
            prop_assert_eq!(&table.iter().collect::<BTreeMap<_, _>>(), &want);
            // Neighbours of the limit share bits with pairs below it.
            let beyond = highest.iter().map(|&(left, right)| (left - 1, right + LIMIT));
            for pair in pairs.iter().copied().chain(beyond).chain(others) {
                prop_assert_eq!(table.rank(pair.0, pair.1), want.get(&pair).copied());
            }
        }
    }
}
