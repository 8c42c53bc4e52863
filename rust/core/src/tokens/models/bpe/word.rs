//! Merging in words of up to 64 symbols: nothing is allocated, nothing is moved.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use super::merge::Merges;
use super::vectors::{LANES, Vectors};

/// The most symbols of a word that is merged here: the bits that say which of them are left fit in one number.
pub(super) const LONGEST: usize = 64;

/// No merge: every other comes first.
pub(super) const NONE: i32 = i32::MAX;

/// The symbols of a word while they are merged.
///
/// Symbols stay where they began. Each knows the merge with the symbol after it: a key of rank and place, so that the
/// least of the keys is the merge of the lowest rank, the leftmost of equals, and tells where it is.
#[derive(Debug)]
pub(super) struct Word {
    symbols: [u32; LONGEST],
    keys: [i32; LONGEST],
    length: usize,
    /// The symbols that are left, as bits.
    left: u64,
}

impl Word {
    /// Symbols merged that are made of one or more of up to [`LONGEST`] places: where they begin, as bits, of which the
    /// first is the lowest place, and where they end.
    #[inline(always)]
    pub(super) fn of_symbols<V: Vectors>(
        merges: &Merges,
        begins: u64,
        length: usize,
        symbol: impl Fn(usize, usize) -> u32,
    ) -> Self {
        let mut word = Self { symbols: [0; LONGEST], keys: [NONE; LONGEST], length, left: begins };
        let mut bits = begins;
        while bits != 0 {
            let place = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let end = if bits == 0 { length } else { bits.trailing_zeros() as usize };
            word.symbols[place % LONGEST] = symbol(place, end);
        }
        let mut place = begins.trailing_zeros() as usize;
        let mut bits = begins & begins.wrapping_sub(1);
        while bits != 0 {
            let next = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            word.look_up(merges, place, next);
            place = next;
        }
        word.merge::<V>(merges);
        word
    }

    /// The symbols that are left, each with how many it was made of.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (u32, usize)> {
        let mut left = self.left;
        std::iter::from_fn(move || {
            let place = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            let end = if left == 0 { self.length } else { left.trailing_zeros() as usize };
            Some((self.symbols[place % LONGEST], end - place))
        })
    }

    /// Merges until no pair is left that can be.
    #[inline(always)]
    fn merge<V: Vectors>(&mut self, merges: &Merges) {
        let compared = self.length.next_multiple_of(LANES).min(LONGEST);
        loop {
            let least = V::least(&self.keys[..compared]);
            if least == NONE {
                return;
            }
            self.join(merges, least);
        }
    }

    #[inline(always)]
    fn look_up(&mut self, merges: &Merges, place: usize, next: usize) {
        let found = merges.rank(self.symbols[place % LONGEST], self.symbols[next % LONGEST]);
        self.keys[place % LONGEST] = found.map_or(NONE, |rank| key(rank, place));
    }

    /// Lets the symbol at the place of a key take the next one.
    #[inline(always)]
    fn join(&mut self, merges: &Merges, least: i32) {
        let place = least as usize % LONGEST;
        let after = self.left & (u64::MAX << place << 1);
        let taken = after & after.wrapping_neg();
        let next = taken.trailing_zeros() as usize % LONGEST;
        self.symbols[place] = merges.becomes(rank(least), (self.symbols[place], self.symbols[next]));
        self.left ^= taken;
        self.keys[next] = NONE;
        let (after, before) = (after ^ taken, self.left & ((1 << place) - 1));
        if after == 0 {
            self.keys[place] = NONE;
        } else {
            self.look_up(merges, place, after.trailing_zeros() as usize);
        }
        if before != 0 {
            self.look_up(merges, before.ilog2() as usize, place);
        }
    }
}

/// A rank and a place among [`LONGEST`] in one number. Ranks are below [`super::pairs::LIMIT`].
#[inline]
pub(super) fn key(rank: u32, place: usize) -> i32 {
    (rank << LONGEST.trailing_zeros()) as i32 | (place % LONGEST) as i32
}

/// The rank in a key.
#[inline]
pub(super) fn rank(key: i32) -> u32 {
    key as u32 >> LONGEST.trailing_zeros()
}
