//! A table of keys and ids that grows up to a limit and then forgets.

use super::key::Key;

/// So many ids stand in the table itself; more stand elsewhere.
pub(super) const INLINE: usize = 3;

/// How far from its place a key may stand. It bounds a search whatever the keys are, chosen by an enemy or not.
const REACH: usize = 16;

const FEWEST_SLOTS: usize = 1 << 10;

/// A key and its ids: half a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Slot {
    pub(super) key: Key,
    pub(super) ids: Ids,
}

/// The ids of a word, or where they are.
///
/// They are four numbers so that they can be copied at once, wanted or not: up to three ids, or where they are, and how
/// many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) numbers: [u32; INLINE + 1],
}

/// The place of ids that are too many to be in the table, and of a word that is too long for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) from: usize,
    pub(super) word_from: usize,
    pub(super) count: usize,
}

/// Added to the count of ids that are elsewhere.
const ELSEWHERE: u32 = 1 << 31;

impl Ids {
    const NONE: Self = Self { numbers: [0; INLINE + 1] };

    /// Ids that are few enough to be in the table.
    pub(super) fn here(ids: &[u32]) -> Option<Self> {
        let mut numbers = [0; INLINE + 1];
        numbers[..INLINE].get_mut(..ids.len())?.copy_from_slice(ids);
        numbers[INLINE] = ids.len() as u32;
        Some(Self { numbers })
    }

    pub(super) fn placed(at: Elsewhere) -> Self {
        Self { numbers: [at.from as u32, at.word_from as u32, 0, ELSEWHERE + at.count as u32] }
    }

    /// How many they are, if they are here.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.numbers[INLINE] as usize
    }

    #[inline]
    pub(super) fn are_here(&self) -> bool {
        self.numbers[INLINE] < ELSEWHERE
    }

    pub(super) fn elsewhere(&self) -> Option<Elsewhere> {
        let [from, word_from, _, count] = self.numbers.map(|number| number as usize);
        (!self.are_here()).then(|| Elsewhere { from, word_from, count: count - ELSEWHERE as usize })
    }
}

impl Slot {
    const EMPTY: Self = Self { key: Key::NONE, ids: Ids::NONE };
}

/// Open addressing with a bounded reach. A table that may not grow any more gives a new key the place of an old one.
#[derive(Debug, Clone)]
pub(super) struct Table {
    slots: Vec<Slot>,
    /// The number of slots less one: there are 2^n.
    mask: usize,
    used: usize,
    most_slots: usize,
}

impl Table {
    /// An empty table of up to `most_slots`, which is a power of two.
    pub(super) fn new(most_slots: usize) -> Self {
        // One slot, which stays empty, so that looking up needs no case of its own.
        Self { slots: vec![Slot::EMPTY], mask: 0, used: 0, most_slots }
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }

    /// Forgets all keys and gives the memory back.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most_slots);
    }

    /// Where a key with this hash stands, if nothing was in its way.
    #[inline]
    pub(super) fn first(&self, hash: u64) -> &Slot {
        &self.slots[hash as usize & self.mask]
    }

    /// Asks the memory for the slot of a key with this hash, which will be looked at soon.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "there is no safe way to say it"))]
    pub(super) fn fetch(&self, hash: u64) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: it reads nothing, whatever the address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(self.first(hash)).cast());
        }
    }

    /// The slot of a key.
    #[inline]
    pub(super) fn find(&self, key: Key, hash: u64) -> Option<&Slot> {
        for place in 0..REACH {
            let slot = &self.slots[(hash as usize + place) & self.mask];
            if slot.key == Key::NONE {
                return None;
            }
            if slot.key == key {
                return Some(slot);
            }
        }
        None
    }

    /// Puts a key in, over an old one where there is no room.
    pub(super) fn insert(&mut self, key: Key, ids: Ids) {
        if (self.used + 1) * 2 > self.slots.len() && self.slots.len() < self.most_slots {
            self.grow();
        }
        let hash = key.hash();
        let is_free = |place: &usize| {
            let old = self.slots[*place].key;
            old == key || old == Key::NONE
        };
        let mut places = (0..REACH).map(|place| (hash as usize + place) & self.mask);
        let place = places.find(is_free).unwrap_or_else(|| {
            // Any of them will do, as long as it is not always the same.
            (hash as usize + (hash >> 60) as usize % REACH) & self.mask
        });
        self.used += usize::from(self.slots[place].key == Key::NONE);
        self.slots[place] = Slot { key, ids };
    }

    fn grow(&mut self) {
        let count = (self.slots.len() * 2).clamp(FEWEST_SLOTS.min(self.most_slots), self.most_slots);
        let old = std::mem::replace(&mut self.slots, vec![Slot::EMPTY; count]);
        self.mask = count - 1;
        self.used = 0;
        for slot in old.iter().filter(|slot| slot.key != Key::NONE) {
            self.insert(slot.key, slot.ids);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        Key::new(&number.to_le_bytes(), 0, 4)
    }

    fn ids(number: u32) -> Ids {
        Ids::here(&[number]).unwrap()
    }

    #[test]
    fn hardly_anything_is_lost_while_it_grows() {
        let mut table = Table::new(1 << 16);
        assert!(table.find(key(0), key(0).hash()).is_none());
        for number in 0..32_000 {
            table.insert(key(number), ids(number));
        }
        let found = |&number: &u32| {
            let slot = table.find(key(number), key(number).hash());
            slot.is_some_and(|slot| slot.ids == ids(number))
        };
        let kept = (0..32_000).filter(found).count();
        assert_eq!(kept, table.len());
        assert!(kept > 31_900, "{kept}");
    }

    #[test]
    fn a_full_table_forgets_and_does_not_grow() {
        let mut table = Table::new(1 << 10);
        for number in 0..100_000 {
            table.insert(key(number), ids(number));
            assert_eq!(table.find(key(number), key(number).hash()).unwrap().ids, ids(number));
        }
        assert_eq!((table.len() <= 1 << 10, table.bytes()), (true, 32 << 10));
        table.clear();
        assert_eq!((table.len(), table.bytes()), (0, 32));
    }
}
