//! `fastmask._rust.SentencePairs`.

use fastmask_core::Error;
use fastmask_core::random::Key;
use fastmask_core::rows::{self as core, Documents, PairRows, PairTask};
use fastmask_core::threads;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::arrays::{contiguous, ragged_to_python, ragged_view};
use crate::error::to_python;

/// The settings of [`SentencePairs`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct SentencePairsArguments {
    task: String,
    cls_id: u32,
    sep_id: u32,
    max_length: u32,
    short_seq_prob: f64,
    vocab_size: Option<u32>,
}

/// Rows as numpy arrays: ids, offsets, the types along the ids, a label for each row, and six numbers for each row: of
/// its first and then of its second segment the document, and where it begins and ends there.
type PairArrays<'py> = (
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
);

/// Documents to rows of two segments.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct SentencePairs(core::SentencePairs);

#[pymethods]
impl SentencePairs {
    #[new]
    fn new(settings: SentencePairsArguments) -> PyResult<Self> {
        let settings = core::SentencePairsSettings {
            task: task_of(&settings.task)?,
            cls_id: settings.cls_id,
            sep_id: settings.sep_id,
            max_length: settings.max_length,
            short_seq_prob: settings.short_seq_prob,
            vocab_size: settings.vocab_size,
        };
        core::SentencePairs::new(settings).map(Self).map_err(to_python)
    }

    /// The rows of documents, whose sentences are ids and offsets.
    fn pairs<'py>(
        &self,
        py: Python<'py>,
        sentences: (PyReadonlyArray1<'_, u32>, PyReadonlyArray1<'_, i64>),
        document_offsets: PyReadonlyArray1<'_, i64>,
        key: (u64, u64),
        num_threads: Option<usize>,
    ) -> PyResult<PairArrays<'py>> {
        let starts = contiguous(&document_offsets, "document_offsets")?;
        let documents =
            Documents::new(ragged_view(&sentences.0, &sentences.1)?, starts).map_err(to_python)?;
        let key = Key::new(key.0, key.1).map_err(to_python)?;
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        let PairRows { rows, type_ids, labels, sources } =
            py.detach(|| self.0.pairs(&documents, key, threads)).map_err(to_python)?;
        let (ids, offsets) = ragged_to_python(py, rows);
        let sources: Vec<i64> = sources
            .iter()
            .flatten()
            .flat_map(|source| [source.document, source.begin, source.end])
            .map(|number| number as i64)
            .collect();
        Ok((ids, offsets, type_ids.into_pyarray(py), labels.into_pyarray(py), sources.into_pyarray(py)))
    }
}

fn task_of(task: &str) -> PyResult<PairTask> {
    match task {
        "nsp" => Ok(PairTask::NextSentence),
        "sop" => Ok(PairTask::SentenceOrder),
        other => Err(to_python(Error::new(format!("task is {other:?}")).advise("give \"nsp\" or \"sop\""))),
    }
}
