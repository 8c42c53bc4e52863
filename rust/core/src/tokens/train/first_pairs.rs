//! The pairs of a chain as it stands, with their counts and their places, found on all threads.

use rustc_hash::FxHashMap;

use super::chain::Chain;
use super::pair_table::packed;
use super::pairs::Pair;
use crate::{Result, threads};

/// Pairs of symbols below this, which are most, are numbered in a table.
const LOW: u32 = 512;

/// A chain shorter than this is not worth another thread; tests share out every chain.
const SLOTS_A_THREAD: usize = if cfg!(test) { 8 } else { 1 << 16 };

/// Stands for the places of a pair that are not wanted.
const UNWANTED: usize = usize::MAX;

/// A pair that occurs often enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) pair: Pair,
    pub(super) count: i64,
    /// How many places it has.
    pub(super) places: usize,
}

/// What there is to merge.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FirstPairs {
    pub(super) found: Vec<Found>,
    /// The places of the pairs, in their order; those of each ascending.
    pub(super) places: Vec<u32>,
    /// Pairs that occur less often were left out.
    pub(super) least: i64,
}

/// Finds the pairs of a chain. `least` is told the sum of all counts, and says how often a pair has to occur.
pub(super) fn find(chain: &Chain, num_threads: usize, least: impl FnOnce(i64) -> i64) -> Result<FirstPairs> {
    let shares = chain.shares(num_threads.min(chain.len() / SLOTS_A_THREAD + 1));
    let mut met: Vec<Met> = shares.iter().map(|_| Met::default()).collect();
    let tasks = met.iter_mut().zip(shares.iter().cloned()).collect();
    threads::for_each(
        num_threads,
        tasks,
        || (),
        |(), (met, share): (&mut Met, _)| {
            met.count(chain, share);
            Ok(())
        },
    )?;
    let (mut found, indices) = united(&met);
    let least = least(found.iter().map(|found| found.count).sum());
    let tasks = met.iter_mut().zip(shares).zip(&indices).collect();
    threads::for_each(
        num_threads,
        tasks,
        || (),
        |(), ((met, share), indices): ((&mut Met, _), &Vec<usize>)| {
            met.find_places(chain, share, |number| found[indices[number]].count >= least);
            Ok(())
        },
    )?;
    let places = gathered(met, &indices, &found, least);
    found.retain(|found| found.count >= least);
    Ok(FirstPairs { found, places, least })
}

/// The pairs that one thread has met, by number.
#[derive(Default)]
struct Met {
    numbers: Numbers,
    pairs: Vec<Found>,
    /// Where the places of each pair end.
    ends: Vec<usize>,
    places: Vec<u32>,
}

impl Met {
    fn count(&mut self, chain: &Chain, share: std::ops::Range<usize>) {
        self.numbers.low = vec![0; (LOW * LOW) as usize];
        chain.pairs(share, |left, right, _, count| {
            let number = self.numbers.of(left, right);
            if *number == 0 {
                self.pairs.push(Found { pair: (left, right), count: 0, places: 0 });
                *number = self.pairs.len() as u32;
            }
            let pair = &mut self.pairs[*number as usize - 1];
            pair.count += count as i64;
            pair.places += 1;
        });
    }

    fn find_places(&mut self, chain: &Chain, share: std::ops::Range<usize>, wanted: impl Fn(usize) -> bool) {
        let mut total = 0;
        for (number, pair) in self.pairs.iter().enumerate() {
            let wanted = wanted(number);
            self.ends.push(if wanted { total } else { UNWANTED });
            total += if wanted { pair.places } else { 0 };
        }
        self.places = vec![0; total];
        chain.pairs(share, |left, right, at, _| {
            let number = *self.numbers.of(left, right) as usize - 1;
            let end = &mut self.ends[number];
            if *end != UNWANTED {
                self.places[*end] = at;
                *end += 1;
            }
        });
        self.numbers = Numbers::default();
    }
}

/// A number for each pair that has been met, from one; 0 is none.
#[derive(Default)]
struct Numbers {
    low: Vec<u32>,
    high: FxHashMap<u64, u32>,
}

impl Numbers {
    #[inline]
    fn of(&mut self, left: u32, right: u32) -> &mut u32 {
        if left < LOW && right < LOW {
            return &mut self.low[(left * LOW + right) as usize];
        }
        self.high.entry(packed((left, right))).or_default()
    }
}

/// All pairs that have been met, and for each thread where its own are among them.
fn united(met: &[Met]) -> (Vec<Found>, Vec<Vec<usize>>) {
    if let [only] = met {
        return (only.pairs.clone(), vec![(0..only.pairs.len()).collect()]);
    }
    let mut found: Vec<Found> = Vec::new();
    let mut known: FxHashMap<u64, usize> = FxHashMap::default();
    let mut index = |own: &Found| {
        let index = *known.entry(packed(own.pair)).or_insert(found.len());
        match found.get_mut(index) {
            Some(sum) => {
                sum.count += own.count;
                sum.places += own.places;
            }
            None => found.push(*own),
        }
        index
    };
    let indices = met.iter().map(|met| met.pairs.iter().map(&mut index).collect()).collect();
    (found, indices)
}

/// The places of all threads, pair by pair.
fn gathered(mut met: Vec<Met>, indices: &[Vec<usize>], found: &[Found], least: i64) -> Vec<u32> {
    if let [only] = met.as_mut_slice() {
        return std::mem::take(&mut only.places);
    }
    let mut total = 0;
    let mut starts: Vec<usize> = Vec::with_capacity(found.len());
    for pair in found {
        starts.push(total);
        total += if pair.count >= least { pair.places } else { 0 };
    }
    let mut places = vec![0; total];
    for (met, indices) in met.iter().zip(indices) {
        for ((own, &end), &index) in met.pairs.iter().zip(&met.ends).zip(indices) {
            if end != UNWANTED {
                let start = starts[index];
                starts[index] += own.places;
                places[start..starts[index]].copy_from_slice(&met.places[end - own.places..end]);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_each_pair_with_its_places(
            words in prop::collection::vec(prop::collection::vec(510_u32..514, 0..7), 0..30),
            num_threads in 1_usize..5,
            least in 0_i64..20,
        ) {
            let mut chain = Chain::new();
            let (mut want, mut sum): (BTreeMap<Pair, (i64, Vec<u32>)>, i64) = (BTreeMap::new(), 0);
            let mut at = 1;
            for (word, count) in words.iter().zip((1_u64..=30).rev()) {
                chain.push(count, |symbol| word.iter().for_each(|&id| symbol(id))).unwrap();
                for pair in word.windows(2) {
                    let (own, places) = want.entry((pair[0], pair[1])).or_default();
                    *own += count as i64;
                    places.push(at);
                    at += 1;
                    sum += count as i64;
                }
                at += if word.len() < 2 { 0 } else { 2 };
            }
            want.retain(|_, (count, _)| *count >= least);
            let got = find(&chain, num_threads, |all| { assert_eq!(all, sum); least }).unwrap();
            let mut rest = got.places.as_slice();
            let mut pairs = BTreeMap::new();
            for Found { pair, count, places } in got.found {
                let (own, others) = rest.split_at(places);
                pairs.insert(pair, (count, own.to_vec()));
                rest = others;
            }
            prop_assert_eq!(pairs, want);
            prop_assert!(rest.is_empty());
        }
    }
}
