//! How long a span is: a table of probabilities, drawn from by whole numbers.

use crate::random::cumulated_thresholds;

/// Lengths from 1 on, each with a probability.
#[derive(Debug, Clone)]
pub(super) struct LengthTable {
    /// A word below `thresholds[k]` gives a length of at most k + 1; the last is 2^32.
    thresholds: Vec<u64>,
    mean: f64,
}

impl LengthTable {
    /// Probabilities in proportion to weights, that of length 1 first.
    pub(super) fn of_weights(weights: &[f64]) -> Self {
        let (thresholds, total) = (cumulated_thresholds(weights), weights.iter().sum::<f64>());
        let mean = (1..).zip(weights).map(|(length, weight)| f64::from(length) * weight).sum::<f64>() / total;
        Self { thresholds, mean }
    }

    /// 1 / n for each length n: ALBERT's n-grams (Lan et al. 2020, section 3.1, where p(n) is given).
    pub(super) fn harmonic(longest: usize) -> Self {
        let weights: Vec<f64> = (1..=longest).map(|length| 1.0 / length as f64).collect();
        Self::of_weights(&weights)
    }

    /// p (1 - p)^(n - 1): SpanBERT's spans (Joshi et al. 2020, section 3.1). What is beyond the longest is dropped, as
    /// SpanBERT's code does, or, with `clipped`, counted as the longest, as Megatron's does.
    pub(super) fn geometric(p: f64, longest: usize, clipped: bool) -> Self {
        let mut weights = Vec::with_capacity(longest);
        let mut rest = 1.0;
        for _ in 0..longest {
            weights.push(rest * p);
            rest *= 1.0 - p;
        }
        if clipped && let Some(last) = weights.last_mut() {
            *last += rest;
        }
        Self::of_weights(&weights)
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The length that a word draws.
    pub(super) fn draw(&self, word: u32) -> usize {
        let scaled = self.thresholds.last().map_or(0, |last| (u64::from(word) * last) >> 32);
        1 + self.thresholds.partition_point(|&threshold| threshold <= scaled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(table: &LengthTable) -> Vec<f64> {
        let mut counts = vec![0_u32; table.thresholds.len()];
        let steps = 1 << 16;
        for step in 0..steps {
            counts[table.draw(step << 16) - 1] += 1;
        }
        counts.into_iter().map(|count| f64::from(count) / f64::from(steps)).collect()
    }

    fn close(found: &[f64], want: &[f64]) -> bool {
        found.len() == want.len() && found.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-4)
    }

    #[test]
    fn lengths_have_their_probabilities() {
        assert!(close(&shares(&LengthTable::harmonic(3)), &[6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]));
        assert!(close(&shares(&LengthTable::harmonic(1)), &[1.0]));
        assert!(close(&shares(&LengthTable::geometric(0.5, 3, true)), &[0.5, 0.25, 0.25]));
        let renormalised = [4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0];
        assert!(close(&shares(&LengthTable::geometric(0.5, 3, false)), &renormalised));
        // The mean that SpanBERT's paper gives.
        assert!((LengthTable::geometric(0.2, 10, false).mean() - 3.8).abs() < 0.05);
        assert_eq!(LengthTable::geometric(1.0, 10, false).draw(u32::MAX), 1);
        assert_eq!(LengthTable::geometric(0.5, 10, false).draw(u32::MAX), 10);
        assert_eq!(LengthTable::geometric(1.0, 1, false).draw(u32::MAX), 1);
    }
}
