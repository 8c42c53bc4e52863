//! Texts from Python: `str` or UTF-8 `bytes`, borrowed without a copy.

use fastmask_core::Error;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};

use crate::error::to_python;

/// One text, kept alive and readable without the GIL.
pub(crate) enum Text {
    Str(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl Text {
    /// Borrows a text from Python.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return PyBackedStr::try_from(text.clone()).map(Self::Str).map_err(|error| {
                to_python(
                    Error::new(format!("the text holds a lone surrogate: {}", error.value(object.py())))
                        .advise("pass errors=\"replace\" to read it as U+FFFD"),
                )
            });
        }
        let bytes = object.cast::<PyBytes>().map_err(|_| not_text(object))?;
        let backed = PyBackedBytes::from(bytes.clone());
        match std::str::from_utf8(&backed) {
            Ok(_) => Ok(Self::Bytes(backed)),
            Err(error) => Err(to_python(
                Error::new(format!("the text is not UTF-8: byte {} cannot stand there", error.valid_up_to()))
                    .advise("pass errors=\"replace\" to read it as U+FFFD"),
            )),
        }
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        match self {
            Self::Str(text) => text,
            // Checked when it was made, and bytes objects do not change: the default is never taken.
            Self::Bytes(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        }
    }
}

fn not_text(object: &Bound<'_, PyAny>) -> PyErr {
    let kind = object.get_type();
    to_python(Error::new(format!("a text is of {kind}")).advise("give str, or bytes of UTF-8"))
}

/// A sequence of texts; an error names the one that is at fault.
pub(crate) fn texts(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Text>> {
    if objects.is_instance_of::<PyString>() || objects.is_instance_of::<PyBytes>() {
        return Err(to_python(
            Error::new("one text was given where many are wanted").advise("put it into a list"),
        ));
    }
    objects
        .try_iter()?
        .enumerate()
        .map(|(index, object)| Text::new(&object?).map_err(|error| at_text(objects.py(), index, &error)))
        .collect()
}

fn at_text(py: Python<'_>, index: usize, error: &PyErr) -> PyErr {
    to_python(Error::new(error.value(py).to_string()).at(format!("text {index}")))
}
