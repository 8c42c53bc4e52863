//! What a merge does to the counts of the pairs around it.

use std::ops::Range;

use super::chain::Join;
use super::pairs::{Pair, Pairs};

/// The pairs that a merge takes away and makes, gathered by the neighbour with which they are pairs, so that each
/// is looked up once.
#[derive(Debug, Default)]
pub(super) struct Changes {
    before: Side,
    after: Side,
    spans: Option<(u32, u32)>,
}

/// The neighbours on one side.
#[derive(Debug, Default)]
struct Side {
    /// By symbol: one more than its index in `neighbours`, or 0.
    numbers: Vec<u32>,
    neighbours: Vec<Neighbour>,
    /// An index in `neighbours` and the place of a new pair with it, in the order of the places.
    places: Vec<(u32, u32)>,
    /// By neighbour: where its places end, while they are put in order.
    ends: Vec<usize>,
}

/// Stands for the places of a pair that is forgotten.
const UNWANTED: usize = usize::MAX;

#[derive(Debug, Clone, Copy)]
struct Neighbour {
    symbol: u32,
    lost: i64,
    won: i64,
    places: usize,
}

impl Changes {
    /// Notes what a join has changed.
    #[inline]
    pub(super) fn note(&mut self, join: &Join, max_length: Option<usize>) {
        let count = join.count as i64;
        let counts = |span: u32| max_length.is_none_or(|most| ((span + join.new.span) as usize) < most);
        if let Some(before) = join.before {
            self.before.note(before.id, count, counts(before.span).then_some(before.at));
        }
        if let Some(after) = join.after {
            self.after.note(after.id, count, counts(after.span).then_some(join.new.at));
        }
        let (least, greatest) = self.spans.unwrap_or((join.new.span, join.new.span));
        self.spans = Some((least.min(join.new.span), greatest.max(join.new.span)));
    }

    /// The least and the greatest span of the new symbol.
    pub(super) fn spans(&self) -> Option<(u32, u32)> {
        self.spans
    }

    /// Adds the changes of words that come after these, and leaves none there.
    pub(super) fn absorb(&mut self, later: &mut Self) {
        self.before.absorb(&mut later.before);
        self.after.absorb(&mut later.after);
        if let Some((least, greatest)) = later.spans.take() {
            let (own_least, own_greatest) = self.spans.unwrap_or((least, greatest));
            self.spans = Some((least.min(own_least), greatest.max(own_greatest)));
        }
    }

    /// Enters the changes in the counts, puts the new pairs in the queue, and is empty again.
    pub(super) fn apply(&mut self, pairs: &mut Pairs, merged: Pair, new: u32) {
        self.gather_twins(new);
        for Neighbour { symbol, won, .. } in &self.before.neighbours {
            pairs.give((*symbol, new), *won);
        }
        for Neighbour { symbol, won, .. } in &self.after.neighbours {
            pairs.give((new, *symbol), *won);
        }
        // What has just arisen may be gone again: in `aaaa`, the pair of `aa` and the next `a`.
        for Neighbour { symbol, lost, .. } in &self.before.neighbours {
            pairs.take((*symbol, merged.0), *lost);
        }
        for Neighbour { symbol, lost, .. } in &self.after.neighbours {
            pairs.take((merged.1, *symbol), *lost);
        }
        pairs.grow_older();
        self.before.enqueue(pairs, |symbol| (symbol, new));
        self.after.enqueue(pairs, |symbol| (new, symbol));
        self.spans = None;
    }

    /// The pair of the new symbol with itself can arise on both sides, if the symbol is not new after all. It is to
    /// be one candidate.
    fn gather_twins(&mut self, new: u32) {
        let (Some(before), Some(after)) = (self.before.index(new), self.after.index(new)) else { return };
        let moved = self.after.places.iter().filter(|(index, _)| *index as usize == after);
        self.before.places.extend(moved.map(|&(_, place)| (before as u32, place)));
        self.before.places.sort_unstable_by_key(|&(_, place)| place);
        self.after.places.retain(|(index, _)| *index as usize != after);
        self.before.neighbours[before].places += std::mem::take(&mut self.after.neighbours[after].places);
    }
}

impl Side {
    fn index(&self, symbol: u32) -> Option<usize> {
        (*self.numbers.get(symbol as usize)? as usize).checked_sub(1)
    }

    #[inline]
    fn index_or_new(&mut self, symbol: u32) -> usize {
        if let Some(index) = self.index(symbol) {
            return index;
        }
        if self.numbers.len() <= symbol as usize {
            self.numbers.resize((symbol as usize + 1).next_power_of_two(), 0);
        }
        self.neighbours.push(Neighbour { symbol, lost: 0, won: 0, places: 0 });
        self.numbers[symbol as usize] = self.neighbours.len() as u32;
        self.neighbours.len() - 1
    }

    #[inline]
    fn note(&mut self, symbol: u32, count: i64, place: Option<u32>) {
        let index = self.index_or_new(symbol);
        let neighbour = &mut self.neighbours[index];
        neighbour.lost += count;
        if let Some(place) = place {
            neighbour.won += count;
            neighbour.places += 1;
            self.places.push((index as u32, place));
        }
    }

    fn absorb(&mut self, later: &mut Self) {
        let indices: Vec<u32> =
            later.neighbours.iter().map(|neighbour| self.index_or_new(neighbour.symbol) as u32).collect();
        for (neighbour, &index) in later.neighbours.iter().zip(&indices) {
            let own = &mut self.neighbours[index as usize];
            own.lost += neighbour.lost;
            own.won += neighbour.won;
            own.places += neighbour.places;
        }
        self.places.extend(later.places.iter().map(|&(index, place)| (indices[index as usize], place)));
        later.clear();
    }

    /// Puts the pairs with the neighbours in the queue.
    fn enqueue(&mut self, pairs: &mut Pairs, pair: impl Fn(u32) -> Pair) {
        let mut end = 0;
        self.ends.clear();
        for neighbour in &self.neighbours {
            let kept = neighbour.places > 0 && pairs.keeps(neighbour.won);
            self.ends.push(if kept { end } else { UNWANTED });
            end += if kept { neighbour.places } else { 0 };
        }
        let (start, places) = pairs.new_places(end);
        for &(index, place) in &self.places {
            let end = &mut self.ends[index as usize];
            if *end != UNWANTED {
                places[*end] = place;
                *end += 1;
            }
        }
        for (neighbour, &end) in self.neighbours.iter().zip(&self.ends) {
            if end != UNWANTED {
                let range: Range<usize> = start + end - neighbour.places..start + end;
                pairs.enqueue(pair(neighbour.symbol), range);
            }
        }
        self.clear();
    }

    fn clear(&mut self) {
        for neighbour in self.neighbours.drain(..) {
            self.numbers[neighbour.symbol as usize] = 0;
        }
        self.places.clear();
    }
}
