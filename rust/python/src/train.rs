//! `fastmask._rust.Trainer`.

use std::sync::{Mutex, PoisonError};

use fastmask_core::tokens::Trainer as Core;
use fastmask_core::{Error, threads};
use pyo3::prelude::*;

use crate::error::to_python;
use crate::texts::Texts;
use crate::tokenizer::Tokenizer;
use crate::unicode::Errors;

/// Counts words, then learns a vocabulary. Used up by `train`.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct Trainer {
    core: Mutex<Option<Core>>,
}

fn used_up() -> PyErr {
    to_python(Error::new("this trainer has trained already").advise("make a new one"))
}

fn json(name: &str, text: &str) -> PyResult<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|error| to_python(Error::new(format!("not JSON: {error}")).at(name.to_owned())))
}

#[pymethods]
impl Trainer {
    /// A trainer of a model with settings and with the parts of a tokenizer.json around it, both in JSON.
    #[new]
    fn new(model: &str, settings: &str, parts: &str) -> PyResult<Self> {
        let (settings, parts) = (json("settings", settings)?, json("parts", parts)?);
        let core = Core::new(model, settings, &parts).map_err(to_python)?;
        Ok(Self { core: Mutex::new(Some(core)) })
    }

    /// Counts the words of texts and returns how many bytes of text there were.
    #[pyo3(signature = (texts, num_threads=None))]
    fn feed(&self, py: Python<'_>, texts: &Bound<'_, PyAny>, num_threads: Option<usize>) -> PyResult<usize> {
        let texts = Texts::read(texts)?;
        let num_threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            core.as_mut().map(|core| {
                let texts = texts.view(Errors::Strict)?;
                core.feed(&texts, num_threads)?;
                Ok(texts.iter().map(|text| text.as_ref().len()).sum())
            })
        })
        .ok_or_else(used_up)?
        .map_err(to_python)
    }

    /// Learns the vocabulary; `report(done, total)` is called now and then, and may raise to stop.
    #[pyo3(signature = (report, num_threads=None))]
    fn train(
        &self,
        py: Python<'_>,
        report: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Tokenizer> {
        let report = report.clone().unbind();
        let num_threads = threads::resolve(num_threads).map_err(to_python)?;
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(used_up)?;
        let mut raised = None;
        let trained = py.detach(|| {
            core.train(num_threads, |done, total| {
                Python::attach(|py| py.check_signals().and_then(|()| report.call1(py, (done, total))))
                    .map(drop)
                    .map_err(|error| {
                        raised = Some(error);
                        Error::new("training was stopped")
                    })
            })
        });
        trained.map(|core| Tokenizer { core }).map_err(|error| raised.unwrap_or_else(|| to_python(error)))
    }
}
