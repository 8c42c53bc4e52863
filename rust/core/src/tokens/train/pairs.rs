//! How often each pair of symbols occurs, and which is to be merged next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;

use super::first_pairs::{FirstPairs, Found};
use super::pair_table::{PairTable, packed};

/// Two neighbours, left and right.
pub(super) type Pair = (u32, u32);

/// A pair that waits to be merged at some places. Counts fall while it waits; it is looked up again when its turn
/// comes.
#[derive(Debug)]
struct Candidate {
    count: u64,
    /// Of equally frequent pairs that with the lower ids comes first.
    pair: Reverse<u64>,
    /// Of candidates of one pair the older comes first. (Which one is a matter of chance in the `tokenizers`
    /// library.)
    age: Reverse<u32>,
    number: u32,
    start: usize,
}

impl Candidate {
    fn rank(&self) -> (u128, Reverse<u32>) {
        (u128::from(self.count) << 64 | u128::from(!self.pair.0), self.age)
    }
}

impl Ord for Candidate {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Candidate {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Candidate {}

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

#[derive(Debug)]
pub(super) struct Pairs {
    states: PairTable,
    queue: BinaryHeap<Candidate>,
    /// The places of all candidates, one after the other. A join takes away a symbol and adds at most two places, so
    /// this stays below three times the characters that there are.
    places: Vec<u32>,
    age: u32,
    /// Pairs that are rarer when they arise are forgotten. 0: none is.
    least: i64,
}

impl Pairs {
    pub(super) fn new(first: FirstPairs) -> Self {
        let FirstPairs { found, places, least } = first;
        let mut states = PairTable::with_capacity(found.len());
        let mut start = 0;
        let candidate = |Found { pair, count, places }| {
            let state = states.get_or_new(pair);
            (state.count, state.waiting) = (count, 1);
            start += places;
            Candidate {
                count: count as u64,
                pair: Reverse(packed(pair)),
                age: Reverse(0),
                number: places as u32,
                start: start - places,
            }
        };
        let queue = found.into_iter().map(candidate).collect();
        Self { states, queue, places, age: 0, least }
    }

    pub(super) fn places(&self, range: Range<usize>) -> &[u32] {
        &self.places[range]
    }

    /// What has been forgotten occurs less often than this.
    pub(super) fn least(&self) -> i64 {
        self.least
    }

    /// Whether a pair that arises so often is kept.
    #[inline]
    pub(super) fn keeps(&self, count: i64) -> bool {
        count >= self.least
    }

    /// Enters how much rarer a pair has become.
    #[inline]
    pub(super) fn take(&mut self, pair: Pair, count: i64) {
        if self.least == 0 {
            self.states.get_or_new(pair).count -= count;
        } else if let Some(state) = self.states.get(pair) {
            state.count -= count;
        }
    }

    /// Enters how much more often a pair occurs.
    #[inline]
    pub(super) fn give(&mut self, pair: Pair, count: i64) {
        if self.keeps(count) {
            self.states.get_or_new(pair).count += count;
        }
    }

    /// Makes room for places, which the caller fills.
    pub(super) fn new_places(&mut self, number: usize) -> (usize, &mut [u32]) {
        let start = self.places.len();
        self.places.resize(start + number, 0);
        (start, &mut self.places[start..])
    }

    /// Puts a pair in the queue, if it occurs at all.
    pub(super) fn enqueue(&mut self, pair: Pair, places: Range<usize>) {
        let Some(state) = self.states.get(pair).filter(|state| state.count > 0) else { return };
        state.waiting += 1;
        self.queue.push(Candidate {
            count: state.count as u64,
            pair: Reverse(packed(pair)),
            age: Reverse(self.age),
            number: places.len() as u32,
            start: places.start,
        });
    }

    /// What is put in the queue from now on is younger than what is there.
    pub(super) fn grow_older(&mut self) {
        self.age += 1;
    }

    /// Takes out the most frequent pair; of equally frequent ones that with the lower ids, left before right. None, if
    /// one that was forgotten may be as frequent.
    pub(super) fn next(&mut self) -> Option<Next> {
        loop {
            let mut top = self.queue.peek_mut()?;
            let Reverse(packed) = top.pair;
            let pair = ((packed >> 32) as u32, packed as u32);
            let state = self.states.get(pair)?;
            let count = state.count as u64;
            if top.count != count {
                top.count = count;
                continue;
            }
            if count < self.least as u64 {
                return None;
            }
            state.waiting -= 1;
            let others_wait = state.waiting > 0;
            let Candidate { start, number, .. } = PeekMut::pop(top);
            return Some(Next { pair, count, places: start..start + number as usize, others_wait });
        }
    }
}
