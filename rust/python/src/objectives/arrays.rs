//! What all objectives take and fill.

use fastmask_core::objectives::{AlongIds, Batch, EncoderDecoder, Grid, Labelled, Places, Samples};
use fastmask_core::random::Key;
use fastmask_core::rows::{RaggedView, padded_width};
use numpy::{Element, PyReadonlyArray1, PyReadwriteArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{contiguous, contiguous_mut, ragged_view};
use crate::error::to_python;

/// Ids, offsets and, along the ids: where the rows are packed the document numbers, and where they are pairs the types.
#[derive(FromPyObject)]
pub(crate) struct Rows<'py>(
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray1<'py, i64>,
    Option<PyReadonlyArray1<'py, i32>>,
    Option<PyReadonlyArray1<'py, u32>>,
);

impl Rows<'_> {
    /// The rows, checked.
    pub(super) fn batch(&self) -> PyResult<Batch<'_>> {
        let segments = self.2.as_ref().map(|segments| contiguous(segments, "segments")).transpose()?;
        let batch = Batch::new(ragged_view(&self.0, &self.1)?, segments).map_err(to_python)?;
        match &self.3 {
            Some(types) => batch.with_types(contiguous(types, "type_ids")?).map_err(to_python),
            None => Ok(batch),
        }
    }
}

/// Seed, epoch and sample ids.
#[derive(FromPyObject)]
pub(super) struct Draws<'py>(u64, u64, Option<PyReadonlyArray1<'py, u64>>);

impl Draws<'_> {
    /// Which draws are whose.
    pub(super) fn samples(&self, rows: RaggedView<'_>) -> PyResult<Samples<'_>> {
        self.samples_of(rows.len())
    }

    /// The same for `count` rows, or texts.
    pub(super) fn samples_of(&self, count: usize) -> PyResult<Samples<'_>> {
        let ids = self.2.as_ref().map(|ids| contiguous(ids, "sample_ids")).transpose()?;
        Key::new(self.0, self.1).and_then(|key| Samples::of(key, ids, count)).map_err(to_python)
    }
}

/// The padded widths of inputs and labels, whose longest rows have so many ids.
pub(super) fn padded_widths(
    [inputs, labels]: [usize; 2],
    pad_to: (Option<usize>, Option<usize>),
    pad_to_multiple_of: Option<usize>,
) -> PyResult<(usize, usize)> {
    let width = |name, longest, pad_to| {
        padded_width(longest, pad_to, pad_to_multiple_of).map_err(|error| to_python(error.at(name)))
    };
    Ok((width("input_ids", inputs, pad_to.0)?, width("labels", labels, pad_to.1)?))
}

/// An array of rows that is to be filled.
type Rectangle<'py, T> = PyReadwriteArray2<'py, T>;

/// The same for the core.
pub(super) fn grid<'a, T: Element + Copy>(array: &'a mut Rectangle<'_, T>) -> PyResult<Grid<'a, T>> {
    let [rows, width] = [array.shape()[0], array.shape()[1]];
    Grid::new(contiguous_mut(array, "an output array")?, rows, width).map_err(to_python)
}

/// The same where it is asked for.
fn maybe_grid<'a, T: Element + Copy>(
    array: &'a mut Option<Rectangle<'_, T>>,
) -> PyResult<Option<Grid<'a, T>>> {
    array.as_mut().map(grid).transpose()
}

/// An array along the ids that is to be filled.
pub(super) fn along_ids<'a, T: Element>(
    array: &'a mut PyReadwriteArray1<'_, T>,
    rows: RaggedView<'a>,
) -> PyResult<AlongIds<'a, T>> {
    AlongIds::new(contiguous_mut(array, "a noise array")?, rows).map_err(to_python)
}

/// The arrays of an objective whose labels lie under its inputs.
#[derive(FromPyObject)]
pub(super) struct LabelledArrays<'py> {
    #[pyo3(item)]
    input_ids: Rectangle<'py, i64>,
    #[pyo3(item)]
    labels: Rectangle<'py, i64>,
    #[pyo3(item, default)]
    original_ids: Option<Rectangle<'py, i64>>,
    #[pyo3(item, default)]
    attention_mask: Option<Rectangle<'py, i64>>,
    #[pyo3(item, default)]
    segment_ids: Option<Rectangle<'py, i32>>,
    #[pyo3(item, default)]
    position_ids: Option<Rectangle<'py, i64>>,
    #[pyo3(item, default)]
    token_type_ids: Option<Rectangle<'py, i64>>,
}

impl LabelledArrays<'_> {
    /// The same for the core.
    pub(super) fn grids(&mut self) -> PyResult<Labelled<'_>> {
        Ok(Labelled {
            input_ids: grid(&mut self.input_ids)?,
            labels: grid(&mut self.labels)?,
            original_ids: maybe_grid(&mut self.original_ids)?,
            places: Places {
                attention_mask: maybe_grid(&mut self.attention_mask)?,
                segment_ids: maybe_grid(&mut self.segment_ids)?,
                position_ids: maybe_grid(&mut self.position_ids)?,
                token_type_ids: maybe_grid(&mut self.token_type_ids)?,
            },
        })
    }
}

/// The arrays of an objective for a model with an encoder and a decoder.
#[derive(FromPyObject)]
pub(super) struct EncoderDecoderArrays<'py> {
    #[pyo3(item)]
    input_ids: Rectangle<'py, i64>,
    #[pyo3(item, default)]
    attention_mask: Option<Rectangle<'py, i64>>,
    #[pyo3(item)]
    labels: Rectangle<'py, i64>,
    #[pyo3(item)]
    decoder_input_ids: Rectangle<'py, i64>,
}

impl EncoderDecoderArrays<'_> {
    /// The same for the core.
    pub(super) fn grids(&mut self) -> PyResult<EncoderDecoder<'_>> {
        Ok(EncoderDecoder {
            input_ids: grid(&mut self.input_ids)?,
            attention_mask: maybe_grid(&mut self.attention_mask)?,
            labels: grid(&mut self.labels)?,
            decoder_input_ids: grid(&mut self.decoder_input_ids)?,
        })
    }
}
