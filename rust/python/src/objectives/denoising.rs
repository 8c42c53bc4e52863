//! `fastmask._rust.Denoising`.

use fastmask_core::objectives as core;
use fastmask_core::objectives::{DenoisingNoise, DenoisingNoiseOut, Grid, SpanFill};
use fastmask_core::rows::RaggedView;
use fastmask_core::threads;
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

use super::arrays::{Draws, EncoderDecoderArrays, Rows, along_ids, padded_widths};
use crate::arrays::{contiguous, contiguous_mut};
use crate::error::to_python;

/// The settings of [`Denoising`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct DenoisingArguments {
    vocab_size: u32,
    mask_id: u32,
    pad_id: u32,
    decoder_start_id: u32,
    prefix_id: Option<u32>,
    suffix_id: Option<u32>,
    special_ids: Vec<u32>,
    sentence_end_ids: Vec<u32>,
    word_starts: Option<Vec<u32>>,
    mask_ratio: f64,
    poisson_lambda: Option<f64>,
    mask_random: f64,
    insert_ratio: f64,
    replace_length: i64,
    permute_sentence_ratio: f64,
    delete_ratio: f64,
    rotate_prob: f64,
    max_length: Option<usize>,
}

/// What happens to a batch.
#[derive(FromPyObject)]
pub(crate) struct DenoisingNoiseArrays<'py> {
    #[pyo3(item)]
    sentence_order: PyReadonlyArray1<'py, u32>,
    #[pyo3(item)]
    span_start: PyReadonlyArray1<'py, u8>,
    #[pyo3(item)]
    span_words: PyReadonlyArray1<'py, u32>,
    #[pyo3(item)]
    span_ids: PyReadonlyArray1<'py, u32>,
    #[pyo3(item)]
    delete: PyReadonlyArray1<'py, u8>,
    #[pyo3(item)]
    insert_at: PyReadonlyArray1<'py, u8>,
    #[pyo3(item)]
    insert_ids: PyReadonlyArray1<'py, u32>,
    #[pyo3(item)]
    rotate: PyReadonlyArray1<'py, u32>,
}

impl DenoisingNoiseArrays<'_> {
    /// The same for the core.
    fn noise(&self) -> PyResult<DenoisingNoise<'_>> {
        Ok(DenoisingNoise {
            sentence_order: contiguous(&self.sentence_order, "sentence_order")?,
            span_start: contiguous(&self.span_start, "span_start")?,
            span_words: contiguous(&self.span_words, "span_words")?,
            span_ids: contiguous(&self.span_ids, "span_ids")?,
            delete: contiguous(&self.delete, "delete")?,
            insert_at: contiguous(&self.insert_at, "insert_at")?,
            insert_ids: contiguous(&self.insert_ids, "insert_ids")?,
            rotate: contiguous(&self.rotate, "rotate")?,
        })
    }
}

/// The same, to be filled.
#[derive(FromPyObject)]
pub(crate) struct DenoisingNoiseOutArrays<'py> {
    #[pyo3(item)]
    sentence_order: PyReadwriteArray1<'py, u32>,
    #[pyo3(item)]
    span_start: PyReadwriteArray1<'py, u8>,
    #[pyo3(item)]
    span_words: PyReadwriteArray1<'py, u32>,
    #[pyo3(item)]
    span_ids: PyReadwriteArray1<'py, u32>,
    #[pyo3(item)]
    delete: PyReadwriteArray1<'py, u8>,
    #[pyo3(item)]
    insert_at: PyReadwriteArray1<'py, u8>,
    #[pyo3(item)]
    insert_ids: PyReadwriteArray1<'py, u32>,
    #[pyo3(item)]
    rotate: PyReadwriteArray1<'py, u32>,
}

impl DenoisingNoiseOutArrays<'_> {
    /// The same for the core.
    fn out<'a>(&'a mut self, rows: RaggedView<'a>) -> PyResult<DenoisingNoiseOut<'a>> {
        let rotate = contiguous_mut(&mut self.rotate, "rotate")?;
        Ok(DenoisingNoiseOut {
            sentence_order: along_ids(&mut self.sentence_order, rows)?,
            span_start: along_ids(&mut self.span_start, rows)?,
            span_words: along_ids(&mut self.span_words, rows)?,
            span_ids: along_ids(&mut self.span_ids, rows)?,
            delete: along_ids(&mut self.delete, rows)?,
            insert_at: along_ids(&mut self.insert_at, rows)?,
            insert_ids: along_ids(&mut self.insert_ids, rows)?,
            rotate: Grid::new(rotate, rows.len(), 1).map_err(to_python)?,
        })
    }
}

/// Denoising.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct Denoising(core::Denoising);

#[pymethods]
impl Denoising {
    #[new]
    fn new(settings: DenoisingArguments) -> PyResult<Self> {
        let settings = core::DenoisingSettings {
            vocab_size: settings.vocab_size,
            mask_id: settings.mask_id,
            pad_id: settings.pad_id,
            decoder_start_id: settings.decoder_start_id,
            prefix_id: settings.prefix_id,
            suffix_id: settings.suffix_id,
            special_ids: settings.special_ids,
            sentence_end_ids: settings.sentence_end_ids,
            word_starts: settings.word_starts,
            mask_ratio: settings.mask_ratio,
            poisson_lambda: settings.poisson_lambda,
            mask_random: settings.mask_random,
            insert_ratio: settings.insert_ratio,
            replace_length: SpanFill::from_replace_length(settings.replace_length).map_err(to_python)?,
            permute_sentence_ratio: settings.permute_sentence_ratio,
            delete_ratio: settings.delete_ratio,
            rotate_prob: settings.rotate_prob,
            max_length: settings.max_length,
        };
        core::Denoising::new(settings).map(Self).map_err(to_python)
    }

    /// The widths of the inputs and of the labels for these rows, whatever the noise: no row becomes longer.
    #[pyo3(signature = (rows, _noise, pad_to, pad_to_multiple_of))]
    fn widths(
        &self,
        rows: Rows<'_>,
        _noise: Option<Bound<'_, PyAny>>,
        pad_to: (Option<usize>, Option<usize>),
        pad_to_multiple_of: Option<usize>,
    ) -> PyResult<(usize, usize)> {
        let batch = rows.batch()?;
        self.0.check(&batch).map_err(to_python)?;
        padded_widths([batch.rows().longest(); 2], pad_to, pad_to_multiple_of)
    }

    /// Fills `out` with noise.
    fn noise(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: DenoisingNoiseOutArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let batch = rows.batch()?;
        let (samples, out) = (draws.samples(batch.rows())?, out.out(batch.rows())?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.noise(&batch, samples, out, threads)).map_err(to_python)
    }

    /// Fills `out` with what the noise makes of the rows.
    fn apply(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        noise: DenoisingNoiseArrays<'_>,
        mut out: EncoderDecoderArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, noise, out) = (rows.batch()?, noise.noise()?, out.grids()?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply(&batch, &noise, out, threads)).map_err(to_python)
    }

    /// Both in one.
    fn corrupt(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: EncoderDecoderArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, out) = (rows.batch()?, out.grids()?);
        let samples = draws.samples(batch.rows())?;
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.corrupt(&batch, samples, out, threads)).map_err(to_python)
    }
}
