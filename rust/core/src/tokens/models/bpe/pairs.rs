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

/// A hash table with open addressing over a list of merges.
///
/// Most look-ups find nothing, so a slot is no more than 32 bits of the hash and a place in the list: eight slots share
/// a cache line, and the tables of large vocabularies stay in the second-level cache. The list is in the order of
/// insertion, that of rank, so that frequent merges are neighbours too.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    slots: Vec<Slot>,
    merges: Vec<Merge>,
    /// The hash is shifted by this to give a slot.
    shift: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    place: u32,
}

const FREE: u32 = u32::MAX;
const SMALLEST: usize = 16;

impl Default for Pairs {
    fn default() -> Self {
        Self::with_slots(SMALLEST)
    }
}

impl Pairs {
    fn with_slots(count: usize) -> Self {
        let slots = vec![Slot { tag: 0, place: FREE }; count];
        Self { slots, merges: Vec::new(), shift: u64::BITS - count.trailing_zeros() }
    }

    /// All merges, in the order of insertion.
    pub(super) fn merges(&self) -> &[Merge] {
        &self.merges
    }

    /// What a pair becomes.
    #[inline]
    pub(super) fn get(&self, left: u32, right: u32) -> Option<&Merge> {
        let hash = hash(left, right);
        let mut place = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots.get(place)?;
            if slot.place == FREE {
                return None;
            }
            if slot.tag == hash as u32 {
                let merge = self.merges.get(slot.place as usize)?;
                if (merge.left, merge.right) == (left, right) {
                    return Some(merge);
                }
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds a merge; it takes the place of an earlier one of the same pair.
    pub(super) fn insert(&mut self, merge: Merge) {
        let known = self.merges.len();
        if (known + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = hash(merge.left, merge.right);
        let mut place = (hash >> self.shift) as usize;
        loop {
            let slot = &mut self.slots[place];
            if slot.place == FREE {
                *slot = Slot { tag: hash as u32, place: known as u32 };
                self.merges.push(merge);
                return;
            }
            let other = &mut self.merges[slot.place as usize];
            if (other.left, other.right) == (merge.left, merge.right) {
                *other = merge;
                return;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let mut larger = Self::with_slots(self.slots.len() * 2);
        larger.merges.reserve(self.slots.len());
        self.merges.iter().for_each(|&merge| larger.insert(merge));
        *self = larger;
    }
}

/// The golden ratio's multiples are spread evenly (Knuth, *The Art of Computer Programming*, 6.4); the second step lets
/// all bits of both ids reach the low half, which is the tag.
#[inline]
fn hash(left: u32, right: u32) -> u64 {
    let product = (u64::from(left) << 32 | u64::from(right)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (product ^ (product >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
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
            prop_assert_eq!(table.merges().len(), want.len());
            for (left, right) in pairs.into_iter().chain(others) {
                prop_assert_eq!(table.get(left, right), want.get(&(left, right)));
            }
        }
    }
}
