//! Merging in up to a thousand symbols at once, for the windows of long words.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use super::merge::Merges;
use super::symbols::Symbols;
use super::vectors::{self, Step, Vectors};
use super::word::{LONGEST as BLOCK, NONE, key, rank};

const BLOCKS: usize = 16;

/// The most symbols of a window.
pub(super) const LONGEST: usize = BLOCK * BLOCKS;

/// The symbols of a window while they are merged: what [`super::word::Word`] has, for more symbols.
///
/// The keys are in blocks, each of which knows its least, so a merge looks through two or three blocks and the list of
/// the least keys, not through all.
#[derive(Debug)]
pub(super) struct Window {
    symbols: [u32; LONGEST],
    /// Rank and place in the block.
    keys: [i32; LONGEST],
    /// For each block the least of its keys.
    least: [i32; BLOCKS],
    /// The same with the number of the block for the place.
    order: [i32; BLOCKS],
    next: [u16; LONGEST],
    previous: [u16; LONGEST],
    length: usize,
    /// The symbols before they were merged.
    given: Vec<u32>,
}

/// What lies beyond the first symbol and the last.
const END: u16 = u16::MAX;

impl Window {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            symbols: [0; LONGEST],
            keys: [NONE; LONGEST],
            least: [NONE; BLOCKS],
            order: [NONE; BLOCKS],
            next: [END; LONGEST],
            previous: [END; LONGEST],
            length: 0,
            given: Vec::with_capacity(LONGEST),
        })
    }

    /// Takes the first [`LONGEST`] symbols in place of those that it had, and merges them.
    pub(super) fn merge(&mut self, merges: &Merges, symbols: &(impl Symbols + ?Sized)) {
        let length = symbols.len().min(LONGEST);
        // A run of one character has many windows that are the same.
        let is_same = |(place, &given): (usize, &u32)| symbols.symbol(place) == given;
        if length == self.length && self.given.iter().enumerate().all(is_same) {
            return;
        }
        self.length = length;
        self.given.clear();
        self.given.extend((0..length).map(|place| symbols.symbol(place)));
        self.keys = [NONE; LONGEST];
        self.symbols[..length].copy_from_slice(&self.given);
        for place in 0..length {
            self.next[place] = if place + 1 < self.length { place as u16 + 1 } else { END };
            self.previous[place] = (place as u16).checked_sub(1).unwrap_or(END);
        }
        for place in 1..self.length {
            self.look_up(merges, place - 1, place);
        }
        vectors::run(&mut Merging { window: self, merges });
    }

    /// The symbols that are left, each with how many it was made of.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (u32, usize)> {
        let mut place = if self.length == 0 { END } else { 0 };
        std::iter::from_fn(move || {
            let begin = usize::from(place);
            let symbol = self.symbols.get(begin).copied()?;
            place = self.next[begin];
            let end = if place == END { self.length } else { usize::from(place) };
            Some((symbol, end - begin))
        })
    }

    #[inline(always)]
    fn look_up(&mut self, merges: &Merges, place: usize, next: usize) {
        let found = merges.rank(self.symbols[place], self.symbols[next]);
        self.keys[place] = found.map_or(NONE, |rank| key(rank, place));
    }

    #[inline(always)]
    fn note_least<V: Vectors>(&mut self, block: usize) {
        let least = V::least(&self.keys[block * BLOCK..][..BLOCK]);
        self.least[block] = least;
        self.order[block] = if least == NONE { NONE } else { least & !(BLOCK as i32 - 1) | block as i32 };
    }

    /// Lets the symbol at a place take the next one.
    #[inline(always)]
    fn join<V: Vectors>(&mut self, merges: &Merges, place: usize) {
        let (taken, before) = (usize::from(self.next[place]), usize::from(self.previous[place]));
        let pair = (self.symbols[place], self.symbols[taken]);
        self.symbols[place] = merges.becomes(rank(self.keys[place]), pair);
        let after = usize::from(self.next[taken]);
        self.next[place] = after as u16;
        self.keys[taken] = NONE;
        if after < LONGEST {
            self.previous[after] = place as u16;
            self.look_up(merges, place, after);
        } else {
            self.keys[place] = NONE;
        }
        if before < LONGEST {
            self.look_up(merges, before, place);
        }
        let block = place / BLOCK;
        self.note_least::<V>(block);
        if taken / BLOCK != block {
            self.note_least::<V>(taken / BLOCK);
        }
        if before < LONGEST && before / BLOCK != block {
            self.note_least::<V>(before / BLOCK);
        }
    }
}

struct Merging<'w> {
    window: &'w mut Window,
    merges: &'w Merges,
}

impl Step for Merging<'_> {
    /// Merges until no pair is left that can be.
    #[inline(always)]
    fn run<V: Vectors>(&mut self) {
        for block in 0..BLOCKS {
            self.window.note_least::<V>(block);
        }
        loop {
            let first = V::least(&self.window.order);
            if first == NONE {
                return;
            }
            let block = first as usize % BLOCK;
            let place = self.window.least[block] as usize % BLOCK;
            self.window.join::<V>(self.merges, block * BLOCK + place);
        }
    }
}
