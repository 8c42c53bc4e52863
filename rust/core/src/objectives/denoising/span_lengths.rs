//! How many words a span has: Poisson's distribution as whole numbers.

use crate::random::cumulated_thresholds;
use crate::{Error, Result};

/// As in fairseq, no span is longer than this, and none longer than the first length that is rarer than `RARE`.
const LONGEST: usize = 127;
const RARE: f64 = 1e-7;

/// A distribution of lengths, from 0 words on.
#[derive(Debug, Clone)]
pub(super) struct SpanLengths {
    /// A word below threshold `k`, and not below the one before it, draws length `k`.
    thresholds: Vec<u64>,
}

impl SpanLengths {
    /// Poisson's distribution, cut off and renormalised.
    ///
    /// Every engine must find the same thresholds: the weights are multiplied up from 1, where exp(-lambda) would
    /// stand, because that factor cancels and no two libraries need agree on it to the last bit.
    pub(super) fn poisson(lambda: f64) -> Result<Self> {
        // The upper limit keeps the mean below the longest length; the lower one keeps the number of empty spans
        // that are drawn before one with a word in it within reason.
        if !(0.1..=100.0).contains(&lambda) {
            return Err(Error::new(format!("poisson_lambda is {lambda}"))
                .advise("give a mean length from 0.1 to 100 words, or None for spans of one word"));
        }
        let mut weights = [1.0; LONGEST + 1];
        for length in 1..=LONGEST {
            weights[length] = weights[length - 1] * lambda / length as f64;
        }
        let rare = RARE * weights.iter().sum::<f64>();
        let beyond_the_mean = |&length: &usize| length as f64 > lambda && weights[length] < rare;
        let last = (0..=LONGEST).find(beyond_the_mean).unwrap_or(LONGEST);
        Ok(Self { thresholds: cumulated_thresholds(&weights[..=last]) })
    }

    /// The length that a word draws.
    #[inline]
    pub(super) fn drawn(&self, word: u32) -> u32 {
        self.thresholds.iter().take_while(|&&threshold| u64::from(word) >= threshold).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_poisson() {
        for lambda in [0.1, 0.5, 3.0, 3.5, 16.0, 40.0, 100.0_f64] {
            let table = SpanLengths::poisson(lambda).unwrap().thresholds;
            let (mut weight, mut below) = ((-lambda).exp(), 0);
            for (length, &threshold) in table.iter().enumerate() {
                let share = (threshold - below) as f64 / 4_294_967_296.0;
                // A hundredth of the draws at a mean of 100 would be longer than the longest length.
                assert!((share - weight).abs() < 1e-8 + 0.01 * weight, "{lambda} {length}: {share} {weight}");
                weight *= lambda / (length + 1) as f64;
                below = threshold;
            }
            assert_eq!(below, 1 << 32);
            assert!(table.len() == LONGEST + 1 || weight < 2.0 * RARE, "{lambda}");
        }
    }

    #[test]
    fn words_draw_the_length_whose_threshold_they_reach() {
        let table = SpanLengths::poisson(3.0).unwrap();
        assert_eq!(table.drawn(0), 0);
        assert_eq!(table.drawn(table.thresholds[0] as u32 - 1), 0);
        assert_eq!(table.drawn(table.thresholds[0] as u32), 1);
        assert_eq!(table.drawn(u32::MAX) as usize, table.thresholds.len() - 1);
    }

    #[test]
    fn means_without_a_distribution_are_refused() {
        for lambda in [0.0, -1.0, 0.099, 100.1, f64::NAN, f64::INFINITY] {
            assert!(SpanLengths::poisson(lambda).is_err(), "{lambda}");
        }
    }
}
