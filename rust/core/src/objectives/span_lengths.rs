//! How much of a row is noise, and how long the row becomes.

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

    /// The most that a roll can make of it: a span that is folded around the row's end is two, if it has two tokens.
    pub(super) fn rolled(self) -> Self {
        Self { spans: self.spans + usize::from(self.noise > self.spans), ..self }
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
    /// Where it follows from the row's length.
    pub(super) targets_length: Option<usize>,
}

impl Fitting {
    /// Looks for the longest row that still fits, as T5's `random_spans_helper` does.
    #[expect(clippy::float_cmp, reason = "T5 has a rule for 0.5 itself")]
    pub(super) fn new(inputs_length: usize, density: f64, amount: impl Fn(usize) -> Amount) -> Result<Self> {
        check_inputs_length(inputs_length)?;
        let lengths = |tokens| amount(tokens).lengths(tokens);
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
        Ok(Self { raw_length, targets_length: Some(lengths(raw_length)[1]) })
    }

    /// The same where noise may be anything: the inputs are never longer than the row and its EOS.
    pub(super) fn of_any_noise(inputs_length: usize) -> Result<Self> {
        check_inputs_length(inputs_length)?;
        Ok(Self { raw_length: inputs_length - 1, targets_length: None })
    }
}

fn check_inputs_length(inputs_length: usize) -> Result<()> {
    if inputs_length < 3 {
        return Err(Error::new("no span fits").advise("give at least 3: a token, a sentinel and EOS"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_roll_folds_one_span_that_has_two_tokens() {
        for (tokens, density, mean, spans) in [(1, 0.5, 1.0, 0), (10, 0.25, 1.0, 2), (100, 0.15, 3.0, 6)] {
            assert_eq!(Amount::of(tokens, density, mean).rolled().spans, spans, "{tokens} {density} {mean}");
        }
    }
}
