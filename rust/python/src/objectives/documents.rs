//! Documents of rows, counted for the arrays that hold a value for each.

use fastmask_core::objectives::{AlongDocuments, Documents};
use numpy::{Element, PyReadwriteArray1};
use pyo3::prelude::*;

use super::arrays::Rows;
use crate::arrays::contiguous_mut;
use crate::error::to_python;

/// How many documents rows hold: one each, or as many as their document numbers say.
#[pyfunction]
pub(crate) fn count_documents(rows: Rows<'_>) -> PyResult<usize> {
    Ok(Documents::of(&rows.batch()?).len())
}

/// An array along the documents that is to be filled.
pub(super) fn along_documents<'a, T: Element>(
    array: &'a mut PyReadwriteArray1<'_, T>,
    documents: &'a Documents,
) -> PyResult<AlongDocuments<'a, T>> {
    AlongDocuments::new(contiguous_mut(array, "noise")?, documents).map_err(to_python)
}
