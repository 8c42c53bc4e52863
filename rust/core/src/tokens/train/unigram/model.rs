//! The pieces' probabilities.

use super::substrings::{Substring, Suffixes};

/// How much less likely than the least likely piece a character is that is no piece: `SentencePiece`'s penalty.
const UNKNOWN_PENALTY: f64 = 10.0;

/// Pieces expected less often than this are dropped.
const LEAST_EXPECTED: f64 = 0.5;

/// A unigram language model. Pieces keep their numbers; single characters that are dropped can still be passed.
pub(super) struct Model {
    /// Where each piece stands in the text, and how long it is.
    pieces: Vec<(u32, u32)>,
    /// The logarithms of the probabilities.
    scores: Vec<f64>,
    probabilities: Vec<f64>,
    alive: Vec<bool>,
}

impl Model {
    /// A model of pieces as likely as their characters are frequent.
    pub(super) fn new(pieces: &[Substring], suffixes: &Suffixes) -> Self {
        let weight = |piece: &Substring| piece.count as f64 * f64::from(piece.length);
        let sum = pieces.iter().map(weight).sum::<f64>().ln();
        let scores: Vec<f64> = pieces.iter().map(|piece| weight(piece).ln() - sum).collect();
        let probabilities = scores.iter().map(|score| score.exp()).collect();
        let places = pieces.iter().map(|piece| (suffixes.sorted[piece.first as usize], piece.length));
        Self { pieces: places.collect(), scores, probabilities, alive: vec![true; pieces.len()] }
    }

    /// How many pieces there have ever been.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// How many pieces there are.
    pub(super) fn number_alive(&self) -> usize {
        self.alive.iter().filter(|alive| **alive).count()
    }

    /// Where a piece stands in the text.
    pub(super) fn place(&self, piece: usize) -> usize {
        self.pieces[piece].0 as usize
    }

    /// How many characters it has.
    pub(super) fn length(&self, piece: usize) -> usize {
        self.pieces[piece].1 as usize
    }

    /// Which pieces have not been dropped.
    pub(super) fn alive(&self) -> &[bool] {
        &self.alive
    }

    #[inline]
    pub(super) fn score(&self, piece: usize) -> f64 {
        self.scores[piece]
    }

    #[inline]
    pub(super) fn probability(&self, piece: usize) -> f64 {
        self.probabilities[piece]
    }

    /// The least score of a piece.
    pub(super) fn least_score(&self) -> f64 {
        let alive = self.scores.iter().zip(&self.alive).filter(|(_, alive)| **alive);
        alive.map(|(score, _)| *score).fold(f64::INFINITY, f64::min)
    }

    /// Makes the model fit the expectations, as a Bayesian would who believes in few pieces (Liang and Klein 2007):
    /// the digamma function takes from the rare.
    pub(super) fn fit(&mut self, expected: &[f64]) {
        for (alive, &expected) in self.alive.iter_mut().zip(expected) {
            *alive &= expected >= LEAST_EXPECTED;
        }
        let alive = expected.iter().zip(&self.alive).filter(|(_, alive)| **alive);
        let sum = digamma(alive.map(|(expected, _)| expected).sum());
        for (piece, &expected) in expected.iter().enumerate() {
            if self.alive[piece] {
                self.scores[piece] = digamma(expected) - sum;
            }
        }
        self.price();
    }

    /// Drops all pieces but these.
    pub(super) fn keep(&mut self, kept: &[bool]) {
        self.alive.iter_mut().zip(kept).for_each(|(alive, kept)| *alive &= kept);
        self.price();
    }

    /// Gives dropped pieces a price: none can be had but single characters, as unknown ones.
    fn price(&mut self) {
        let unknown = self.least_score() - UNKNOWN_PENALTY;
        for (piece, score) in self.scores.iter_mut().enumerate() {
            if !self.alive[piece] {
                *score = if self.pieces[piece].1 == 1 { unknown } else { f64::NEG_INFINITY };
            }
            self.probabilities[piece] = score.exp();
        }
    }
}

/// The derivative of the logarithm of the gamma function, by its recurrence and asymptotic series.
fn digamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 7.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    x -= 0.5;
    let square = 1.0 / (x * x);
    let series = [1.0 / 24.0, -7.0 / 960.0, 31.0 / 8064.0, -127.0 / 30720.0];
    sum + x.ln() + series.iter().rev().fold(0.0, |value, term| (value + term) * square)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digamma_has_its_known_values() {
        for (x, value) in [
            (0.5, -1.963_510_026_021_423_5),
            (1.0, -0.577_215_664_901_532_9),
            (2.5, 0.703_156_640_645_243_2),
            (10.0, 2.251_752_589_066_721),
            (1e6, 13.815_510_057_964_19),
        ] {
            assert!((digamma(x) - value).abs() < 1e-9, "{x}: {}", digamma(x));
        }
    }
}
