//! `fastmask._rust.MixtureOfDenoisers`.

use fastmask_core::objectives as core;
use fastmask_core::rows;
use numpy::PyReadwriteArray1;
use pyo3::prelude::*;

use super::arrays::{Draws, Rows};
use crate::arrays::contiguous_mut;
use crate::error::to_python;

/// The settings of [`MixtureOfDenoisers`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct MixtureOfDenoisersArguments {
    vocab_size: u32,
    weights: Vec<f64>,
    raw_length: Option<usize>,
    eos_id: Option<u32>,
    max_length: Option<usize>,
}

/// What a mixture of denoisers does itself: it shares out the rows.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct MixtureOfDenoisers(core::MixtureOfDenoisers);

#[pymethods]
impl MixtureOfDenoisers {
    #[new]
    fn new(settings: MixtureOfDenoisersArguments) -> PyResult<Self> {
        let settings = core::MixtureOfDenoisersSettings {
            vocab_size: settings.vocab_size,
            weights: settings.weights,
            raw_length: settings.raw_length,
            eos_id: settings.eos_id,
            max_length: settings.max_length,
        };
        core::MixtureOfDenoisers::new(settings).map(Self).map_err(to_python)
    }

    /// Refuses rows that the mixture cannot take.
    fn check(&self, rows: Rows<'_>) -> PyResult<()> {
        self.0.check(&rows.batch()?).map_err(to_python)
    }

    /// Fills `out` with the number of the objective that each row gets.
    fn choose(&self, rows: Rows<'_>, draws: Draws<'_>, mut out: PyReadwriteArray1<'_, u8>) -> PyResult<()> {
        let batch = rows.batch()?;
        let samples = draws.samples(batch.rows())?;
        self.0.choose(&batch, samples, contiguous_mut(&mut out, "choice")?).map_err(to_python)
    }
}

/// The width of a batch whose longest row has so many ids.
#[pyfunction]
pub(crate) fn padded_width(
    longest: usize,
    pad_to: Option<usize>,
    pad_to_multiple_of: Option<usize>,
) -> PyResult<usize> {
    rows::padded_width(longest, pad_to, pad_to_multiple_of).map_err(to_python)
}
