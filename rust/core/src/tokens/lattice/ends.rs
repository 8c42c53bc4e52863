//! What is known so far of the ways to places that are still to come.

use std::hint::select_unpredictable;

use super::super::scored_trie::Score;

/// The best ways to a place, as far as they are known.
pub(super) trait Best: Copy {
    /// What scores are, and their sums.
    type Score: Score;

    /// Of a place that no way leads to yet.
    const NONE: Self;

    fn sum(self) -> Self::Score;

    /// What they are after a way with a sum whose last token is `end`. Of ways with equal sums the one that is met first
    /// is kept. No branch, which the processor could not foretell.
    fn after(self, sum: Self::Score, end: u32) -> Self;

    fn set_back(self, offset: Self::Score) -> Self;
}

/// The best way alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Single<S> {
    sum: S,
    pub(super) end: u32,
}

impl<S: Score> Best for Single<S> {
    type Score = S;

    const NONE: Self = Self { sum: S::NOTHING, end: 0 };

    #[inline]
    fn sum(self) -> S {
        self.sum
    }

    #[inline]
    fn after(self, sum: S, end: u32) -> Self {
        let is_better = sum > self.sum;
        Self {
            sum: select_unpredictable(is_better, sum, self.sum),
            end: select_unpredictable(is_better, end, self.end),
        }
    }

    fn set_back(self, offset: S) -> Self {
        Self { sum: self.sum.set_back(offset), ..self }
    }
}

/// So many places are known in registers: a sum that went through memory comes back later than it is wanted.
pub(super) const NEAR: usize = 4;

/// The places that are further off, each at its number modulo their count, a power of two.
#[derive(Debug, Clone)]
pub(super) struct Far<B> {
    /// All [`Best::NONE`] between texts.
    places: Vec<B>,
}

impl<B> Default for Far<B> {
    fn default() -> Self {
        Self { places: Vec::new() }
    }
}

impl<B: Best> Far<B> {
    /// Makes room for tokens of so many bytes.
    pub(super) fn make_room(&mut self, longest: usize) {
        if self.places.len() < longest {
            self.places.resize(longest.next_power_of_two(), B::NONE);
        }
    }

    #[inline]
    pub(super) fn at(&mut self, place: usize) -> &mut B {
        let mask = self.places.len() - 1;
        &mut self.places[place & mask]
    }

    /// What is known of a place, which from then on stands for a later one.
    #[inline]
    pub(super) fn take(&mut self, place: usize) -> B {
        std::mem::replace(self.at(place), B::NONE)
    }

    pub(super) fn set_back(&mut self, offset: B::Score) {
        self.places.iter_mut().for_each(|place| *place = place.set_back(offset));
    }
}
