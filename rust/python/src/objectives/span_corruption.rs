//! `fastmask._rust.SpanCorruption`.

use fastmask_core::objectives as core;
use fastmask_core::objectives::SpanNoise;
use fastmask_core::threads;
use fastmask_core::{Error, Result};
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

use super::arrays::{Draws, EncoderDecoderArrays, Rows, along_ids, padded_widths};
use crate::arrays::contiguous;
use crate::error::to_python;

/// The settings of [`SpanCorruption`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct SpanCorruptionArguments {
    vocab_size: u32,
    sentinel_ids: Vec<u32>,
    eos_id: u32,
    pad_id: u32,
    decoder_start_id: u32,
    noise: String,
    roll: bool,
    noise_density: f64,
    mean_noise_span_length: f64,
    inputs_length: Option<usize>,
    max_length: Option<usize>,
}

fn span_noise(name: &str, roll: bool) -> Result<SpanNoise> {
    match (name, roll) {
        ("spans", false) => Ok(SpanNoise::Spans),
        ("spans", true) => Ok(SpanNoise::Rolled),
        ("iid", false) => Ok(SpanNoise::Iid),
        _ => Err(Error::new(format!("noise is {name:?} and roll is {roll}")).advise(
            "noise is \"spans\" or \"iid\"; only spans can be rolled: iid noise lies anywhere already",
        )),
    }
}

/// How many sentinels rows need whose inputs are so long.
#[pyfunction]
pub(crate) fn sentinels_needed(
    inputs_length: usize,
    noise_density: f64,
    mean_noise_span_length: f64,
) -> PyResult<usize> {
    core::sentinels_needed(inputs_length, noise_density, mean_noise_span_length).map_err(to_python)
}

/// Span corruption.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct SpanCorruption(core::SpanCorruption);

#[pymethods]
impl SpanCorruption {
    #[new]
    fn new(settings: SpanCorruptionArguments) -> PyResult<Self> {
        let settings = core::SpanCorruptionSettings {
            vocab_size: settings.vocab_size,
            sentinel_ids: settings.sentinel_ids,
            eos_id: settings.eos_id,
            pad_id: settings.pad_id,
            decoder_start_id: settings.decoder_start_id,
            noise: span_noise(&settings.noise, settings.roll).map_err(to_python)?,
            noise_density: settings.noise_density,
            mean_noise_span_length: settings.mean_noise_span_length,
            inputs_length: settings.inputs_length,
            max_length: settings.max_length,
        };
        core::SpanCorruption::new(settings).map(Self).map_err(to_python)
    }

    #[getter]
    fn raw_length(&self) -> Option<usize> {
        self.0.raw_length()
    }

    #[getter]
    fn targets_length(&self) -> Option<usize> {
        self.0.targets_length()
    }

    /// The widths of the inputs and of the labels for these rows; `mask` is the noise where it is given.
    fn widths(
        &self,
        rows: Rows<'_>,
        mask: Option<PyReadonlyArray1<'_, u8>>,
        pad_to: (Option<usize>, Option<usize>),
        pad_to_multiple_of: Option<usize>,
    ) -> PyResult<(usize, usize)> {
        let mask = mask.as_ref().map(|mask| contiguous(mask, "mask")).transpose()?;
        let longest = self.0.check(&rows.batch()?, mask).map_err(to_python)?;
        padded_widths(longest, pad_to, pad_to_multiple_of)
    }

    /// Fills `out` with noise: 1 where a token is cut out.
    fn noise(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: PyReadwriteArray1<'_, u8>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let batch = rows.batch()?;
        let (samples, out) = (draws.samples(batch.rows())?, along_ids(&mut out, batch.rows())?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.noise(&batch, samples, out, threads)).map_err(to_python)
    }

    /// Fills `out` with what the noise makes of the rows.
    fn apply(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        mask: PyReadonlyArray1<'_, u8>,
        mut out: EncoderDecoderArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, mask, out) = (rows.batch()?, contiguous(&mask, "mask")?, out.grids()?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply(&batch, mask, out, threads)).map_err(to_python)
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
