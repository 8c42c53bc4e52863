//! Rows and their documents: counted, for the arrays that hold a value for each, and put in another order.

use fastmask_core::objectives::{AlongDocuments, Documents};
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

use super::arrays::Rows;
use crate::arrays::{contiguous, contiguous_mut, ragged_to_python};
use crate::error::to_python;

/// How many documents rows hold: one each, or as many as their document numbers say.
#[pyfunction]
pub(crate) fn count_documents(rows: Rows<'_>) -> PyResult<usize> {
    Ok(Documents::of(&rows.batch()?).len())
}

/// Ids, offsets and, where the rows are packed, the document numbers.
type Chosen<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>, Option<Bound<'py, PyArray1<i32>>>);

/// The rows of these numbers, in this order.
#[pyfunction]
pub(crate) fn rows_in_order<'py>(
    py: Python<'py>,
    rows: Rows<'_>,
    numbers: PyReadonlyArray1<'_, i64>,
) -> PyResult<Chosen<'py>> {
    let batch = rows.batch()?;
    let numbers = contiguous(&numbers, "numbers")?;
    let (rows, segments) =
        py.detach(|| batch.rows().in_order(numbers, batch.all_segments())).map_err(to_python)?;
    let (ids, offsets) = ragged_to_python(py, rows);
    Ok((ids, offsets, segments.map(|segments| segments.into_pyarray(py))))
}

/// An array along the documents that is to be filled.
pub(super) fn along_documents<'a, T: Element>(
    array: &'a mut PyReadwriteArray1<'_, T>,
    documents: &'a Documents,
) -> PyResult<AlongDocuments<'a, T>> {
    AlongDocuments::new(contiguous_mut(array, "noise")?, documents).map_err(to_python)
}
