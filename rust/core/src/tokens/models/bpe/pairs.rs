//! Which pairs of symbols become one, and how early: the table that every merge looks into.

/// What a pair of neighbours becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) left: u32,
    pub(super) right: u32,
    /// Lower ranks are merged first.
    pub(super) rank: u32,
    /// The symbol that the two become.
    pub(super) id: u32,
}

/// A hash table with open addressing, and a Bloom filter before it (Putze, Sanders, Singler: *Cache-, hash- and
/// space-efficient Bloom filters*, 2007: all bits of a key are in one word).
///
/// Most pairs that are looked for are not there. The filter, of nine bits a merge or more, says so out of the nearest
/// caches, and
/// leaves those of the table to the pairs that are: of these the frequent ones were inserted first and stand where
/// their hash points, so that the table may be nearly full.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    filter: Vec<u64>,
    slots: Vec<Merge>,
    count: usize,
    /// A hash is shifted by this to give a slot, and by [`SLOTS_A_WORD`] bits more to give a word of the filter.
    shift: u32,
}

/// The rank of a slot that is free.
const FREE: u32 = u32::MAX;
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
        let free = Merge { left: u32::MAX, right: u32::MAX, rank: FREE, id: u32::MAX };
        Self {
            filter: vec![0; count >> SLOTS_A_WORD],
            slots: vec![free; count],
            count: 0,
            shift: u64::BITS - count.trailing_zeros(),
        }
    }

    /// An empty table with room for so many merges, or for a million if those are fewer.
    pub(super) fn with_room(count: usize) -> Self {
        let count = count.min(MOST_ROOM);
        Self::with_slots((count + count / 8 + 1).next_power_of_two().max(SMALLEST))
    }

    /// All merges, in no order.
    pub(super) fn merges(&self) -> impl Iterator<Item = &Merge> {
        self.slots.iter().filter(|merge| merge.rank != FREE)
    }

    /// What a pair becomes. Both are symbols: `u32::MAX` is none.
    #[inline]
    pub(super) fn get(&self, left: u32, right: u32) -> Option<&Merge> {
        let hash = hash(left, right);
        let bits = bits(hash);
        if self.filter[(hash >> (self.shift + SLOTS_A_WORD)) as usize] & bits != bits {
            return None;
        }
        let mut place = (hash >> self.shift) as usize;
        loop {
            let merge = &self.slots[place];
            if (merge.left, merge.right) == (left, right) {
                return Some(merge);
            }
            if merge.rank == FREE {
                return None;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds a merge, whose rank is not the highest number; it takes the place of an earlier one of the same pair.
    pub(super) fn insert(&mut self, merge: Merge) {
        if self.count + self.count / 8 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(merge.left, merge.right);
        self.filter[(hash >> (self.shift + SLOTS_A_WORD)) as usize] |= bits(hash);
        let mut place = (hash >> self.shift) as usize;
        loop {
            let slot = &mut self.slots[place];
            let is_free = slot.rank == FREE;
            if is_free || (slot.left, slot.right) == (merge.left, merge.right) {
                self.count += usize::from(is_free);
                *slot = merge;
                return;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let mut larger = Self::with_slots(self.slots.len() * 2);
        let mut merges: Vec<Merge> = self.merges().copied().collect();
        merges.sort_unstable_by_key(|merge| merge.rank);
        for merge in merges {
            larger.insert(merge);
        }
        *self = larger;
    }
}

/// Both halves of the product with the golden ratio: its high bits alone would depend on few bits of the left id.
#[inline]
fn hash(left: u32, right: u32) -> u64 {
    let product = u128::from(u64::from(left) << 32 | u64::from(right)) * 0x9E37_79B9_7F4A_7C15;
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
            others in proptest::collection::vec((0_u32..50, any::<u32>()), 0..50),
        ) {
            let (mut table, mut want) = (Pairs::default(), BTreeMap::new());
            for (rank, &(left, right)) in pairs.iter().enumerate() {
                let merge = Merge { left, right, rank: rank as u32, id: rank as u32 + 100 };
                table.insert(merge);
                want.insert((left, right), merge);
            }
            prop_assert_eq!(table.merges().count(), want.len());
            for (left, right) in pairs.into_iter().chain(others) {
                prop_assert_eq!(table.get(left, right), want.get(&(left, right)));
            }
        }
    }
}
