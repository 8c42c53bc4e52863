//! `fastmask._rust.ByteBpeTrainer`.

use std::sync::{Mutex, PoisonError};

use fastmask_core::tokens::{ByteBpeTrainer as Core, TrainSettings};
use fastmask_core::{Error, threads};
use pyo3::prelude::*;

use crate::error::to_python;
use crate::texts::{Errors, Texts};
use crate::tokenizer::Tokenizer;

/// Counts words, then merges pairs. Used up by `train`.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct ByteBpeTrainer {
    core: Mutex<Option<Core>>,
}

fn used_up() -> PyErr {
    to_python(Error::new("this trainer has trained already").advise("make a new one"))
}

#[pymethods]
impl ByteBpeTrainer {
    #[new]
    #[pyo3(signature = (vocab_size, special_tokens, min_frequency=0, max_token_length=None))]
    fn new(
        vocab_size: usize,
        special_tokens: Vec<String>,
        min_frequency: u64,
        max_token_length: Option<usize>,
    ) -> PyResult<Self> {
        let settings = TrainSettings { vocab_size, min_frequency, special_tokens, max_token_length };
        let core = Core::new(settings).map_err(to_python)?;
        Ok(Self { core: Mutex::new(Some(core)) })
    }

    /// Counts the words of texts.
    #[pyo3(signature = (texts, num_threads=None))]
    fn feed(&self, py: Python<'_>, texts: &Bound<'_, PyAny>, num_threads: Option<usize>) -> PyResult<()> {
        let texts = Texts::read(texts)?;
        let num_threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            core.as_mut().map(|core| core.feed(&texts.view(Errors::Strict)?, num_threads))
        })
        .ok_or_else(used_up)?
        .map_err(to_python)
    }

    /// Merges pairs; `report(tokens, vocab_size)` is called now and then, and may raise to stop.
    fn train(&self, py: Python<'_>, report: &Bound<'_, PyAny>) -> PyResult<Tokenizer> {
        let report = report.clone().unbind();
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(used_up)?;
        let mut raised = None;
        let trained = py.detach(|| {
            core.train(|tokens, vocab_size| {
                Python::attach(|py| py.check_signals().and_then(|()| report.call1(py, (tokens, vocab_size))))
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
