//! How often each pair of symbols occurs, and which is to be merged next.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::chain::Chain;

/// Two neighbours, left and right.
pub(super) type Pair = (u32, u32);

/// A pair that waits to be merged at some places. Counts fall while it waits; it is looked up again when its turn
/// comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    count: u64,
    pair: Pair,
    /// Of candidates of one pair the older comes first. (Which one is a matter of chance in the `tokenizers`
    /// library.)
    age: u32,
    places: Range<usize>,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.count, other.pair, other.age).cmp(&(other.count, self.pair, self.age))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// Signed: with a limit on the length of tokens, pairs are taken away that were never added.
    count: i64,
    /// How many candidates of the pair are in the queue.
    waiting: u32,
}

/// A pair taken out of the queue.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) pair: Pair,
    pub(super) count: u64,
    /// Where it is to be merged, as a range of `Pairs::places`.
    pub(super) places: Range<usize>,
    /// Whether the pair waits for other places as well.
    pub(super) others_wait: bool,
}

#[derive(Debug, Default)]
pub(super) struct Pairs {
    states: FxHashMap<Pair, State>,
    queue: BinaryHeap<Candidate>,
    /// The places of all candidates, one after the other. A join takes away a symbol and adds at most two places, so
    /// this stays below three times the characters that there are.
    places: Vec<u32>,
    age: u32,
}

impl Pairs {
    /// The pairs of words in which nothing has been merged yet.
    pub(super) fn new(chain: &Chain) -> Self {
        let mut pairs = Self::default();
        let mut numbers: FxHashMap<Pair, u32> = FxHashMap::default();
        // Pair, count, and how many places; then where the places end.
        let mut found: Vec<(Pair, i64, usize)> = Vec::new();
        let mut number_of_each = Vec::new();
        for (pair, _, count) in chain.pairs() {
            let number = *numbers.entry(pair).or_insert_with(|| {
                found.push((pair, 0, 0));
                found.len() as u32 - 1
            });
            let (_, sum, places) = &mut found[number as usize];
            *sum += count as i64;
            *places += 1;
            number_of_each.push(number);
        }
        let mut starts = Vec::with_capacity(found.len());
        let mut total = 0;
        for (_, _, places) in &found {
            starts.push(total);
            total += places;
        }
        pairs.places = vec![0; total];
        for (number, (_, at, _)) in number_of_each.into_iter().zip(chain.pairs()) {
            let end = &mut starts[number as usize];
            pairs.places[*end] = at;
            *end += 1;
        }
        for ((pair, count, places), end) in found.into_iter().zip(starts) {
            pairs.change(pair, count);
            pairs.enqueue(pair, end - places..end);
        }
        pairs
    }

    pub(super) fn places(&self, range: Range<usize>) -> &[u32] {
        &self.places[range]
    }

    /// Changes a pair's count and returns the new one.
    pub(super) fn change(&mut self, pair: Pair, by: i64) -> i64 {
        let state = self.states.entry(pair).or_default();
        state.count += by;
        state.count
    }

    /// Makes room for places, which the caller fills.
    pub(super) fn new_places(&mut self, number: usize) -> (usize, &mut [u32]) {
        let start = self.places.len();
        self.places.resize(start + number, 0);
        (start, &mut self.places[start..])
    }

    /// Puts a pair in the queue, if it occurs at all.
    pub(super) fn enqueue(&mut self, pair: Pair, places: Range<usize>) {
        let Some(state) = self.states.get_mut(&pair).filter(|state| state.count > 0) else { return };
        state.waiting += 1;
        self.queue.push(Candidate { count: state.count as u64, pair, age: self.age, places });
    }

    /// What is put in the queue from now on is younger than what is there.
    pub(super) fn grow_older(&mut self) {
        self.age += 1;
    }

    /// Takes out the most frequent pair; of equally frequent ones that with the lower ids, left before right.
    pub(super) fn next(&mut self) -> Option<Next> {
        loop {
            let mut top = self.queue.peek_mut()?;
            let state = self.states.entry(top.pair).or_default();
            let count = state.count as u64;
            if top.count != count {
                top.count = count;
                continue;
            }
            state.waiting -= 1;
            let others_wait = state.waiting > 0;
            let Candidate { pair, count, places, .. } = PeekMut::pop(top);
            return Some(Next { pair, count, places, others_wait });
        }
    }
}
