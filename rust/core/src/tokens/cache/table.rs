//! A table of keys and ids that grows up to a limit and then forgets.

use super::key::Key;
use crate::memory::{Row, Zero, fetch};

/// So many ids stand in the table itself; more stand elsewhere.
pub(super) const INLINE: usize = 3;

/// How many lines from its own a key may stand. It bounds a search whatever the keys are, chosen by an enemy or not.
const REACH: usize = 8;

/// Two large pages. To grow takes time just when there is most to do.
const FEWEST_LINES: usize = 1 << 16;

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

/// The place of ids that are too many to be in the table, or of those of a word that is too long for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) from: usize,
    /// Which filling of what holds them it was.
    pub(super) filling: u32,
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
        Self { numbers: [at.from as u32, at.filling, 0, ELSEWHERE + at.count as u32] }
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

    /// Where they are, if they are not here.
    #[inline]
    pub(super) fn elsewhere(&self) -> Option<Elsewhere> {
        let [from, filling, _, count] = self.numbers;
        (!self.are_here()).then(|| Elsewhere {
            from: from as usize,
            filling,
            count: (count - ELSEWHERE) as usize,
        })
    }
}

impl Slot {
    const EMPTY: Self = Self { key: Key::NONE, ids: Ids::NONE };
}

/// Two slots, as many as memory gives at once.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    slots: [Slot; 2],
}

// SAFETY: zeros are the slots of no word.
#[expect(unsafe_code, reason = "the trait says so")]
unsafe impl Zero for Line {}

impl Line {
    const EMPTY: Self = Self { slots: [Slot::EMPTY; 2] };
}

/// Where a key stands or is to stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    line: usize,
    /// In the line.
    number: usize,
}

/// Open addressing with a bounded reach. A table that may not grow any more forgets all in one half of its lines when it
/// is three quarters full: to look for a new key in a full one would lead through all of its reach.
///
/// From its first growth on all lines that it may ever have are there, as addresses: memory comes with their first use.
/// So it grows where it is, and what it has need not be given again.
#[derive(Debug)]
pub(super) struct Table {
    lines: Row<Line>,
    /// How many of the lines are in use: 2^n, at least two.
    in_use: usize,
    /// The number of bits of a hash that are not the number of a line.
    shift: u32,
    used: usize,
    most_lines: usize,
    /// Whether the second half of the lines is the next to be forgotten.
    second_is_next: bool,
}

impl Table {
    /// An empty table of up to so many bytes, but at least two lines.
    pub(super) fn new(bytes: usize) -> Self {
        let most_lines = 1 << (bytes / size_of::<Line>()).max(2).ilog2();
        // Two lines, so that looking up needs no case of its own.
        let lines = Row::filled(Line::EMPTY, 2);
        Self { lines, in_use: 2, shift: shift(2), used: 0, most_lines, second_is_next: false }
    }

    /// The number of the line where a key with this hash is looked for first.
    #[inline]
    pub(super) fn line(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// The numbers of the lines where a key with this hash can be.
    #[inline]
    fn reach(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (first, mask) = (self.line(hash), self.in_use - 1);
        (first..first + REACH).map(move |line| line & mask)
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    pub(super) fn bytes(&self) -> usize {
        self.in_use * size_of::<Line>()
    }

    /// Forgets all keys and gives the memory back.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most_lines * size_of::<Line>());
    }

    /// The one slot of a line where a key stands if it came early: whether it does has to be asked.
    #[inline]
    pub(super) fn first(&self, key: Key, line: usize) -> Option<&Slot> {
        let [first, second] = &self.lines.get(line)?.slots;
        // No branch: which of the two it is cannot be foreseen.
        Some([second, first][usize::from(first.key.is(key))])
    }

    /// Asks the memory for a line, which will be looked at soon.
    #[inline]
    pub(super) fn fetch(&self, line: usize) {
        fetch(&self.lines, line);
    }

    /// Where a key stands, or, where it does not, where it is put.
    #[inline]
    pub(super) fn place(&self, key: Key) -> Place {
        let hash = key.hash();
        for line in self.reach(hash) {
            for (number, slot) in self.lines[line].slots.iter().enumerate() {
                if slot.key == Key::NONE || slot.key == key {
                    return Place { line, number };
                }
            }
        }
        // Any of them will do, as long as it is not always the same.
        let which = hash as usize % (2 * REACH);
        Place { line: (self.line(hash) + which / 2) & (self.in_use - 1), number: which % 2 }
    }

    /// The slot at the place of a key, if it stands there.
    #[inline]
    pub(super) fn at(&self, place: Place, key: Key) -> Option<&Slot> {
        let slot = self.lines.get(place.line)?.slots.get(place.number)?;
        (slot.key == key).then_some(slot)
    }

    /// The slot of a key.
    pub(super) fn find(&self, key: Key) -> Option<&Slot> {
        self.at(self.place(key), key)
    }

    /// Puts a key in, over an old one where there is no room. `place` is what was said of it, and nothing was put in since.
    /// `may_grow` says whether more than the first lines are worth their memory.
    pub(super) fn insert(&mut self, place: Place, key: Key, ids: Ids, may_grow: impl Fn() -> bool) {
        let (is_full, can_grow) = (self.used >= self.in_use, self.in_use < self.most_lines);
        if is_full && can_grow && (self.in_use < FEWEST_LINES || may_grow()) {
            self.grow();
        } else if self.used >= self.in_use / 2 * 3 {
            self.forget_half();
        } else {
            self.put(place, key, ids);
            return;
        }
        self.put(self.place(key), key, ids);
    }

    #[inline]
    fn put(&mut self, Place { line, number }: Place, key: Key, ids: Ids) {
        let slot = &mut self.lines[line].slots[number];
        self.used += usize::from(slot.key == Key::NONE);
        *slot = Slot { key, ids };
    }

    /// A key of the other half that no place was left for in this one is no longer found, and is put in again.
    fn forget_half(&mut self) {
        let (first, second) = self.lines[..self.in_use].split_at_mut(self.in_use / 2);
        let half = if self.second_is_next { second } else { first };
        let slots = half.iter().flat_map(|line| &line.slots);
        self.used -= slots.filter(|slot| slot.key != Key::NONE).count();
        half.fill(Line::EMPTY);
        self.second_is_next = !self.second_is_next;
    }

    fn grow(&mut self) {
        let old = self.in_use;
        self.in_use = (old * 2).max(FEWEST_LINES).min(self.most_lines);
        self.shift = shift(self.in_use);
        if self.lines.len() < self.in_use {
            let lines = std::mem::replace(&mut self.lines, Row::zeroed(self.most_lines));
            lines.iter().for_each(|&line| self.put_again(line));
        } else {
            // A line's keys go to lines that are further on, which have been left by then. Some of the first lines' go
            // where others are yet to leave; they are put again with these.
            for number in (0..old).rev() {
                let line = std::mem::replace(&mut self.lines[number], Line::EMPTY);
                self.put_again(line);
            }
        }
    }

    /// Puts what stood in a line where it is to stand now.
    fn put_again(&mut self, line: Line) {
        for slot in line.slots.iter().filter(|slot| slot.key != Key::NONE) {
            self.used -= 1;
            self.put(self.place(slot.key), slot.key, slot.ids);
        }
    }
}

/// The number of bits of a hash that are not the number of one of so many lines.
fn shift(lines: usize) -> u32 {
    u64::BITS - lines.ilog2()
}

/// Only what is in use is copied.
impl Clone for Table {
    fn clone(&self) -> Self {
        let mut lines = Row::zeroed(self.lines.len());
        lines[..self.in_use].copy_from_slice(&self.lines[..self.in_use]);
        Self { lines, ..*self }
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
        let mut table = Table::new(1 << 21);
        assert!(table.find(key(0)).is_none());
        for number in 0..32_000 {
            table.insert(table.place(key(number)), key(number), ids(number), || true);
        }
        let found = |&number: &u32| {
            let slot = table.find(key(number));
            slot.is_some_and(|slot| slot.ids == ids(number))
        };
        let kept = (0..32_000).filter(found).count();
        assert_eq!(kept, table.len());
        assert!(kept > 31_900, "{kept}");
    }

    #[test]
    fn it_forgets_before_its_limit_where_growing_is_not_worth_it() {
        let mut table = Table::new(FEWEST_LINES * 2 * size_of::<Line>());
        for number in 0..300_000 {
            table.insert(table.place(key(number)), key(number), ids(number), || false);
        }
        assert_eq!(table.in_use, FEWEST_LINES);
        for number in 300_000..400_000 {
            table.insert(table.place(key(number)), key(number), ids(number), || true);
        }
        assert_eq!(table.in_use, 2 * FEWEST_LINES);
    }

    #[test]
    fn a_full_table_forgets_and_does_not_grow() {
        let mut table = Table::new(1 << 15);
        for number in 0..100_000 {
            table.insert(table.place(key(number)), key(number), ids(number), || true);
            assert_eq!(table.find(key(number)).unwrap().ids, ids(number));
        }
        assert_eq!((table.len() <= 1 << 10, table.bytes()), (true, 32 << 10));
        table.clear();
        assert_eq!((table.len(), table.bytes()), (0, 128));
    }
}
