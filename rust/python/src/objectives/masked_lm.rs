//! `fastmask._rust.MaskedLm`.

use fastmask_core::objectives as core;
use fastmask_core::objectives::MaskedLmNoise;
use fastmask_core::rows::padded_width;
use fastmask_core::threads;
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

use super::arrays::{Draws, LabelledArrays, Rows, along_ids};
use crate::arrays::contiguous;
use crate::error::to_python;

/// The settings of [`MaskedLm`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct MaskedLmArguments {
    vocab_size: u32,
    mask_id: u32,
    pad_id: u32,
    special_ids: Vec<u32>,
    never_mask_ids: Vec<u32>,
    word_starts: Vec<u32>,
    mlm_probability: f64,
    mask_replace_prob: f64,
    random_replace_prob: f64,
    grouping: String,
    count: String,
    max_predictions: Option<usize>,
    replace_unit: String,
    max_ngram: usize,
    span_p: f64,
    max_span: usize,
    span_tail: String,
    max_length: Option<usize>,
}

impl MaskedLmArguments {
    fn grouping(&self) -> core::Grouping {
        match self.grouping.as_str() {
            "word" => core::Grouping::Word,
            "ngram" => core::Grouping::Ngram { longest: self.max_ngram },
            "span" => core::Grouping::Span {
                p: self.span_p,
                longest: self.max_span,
                clipped: self.span_tail == "clip",
            },
            _ => core::Grouping::Token,
        }
    }

    fn count(&self) -> core::Count {
        if self.count == "exact" {
            core::Count::Exact { max_predictions: self.max_predictions }
        } else {
            core::Count::Bernoulli
        }
    }
}

/// What happens to each id, and the random ids.
#[derive(FromPyObject)]
pub(crate) struct MaskedLmNoiseArrays<'py> {
    #[pyo3(item)]
    action: PyReadonlyArray1<'py, u8>,
    #[pyo3(item)]
    random_ids: PyReadonlyArray1<'py, u32>,
}

/// The same, to be filled.
#[derive(FromPyObject)]
pub(crate) struct MaskedLmNoiseOut<'py> {
    #[pyo3(item)]
    action: PyReadwriteArray1<'py, u8>,
    #[pyo3(item)]
    random_ids: PyReadwriteArray1<'py, u32>,
}

/// Masked language modelling.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct MaskedLm(core::MaskedLm);

#[pymethods]
impl MaskedLm {
    #[new]
    fn new(settings: MaskedLmArguments) -> PyResult<Self> {
        let (grouping, count) = (settings.grouping(), settings.count());
        let replace_unit = if settings.replace_unit == "group" {
            core::ReplaceUnit::Group
        } else {
            core::ReplaceUnit::Token
        };
        let settings = core::MaskedLmSettings {
            grouping,
            count,
            replace_unit,
            word_starts: settings.word_starts,
            vocab_size: settings.vocab_size,
            mask_id: settings.mask_id,
            pad_id: settings.pad_id,
            special_ids: settings.special_ids,
            never_mask_ids: settings.never_mask_ids,
            mlm_probability: settings.mlm_probability,
            mask_replace_prob: settings.mask_replace_prob,
            random_replace_prob: settings.random_replace_prob,
            max_length: settings.max_length,
        };
        core::MaskedLm::new(settings).map(Self).map_err(to_python)
    }

    /// The width of the outputs for these rows.
    fn width(
        &self,
        rows: Rows<'_>,
        pad_to: Option<usize>,
        pad_to_multiple_of: Option<usize>,
    ) -> PyResult<usize> {
        let batch = rows.batch()?;
        self.0.check(&batch).map_err(to_python)?;
        padded_width(batch.rows().longest(), pad_to, pad_to_multiple_of).map_err(to_python)
    }

    /// Fills `out` with noise.
    fn noise(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: MaskedLmNoiseOut<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let batch = rows.batch()?;
        let samples = draws.samples(batch.rows())?;
        let action = along_ids(&mut out.action, batch.rows())?;
        let random_ids = along_ids(&mut out.random_ids, batch.rows())?;
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.noise(&batch, samples, (action, random_ids), threads)).map_err(to_python)
    }

    /// Fills `out` with what the noise makes of the rows.
    fn apply(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        noise: MaskedLmNoiseArrays<'_>,
        mut out: LabelledArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, out) = (rows.batch()?, out.grids()?);
        let noise = MaskedLmNoise {
            action: contiguous(&noise.action, "action")?,
            random_ids: contiguous(&noise.random_ids, "random_ids")?,
        };
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply(&batch, noise, out, threads)).map_err(to_python)
    }

    /// Both in one.
    fn corrupt(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: LabelledArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, out) = (rows.batch()?, out.grids()?);
        let samples = draws.samples(batch.rows())?;
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.corrupt(&batch, samples, out, threads)).map_err(to_python)
    }
}
