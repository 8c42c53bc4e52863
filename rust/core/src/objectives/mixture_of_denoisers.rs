//! A mixture of denoisers: each row gets one of several objectives.
//!
//! Tay et al., *UL2: unifying language learning paradigms* (2022). Here is what the mixture does itself: which row gets
//! which objective, and which rows it takes.

use super::{Batch, Samples};
use crate::random::{Stream, cumulated_thresholds};
use crate::{Error, Result};

/// The settings of [`MixtureOfDenoisers`].
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureOfDenoisersSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// What each objective's share of the rows is proportional to.
    pub weights: Vec<f64>,
    /// The longest row that every objective can make fit, not counting its EOS.
    pub raw_length: Option<usize>,
    /// What may end a row and then does not count.
    pub eos_id: Option<u32>,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// A mixture of denoisers.
#[derive(Debug, Clone)]
pub struct MixtureOfDenoisers {
    settings: MixtureOfDenoisersSettings,
    /// A word below the first gets the first objective, else below the second the second, ...
    thresholds: Vec<u64>,
}

impl MixtureOfDenoisers {
    /// Refuses settings that cannot work.
    pub fn new(settings: MixtureOfDenoisersSettings) -> Result<Self> {
        let weights = &settings.weights;
        if weights.is_empty() || weights.len() > usize::from(u8::MAX) {
            return Err(Error::new(format!("{} denoisers", weights.len())).advise("give 1 to 255"));
        }
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            return Err(Error::new(format!("a denoiser has the weight {weight}"))
                .advise("give a number above 0, or leave the denoiser out"));
        }
        if weights.iter().sum::<f64>().is_infinite() {
            return Err(Error::new("the sum of the weights is infinite").advise("give smaller weights"));
        }
        let thresholds = cumulated_thresholds(weights);
        Ok(Self { settings, thresholds })
    }

    /// Refuses rows that no mixture of these could take.
    pub fn check(&self, batch: &Batch<'_>) -> Result<()> {
        batch.check(self.settings.vocab_size, self.settings.max_length)?;
        let Some(raw_length) = self.settings.raw_length else { return Ok(()) };
        for index in 0..batch.rows().len() {
            let row = batch.rows().row(index);
            let ends = self.settings.eos_id.is_some() && row.last() == self.settings.eos_id.as_ref();
            let tokens = row.len() - usize::from(ends);
            if tokens > raw_length {
                return Err(Error::new(format!(
                    "{tokens} tokens, and inputs_length has room for {raw_length}"
                ))
                .at(format!("row {index}"))
                .advise("cut the rows to at most raw_length tokens first"));
            }
        }
        Ok(())
    }

    /// Draws which objective each row gets.
    pub fn choose(&self, batch: &Batch<'_>, samples: Samples<'_>, out: &mut [u8]) -> Result<()> {
        self.check(batch)?;
        if out.len() != batch.rows().len() {
            return Err(Error::new(format!("{} choices for {} rows", out.len(), batch.rows().len())));
        }
        for (index, choice) in out.iter_mut().enumerate() {
            let word = u64::from(samples.draws(index, Stream::Choice).draw(0));
            *choice = self.thresholds.partition_point(|&threshold| threshold <= word) as u8;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use crate::rows::Ragged;

    fn objective(weights: &[f64]) -> Result<MixtureOfDenoisers> {
        MixtureOfDenoisers::new(MixtureOfDenoisersSettings {
            vocab_size: 10,
            weights: weights.to_vec(),
            raw_length: Some(3),
            eos_id: Some(1),
            max_length: None,
        })
    }

    #[test]
    fn rows_are_shared_out_by_weight() {
        let mut rows = Ragged::new();
        (0..4000).for_each(|_| rows.push(&[]));
        let mut choice = vec![9; 4000];
        let samples = Samples::new(Key::new(1, 0).unwrap(), None, rows.view()).unwrap();
        let batch = Batch::new(rows.view(), None).unwrap();
        objective(&[1.0, 5.0, 2.0]).unwrap().choose(&batch, samples, &mut choice).unwrap();
        let mut counts = [0_u32; 3];
        for choice in choice {
            counts[usize::from(choice)] += 1;
        }
        let want = [500.0, 2500.0, 1000.0];
        let chi_square: f64 =
            counts.iter().zip(want).map(|(&count, want)| (f64::from(count) - want).powi(2) / want).sum();
        assert!(chi_square < 13.8, "chi-square {chi_square} over 2 degrees of freedom, p < 0.001");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for weights in [&[][..], &[0.0], &[-1.0], &[f64::NAN], &[f64::INFINITY], &[f64::MAX, f64::MAX]] {
            assert!(objective(weights).is_err(), "{weights:?}");
        }
        assert!(objective(&[1.0; 256]).is_err());
        for (row, fine) in [(vec![5, 6, 7, 1], true), (vec![5, 6, 7, 8], false), (vec![10], false)] {
            let mut rows = Ragged::new();
            rows.push(&row);
            let batch = Batch::new(rows.view(), None).unwrap();
            assert_eq!(objective(&[1.0]).unwrap().check(&batch).is_ok(), fine, "{row:?}");
        }
    }
}
