//! The order in which a loader visits rows: a keyed bijection over `[0, length)`.
//!
//! A Feistel network permutes the smallest even-bit range that holds the rows, and a value outside the rows is
//! permuted again until it falls inside (cycle walking: Black and Rogaway, *Ciphers with arbitrary finite domains*,
//! 2002). So the order needs no memory, and any rank computes any step of it.
//!
//! The function of round `r` on a half `x` is the first word of the Philox block with counter
//! `(x, r, 0, epoch << 8 | 32)` under the seed.

use crate::random::{Draws, Key, Stream};

const ROUNDS: u32 = 8;

/// A permutation of `0..length`.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    rounds: [Draws; ROUNDS as usize],
    length: u64,
    half_bits: u32,
}

impl Order {
    /// The order of `length` rows for a seed and epoch.
    pub fn new(key: Key, length: u64) -> Self {
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        let rounds = std::array::from_fn(|round| key.draws(round as u64, Stream::LoaderOrder));
        Self { rounds, length, half_bits: bits.div_ceil(2).max(1) }
    }

    /// Which row is visited at `step`, which is below the length.
    pub fn row(&self, step: u64) -> u64 {
        debug_assert!(step < self.length, "a step beyond the rows would walk for ever");
        let mut value = self.permuted(step);
        while value >= self.length {
            value = self.permuted(value);
        }
        value
    }

    fn permuted(&self, value: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in &self.rounds {
            (left, right) = (right, left ^ (u64::from(round.block(right as u32)[0]) & mask));
        }
        left << self.half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, epoch: u64, length: u64) -> Vec<u64> {
        let order = Order::new(Key::new(seed, epoch).unwrap(), length);
        (0..length).map(|step| order.row(step)).collect()
    }

    #[test]
    fn every_row_is_visited_once() {
        for length in [1, 2, 3, 4, 5, 16, 17, 1000, 4096, 5000] {
            let mut rows = order(7, 1, length);
            rows.sort_unstable();
            assert_eq!(rows, (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn seeds_and_epochs_change_the_order() {
        assert_ne!(order(0, 0, 100), order(1, 0, 100));
        assert_ne!(order(0, 0, 100), order(0, 1, 100));
        assert_ne!(order(0, 0, 100), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn every_row_is_equally_likely_at_every_step() {
        let (length, seeds) = (6, 6000);
        let mut seen = vec![0.0; 36];
        for seed in 0..seeds {
            for (step, row) in order(seed, 0, length).into_iter().enumerate() {
                seen[step * 6 + row as usize] += 1.0;
            }
        }
        let expected = seeds as f64 / length as f64;
        let chi_square: f64 =
            seen.iter().map(|count| (count - expected) * (count - expected) / expected).sum();
        assert!(chi_square < 52.6, "chi-square {chi_square} over 25 degrees of freedom, p < 0.001");
    }

    #[test]
    fn huge_lengths_take_no_memory() {
        let order = Order::new(Key::new(3, 0).unwrap(), 1 << 61);
        assert!((0..100).all(|step| order.row(step) < 1 << 61));
    }
}
