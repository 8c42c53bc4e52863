//! `fastmask._rust.CausalLm`.

use fastmask_core::objectives as core;
use fastmask_core::rows::padded_width;
use fastmask_core::threads;
use pyo3::prelude::*;

use super::arrays::{LabelledArrays, Rows};
use crate::error::to_python;

/// Causal language modelling.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct CausalLm(core::CausalLm);

#[pymethods]
impl CausalLm {
    #[new]
    fn new(vocab_size: u32, pad_id: u32, max_length: Option<usize>) -> PyResult<Self> {
        let settings = core::CausalLmSettings { vocab_size, pad_id, max_length };
        core::CausalLm::new(settings).map(Self).map_err(to_python)
    }

    /// The width of the outputs for these rows.
    fn width(
        &self,
        rows: Rows<'_>,
        pad_to: Option<usize>,
        pad_to_multiple_of: Option<usize>,
    ) -> PyResult<usize> {
        let batch = rows.batch()?;
        self.0.check(&batch).map_err(to_python)?;
        padded_width(batch.rows().longest(), pad_to, pad_to_multiple_of).map_err(to_python)
    }

    /// Fills `out`.
    fn apply(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        mut out: LabelledArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, out) = (rows.batch()?, out.grids()?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply(&batch, out, threads)).map_err(to_python)
    }
}
