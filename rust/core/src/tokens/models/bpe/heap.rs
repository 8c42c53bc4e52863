//! Merging with a heap of candidates over a linked list: O(n log n) for any length and any merges.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::merge::Merges;
use super::symbols::Symbols;

/// The symbols of a word while they are merged.
struct Heaped<'m> {
    merges: &'m Merges,
    symbols: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
}

/// What lies beyond the first symbol and the last, and what a symbol has for its next when it is gone.
const END: u32 = u32::MAX;
const GONE: u32 = u32::MAX - 1;

/// Appends what is left of a word when it is merged: symbols, each with how many it was made of.
pub(super) fn merge(merges: &Merges, symbols: &(impl Symbols + ?Sized), tokens: &mut Vec<(u32, u32)>) {
    let length = symbols.len() as u32;
    let mut word = Heaped {
        merges,
        symbols: (0..symbols.len()).map(|place| symbols.symbol(place)).collect(),
        next: (1..length).chain([END]).collect(),
        previous: [END].into_iter().chain(0..length.saturating_sub(1)).collect(),
    };
    word.merge();
    let mut place = if length == 0 { END } else { 0 };
    while place != END {
        let next = word.next[place as usize];
        tokens.push((word.symbols[place as usize], next.min(length) - place));
        place = next;
    }
}

impl Heaped<'_> {
    /// When it is popped, a candidate is stale if its pair no longer becomes the same token. This is the test of the
    /// `tokenizers` library; where a merge gives back its left symbol it lets a pair that took the place of another
    /// be merged at that one's rank. Elsewhere it says that the pair is still the same.
    fn merge(&mut self) {
        let all = 0..self.symbols.len() as u32;
        let mut heap: BinaryHeap<_> = all.filter_map(|place| self.candidate(place)).collect();
        while let Some(Reverse((_, place, id))) = heap.pop() {
            if self.candidate(place).is_none_or(|Reverse((_, _, now))| now != id) {
                continue;
            }
            self.join(place, id);
            heap.extend(self.candidate(place));
            heap.extend(self.candidate(self.previous[place as usize]));
        }
    }

    /// The merge of the symbol at a place with the next one: its rank, the place, and what comes of it.
    fn candidate(&self, place: u32) -> Option<Reverse<(u32, u32, u32)>> {
        let next = *self.next.get(place as usize)? as usize;
        let merge = self.merges.get(self.symbols[place as usize], *self.symbols.get(next)?)?;
        Some(Reverse((merge.rank, place, merge.id)))
    }

    fn join(&mut self, place: u32, id: u32) {
        self.symbols[place as usize] = id;
        let taken = self.next[place as usize] as usize;
        let after = std::mem::replace(&mut self.next[taken], GONE);
        self.next[place as usize] = after;
        if let Some(previous) = self.previous.get_mut(after as usize) {
            *previous = place;
        }
    }
}
