//! What Python needs of the core's randomness and threads, for tests and for the loader.

use fastmask_core::{random, threads};
use pyo3::prelude::*;

use crate::error::to_python;

/// One block of Philox4x32-10.
#[pyfunction]
pub(crate) fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    random::philox4x32(counter, key)
}

/// The number of threads that a call with this `num_threads` uses.
#[pyfunction]
#[pyo3(signature = (num_threads=None))]
pub(crate) fn resolve_num_threads(num_threads: Option<usize>) -> PyResult<usize> {
    threads::resolve(num_threads).map_err(to_python)
}
