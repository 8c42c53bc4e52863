//! Noise spans: how many there are, where they lie, and how long a row becomes without them.

use crate::random::{Draws, choose_without_replacement};
use crate::{Error, Result};

/// No raw row is looked for beyond this length.
const LONGEST_RAW_ROW: usize = 1 << 24;

/// How much of a row is noise: it depends on nothing but the row's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) noise: usize,
    pub(super) spans: usize,
}

impl Amount {
    /// T5's rule, in float64 with half to even; spans are capped so that each has a token before and in it.
    pub(super) fn of(tokens: usize, density: f64, mean_span_length: f64) -> Self {
        if tokens < 2 || density == 0.0 {
            return Self { noise: 0, spans: 0 };
        }
        let noise = ((tokens as f64 * density).round_ties_even() as usize).clamp(1, tokens - 1);
        let spans = (noise as f64 / mean_span_length).round_ties_even() as usize;
        Self { noise, spans: spans.max(1).min(noise).min(tokens - noise) }
    }

    /// The lengths of the inputs and labels of a row of `tokens`, their EOS included.
    pub(super) fn lengths(self, tokens: usize) -> [usize; 2] {
        [tokens - self.noise + self.spans + 1, self.noise + self.spans + 1]
    }
}

/// The raw rows whose corrupted ones fill an `inputs_length`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fitting {
    pub(super) raw_length: usize,
    pub(super) targets_length: usize,
}

impl Fitting {
    /// Looks for the longest row that still fits, as T5's `random_spans_helper` does.
    #[expect(clippy::float_cmp, reason = "T5 has a rule for 0.5 itself")]
    pub(super) fn new(inputs_length: usize, density: f64, mean_span_length: f64) -> Result<Self> {
        if inputs_length < 3 {
            return Err(Error::new("no span fits").advise("give at least 3: a token, a sentinel and EOS"));
        }
        let lengths = |tokens| Amount::of(tokens, density, mean_span_length).lengths(tokens);
        let mut raw_length = inputs_length - 1;
        while lengths(raw_length + 1)[0] <= inputs_length {
            raw_length += 1;
            if raw_length >= LONGEST_RAW_ROW {
                return Err(Error::new(format!("rows of {raw_length} tokens still fit"))
                    .advise("give a noise_density further below 1"));
            }
        }
        // At density 0.5 T5 prefers labels that are no longer than the inputs.
        let [inputs, targets] = lengths(raw_length);
        raw_length -= usize::from(density == 0.5 && targets > inputs);
        Ok(Self { raw_length, targets_length: lengths(raw_length)[1] })
    }
}

/// A maximal run of tokens that are all noise or all clean.
pub(super) struct Run {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) noisy: bool,
}

/// The runs of a mask, from left to right.
pub(super) fn runs(mask: &[u8]) -> impl Iterator<Item = Run> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let noisy = *mask.get(begin)? != 0;
        let length = mask[begin..].iter().position(|&next| (next != 0) != noisy);
        let end = length.map_or(mask.len(), |length| begin + length);
        let run = Run { begin, end, noisy };
        begin = end;
        Some(run)
    })
}

/// A number of items cut into positive parts.
#[derive(Default)]
pub(super) struct Parts {
    /// Whether a part ends after an item; the last item is not asked.
    ends: Vec<bool>,
    parts: usize,
}

impl Parts {
    /// Cuts `total` items into `parts` parts, each way to do so equally likely.
    pub(super) fn cut(&mut self, draws: &Draws, total: usize, parts: usize) {
        self.parts = parts;
        self.ends.clear();
        self.ends.resize(total.saturating_sub(1), false);
        let (ends, gaps) = (&mut self.ends, total.saturating_sub(1));
        choose_without_replacement(draws, parts.saturating_sub(1), gaps, |gap| {
            !std::mem::replace(&mut ends[gap], true)
        });
    }

    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        let mut begin = 0;
        (0..self.parts).map(move |_| {
            let length = self.ends[begin..].iter().position(|&end| end);
            let length = length.map_or(self.ends.len() + 1 - begin, |before| before + 1);
            begin += length;
            length
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream};

    #[test]
    fn amounts_round_half_to_even_and_stay_possible() {
        for (tokens, density, mean, noise, spans) in [
            (0, 0.15, 3.0, 0, 0),
            (1, 0.15, 3.0, 0, 0),
            (2, 0.15, 3.0, 1, 1),
            (2, 1.0, 1.0, 1, 1),
            (5, 0.5, 1.0, 2, 2),
            (7, 0.5, 1.0, 4, 3),
            (10, 0.25, 1.0, 2, 2),
            (100, 0.15, 6.0, 15, 2),
            (100, 0.15, 10.0, 15, 2),
            (100, 0.6, 1.0, 60, 40),
            (100, 0.0, 3.0, 0, 0),
            (568, 0.15, 3.0, 85, 28),
        ] {
            assert_eq!(
                Amount::of(tokens, density, mean),
                Amount { noise, spans },
                "{tokens} {density} {mean}"
            );
        }
    }

    #[test]
    fn runs_cover_the_mask() {
        let found: Vec<_> = runs(&[0, 0, 1, 255, 0, 1]).map(|run| (run.begin, run.end, run.noisy)).collect();
        assert_eq!(found, [(0, 2, false), (2, 4, true), (4, 5, false), (5, 6, true)]);
        assert_eq!(runs(&[]).count(), 0);
    }

    #[test]
    fn every_way_to_cut_is_equally_likely() {
        let (total, parts, tries) = (6, 3, 20_000);
        let mut seen = std::collections::BTreeMap::<Vec<usize>, u32>::new();
        let mut cuts = Parts::default();
        for sample in 0..tries {
            cuts.cut(&Key::new(5, 0).unwrap().draws(sample, Stream::NoiseCuts), total, parts);
            let lengths: Vec<usize> = cuts.lengths().collect();
            assert_eq!(lengths.iter().sum::<usize>(), total);
            *seen.entry(lengths).or_default() += 1;
        }
        let want = tries as f64 / 10.0;
        let chi_square: f64 = seen.values().map(|&count| (f64::from(count) - want).powi(2) / want).sum();
        assert_eq!(seen.len(), 10);
        assert!(chi_square < 27.9, "chi-square {chi_square} over 9 degrees of freedom, p < 0.001");
    }
}
