//! `fastmask._rust.Tokenizer`.

use std::path::PathBuf;

use fastmask_core::Error;
use fastmask_core::threads;
use fastmask_core::tokens::{SpecialText, Tokenizer as Core};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays::{Rows, contiguous, ragged_to_python};
use crate::error::to_python;
use crate::texts::{Errors, OneText, Texts};

/// A tokenizer; `fastmask.Tokenizer` is what users see of it.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct Tokenizer {
    pub(crate) core: Core,
}

fn special_text(policy: &str) -> PyResult<SpecialText> {
    match policy {
        "parse" => Ok(SpecialText::Parse),
        "text" => Ok(SpecialText::Text),
        "error" => Ok(SpecialText::Error),
        _ => Err(to_python(
            Error::new(format!("special_text is {policy:?}")).advise("give \"parse\", \"text\" or \"error\""),
        )),
    }
}

#[pymethods]
impl Tokenizer {
    /// Reads a tokenizer.json file.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| Core::from_file(&path)).map(|core| Self { core }).map_err(to_python)
    }

    /// Reads the content of a tokenizer.json file.
    #[staticmethod]
    fn from_json(py: Python<'_>, json: &str) -> PyResult<Self> {
        py.detach(|| Core::from_json(json.as_bytes())).map(|core| Self { core }).map_err(to_python)
    }

    /// The content of a tokenizer.json file.
    fn to_json(&self, py: Python<'_>) -> String {
        py.detach(|| self.core.to_json())
    }

    /// The ids of one text.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
        special_text: &str,
        errors: &str,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let (policy, errors, text) =
            (self::special_text(special_text)?, Errors::new(errors)?, OneText::read(text)?);
        let ids = py.detach(|| self.core.encode(text.view(errors)?.as_ref(), policy)).map_err(to_python)?;
        Ok(ids.into_pyarray(py))
    }

    /// The ids of many texts, flat, and where each text's ids begin and end.
    #[pyo3(signature = (texts, special_text, errors, num_threads=None))]
    fn encode_batch<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        special_text: &str,
        errors: &str,
        num_threads: Option<usize>,
    ) -> PyResult<Rows<'py>> {
        let (policy, errors, texts) =
            (self::special_text(special_text)?, Errors::new(errors)?, Texts::read(texts)?);
        let num_threads = threads::resolve(num_threads).map_err(to_python)?;
        let encode = || self.core.encode_batch(&texts.view(errors)?, policy, num_threads);
        let rows = py.detach(encode).map_err(to_python)?;
        Ok(ragged_to_python(py, rows))
    }

    /// The bytes that ids stand for.
    fn decode<'py>(
        &self,
        py: Python<'py>,
        ids: PyReadonlyArray1<'py, u32>,
        skip_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ids = contiguous(&ids, "ids")?;
        let bytes = py.detach(|| self.core.decode(ids, skip_special_tokens)).map_err(to_python)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The highest id + 1.
    #[getter]
    fn vocab_size(&self) -> usize {
        self.core.vocab().size()
    }

    /// The id of a token; None where there is none.
    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.core.vocab().id(token)
    }

    /// The token with an id; None where there is none.
    fn id_to_token(&self, id: u32) -> Option<&str> {
        self.core.vocab().token(id)
    }

    /// The special tokens with their ids, in the order of the file.
    fn special_tokens(&self) -> Vec<(&str, u32)> {
        let special = self.core.added_tokens().iter().filter(|token| token.special);
        special.map(|token| (token.content.as_str(), token.id)).collect()
    }
}
