//! `fastmask._rust.FillInTheMiddle`.

use fastmask_core::objectives as core;
use fastmask_core::objectives::{Cuts, CutsOut, Documents};
use fastmask_core::rows::padded_width;
use fastmask_core::threads;
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

use super::arrays::{Draws, LabelledArrays, Rows};
use super::documents::along_documents;
use crate::arrays::{contiguous, contiguous_mut};
use crate::error::to_python;

/// The settings of [`FillInTheMiddle`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct FillInTheMiddleArguments {
    vocab_size: u32,
    pad_id: u32,
    bos_id: Option<u32>,
    eos_id: Option<u32>,
    prefix_id: u32,
    middle_id: u32,
    suffix_id: u32,
    fim_rate: f64,
    spm_rate: f64,
    max_cut_documents: Option<usize>,
    max_length: Option<usize>,
}

/// What happens to each document, and where it is cut.
#[derive(FromPyObject)]
pub(crate) struct CutsArrays<'py> {
    #[pyo3(item)]
    mode: PyReadonlyArray1<'py, u8>,
    #[pyo3(item)]
    cut1: PyReadonlyArray1<'py, u32>,
    #[pyo3(item)]
    cut2: PyReadonlyArray1<'py, u32>,
}

impl CutsArrays<'_> {
    fn cuts(&self) -> PyResult<Cuts<'_>> {
        Ok(Cuts {
            mode: contiguous(&self.mode, "mode")?,
            cut1: contiguous(&self.cut1, "cut1")?,
            cut2: contiguous(&self.cut2, "cut2")?,
        })
    }
}

/// The same, to be filled.
#[derive(FromPyObject)]
pub(crate) struct CutsArraysOut<'py> {
    #[pyo3(item)]
    mode: PyReadwriteArray1<'py, u8>,
    #[pyo3(item)]
    cut1: PyReadwriteArray1<'py, u32>,
    #[pyo3(item)]
    cut2: PyReadwriteArray1<'py, u32>,
}

/// Fill in the middle.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct FillInTheMiddle(core::FillInTheMiddle);

#[pymethods]
impl FillInTheMiddle {
    #[new]
    fn new(settings: FillInTheMiddleArguments) -> PyResult<Self> {
        let settings = core::FillInTheMiddleSettings {
            vocab_size: settings.vocab_size,
            pad_id: settings.pad_id,
            bos_id: settings.bos_id,
            eos_id: settings.eos_id,
            prefix_id: settings.prefix_id,
            middle_id: settings.middle_id,
            suffix_id: settings.suffix_id,
            fim_rate: settings.fim_rate,
            spm_rate: settings.spm_rate,
            max_cut_documents: settings.max_cut_documents,
            max_length: settings.max_length,
        };
        core::FillInTheMiddle::new(settings).map(Self).map_err(to_python)
    }

    /// The width of the outputs that the noise makes of these rows.
    fn width(
        &self,
        rows: Rows<'_>,
        noise: CutsArrays<'_>,
        pad_to: Option<usize>,
        pad_to_multiple_of: Option<usize>,
    ) -> PyResult<usize> {
        let batch = rows.batch()?;
        self.0.check(&batch).map_err(to_python)?;
        let longest = self.0.longest(&batch, noise.cuts()?).map_err(to_python)?;
        padded_width(longest, pad_to, pad_to_multiple_of).map_err(to_python)
    }

    /// Fills `out` with noise.
    fn noise(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: CutsArraysOut<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let batch = rows.batch()?;
        let (samples, documents) = (draws.samples(batch.rows())?, Documents::of(&batch));
        let out = CutsOut {
            mode: along_documents(&mut out.mode, &documents)?,
            cut1: along_documents(&mut out.cut1, &documents)?,
            cut2: along_documents(&mut out.cut2, &documents)?,
        };
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.noise(&batch, samples, out, threads)).map_err(to_python)
    }

    /// Fills `out` with noise for texts of so many characters each.
    fn noise_of_texts(
        &self,
        lengths: PyReadonlyArray1<'_, i64>,
        draws: Draws<'_>,
        mut out: CutsArraysOut<'_>,
    ) -> PyResult<()> {
        let lengths = contiguous(&lengths, "lengths")?;
        let samples = draws.samples_of(lengths.len())?;
        let mode = contiguous_mut(&mut out.mode, "mode")?;
        let cut1 = contiguous_mut(&mut out.cut1, "cut1")?;
        let cut2 = contiguous_mut(&mut out.cut2, "cut2")?;
        self.0.noise_of_texts(lengths, samples, (mode, cut1, cut2));
        Ok(())
    }

    /// Fills `out` with what the noise makes of the rows.
    fn apply(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        noise: CutsArrays<'_>,
        mut out: LabelledArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, cuts, out) = (rows.batch()?, noise.cuts()?, out.grids()?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply(&batch, cuts, out, threads)).map_err(to_python)
    }
}
