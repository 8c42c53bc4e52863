//! `fastmask._rust.MaskedLm`, `SpanCorruption` and `CausalLm`: the objectives on numpy arrays.
//!
//! Python hands over flat rows, the names of the draws, and a dict of arrays to fill.

use fastmask_core::objectives as core;
use fastmask_core::objectives::{
    AlongIds, Batch, Grid, Labelled, MaskedLmNoise, Places, Samples, SpanCorrupted,
};
use fastmask_core::random::Key;
use fastmask_core::rows::{RaggedView, padded_width};
use fastmask_core::{Error, threads};
use numpy::{Element, PyReadonlyArray1, PyReadwriteArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{contiguous, ragged_view};
use crate::error::to_python;

/// Ids, offsets and, where the rows are packed, the document numbers along the ids.
#[derive(FromPyObject)]
pub(crate) struct Rows<'py>(
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray1<'py, i64>,
    Option<PyReadonlyArray1<'py, i32>>,
);

impl Rows<'_> {
    fn batch(&self) -> PyResult<Batch<'_>> {
        let segments = self.2.as_ref().map(|segments| contiguous(segments, "segments")).transpose()?;
        Batch::new(ragged_view(&self.0, &self.1)?, segments).map_err(to_python)
    }
}

/// Seed, epoch and sample ids.
#[derive(FromPyObject)]
pub(crate) struct Draws<'py>(u64, u64, Option<PyReadonlyArray1<'py, u64>>);

impl Draws<'_> {
    fn samples(&self, rows: RaggedView<'_>) -> PyResult<Samples<'_>> {
        let ids = self.2.as_ref().map(|ids| contiguous(ids, "sample_ids")).transpose()?;
        Key::new(self.0, self.1).and_then(|key| Samples::new(key, ids, rows)).map_err(to_python)
    }
}

type Rectangle<'py, T> = PyReadwriteArray2<'py, T>;

fn grid<'a, T: Element + Copy>(array: &'a mut Rectangle<'_, T>) -> PyResult<Grid<'a, T>> {
    let [rows, width] = [array.shape()[0], array.shape()[1]];
    let cells =
        array.as_slice_mut().map_err(|_| to_python(Error::new("an output array is not contiguous")))?;
    Grid::new(cells, rows, width).map_err(to_python)
}

fn maybe_grid<'a, T: Element + Copy>(
    array: &'a mut Option<Rectangle<'_, T>>,
) -> PyResult<Option<Grid<'a, T>>> {
    array.as_mut().map(grid).transpose()
}

fn along_ids<'a, T: Element>(
    array: &'a mut PyReadwriteArray1<'_, T>,
    rows: RaggedView<'a>,
) -> PyResult<AlongIds<'a, T>> {
    let values =
        array.as_slice_mut().map_err(|_| to_python(Error::new("a noise array is not contiguous")))?;
    AlongIds::new(values, rows).map_err(to_python)
}

/// The arrays of an objective whose labels lie under its inputs.
#[derive(FromPyObject)]
pub(crate) struct LabelledArrays<'py> {
    #[pyo3(item)]
    input_ids: Rectangle<'py, i64>,
    #[pyo3(item)]
    labels: Rectangle<'py, i64>,
    #[pyo3(item, default)]
    attention_mask: Option<Rectangle<'py, i64>>,
    #[pyo3(item, default)]
    segment_ids: Option<Rectangle<'py, i32>>,
    #[pyo3(item, default)]
    position_ids: Option<Rectangle<'py, i64>>,
}

impl LabelledArrays<'_> {
    fn grids(&mut self) -> PyResult<Labelled<'_>> {
        Ok(Labelled {
            input_ids: grid(&mut self.input_ids)?,
            labels: grid(&mut self.labels)?,
            places: Places {
                attention_mask: maybe_grid(&mut self.attention_mask)?,
                segment_ids: maybe_grid(&mut self.segment_ids)?,
                position_ids: maybe_grid(&mut self.position_ids)?,
            },
        })
    }
}

/// The settings of [`MaskedLm`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct MaskedLmArguments {
    vocab_size: u32,
    mask_id: u32,
    pad_id: u32,
    special_ids: Vec<u32>,
    never_mask_ids: Vec<u32>,
    mlm_probability: f64,
    mask_replace_prob: f64,
    random_replace_prob: f64,
    max_length: Option<usize>,
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
        let settings = core::MaskedLmSettings {
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

/// The settings of [`SpanCorruption`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct SpanCorruptionArguments {
    vocab_size: u32,
    sentinel_ids: Vec<u32>,
    eos_id: u32,
    pad_id: u32,
    decoder_start_id: u32,
    noise_density: f64,
    mean_noise_span_length: f64,
    inputs_length: Option<usize>,
    max_length: Option<usize>,
}

/// The arrays of span corruption.
#[derive(FromPyObject)]
pub(crate) struct SpanCorruptedArrays<'py> {
    #[pyo3(item)]
    input_ids: Rectangle<'py, i64>,
    #[pyo3(item, default)]
    attention_mask: Option<Rectangle<'py, i64>>,
    #[pyo3(item)]
    labels: Rectangle<'py, i64>,
    #[pyo3(item)]
    decoder_input_ids: Rectangle<'py, i64>,
}

impl SpanCorruptedArrays<'_> {
    fn grids(&mut self) -> PyResult<SpanCorrupted<'_>> {
        Ok(SpanCorrupted {
            input_ids: grid(&mut self.input_ids)?,
            attention_mask: maybe_grid(&mut self.attention_mask)?,
            labels: grid(&mut self.labels)?,
            decoder_input_ids: grid(&mut self.decoder_input_ids)?,
        })
    }
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
        let [inputs, labels] = self.0.check(&rows.batch()?, mask).map_err(to_python)?;
        let width = |name, longest, pad_to| {
            padded_width(longest, pad_to, pad_to_multiple_of).map_err(|error| to_python(error.at(name)))
        };
        Ok((width("input_ids", inputs, pad_to.0)?, width("labels", labels, pad_to.1)?))
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
        mut out: SpanCorruptedArrays<'_>,
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
        mut out: SpanCorruptedArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, out) = (rows.batch()?, out.grids()?);
        let samples = draws.samples(batch.rows())?;
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.corrupt(&batch, samples, out, threads)).map_err(to_python)
    }
}

/// Causal language modelling.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct CausalLm(core::CausalLm);

#[pymethods]
impl CausalLm {
    #[new]
    fn new(vocab_size: u32, pad_id: u32, max_length: Option<usize>) -> PyResult<Self> {
        let settings = core::CausalLmSettings { vocab_size, pad_id, max_length };
        core::CausalLm::new(settings).map(Self).map_err(to_python)
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

    /// Fills `out`.
    fn apply(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        mut out: LabelledArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, out) = (rows.batch()?, out.grids()?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply(&batch, out, threads)).map_err(to_python)
    }
}
