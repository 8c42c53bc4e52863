//! numpy arrays in and out.

use fastmask_core::Error;
use fastmask_core::rows::{Ragged, RaggedView};
use numpy::ndarray::Dimension;
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray, PyReadonlyArray1, PyReadwriteArray};
use pyo3::prelude::*;

use crate::error::to_python;

/// Flat ids and offsets, as `fastmask.Ragged` holds them.
pub(crate) type Rows<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>);

/// The array's memory, which must be one piece.
pub(crate) fn contiguous<'a, T: Element, D: Dimension>(
    array: &'a PyReadonlyArray<'_, T, D>,
    name: &str,
) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| {
        to_python(
            Error::new(format!("{name} is not contiguous")).advise("pass numpy.ascontiguousarray of it"),
        )
    })
}

/// The memory of an array that is to be filled, which must be one piece.
pub(crate) fn contiguous_mut<'a, T: Element, D: Dimension>(
    array: &'a mut PyReadwriteArray<'_, T, D>,
    name: &str,
) -> PyResult<&'a mut [T]> {
    array.as_slice_mut().map_err(|_| to_python(Error::new(format!("{name} is not contiguous"))))
}

/// Borrows rows from numpy.
pub(crate) fn ragged_view<'a>(
    ids: &'a PyReadonlyArray1<'_, u32>,
    offsets: &'a PyReadonlyArray1<'_, i64>,
) -> PyResult<RaggedView<'a>> {
    RaggedView::new(contiguous(ids, "ids")?, contiguous(offsets, "offsets")?).map_err(to_python)
}

/// Hands rows to numpy without a copy.
pub(crate) fn ragged_to_python(py: Python<'_>, rows: Ragged) -> Rows<'_> {
    (rows.ids.into_pyarray(py), rows.offsets.into_pyarray(py))
}
