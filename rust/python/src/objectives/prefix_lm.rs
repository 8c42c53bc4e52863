//! `fastmask._rust.PrefixLm`.

use fastmask_core::objectives as core;
use fastmask_core::objectives::Documents;
use fastmask_core::rows::padded_width;
use fastmask_core::threads;
use numpy::{PyReadonlyArray1, PyReadwriteArray1, PyReadwriteArray2};
use pyo3::prelude::*;

use super::arrays::{Draws, EncoderDecoderArrays, LabelledArrays, Rows, grid, padded_widths};
use super::documents::along_documents;
use crate::arrays::contiguous;
use crate::error::to_python;

/// The settings of [`PrefixLm`], by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct PrefixLmArguments {
    vocab_size: u32,
    pad_id: u32,
    noise_density: f64,
    /// EOS and what decoder inputs begin with, where there is an encoder.
    encoder_decoder_ids: Option<(u32, u32)>,
    max_length: Option<usize>,
}

/// Prefix language modelling.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct PrefixLm(core::PrefixLm);

#[pymethods]
impl PrefixLm {
    #[new]
    fn new(settings: PrefixLmArguments) -> PyResult<Self> {
        let architecture = match settings.encoder_decoder_ids {
            Some((eos_id, decoder_start_id)) => {
                core::Architecture::EncoderDecoder { eos_id, decoder_start_id }
            }
            None => core::Architecture::Decoder,
        };
        let settings = core::PrefixLmSettings {
            vocab_size: settings.vocab_size,
            pad_id: settings.pad_id,
            noise_density: settings.noise_density,
            architecture,
            max_length: settings.max_length,
        };
        core::PrefixLm::new(settings).map(Self).map_err(to_python)
    }

    /// The length of the longest labels of rows of at most so many tokens, where there is an encoder.
    fn labels_length(&self, tokens: usize) -> usize {
        self.0.labels_length(tokens)
    }

    /// The width of a decoder's outputs for these rows.
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

    /// The widths of an encoder's inputs and of the labels for these rows.
    fn widths(
        &self,
        rows: Rows<'_>,
        split: PyReadonlyArray1<'_, u32>,
        pad_to: (Option<usize>, Option<usize>),
        pad_to_multiple_of: Option<usize>,
    ) -> PyResult<(usize, usize)> {
        let batch = rows.batch()?;
        self.0.check(&batch).map_err(to_python)?;
        let longest = self.0.lengths(&batch, contiguous(&split, "split")?).map_err(to_python)?;
        padded_widths(longest, pad_to, pad_to_multiple_of)
    }

    /// Fills `out` with noise: the length of each document's prefix.
    fn noise(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        draws: Draws<'_>,
        mut out: PyReadwriteArray1<'_, u32>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let batch = rows.batch()?;
        let (samples, documents) = (draws.samples(batch.rows())?, Documents::of(&batch));
        let out = along_documents(&mut out, &documents)?;
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.noise(&batch, samples, out, threads)).map_err(to_python)
    }

    /// Fills a decoder's arrays with what the noise makes of the rows.
    fn apply_to_decoder(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        split: PyReadonlyArray1<'_, u32>,
        mut out: LabelledArrays<'_>,
        mut prefix_mask: PyReadwriteArray2<'_, i64>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, split) = (rows.batch()?, contiguous(&split, "split")?);
        let out = (out.grids()?, grid(&mut prefix_mask)?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply_to_decoder(&batch, split, out, threads)).map_err(to_python)
    }

    /// Fills the arrays of an encoder and a decoder with what the noise makes of the rows.
    fn apply_to_encoder_decoder(
        &self,
        py: Python<'_>,
        rows: Rows<'_>,
        split: PyReadonlyArray1<'_, u32>,
        mut out: EncoderDecoderArrays<'_>,
        num_threads: Option<usize>,
    ) -> PyResult<()> {
        let (batch, split, out) = (rows.batch()?, contiguous(&split, "split")?, out.grids()?);
        let threads = threads::resolve(num_threads).map_err(to_python)?;
        py.detach(|| self.0.apply_to_encoder_decoder(&batch, split, out, threads)).map_err(to_python)
    }
}
