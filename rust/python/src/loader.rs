//! `fastmask._rust.TokenCorpus` and the loader's order.

use fastmask_core::loader::{Corpus, Frame, Order, Packed, Tokens};
use fastmask_core::random::Key;
use fastmask_core::rows::{Packing, RowPlan};
use fastmask_core::{Error, Result};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::arrays::{contiguous, ragged_to_python};
use crate::error::to_python;

/// Packed rows as numpy arrays: ids, offsets, and the document numbers along the ids.
type PackedArrays<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i32>>);

/// Shards of ids, as they lie on disk, and how they become rows.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct TokenCorpus {
    shards: Vec<Shard>,
    plan: RowPlan,
    prefix: Vec<u32>,
    suffix: Vec<u32>,
    separator: Vec<u32>,
}

enum Shard {
    Narrow(Py<PyArray1<u16>>),
    Wide(Py<PyArray1<u32>>),
}

/// A shard that numpy has promised not to change while it is read.
enum Borrowed<'py> {
    Narrow(PyReadonlyArray1<'py, u16>),
    Wide(PyReadonlyArray1<'py, u32>),
}

#[pymethods]
impl TokenCorpus {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "every one is a setting of the loader")]
    fn new(
        py: Python<'_>,
        shards: Vec<Bound<'_, PyAny>>,
        offsets: PyReadonlyArray1<'_, i64>,
        prefix: Vec<u32>,
        suffix: Vec<u32>,
        separator: Vec<u32>,
        row_length: usize,
        packing: Option<&str>,
    ) -> PyResult<Self> {
        let shards = shards.iter().map(shard).collect::<PyResult<_>>()?;
        let offsets = contiguous(&offsets, "offsets")?.to_vec();
        let plan =
            RowPlan::new(offsets, separator.len(), row_length, packing_of(packing)?).map_err(to_python)?;
        let corpus = Self { shards, plan, prefix, suffix, separator };
        corpus.with_shards(py, |shards| shards.check_offsets(corpus.plan.offsets()))?;
        Ok(corpus)
    }

    fn __len__(&self) -> usize {
        self.plan.len()
    }

    /// Rows by number, with their frame around them.
    fn rows<'py>(&self, py: Python<'py>, numbers: PyReadonlyArray1<'py, u64>) -> PyResult<PackedArrays<'py>> {
        let numbers = contiguous(&numbers, "numbers")?;
        let frame = Frame { prefix: &self.prefix, suffix: &self.suffix, separator: &self.separator };
        let Packed { rows, segments } =
            self.with_shards(py, |shards| py.detach(|| shards.pack(&self.plan, numbers, frame)))?;
        let (ids, offsets) = ragged_to_python(py, rows);
        Ok((ids, offsets, segments.into_pyarray(py)))
    }
}

impl TokenCorpus {
    fn with_shards<T>(&self, py: Python<'_>, work: impl FnOnce(&Corpus<'_>) -> Result<T>) -> PyResult<T> {
        let borrowed: Vec<Borrowed<'_>> = self.shards.iter().map(|shard| shard.borrow(py)).collect();
        let tokens = borrowed.iter().map(Borrowed::tokens).collect::<PyResult<_>>()?;
        work(&Corpus::new(tokens)).map_err(to_python)
    }
}

impl Shard {
    fn borrow<'py>(&self, py: Python<'py>) -> Borrowed<'py> {
        match self {
            Self::Narrow(array) => Borrowed::Narrow(array.bind(py).readonly()),
            Self::Wide(array) => Borrowed::Wide(array.bind(py).readonly()),
        }
    }
}

impl Borrowed<'_> {
    fn tokens(&self) -> PyResult<Tokens<'_>> {
        Ok(match self {
            Self::Narrow(array) => Tokens::Narrow(contiguous(array, "a shard")?),
            Self::Wide(array) => Tokens::Wide(contiguous(array, "a shard")?),
        })
    }
}

fn shard(array: &Bound<'_, PyAny>) -> PyResult<Shard> {
    if let Ok(array) = array.cast::<PyArray1<u16>>() {
        return Ok(Shard::Narrow(array.clone().unbind()));
    }
    match array.cast::<PyArray1<u32>>() {
        Ok(array) => Ok(Shard::Wide(array.clone().unbind())),
        Err(_) => Err(to_python(
            Error::new("a shard is neither uint16 nor uint32").advise("write the shards again"),
        )),
    }
}

fn packing_of(packing: Option<&str>) -> PyResult<Packing> {
    match packing {
        None => Ok(Packing::None),
        Some("concat") => Ok(Packing::Concat),
        Some(other) => {
            Err(to_python(Error::new(format!("packing is {other:?}")).advise("give \"concat\" or None")))
        }
    }
}

/// The rows that a loader visits from step `start` on, in the order of (seed, epoch).
#[pyfunction]
pub(crate) fn loader_order(
    py: Python<'_>,
    length: u64,
    seed: u64,
    epoch: u64,
    start: u64,
    count: u64,
) -> PyResult<Bound<'_, PyArray1<u64>>> {
    let order = Order::new(Key::new(seed, epoch).map_err(to_python)?, length);
    let end = start.saturating_add(count).min(length);
    Ok((start..end).map(|step| order.row(step)).collect::<Vec<u64>>().into_pyarray(py))
}
