//! The core's random numbers, for the tests that hold others against them.

use fastmask_core::random;
use pyo3::prelude::*;

/// One block of Philox4x32-10.
#[pyfunction]
pub(crate) fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    random::philox4x32(counter, key)
}
