//! Denoising: a text is damaged, and the model gives the whole of it back.
//!
//! Lewis et al., *BART: denoising sequence-to-sequence pre-training for natural language generation, translation, and
//! comprehension* (2020), section 2.2. In this order, which is fairseq's: sentences change places; spans of words give
//! way to a mask (text infilling); single tokens are deleted; a mask comes in for each span that had no word; the text
//! turns until another token is its first. The labels are the row as it was.
//!
//! Beyond fairseq: a row never grows, special tokens within it are never noise, and the last sentence is one even if it
//! is a single token after a full stop.

use std::ops::Range;

use super::grid::for_each_row;
use super::ordinary::OrdinaryIds;
use super::words::{BEGINS_WORD, IdMarks, SPECIAL};
use super::{Batch, EncoderDecoder, Samples, check_id, check_probability};
use crate::random::{Draws, Stream, bounded, threshold};
use crate::{Error, Result};

mod infilling;
mod insertion;
mod noise;
mod places;
mod sentences;
mod span_lengths;

use noise::{NoiseBuffers, RowNoise, RowNoiseMut};
use places::{COVERED, Places, SENTENCE_END};
use sentences::Sentences;
use span_lengths::SpanLengths;

pub use noise::{DenoisingNoise, DenoisingNoiseOut};

/// What stands in the inputs for a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanFill {
    /// Nothing: its tokens are deleted.
    Nothing,
    /// One mask.
    OneToken,
    /// A mask for each of its tokens.
    EachToken,
}

impl SpanFill {
    /// By fairseq's number: 0, 1 or -1.
    pub fn from_replace_length(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Nothing),
            1 => Ok(Self::OneToken),
            -1 => Ok(Self::EachToken),
            _ => Err(Error::new(format!("replace_length is {number}"))
                .advise("give 1 for one mask a span, -1 for one mask a token, or 0 for none")),
        }
    }
}

/// The settings of [`Denoising`].
#[derive(Debug, Clone, PartialEq)]
pub struct DenoisingSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// The id of the mask token.
    pub mask_id: u32,
    /// What padding holds in `input_ids` and `decoder_input_ids`.
    pub pad_id: u32,
    /// What `decoder_input_ids` begin with.
    pub decoder_start_id: u32,
    /// A first token with this id stays where it is.
    pub prefix_id: Option<u32>,
    /// A last token with this id stays where it is.
    pub suffix_id: Option<u32>,
    /// Never in a span, never deleted, and never drawn as a random token.
    pub special_ids: Vec<u32>,
    /// A sentence ends after one of these.
    pub sentence_end_ids: Vec<u32>,
    /// The ids that begin a word; without them each token is a word.
    pub word_starts: Option<Vec<u32>>,
    /// The share of words that spans cover, where they do not overlap.
    pub mask_ratio: f64,
    /// The mean length of a span, in words; without it each span is one word.
    pub poisson_lambda: Option<f64>,
    /// How likely a span, and which share of insertions, is random instead of masked.
    pub mask_random: f64,
    /// The share of tokens that is inserted, beside those for spans without a word.
    pub insert_ratio: f64,
    /// What stands for a span.
    pub replace_length: SpanFill,
    /// The share of sentences that change places.
    pub permute_sentence_ratio: f64,
    /// How likely a token outside all spans is deleted.
    pub delete_ratio: f64,
    /// How likely a text turns.
    pub rotate_prob: f64,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// Denoising.
#[derive(Debug, Clone)]
pub struct Denoising {
    settings: DenoisingSettings,
    id_marks: IdMarks,
    ordinary: OrdinaryIds,
    span_lengths: Option<SpanLengths>,
    /// The thresholds of `mask_random`, `delete_ratio` and `rotate_prob`.
    random: u64,
    deletion: u64,
    rotation: u64,
}

impl Denoising {
    /// Refuses settings that cannot work.
    pub fn new(mut settings: DenoisingSettings) -> Result<Self> {
        settings.special_ids.extend([settings.prefix_id, settings.suffix_id].into_iter().flatten());
        settings.special_ids.sort_unstable();
        settings.special_ids.dedup();
        check_settings(&settings)?;
        let ordinary = OrdinaryIds::new(&settings.special_ids, settings.vocab_size);
        if settings.mask_random > 0.0 && ordinary.is_empty() {
            return Err(Error::new("every id is special, so there is no random token to draw")
                .advise("set mask_random to 0, or name fewer special_ids"));
        }
        Ok(Self {
            id_marks: id_marks(&settings),
            ordinary,
            span_lengths: settings.poisson_lambda.map(SpanLengths::poisson).transpose()?,
            random: threshold(settings.mask_random),
            deletion: threshold(settings.delete_ratio),
            rotation: threshold(settings.rotate_prob),
            settings,
        })
    }

    /// Refuses rows that this objective cannot take.
    pub fn check(&self, batch: &Batch<'_>) -> Result<()> {
        batch.check(self.settings.vocab_size, self.settings.max_length)
    }

    /// Draws the noise of `batch`.
    pub fn noise(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: DenoisingNoiseOut<'_>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        for_each_row(batch.rows(), out, num_threads, Scratch::default, |scratch, index, out| {
            let (mut noise, rotate) = out.row();
            let draws = |stream| samples.draws(index, stream);
            let turn = self.noise_row(batch.rows().row(index), &draws, scratch, &mut noise);
            rotate.write([turn].into_iter(), 0);
        })
    }

    /// Carries out noise; nothing is written when something is refused.
    pub fn apply(
        &self,
        batch: &Batch<'_>,
        noise: &DenoisingNoise<'_>,
        out: EncoderDecoder<'_>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        self.check_noise(batch, noise)?;
        out.check(batch.rows().len(), [batch.rows().longest(); 2])?;
        for_each_row(batch.rows(), out, num_threads, Scratch::default, |scratch, index, line| {
            let noise = noise.row(index, batch.rows().range(index));
            let row = batch.rows().row(index);
            self.place(row, noise, &mut scratch.places);
            self.write_row(row, noise, scratch, line);
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
        self.check(batch)?;
        let longest = batch.rows().longest();
        out.check(batch.rows().len(), [longest; 2])?;
        let state = || (Scratch::default(), NoiseBuffers::new(longest));
        for_each_row(batch.rows(), out, num_threads, state, |(scratch, noise), index, line| {
            let row = batch.rows().row(index);
            let draws = |stream| samples.draws(index, stream);
            let turn = self.noise_row(row, &draws, scratch, &mut noise.row_mut(row.len()));
            self.write_row(row, noise.row(row.len(), turn), scratch, line);
        })
    }

    /// A row without its frame.
    fn body(&self, row: &[u32]) -> Range<usize> {
        let is = |token: Option<&u32>, id: Option<u32>| token.is_some() && token.copied() == id;
        let begin = usize::from(is(row.first(), self.settings.prefix_id));
        let is_ended = is(row[begin..].last(), self.settings.suffix_id);
        begin..row.len() - usize::from(is_ended)
    }

    /// Draws the noise along a row's ids, and gives back how far the result's body turns. What noise makes of the
    /// row's places is then known too, as after [`Self::place`].
    fn noise_row(
        &self,
        row: &[u32],
        draws: &impl Fn(Stream) -> Draws,
        scratch: &mut Scratch,
        noise: &mut RowNoiseMut<'_>,
    ) -> u32 {
        let body = self.body(row);
        let Scratch { sentences, places, starts, words, .. } = scratch;
        sentences.find(places.read(row, &self.id_marks), body.clone());
        sentences.shuffle(&draws(Stream::SentenceOrder), self.settings.permute_sentence_ratio);
        sentences.write(noise.sentence_order);
        places.fill(row, noise.sentence_order);
        let empty_spans = self.draw_spans(places, draws, starts, noise);
        places.cover(noise.span_words, self.settings.replace_length);
        self.draw_deletions(places, &draws(Stream::Deletion), words, noise.delete);
        let left = places.delete(noise.delete);
        let result_body = self.draw_insertions([left, row.len(), empty_spans], &body, draws, noise);
        self.draw_turn(draws(Stream::Rotation), result_body as u32)
    }

    /// Draws which tokens outside all spans are deleted.
    fn draw_deletions(&self, places: &Places, draws: &Draws, words: &mut Vec<u32>, delete: &mut [u8]) {
        delete.fill(0);
        if self.deletion == 0 {
            return;
        }
        words.resize(delete.len(), 0);
        draws.fill(words);
        for ((deleted, &mark), &word) in delete.iter_mut().zip(places.marks()).zip(&*words) {
            *deleted = u8::from(mark & (SPECIAL | COVERED) == 0 && u64::from(word) < self.deletion);
        }
    }

    /// Draws which token of a body of `length` comes to stand first.
    fn draw_turn(&self, draws: Draws, length: u32) -> u32 {
        let [whether, token, ..] = draws.block(0);
        if u64::from(whether) < self.rotation { bounded(token, length) } else { 0 }
    }

    /// Finds out what noise makes of a row's places; gives back how many tokens are left.
    fn place(&self, row: &[u32], noise: RowNoise<'_>, places: &mut Places) -> usize {
        places.read(row, &self.id_marks);
        places.fill(row, noise.sentence_order);
        places.cover(noise.span_words, self.settings.replace_length);
        places.delete(noise.delete)
    }

    /// Writes what is left of a row, whose places are known, and the row itself.
    fn write_row(&self, row: &[u32], noise: RowNoise<'_>, scratch: &mut Scratch, line: EncoderDecoder<'_>) {
        let body = self.body(row);
        let Scratch { places, left, result, .. } = scratch;
        places.write(noise.span_ids, left);
        insertion::insert(left, noise.insert_at, noise.insert_ids, result);
        let (frame, rest) = result.split_at(body.start);
        let (rest, end) = rest.split_at(rest.len() - (row.len() - body.end));
        let (turned, first) = rest.split_at(noise.rotate as usize);
        let mut line = line.writer();
        for part in [frame, first, turned, end] {
            line.inputs.extend(part);
        }
        line.labels.extend(row);
        line.finish(self.settings.pad_id, self.settings.decoder_start_id);
    }
}

/// What a thread keeps between rows.
#[derive(Default)]
struct Scratch {
    sentences: Sentences,
    places: Places,
    starts: Vec<u32>,
    words: Vec<u32>,
    left: Vec<u32>,
    result: Vec<u32>,
}

fn id_marks(settings: &DenoisingSettings) -> IdMarks {
    let special = (&*settings.special_ids, SPECIAL);
    let ends = (&*settings.sentence_end_ids, SENTENCE_END);
    match &settings.word_starts {
        Some(starts) => IdMarks::new(settings.vocab_size, 0, &[special, ends, (starts, BEGINS_WORD)]),
        None => IdMarks::new(settings.vocab_size, BEGINS_WORD, &[special, ends]),
    }
}

fn check_settings(settings: &DenoisingSettings) -> Result<()> {
    let vocab_size = settings.vocab_size;
    check_id("mask_id", settings.mask_id, vocab_size)?;
    check_id("pad_id", settings.pad_id, vocab_size)?;
    check_id("decoder_start_id", settings.decoder_start_id, vocab_size)?;
    settings.special_ids.iter().try_for_each(|&id| check_id("special_ids", id, vocab_size))?;
    settings.sentence_end_ids.iter().try_for_each(|&id| check_id("sentence_end_ids", id, vocab_size))?;
    check_probability("mask_ratio", settings.mask_ratio)?;
    check_probability("mask_random", settings.mask_random)?;
    check_probability("insert_ratio", settings.insert_ratio)?;
    check_probability("permute_sentence_ratio", settings.permute_sentence_ratio)?;
    check_probability("delete_ratio", settings.delete_ratio)?;
    check_probability("rotate_prob", settings.rotate_prob)?;
    let mut word_starts = settings.word_starts.iter().flatten();
    word_starts.try_for_each(|&id| check_id("word_starts", id, vocab_size))
}

#[cfg(test)]
mod tests;
