//! How often each piece is expected to occur, over all ways to segment the text.
//!
//! The forward-backward algorithm, on probabilities and not on their logarithms: segments are short, so products
//! seldom leave the range of a double, and where they do they are scaled (Rabiner 1989, V.A). Expectations are added
//! up in fixed point, so that the order in which threads add does not matter.

use super::lattice::Lattice;
use super::model::Model;
use super::passes::over_segments;
use crate::Result;

/// Values below this are scaled up, by a power of two.
const SMALL: f64 = 1e-150;

/// Expectations are in units of a power of two, small enough that all of them are below two to this power.
const BITS: u32 = 62;

/// The unit is no smaller than two to minus this power.
const FINEST: u32 = 40;

/// The expected number of occurrences of each piece.
pub(super) fn expected(lattice: &Lattice, model: &Model, num_threads: usize) -> Result<Vec<f64>> {
    let one = one(lattice);
    let start = || Gathered { expected: vec![0; model.len()], ..Gathered::default() };
    let gathered = over_segments(lattice, num_threads, start, |gathered, segment| {
        let (start, length) = lattice.segments.place(segment);
        gathered.forward(lattice, model, start, length);
        gathered.backward(lattice, start, length, lattice.segments.counts[segment] as f64 * one);
    })?;
    let mut sums = vec![0_u64; model.len()];
    for part in &gathered {
        sums.iter_mut().zip(&part.expected).for_each(|(sum, own)| *sum += own);
    }
    Ok(sums.into_iter().map(|sum| sum as f64 / one).collect())
}

/// One in fixed point. No more pieces are expected than there are characters.
fn one(lattice: &Lattice) -> f64 {
    let lengths = lattice.segments.starts.windows(2).map(|ends| f64::from(ends[1] - ends[0]));
    let characters: f64 =
        lengths.zip(&lattice.segments.counts).map(|(length, &count)| length * count as f64).sum();
    let bits = BITS.saturating_sub(characters.log2().ceil() as u32).min(FINEST);
    (1_u64 << bits) as f64
}

/// What a thread has gathered, and its tables for one segment.
#[derive(Default)]
struct Gathered {
    expected: Vec<u64>,
    /// By place: the probability of all ways that lead there.
    before: Scaled,
    /// By place: the probability of all ways that lead from there to the end.
    after: Scaled,
    /// The probability of each edge, in their order.
    probabilities: Vec<f64>,
}

impl Gathered {
    fn forward(&mut self, lattice: &Lattice, model: &Model, start: usize, length: usize) {
        self.before.reset(length);
        self.probabilities.clear();
        self.before.values[0] = 1.0;
        for place in 0..length {
            let here = self.before.scaled(place, place + lattice.longest);
            for edge in lattice.at(start + place) {
                let probability = model.probability(edge.piece());
                self.probabilities.push(probability);
                self.before.values[place + edge.length()] += here * probability;
            }
        }
        self.before.scaled(length, length);
    }

    fn backward(&mut self, lattice: &Lattice, start: usize, length: usize, count: f64) {
        self.after.reset(length);
        self.after.values[length] = 1.0;
        let (whole, whole_power) = (self.before.values[length], self.before.powers[length]);
        let mut rest = self.probabilities.as_slice();
        for place in (0..length).rev() {
            let edges = lattice.at(start + place);
            let (earlier, probabilities) = rest.split_at(rest.len() - edges.len());
            rest = earlier;
            let power = self.before.powers[place] + self.after.power - whole_power;
            let mut share = count * (self.before.values[place] / whole);
            if power != 0 {
                share *= 2_f64.powi(power);
            }
            let mut sum = 0.0;
            for (edge, probability) in edges.iter().zip(probabilities) {
                let weight = probability * self.after.values[place + edge.length()];
                sum += weight;
                self.expected[edge.piece()] += (share * weight).min(count) as u64;
            }
            self.after.values[place] = sum;
            self.after.scaled(place, place + lattice.longest);
        }
    }
}

/// A number for each place, each times two to a power.
#[derive(Default)]
struct Scaled {
    values: Vec<f64>,
    /// The power for each place that has been passed, and the power for the others.
    powers: Vec<i32>,
    power: i32,
}

impl Scaled {
    fn reset(&mut self, length: usize) {
        self.values.clear();
        self.values.resize(length + 1, 0.0);
        self.powers.clear();
        self.powers.resize(length + 1, 0);
        self.power = 0;
    }

    /// The value of a place that is now passed. If it is small, those that may still be looked at, up to `last`, are
    /// scaled so that the greatest is about one.
    #[inline]
    fn scaled(&mut self, place: usize, last: usize) -> f64 {
        if self.values[place] < SMALL {
            self.scale(place, last);
        }
        self.powers[place] = self.power;
        self.values[place]
    }

    #[cold]
    fn scale(&mut self, place: usize, last: usize) {
        let last = last.min(self.values.len() - 1);
        let window = &mut self.values[place..=last];
        let greatest = window.iter().copied().fold(0.0, f64::max);
        let power = greatest.log2().max(-1000.0) as i32;
        if power < 0 {
            let factor = 2_f64.powi(-power);
            for value in window {
                *value *= factor;
            }
            self.power += power;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::segments::{Segments, alphabet};
    use super::super::substrings::Suffixes;
    use super::*;
    use crate::tokens::train::WordCounts;

    fn lattice(words: &[(String, u64)]) -> (Lattice, Model) {
        let mut counts = WordCounts::new();
        for (word, count) in words {
            counts.add(word, *count);
        }
        let segments = Segments::new(&counts, &alphabet(&counts, 1.0, &[]), false).unwrap();
        let suffixes = Suffixes::new(&segments, 5, 1).unwrap();
        let mut pieces = suffixes.characters.clone();
        pieces.extend(&suffixes.substrings);
        let model = Model::new(&pieces, &suffixes);
        (Lattice::new(segments, &suffixes, &pieces).unwrap(), model)
    }

    /// Every way through the rest of a segment: its probability and its pieces.
    fn ways(lattice: &Lattice, model: &Model, place: usize, length: usize) -> Vec<(f64, Vec<usize>)> {
        if length == 0 {
            return vec![(1.0, Vec::new())];
        }
        let mut all = Vec::new();
        for edge in lattice.at(place) {
            for (probability, mut pieces) in
                ways(lattice, model, place + edge.length(), length - edge.length())
            {
                pieces.push(edge.piece());
                all.push((probability * model.probability(edge.piece()), pieces));
            }
        }
        all
    }

    proptest! {
        #[test]
        fn expectations_are_means_over_all_ways(
            words in prop::collection::btree_map("[ab]{1,7}", 1_u64..1000, 1..8),
            num_threads in 1_usize..4,
        ) {
            let words: Vec<(String, u64)> = words.into_iter().collect();
            let (mut lattice, mut model) = lattice(&words);
            // In the second round some pieces have been dropped.
            for _ in 0..2 {
                let mut want = vec![0.0; model.len()];
                for (segment, &count) in lattice.segments.counts.iter().enumerate() {
                    let (start, length) = lattice.segments.place(segment);
                    let ways = ways(&lattice, &model, start, length);
                    let whole: f64 = ways.iter().map(|(probability, _)| probability).sum();
                    for (probability, pieces) in ways {
                        for piece in pieces {
                            want[piece] += count as f64 * probability / whole;
                        }
                    }
                }
                let got = expected(&lattice, &model, num_threads).unwrap();
                for (got, want) in got.iter().zip(&want) {
                    prop_assert!((got - want).abs() < 1e-6 * (1.0 + want), "{got} {want}");
                }
                model.fit(&got);
                lattice.keep(model.alive());
            }
        }
    }

    #[test]
    fn long_segments_are_scaled() {
        // Ten thousand characters, whose probability is far below what a double can be. Cut into the same parts by
        // hand, they have the same expectations, since no piece crosses the cuts.
        let part = "abcabdabcbd".repeat(30);
        let long = vec![part.as_str(); 30].join("\u{1}");
        let (lattice, model) = lattice(&[(long, 1)]);
        let got = expected(&lattice, &model, 1).unwrap();
        let characters: f64 = (0..model.len()).map(|piece| got[piece] * model.length(piece) as f64).sum();
        assert!((characters - lattice.segments.place(0).1 as f64).abs() < 1e-3, "{characters}");
        let logarithms = by_logarithms(&lattice, &model);
        for (got, want) in got.iter().zip(&logarithms) {
            assert!((got - want).abs() < 1e-6 * (1.0 + want), "{got} {want}");
        }
    }

    /// The same on logarithms, where nothing can underflow.
    fn by_logarithms(lattice: &Lattice, model: &Model) -> Vec<f64> {
        let add = |sum: &mut f64, value: f64| {
            let (low, high) = (sum.min(value), sum.max(value));
            *sum = if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() };
        };
        let (start, length) = lattice.segments.place(0);
        let mut before = vec![f64::NEG_INFINITY; length + 1];
        let mut after = before.clone();
        (before[0], after[length]) = (0.0, 0.0);
        for place in 0..length {
            for edge in lattice.at(start + place) {
                let value = before[place] + model.score(edge.piece());
                add(&mut before[place + edge.length()], value);
            }
        }
        for place in (0..length).rev() {
            for edge in lattice.at(start + place) {
                let value = after[place + edge.length()] + model.score(edge.piece());
                add(&mut after[place], value);
            }
        }
        let mut expected = vec![0.0; model.len()];
        for place in 0..length {
            for edge in lattice.at(start + place) {
                let value = before[place] + model.score(edge.piece()) + after[place + edge.length()];
                expected[edge.piece()] += (value - before[length]).exp();
            }
        }
        expected
    }
}
