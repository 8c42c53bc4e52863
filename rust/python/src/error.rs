//! Errors of the core as `fastmask.error.FastmaskError`.

use fastmask_core::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The core's error as the exception that Python code catches.
pub(crate) fn to_python(error: Error) -> PyErr {
    Python::attach(|py| match CLASS.import(py, "fastmask.error", "FastmaskError") {
        Ok(class) => PyErr::from_type(class.clone(), error.to_string()),
        // Only a damaged installation lacks the class; then that is what has to be said.
        Err(import_error) => import_error,
    })
}
