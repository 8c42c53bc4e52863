//! Philox4x32-10: the only source of randomness.
//!
//! A draw is a pure function of (seed, epoch, sample id, stream, n). Nothing is stateful, so a row that is
//! corrupted by these draws is the same in any batch, on any thread, rank or device, and after any resume.
//!
//! - key = the 64-bit seed;
//! - draw `n` = word `n % 4` of the block whose counter is
//!   `(n / 4, sample id low, sample id high, epoch << 8 | stream)`.
//!
//! Only integers are compared, so no rounding mode, fused multiply-add or device can change a result.
//!
//! Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3* (SC 2011). The known-answer vectors
//! in the tests are Random123's.

mod lanes;

use crate::{Error, Result};

const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;
const EPOCH_BITS: u32 = 24;

/// What a stream of draws decides. The numbers are part of the public contract and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    /// Which tokens are chosen; n = position of the (group's first) token.
    Select = 0,
    /// What happens to a chosen token, where the select word does not say it already.
    Action = 1,
    /// Which token replaces a chosen one; n = position.
    Replacement = 2,
    /// Where noise is cut into spans (Floyd over the gaps).
    NoiseCuts = 3,
    /// Where the rest is cut into the stretches between the spans.
    CleanCuts = 4,
    /// How long a span is; n = position of its first token, or the number of the span.
    SpanLengths = 5,
    /// Where spans begin.
    SpanStarts = 6,
    /// The order of sentences.
    SentenceOrder = 7,
    /// Which tokens are deleted; n = position.
    Deletion = 8,
    /// How far a row is rotated.
    Rotation = 9,
    /// Which objective of a mixture a row gets.
    Choice = 10,
    /// Where a prefix ends.
    PrefixSplit = 11,
    /// Whether, how and where a document is cut to be filled in.
    FillInTheMiddle = 12,
    /// How documents become pairs of segments.
    SentencePairs = 13,
    /// Where tokens are inserted.
    Insertions = 14,
    /// The order in which a loader visits rows.
    LoaderOrder = 32,
    /// Which weights of attention are dropped; n = position of the key, the sample id is document x heads + head, and
    /// the query's position stands in the place of the epoch. `kernels/` alone draws from it.
    AttentionDropout = 33,
}

/// One block of four words: the Philox4x32-10 bijection of `counter` under `key`.
///
/// ```
/// use fastmask_core::random::philox4x32;
/// assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
/// ```
#[inline]
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..ROUNDS {
        let p0 = MULTIPLIERS[0] * u64::from(c0);
        let p1 = MULTIPLIERS[1] * u64::from(c2);
        (c0, c1, c2, c3) = ((p1 >> 32) as u32 ^ c1 ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c3 ^ k1, p0 as u32);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// Seed and epoch of a pass over the data: with a sample id and a stream they give [`Draws`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    seed: u64,
    epoch: u32,
}

impl Key {
    /// A key; the epoch must fit 24 bits, because it shares a counter word with the stream's number.
    pub fn new(seed: u64, epoch: u64) -> Result<Self> {
        match u32::try_from(epoch) {
            Ok(epoch) if epoch >> EPOCH_BITS == 0 => Ok(Self { seed, epoch }),
            _ => Err(Error::new(format!("epoch is {epoch}")).advise("give an epoch below 2^24 = 16777216")),
        }
    }

    /// The draws of one stream for one sample.
    #[inline]
    pub fn draws(self, sample_id: u64, stream: Stream) -> Draws {
        Draws {
            key: [self.seed as u32, (self.seed >> 32) as u32],
            sample: [sample_id as u32, (sample_id >> 32) as u32],
            tag: self.epoch << 8 | stream as u32,
        }
    }
}

/// All draws of one (seed, epoch, sample id, stream), by number.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    key: [u32; 2],
    sample: [u32; 2],
    tag: u32,
}

impl Draws {
    /// Draws `4 * block .. 4 * block + 4`.
    #[inline]
    pub fn block(&self, block: u32) -> [u32; 4] {
        philox4x32([block, self.sample[0], self.sample[1], self.tag], self.key)
    }

    /// Draws 0, 1, 2, ... one after the other into `words`, many at a time.
    ///
    /// ```
    /// # use fastmask_core::random::{Key, Stream};
    /// let draws = Key::new(1, 0)?.draws(7, Stream::Select);
    /// let mut words = vec![0; 100];
    /// draws.fill(&mut words);
    /// assert_eq!(words[99], draws.draw(99));
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn fill(&self, words: &mut [u32]) {
        let (whole, rest) = words.as_chunks_mut::<{ lanes::WORDS }>();
        lanes::fill(self, 0, whole);
        if !rest.is_empty() {
            let first_block = (whole.len() * lanes::WORDS / 4) as u32;
            let mut last = [[0; lanes::WORDS]];
            lanes::fill(self, first_block, &mut last);
            rest.copy_from_slice(&last[0][..rest.len()]);
        }
    }

    /// Draw `n`.
    #[inline]
    pub fn draw(&self, n: usize) -> u32 {
        self.block((n / 4) as u32)[n % 4]
    }

    /// Draws `first`, `first + 1`, ...
    #[inline]
    pub fn words_from(self, first: usize) -> Words {
        let block = if first.is_multiple_of(4) { [0; 4] } else { self.block((first / 4) as u32) };
        Words { draws: self, next: first, block }
    }
}

/// The draws of a stream one after the other, without an end: each block is made once.
#[derive(Debug, Clone)]
pub struct Words {
    draws: Draws,
    next: usize,
    /// The block of the draw before the next one, which is the next one's too unless that is a block's first.
    block: [u32; 4],
}

impl Words {
    /// The next one.
    #[inline]
    pub fn draw(&mut self) -> u32 {
        let n = self.next;
        if n.is_multiple_of(4) {
            self.block = self.draws.block((n / 4) as u32);
        }
        self.next += 1;
        self.block[n % 4]
    }
}

impl Iterator for Words {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        Some(self.draw())
    }
}

/// A uniform number below `bound`: the high half of `word * bound` (bias below `bound / 2^32`).
#[inline]
pub fn bounded(word: u32, bound: u32) -> u32 {
    ((u64::from(word) * u64::from(bound)) >> 32) as u32
}

/// The threshold T of a probability: a word below T, T = floor(p * 2^32), happens with probability p.
#[inline]
pub fn threshold(probability: f64) -> u64 {
    (probability * 4_294_967_296.0) as u64
}

/// The threshold of the product of two probabilities, given as thresholds.
#[inline]
pub fn threshold_product(first: u64, second: u64) -> u64 {
    ((u128::from(first) * u128::from(second)) >> 32) as u64
}

/// Thresholds of a choice by weights: a word below the first chooses 0, else below the second 1, ...; the last is 2^32.
///
/// Sums run from the first weight on, and every engine does the same operations in the same order.
///
/// ```
/// # use fastmask_core::random::cumulated_thresholds;
/// assert_eq!(cumulated_thresholds(&[1.0, 3.0]), [1 << 30, 1 << 32]);
/// ```
pub fn cumulated_thresholds(weights: &[f64]) -> Vec<u64> {
    let mut sum = 0.0;
    let sums: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    sums.into_iter().map(|part| threshold(part / sum)).collect()
}

/// Chooses `count` of `population` items without replacement, each set equally likely, and calls `take` with each
/// in the order of choice (Floyd's algorithm: Bentley and Floyd, *A sample of brilliance*, CACM 1987).
///
/// `take` returns false when the item had been taken before; it is then called with the fallback, which never was.
pub fn choose_without_replacement(
    draws: &Draws,
    count: usize,
    population: usize,
    mut take: impl FnMut(usize) -> bool,
) {
    for (last, word) in (population - count..population).zip(draws.words_from(0)) {
        if !take(bounded(word, last as u32 + 1) as usize) {
            take(last);
        }
    }
}

/// Items in a random order, each order equally likely, as far as it is asked for (Fisher and Yates): the i-th word
/// chooses among all items that are not placed yet.
///
/// ```
/// # use fastmask_core::random::{Key, Shuffle, Stream};
/// let mut items = [10, 11, 12, 13];
/// let mut order: Vec<usize> = Shuffle::new(&Key::new(1, 0)?.draws(0, Stream::Select), &mut items).collect();
/// order.sort_unstable();
/// assert_eq!(order, [10, 11, 12, 13]);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Shuffle<'a> {
    words: Words,
    items: &'a mut [u32],
    placed: usize,
}

impl<'a> Shuffle<'a> {
    /// An order of `items`, drawn from `draws` 0, 1, 2, ...
    pub fn new(draws: &Draws, items: &'a mut [u32]) -> Self {
        Self { words: draws.words_from(0), items, placed: 0 }
    }

    /// An order of the numbers below `count`, for which there is room in `numbers`.
    pub fn of_numbers(draws: &Draws, count: usize, numbers: &'a mut Vec<u32>) -> Self {
        numbers.clear();
        numbers.extend(0..count as u32);
        Self::new(draws, numbers)
    }
}

impl Iterator for Shuffle<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let rest = &mut self.items[self.placed..];
        let word = if rest.is_empty() { return None } else { self.words.draw() };
        rest.swap(0, bounded(word, rest.len() as u32) as usize);
        self.placed += 1;
        Some(rest[0] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_random123() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, want) in cases {
            assert_eq!(philox4x32(counter, key), want);
        }
    }

    #[test]
    fn a_draw_is_a_word_of_the_block_that_the_contract_names() {
        let (seed, sample, epoch) = (0xDEAD_BEEF_1234_5678, 0x0000_0005_8000_0001, 7);
        let draws = Key::new(seed, epoch).unwrap().draws(sample, Stream::Replacement);
        let block = philox4x32([3, 0x8000_0001, 5, 7 << 8 | 2], [0x1234_5678, 0xDEAD_BEEF]);
        for n in 12..16 {
            assert_eq!(draws.draw(n), block[n % 4]);
        }
    }

    #[test]
    fn many_draws_at_a_time_are_the_same_draws() {
        let draws = Key::new(u64::MAX - 6, (1 << 24) - 1).unwrap().draws(u64::MAX - 1, Stream::Action);
        for length in [0, 1, 3, 4, 31, 32, 33, 64, 500] {
            let mut words = vec![0; length];
            draws.fill(&mut words);
            assert_eq!(words, (0..length).map(|n| draws.draw(n)).collect::<Vec<_>>(), "{length}");
        }
    }

    #[test]
    fn words_in_order_are_the_draws_one_by_one() {
        let draws = Key::new(9, 1).unwrap().draws(3, Stream::SpanLengths);
        for first in 0..9 {
            let words: Vec<u32> = draws.words_from(first).take(11).collect();
            assert_eq!(words, (first..first + 11).map(|n| draws.draw(n)).collect::<Vec<_>>(), "{first}");
        }
    }

    #[test]
    fn epochs_beyond_24_bits_are_refused() {
        assert!(Key::new(0, (1 << 24) - 1).is_ok());
        assert!(Key::new(0, 1 << 24).is_err());
    }

    #[test]
    fn every_subset_is_equally_likely() {
        let mut counts = [0_u32; 1 << 5];
        for sample in 0..20_000 {
            let mut chosen = 0_usize;
            choose_without_replacement(
                &Key::new(1, 0).unwrap().draws(sample, Stream::NoiseCuts),
                2,
                5,
                |item| {
                    let new = chosen & 1 << item == 0;
                    chosen |= 1 << item;
                    new
                },
            );
            counts[chosen] += 1;
        }
        let pairs: Vec<u32> = counts.iter().copied().filter(|&count| count > 0).collect();
        let chi_square: f64 = pairs.iter().map(|&seen| (f64::from(seen) - 2000.0).powi(2) / 2000.0).sum();
        assert_eq!(pairs.len(), 10);
        assert!(chi_square < 27.9, "chi-square {chi_square} over 9 degrees of freedom, p < 0.001");
    }
}
