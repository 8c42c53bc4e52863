//! Span corruption: runs of tokens are cut out, and the model gives them back.
//!
//! Raffel et al., *Exploring the limits of transfer learning with a unified text-to-text transformer* (2020),
//! section 3.1.4. In the inputs each span becomes one sentinel; the labels are each sentinel and then what it stands
//! for. Both end in EOS; there is no sentinel after the last span. How many tokens and spans there are follows from
//! the row's length alone; where they lie is uniform among all ways to cut so many tokens into so many spans.

use super::grid::{check_along_ids, for_each_row};
use super::span_lengths::{Amount, Fitting};
use super::spans::Spans;
use super::{AlongIds, Batch, EncoderDecoder, Samples, check_id, check_probability};
use crate::random::{Stream, bounded, threshold};
use crate::{Error, Result};

/// How the tokens are chosen that are cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanNoise {
    /// So many tokens in so many spans as T5's rule says; the first token is clean and the last one noise.
    Spans,
    /// The same, then moved around the row's end by any number of tokens (T5's `random_roll`).
    Rolled,
    /// Each token for itself, with the same probability; runs are spans.
    Iid,
}

/// The settings of [`SpanCorruption`].
#[derive(Debug, Clone, PartialEq)]
pub struct SpanCorruptionSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// The sentinel of the first span, of the second, ...
    pub sentinel_ids: Vec<u32>,
    /// What ends inputs and labels.
    pub eos_id: u32,
    /// What padding holds in `input_ids` and `decoder_input_ids`.
    pub pad_id: u32,
    /// What `decoder_input_ids` begin with.
    pub decoder_start_id: u32,
    /// How the tokens are chosen that are cut out.
    pub noise: SpanNoise,
    /// The share of tokens that is cut out.
    pub noise_density: f64,
    /// The mean length of a span, in tokens.
    pub mean_noise_span_length: f64,
    /// The length that corrupted rows are to have.
    pub inputs_length: Option<usize>,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// Span corruption.
#[derive(Debug, Clone)]
pub struct SpanCorruption {
    settings: SpanCorruptionSettings,
    fitting: Option<Fitting>,
}

/// How many sentinels rows need whose inputs are `inputs_length` long, with noise as T5's rule says.
pub fn sentinels_needed(
    inputs_length: usize,
    noise_density: f64,
    mean_noise_span_length: f64,
) -> Result<usize> {
    let amount = |tokens| Amount::of(tokens, noise_density, mean_noise_span_length);
    Ok(amount(Fitting::new(inputs_length, noise_density, amount)?.raw_length).spans)
}

impl SpanCorruption {
    /// Refuses settings that cannot work, among them more spans than sentinels where `inputs_length` tells.
    pub fn new(settings: SpanCorruptionSettings) -> Result<Self> {
        check_settings(&settings)?;
        let mut objective = Self { settings, fitting: None };
        objective.fitting =
            objective.settings.inputs_length.map(|length| objective.fit(length)).transpose()?;
        Ok(objective)
    }

    /// The longest row, not counting its EOS, whose inputs have at most `inputs_length` ids.
    pub fn raw_length(&self) -> Option<usize> {
        self.fitting.map(|fitting| fitting.raw_length)
    }

    /// The length of the labels of such a row, EOS included; no shorter row has longer ones. Where each token is
    /// chosen for itself nothing says it.
    pub fn targets_length(&self) -> Option<usize> {
        self.fitting.and_then(|fitting| fitting.targets_length)
    }

    fn fit(&self, inputs_length: usize) -> Result<Fitting> {
        let place = |error: Error| error.at(format!("inputs_length {inputs_length}"));
        if self.settings.noise == SpanNoise::Iid {
            return Fitting::of_any_noise(inputs_length).map_err(place);
        }
        let amount = |tokens| self.most(tokens);
        let fitting = Fitting::new(inputs_length, self.settings.noise_density, amount).map_err(place)?;
        self.check_budget(self.most(fitting.raw_length).spans).map_err(place)?;
        Ok(fitting)
    }

    /// What is drawn for a row of `tokens` where it follows from T5's rule.
    fn amount(&self, tokens: usize) -> Amount {
        Amount::of(tokens, self.settings.noise_density, self.settings.mean_noise_span_length)
    }

    /// The same with the most spans that a roll can make of it.
    fn most(&self, tokens: usize) -> Amount {
        let amount = self.amount(tokens);
        if self.settings.noise == SpanNoise::Rolled { amount.rolled() } else { amount }
    }

    /// The row without its final EOS, which is never noise.
    fn body<'a>(&self, row: &'a [u32]) -> &'a [u32] {
        row.strip_suffix(&[self.settings.eos_id]).unwrap_or(row)
    }

    /// The lengths of the longest inputs and labels; `mask` is the noise where it is given. Without it they are the
    /// most that the noise can make them, which is what it does make them where there is neither roll nor iid noise.
    ///
    /// Rows that cannot be taken are refused, among them those with more spans than there are sentinels.
    pub fn check(&self, batch: &Batch<'_>, mask: Option<&[u8]>) -> Result<[usize; 2]> {
        batch.check(self.settings.vocab_size, self.settings.max_length)?;
        if let Some(mask) = mask {
            check_along_ids("mask", mask.len(), batch.rows())?;
        }
        let (mut longest, mut spans) = ([0; 2], Spans::default());
        for index in 0..batch.rows().len() {
            let mask = mask.map(|mask| &mask[batch.rows().range(index)]);
            let lengths = self
                .row_lengths(batch.rows().row(index), mask, &mut spans)
                .map_err(|error| error.at(format!("row {index}")))?;
            longest = [longest[0].max(lengths[0]), longest[1].max(lengths[1])];
        }
        Ok(longest)
    }

    fn row_lengths(&self, row: &[u32], mask: Option<&[u8]>, spans: &mut Spans) -> Result<[usize; 2]> {
        let tokens = self.body(row).len();
        self.check_length(tokens)?;
        let Some(mask) = mask else {
            if self.settings.noise == SpanNoise::Iid {
                // A clean token lies between two spans, so noise and sentinels are at most one more than the tokens.
                return Ok([tokens + 1, tokens + 2]);
            }
            let most = self.most(tokens);
            self.check_budget(most.spans)?;
            return Ok(most.lengths(tokens));
        };
        if mask[tokens..].iter().any(|&noisy| noisy != 0) {
            return Err(Error::new("the final EOS is noise").advise("EOS ends inputs and labels alike"));
        }
        spans.read(mask);
        self.check_budget(spans.list().len())?;
        Ok(Amount { noise: spans.noise(), spans: spans.list().len() }.lengths(tokens))
    }

    fn check_length(&self, tokens: usize) -> Result<()> {
        match self.fitting {
            Some(Fitting { raw_length, .. }) if tokens > raw_length => {
                Err(Error::new(format!("{tokens} tokens, and inputs_length has room for {raw_length}"))
                    .advise("cut the rows to at most raw_length tokens first"))
            }
            _ => Ok(()),
        }
    }

    fn check_budget(&self, spans: usize) -> Result<()> {
        let sentinels = self.settings.sentinel_ids.len();
        if spans <= sentinels {
            return Ok(());
        }
        Err(Error::new(format!("{spans} noise spans and {sentinels} sentinels"))
            .advise("use shorter rows, a larger mean_noise_span_length, or a tokenizer with more sentinels"))
    }

    /// Draws the noise of `batch`: 1 where a token is cut out, else 0.
    pub fn noise(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: AlongIds<'_, u8>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch, None)?;
        for_each_row(batch.rows(), out, num_threads, Spans::default, |spans, index, mask| {
            self.draw(self.body(batch.rows().row(index)).len(), samples, index, spans);
            spans.write(mask.values());
        })
    }

    /// Carries out noise; nothing is written when something is refused.
    pub fn apply(
        &self,
        batch: &Batch<'_>,
        mask: &[u8],
        out: EncoderDecoder<'_>,
        num_threads: usize,
    ) -> Result<()> {
        out.check(batch.rows().len(), self.check(batch, Some(mask))?)?;
        for_each_row(batch.rows(), out, num_threads, Spans::default, |spans, index, line| {
            spans.read(&mask[batch.rows().range(index)]);
            self.carry_out(self.body(batch.rows().row(index)), spans, line);
        })
    }

    /// Draws noise and carries it out; nothing is written when something is refused.
    pub fn corrupt(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: EncoderDecoder<'_>,
        num_threads: usize,
    ) -> Result<()> {
        out.check(batch.rows().len(), self.check(batch, None)?)?;
        for_each_row(batch.rows(), out, num_threads, Spans::default, |spans, index, line| {
            let body = self.body(batch.rows().row(index));
            self.draw(body.len(), samples, index, spans);
            self.carry_out(body, spans, line);
        })
    }

    fn draw(&self, tokens: usize, samples: Samples<'_>, index: usize, spans: &mut Spans) {
        let draws = |stream| samples.draws(index, stream);
        if self.settings.noise == SpanNoise::Iid {
            let threshold = threshold(self.settings.noise_density);
            let most = self.settings.sentinel_ids.len();
            return spans.draw_each(&draws(Stream::Select), threshold, tokens, most);
        }
        let amount = self.amount(tokens);
        spans.draw(amount, tokens, &draws(Stream::NoiseCuts), &draws(Stream::CleanCuts));
        if self.settings.noise == SpanNoise::Rolled && amount.noise > 0 {
            spans.roll(bounded(draws(Stream::Rotation).draw(0), tokens as u32) as usize, tokens);
        }
    }

    /// Writes the inputs and labels of a row without its EOS.
    fn carry_out(&self, body: &[u32], spans: &Spans, line: EncoderDecoder<'_>) {
        let (mut line, mut clean) = (line.writer(), 0);
        // There is a sentinel for each span: `check` has counted them.
        for (span, &sentinel) in spans.list().iter().zip(&self.settings.sentinel_ids) {
            line.inputs.extend_in_blocks(&body[clean..], span.begin - clean);
            line.inputs.push(sentinel);
            line.labels.push(sentinel);
            line.labels.extend_in_blocks(&body[span.begin..], span.end - span.begin);
            clean = span.end;
        }
        line.inputs.extend(&body[clean..]);
        line.inputs.push(self.settings.eos_id);
        line.labels.push(self.settings.eos_id);
        line.finish(self.settings.pad_id, self.settings.decoder_start_id);
    }
}

fn check_settings(settings: &SpanCorruptionSettings) -> Result<()> {
    check_id("eos_id", settings.eos_id, settings.vocab_size)?;
    check_id("pad_id", settings.pad_id, settings.vocab_size)?;
    check_id("decoder_start_id", settings.decoder_start_id, settings.vocab_size)?;
    settings.sentinel_ids.iter().try_for_each(|&id| check_id("sentinel_ids", id, settings.vocab_size))?;
    check_sentinels(settings)?;
    check_probability("noise_density", settings.noise_density)?;
    let mean = settings.mean_noise_span_length;
    if mean.is_finite() && mean >= 1.0 {
        return Ok(());
    }
    Err(Error::new(format!("mean_noise_span_length is {mean}")).advise("give at least 1: no span is shorter"))
}

fn check_sentinels(settings: &SpanCorruptionSettings) -> Result<()> {
    let mut sorted = settings.sentinel_ids.clone();
    sorted.sort_unstable();
    if sorted.is_empty() {
        return Err(Error::new("there are no sentinels")
            .advise("use a tokenizer that has <extra_id_0>, <extra_id_1>, ..., or give sentinel_ids"));
    }
    if sorted.contains(&settings.eos_id) || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::new("a sentinel is another one, or EOS")
            .at("sentinel_ids")
            .advise("each sentinel needs an id of its own"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Grid;
    use super::*;
    use crate::rows::Ragged;

    fn settings() -> SpanCorruptionSettings {
        SpanCorruptionSettings {
            vocab_size: 200,
            sentinel_ids: (0..100).map(|k| 199 - k).collect(),
            eos_id: 1,
            pad_id: 0,
            decoder_start_id: 0,
            noise: SpanNoise::Spans,
            noise_density: 0.15,
            mean_noise_span_length: 3.0,
            inputs_length: None,
            max_length: None,
        }
    }

    fn apply(row: &[u32], mask: &[u8], [inputs, labels]: [usize; 2]) -> Result<[Vec<i64>; 4]> {
        let mut rows = Ragged::new();
        rows.push(row);
        let [mut input_ids, mut attention] = [vec![7; inputs], vec![7; inputs]];
        let [mut label_ids, mut decoder] = [vec![7; labels], vec![7; labels]];
        let out = EncoderDecoder {
            input_ids: Grid::new(&mut input_ids, 1, inputs)?,
            attention_mask: Some(Grid::new(&mut attention, 1, inputs)?),
            labels: Grid::new(&mut label_ids, 1, labels)?,
            decoder_input_ids: Grid::new(&mut decoder, 1, labels)?,
        };
        SpanCorruption::new(settings())?.apply(&Batch::new(rows.view(), None)?, mask, out, 1)?;
        Ok([input_ids, attention, label_ids, decoder])
    }

    #[test]
    fn spans_become_sentinels() {
        let want = |arrays: [&[i64]; 4]| Ok(arrays.map(<[i64]>::to_vec));
        assert_eq!(
            apply(&[5, 6, 7, 8, 9], &[0, 1, 1, 0, 1], [7, 7]),
            want([
                &[5, 199, 8, 198, 1, 0, 0],
                &[1, 1, 1, 1, 1, 0, 0],
                &[199, 6, 7, 198, 9, 1, -100],
                &[0, 199, 6, 7, 198, 9, 1],
            ])
        );
        assert_eq!(
            apply(&[5, 6, 1], &[1, 0, 0], [3, 4]),
            want([&[199, 6, 1], &[1, 1, 1], &[199, 5, 1, -100], &[0, 199, 5, 1]])
        );
        assert_eq!(apply(&[], &[], [1, 1]), want([&[1], &[1], &[1], &[0]]));
    }

    #[test]
    fn masks_that_cannot_be_carried_out_are_refused() {
        let alternating: Vec<u8> = (0..202).map(|position| position % 2).collect();
        for (row, mask, lengths) in [
            (vec![5, 6, 1], vec![0, 0, 1], [9, 9]),
            (vec![5, 6], vec![0], [9, 9]),
            (vec![5, 6], vec![0, 1], [2, 3]),
            (vec![5, 6], vec![0, 1], [3, 2]),
            (vec![5; 202], alternating, [300, 300]),
        ] {
            assert!(apply(&row, &mask, lengths).is_err(), "{mask:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_t5() {
        for (inputs_length, noise_density, mean, raw_length, targets_length) in [
            (512, 0.15, 3.0, 568, 114),
            (512, 0.15, 8.0, 588, 100),
            (512, 0.15, 64.0, 600, 92),
            (512, 0.5, 3.0, 766, 512),
            (512, 0.5, 8.0, 908, 512),
            (512, 0.5, 64.0, 1006, 512),
            (1024, 0.15, 3.0, 1137, 229),
            (2048, 0.15, 3.0, 2274, 456),
        ] {
            let objective = SpanCorruption::new(SpanCorruptionSettings {
                vocab_size: 1000,
                sentinel_ids: (800..1000).collect(),
                noise_density,
                mean_noise_span_length: mean,
                inputs_length: Some(inputs_length),
                ..settings()
            });
            let objective = objective.unwrap();
            assert_eq!(objective.raw_length(), Some(raw_length), "{inputs_length} {noise_density} {mean}");
            assert_eq!(objective.targets_length(), Some(targets_length));
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        type Change = fn(&mut SpanCorruptionSettings);
        let cases: [(&str, Change); 12] = [
            ("noise_density", |s| s.noise_density = 1.1),
            ("noise_density", |s| s.noise_density = f64::NAN),
            ("mean_noise_span_length", |s| s.mean_noise_span_length = 0.5),
            ("mean_noise_span_length", |s| s.mean_noise_span_length = f64::INFINITY),
            ("no sentinels", |s| s.sentinel_ids.clear()),
            ("each sentinel", |s| s.sentinel_ids.push(150)),
            ("each sentinel", |s| s.sentinel_ids.push(1)),
            ("sentinel_ids", |s| s.sentinel_ids.push(200)),
            ("eos_id", |s| s.eos_id = 200),
            ("114 noise spans and 100 sentinels", |s| s.inputs_length = Some(2048)),
            ("at least 3", |s| s.inputs_length = Some(2)),
            ("further below 1", |s| (s.inputs_length, s.noise_density) = (Some(5), 1.0)),
        ];
        for (want, change) in cases {
            let mut changed = settings();
            change(&mut changed);
            let message = SpanCorruption::new(changed).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
    }
}
