//! Prefix language modelling: a row is cut in two, and the model goes on from the first part.
//!
//! Liu et al., *Generating Wikipedia by summarizing long sequences* (2018); as T5 has it, Raffel et al., *Exploring the
//! limits of transfer learning with a unified text-to-text transformer* (2020), section 3.2.3. A decoder sees the whole
//! row, its prefix in both directions, and no label is asked of it there. With an encoder the prefix is its input and
//! the rest the labels, each with an EOS.

use super::documents::{AlongDocuments, Documents, stretches};
use super::grid::{Grid, for_each_row};
use super::{Batch, EncoderDecoder, IGNORED, Labelled, Samples, check_id, check_probability};
use crate::random::{Stream, bounded};
use crate::{Error, Result};

/// What kind of model is to go on from the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// One that sees row and labels in one line.
    Decoder,
    /// One with an encoder for the prefix.
    EncoderDecoder {
        /// What ends inputs and labels.
        eos_id: u32,
        /// What `decoder_input_ids` begin with.
        decoder_start_id: u32,
    },
}

/// The settings of [`PrefixLm`].
#[derive(Debug, Clone, PartialEq)]
pub struct PrefixLmSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// What padding holds in `input_ids` and `decoder_input_ids`.
    pub pad_id: u32,
    /// The mean share of a row that comes after its prefix, at most a half.
    pub noise_density: f64,
    /// What kind of model is to go on from the prefix.
    pub architecture: Architecture,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// Prefix language modelling.
#[derive(Debug, Clone)]
pub struct PrefixLm {
    settings: PrefixLmSettings,
}

impl PrefixLm {
    /// Refuses settings that cannot work.
    pub fn new(settings: PrefixLmSettings) -> Result<Self> {
        check_id("pad_id", settings.pad_id, settings.vocab_size)?;
        if let Architecture::EncoderDecoder { eos_id, decoder_start_id } = settings.architecture {
            check_id("eos_id", eos_id, settings.vocab_size)?;
            check_id("decoder_start_id", decoder_start_id, settings.vocab_size)?;
        }
        check_probability("noise_density", settings.noise_density)?;
        if settings.noise_density > 0.5 {
            return Err(Error::new(format!("noise_density is {}", settings.noise_density))
                .advise("give at most 0.5: a prefix ends anywhere, or anywhere behind some place"));
        }
        Ok(Self { settings })
    }

    /// Refuses rows that this objective cannot take.
    pub fn check(&self, batch: &Batch<'_>) -> Result<()> {
        if batch.is_packed() && self.settings.architecture != Architecture::Decoder {
            return Err(
                Error::new("packed rows, and an encoder sees but one prefix").advise("give the rows alone")
            );
        }
        batch.check(self.settings.vocab_size, self.settings.max_length)
    }

    /// The length of the longest labels, EOS included, of rows of at most `tokens`, where there is an encoder.
    pub fn labels_length(&self, tokens: usize) -> usize {
        tokens - self.least(tokens) + 1
    }

    /// The tokens that are cut in two: with an encoder a final EOS is put aside, as both parts get their own.
    fn tokens<'a>(&self, document: &'a [u32]) -> &'a [u32] {
        match self.settings.architecture {
            Architecture::EncoderDecoder { eos_id, .. } => {
                document.strip_suffix(&[eos_id]).unwrap_or(document)
            }
            Architecture::Decoder => document,
        }
    }

    /// The length of the shortest prefix: T5's rule, in float64 with half to even.
    fn least(&self, tokens: usize) -> usize {
        let most = tokens.saturating_sub(1);
        let share = 1.0 - 2.0 * self.settings.noise_density;
        ((share * most as f64).round_ties_even() as usize).max(1).min(most)
    }

    /// Draws the noise of `batch`: the length of each document's prefix.
    pub fn noise(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: AlongDocuments<'_, u32>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        let state = || ();
        for_each_row(batch.rows(), out, num_threads, state, |(), index, splits| {
            let row = batch.rows().row(index);
            let draws = samples.draws(index, Stream::PrefixSplit);
            let documents = stretches(row.len(), batch.segments(index)).zip(splits.values());
            for (number, (document, split)) in documents.enumerate() {
                let tokens = self.tokens(&row[document]).len();
                let (least, most) = (self.least(tokens), tokens.saturating_sub(1));
                let further = bounded(draws.draw(number), (most - least) as u32 + 1);
                *split = least as u32 + further;
            }
        })
    }

    /// The lengths of the longest inputs and labels where there is an encoder; splits that lie outside are refused.
    pub fn lengths(&self, batch: &Batch<'_>, splits: &[u32]) -> Result<[usize; 2]> {
        let documents = Documents::of(batch);
        documents.check("split", splits.len())?;
        let mut longest = [0; 2];
        for index in 0..batch.rows().len() {
            let row = batch.rows().row(index);
            let here = stretches(row.len(), batch.segments(index)).zip(&splits[documents.range(index)]);
            for (document, &split) in here {
                let (tokens, split) = (self.tokens(&row[document]).len(), split as usize);
                if split > tokens {
                    return Err(Error::new(format!("a prefix of {split} tokens in a document of {tokens}"))
                        .at(format!("row {index}"))
                        .advise("a prefix is no longer than its document"));
                }
                longest = [longest[0].max(split + 1), longest[1].max(tokens - split + 1)];
            }
        }
        Ok(longest)
    }

    /// Carries out noise for a decoder, with a line that says where the prefixes lie; nothing is written when
    /// something is refused.
    pub fn apply_to_decoder(
        &self,
        batch: &Batch<'_>,
        splits: &[u32],
        out: (Labelled<'_>, Grid<'_, i64>),
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        self.lengths(batch, splits)?;
        out.0.check(batch)?;
        out.1.check("prefix_mask", batch.rows().len(), batch.rows().longest())?;
        let (documents, state) = (Documents::of(batch), || ());
        for_each_row(batch.rows(), out, num_threads, state, |(), index, line| {
            self.write_line(batch, index, &splits[documents.range(index)], line);
        })
    }

    fn write_line(
        &self,
        batch: &Batch<'_>,
        index: usize,
        splits: &[u32],
        (line, prefix_mask): (Labelled<'_>, Grid<'_, i64>),
    ) {
        let (row, segments) = (batch.rows().row(index), batch.segments(index));
        let prefix_mask = prefix_mask.line();
        prefix_mask.fill(0);
        line.places.write(row.len(), batch.columns(index));
        line.input_ids.write_ids(row, i64::from(self.settings.pad_id));
        let labels = line.labels.write_ids(row, IGNORED);
        for (document, &split) in stretches(row.len(), segments).zip(splits) {
            let prefix = document.start..document.start + split as usize;
            prefix_mask[prefix.clone()].fill(1);
            labels[prefix].fill(IGNORED);
            if segments.is_some() {
                // After the model's shift it would be predicted from the document before.
                labels[document.start] = IGNORED;
            }
        }
    }

    /// Carries out noise for an encoder and a decoder; nothing is written when something is refused.
    pub fn apply_to_encoder_decoder(
        &self,
        batch: &Batch<'_>,
        splits: &[u32],
        out: EncoderDecoder<'_>,
        num_threads: usize,
    ) -> Result<()> {
        let Architecture::EncoderDecoder { eos_id, decoder_start_id } = self.settings.architecture else {
            return Err(Error::new("this prefix LM is for a decoder alone"));
        };
        self.check(batch)?;
        out.check(batch.rows().len(), self.lengths(batch, splits)?)?;
        let state = || ();
        for_each_row(batch.rows(), out, num_threads, state, |(), index, line| {
            let tokens = self.tokens(batch.rows().row(index));
            let (prefix, rest) = tokens.split_at(splits[index] as usize);
            let mut line = line.writer();
            line.inputs.extend(prefix);
            line.inputs.push(eos_id);
            line.labels.extend(rest);
            line.labels.push(eos_id);
            line.finish(self.settings.pad_id, decoder_start_id);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Places;
    use super::*;
    use crate::random::Key;
    use crate::rows::Ragged;

    const TWO_SIDED: Architecture = Architecture::EncoderDecoder { eos_id: 1, decoder_start_id: 2 };

    fn objective(noise_density: f64, architecture: Architecture) -> Result<PrefixLm> {
        PrefixLm::new(PrefixLmSettings {
            vocab_size: 20,
            pad_id: 0,
            noise_density,
            architecture,
            max_length: None,
        })
    }

    #[test]
    fn prefixes_end_where_t5_says() {
        for (density, tokens, least) in [
            (0.5, 0, 0),
            (0.5, 1, 0),
            (0.5, 2, 1),
            (0.5, 100, 1),
            (0.25, 2, 1),
            (0.25, 21, 10),
            (0.25, 22, 10),
            (0.25, 24, 12),
            (0.0, 9, 8),
        ] {
            let objective = objective(density, Architecture::Decoder).unwrap();
            assert_eq!(objective.least(tokens), least, "{density} {tokens}");
        }
    }

    #[test]
    fn every_split_is_drawn_and_none_beyond() {
        let mut rows = Ragged::new();
        (0..400).for_each(|_| rows.push(&[5; 9]));
        let batch = Batch::new(rows.view(), None).unwrap();
        let (documents, mut splits) = (Documents::of(&batch), vec![99; 400]);
        let samples = Samples::new(Key::new(1, 0).unwrap(), None, rows.view()).unwrap();
        let out = AlongDocuments::new(&mut splits, &documents).unwrap();
        objective(0.25, Architecture::Decoder).unwrap().noise(&batch, samples, out, 1).unwrap();
        splits.sort_unstable();
        splits.dedup();
        assert_eq!(splits, [4, 5, 6, 7, 8]);
    }

    fn decoder(row: &[u32], segments: Option<&[i32]>, splits: &[u32]) -> Result<[[i64; 6]; 3]> {
        let mut rows = Ragged::new();
        rows.push(row);
        let [mut input_ids, mut labels, mut prefix_mask] = [[7; 6]; 3];
        let out = Labelled {
            input_ids: Grid::new(&mut input_ids, 1, 6)?,
            labels: Grid::new(&mut labels, 1, 6)?,
            original_ids: None,
            places: Places::default(),
        };
        let out = (out, Grid::new(&mut prefix_mask, 1, 6)?);
        let batch = Batch::new(rows.view(), segments)?;
        objective(0.5, Architecture::Decoder)?.apply_to_decoder(&batch, splits, out, 1)?;
        Ok([input_ids, labels, prefix_mask])
    }

    #[test]
    fn a_decoder_is_asked_for_what_comes_after_the_prefix() {
        let inputs = [3, 4, 5, 6, 0, 0];
        assert_eq!(
            decoder(&[3, 4, 5, 6], None, &[2]),
            Ok([inputs, [-100, -100, 5, 6, -100, -100], [1, 1, 0, 0, 0, 0]])
        );
        assert_eq!(
            decoder(&[3, 4, 5, 6], Some(&[1, 1, 1, 2]), &[1, 0]),
            Ok([inputs, [-100, 4, 5, -100, -100, -100], [1, 0, 0, 0, 0, 0]])
        );
        assert_eq!(decoder(&[], None, &[0]), Ok([[0; 6], [-100; 6], [0; 6]]));
        assert!(decoder(&[3, 4], None, &[3]).is_err());
        assert!(decoder(&[3, 4], None, &[1, 1]).is_err());
        assert!(decoder(&[3, 4], Some(&[1, 2]), &[1]).is_err());
    }

    #[test]
    fn an_encoder_sees_the_prefix() {
        let mut rows = Ragged::new();
        rows.push(&[3, 4, 5, 1]);
        let [mut input_ids, mut labels, mut decoder_input_ids] = [[7; 3]; 3];
        let out = EncoderDecoder {
            input_ids: Grid::new(&mut input_ids, 1, 3).unwrap(),
            attention_mask: None,
            labels: Grid::new(&mut labels, 1, 3).unwrap(),
            decoder_input_ids: Grid::new(&mut decoder_input_ids, 1, 3).unwrap(),
        };
        let batch = Batch::new(rows.view(), None).unwrap();
        objective(0.5, TWO_SIDED).unwrap().apply_to_encoder_decoder(&batch, &[1], out, 1).unwrap();
        assert_eq!([input_ids, labels, decoder_input_ids], [[3, 1, 0], [4, 5, 1], [2, 4, 5]]);
        assert!(objective(0.5, TWO_SIDED).unwrap().lengths(&batch, &[4]).is_err());
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert!(objective(0.51, TWO_SIDED).is_err());
        assert!(objective(f64::NAN, TWO_SIDED).is_err());
        let eos_id = 20;
        assert!(objective(0.5, Architecture::EncoderDecoder { eos_id, decoder_start_id: 0 }).is_err());
    }
}
