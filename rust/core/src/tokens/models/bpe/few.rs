//! Merging of up to eight symbols: their keys never leave a register.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use super::merge::Merges;
use super::vectors::{LANES, Vectors};
use super::word::{NONE, key, rank};

/// The most symbols that are merged here.
pub(super) const FEW: usize = LANES;

/// Symbols while they are merged. Each knows the merge with the next one, by a key of rank and place.
struct Few<'s, V: Vectors> {
    symbols: &'s mut [u32; FEW],
    keys: V::Keys,
    /// The symbols that are left, as bits.
    left: u32,
}

/// Merges the first `count` symbols, one or more, where they stand. Returns which of them are left, as bits.
#[inline(always)]
pub(super) fn merge<V: Vectors>(merges: &Merges, symbols: &mut [u32; FEW], count: usize) -> u32 {
    let mut few = Few::<V> { symbols, keys: V::none(), left: (1 << count) - 1 };
    for place in 1..count {
        merges.fetch(few.symbols[(place - 1) % FEW], few.symbols[place % FEW]);
    }
    for place in 1..count {
        few.look_up(merges, place - 1, place);
    }
    loop {
        let least = V::least_of(few.keys);
        if least == NONE {
            return few.left;
        }
        few.join(merges, least);
    }
}

/// Places of symbols that are left of `count`, each with the next one.
#[inline(always)]
pub(super) fn places(mut left: u32, count: usize) -> impl Iterator<Item = (usize, usize)> {
    std::iter::from_fn(move || {
        let place = (left != 0).then(|| left.trailing_zeros() as usize)?;
        left &= left - 1;
        Some((place, count.min(left.trailing_zeros() as usize)))
    })
}

impl<V: Vectors> Few<'_, V> {
    #[inline(always)]
    fn look_up(&mut self, merges: &Merges, place: usize, next: usize) {
        let place = place % FEW;
        let found = merges.rank(self.symbols[place], self.symbols[next % FEW]);
        let key = found.map_or(NONE, |rank| key(rank, place));
        self.keys = V::with(self.keys, place, key);
    }

    /// Lets the symbol at the place of a key take the next one.
    #[inline(always)]
    fn join(&mut self, merges: &Merges, least: i32) {
        let place = least as usize % FEW;
        let after = self.left & (u32::MAX << place << 1);
        let taken = after & after.wrapping_neg();
        let next = taken.trailing_zeros() as usize % FEW;
        self.symbols[place] = merges.becomes(rank(least), (self.symbols[place], self.symbols[next]));
        self.left ^= taken;
        self.keys = V::with(self.keys, next, NONE);
        let (after, before) = (after ^ taken, self.left & ((1 << place) - 1));
        let previous = before.checked_ilog2().unwrap_or_default() as usize;
        // Both are asked for before the first is waited for.
        merges.fetch(self.symbols[previous % FEW], self.symbols[place]);
        if after == 0 {
            self.keys = V::with(self.keys, place, NONE);
        } else {
            self.look_up(merges, place, after.trailing_zeros() as usize);
        }
        if before != 0 {
            self.look_up(merges, previous, place);
        }
    }
}
