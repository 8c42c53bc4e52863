//! Rows to what a model is trained on: inputs, and the labels it should give.
//!
//! An objective is made of two halves. *Noise* says what happens to which token and is a pure function of
//! (seed, epoch, sample id, tokens, settings); *apply* carries it out and draws nothing. Corrupting a batch is the
//! one after the other, row by row, so noise made elsewhere (by another library, on a GPU) gives the same outputs.

use crate::{Error, Result};

mod batch;
mod causal_lm;
mod denoising;
mod grid;
mod masked_lm;
mod ordinary;
mod outputs;
mod span_corruption;
mod spans;

pub use batch::{Batch, Samples};
pub use causal_lm::{CausalLm, CausalLmSettings};
pub use denoising::{Denoising, DenoisingNoise, DenoisingNoiseOut, DenoisingSettings, SpanFill};
pub use grid::{AlongIds, Grid};
pub use masked_lm::{Action, MaskedLm, MaskedLmNoise, MaskedLmSettings};
pub use outputs::{EncoderDecoder, Labelled, Places};
pub use span_corruption::{SpanCorruption, SpanCorruptionSettings};

/// The label of a cell that has no part in the loss: `torch.nn.CrossEntropyLoss` ignores it unless told otherwise.
pub const IGNORED: i64 = -100;

fn check_id(name: &str, id: u32, vocab_size: u32) -> Result<()> {
    if id < vocab_size {
        return Ok(());
    }
    Err(Error::new(format!("{name} has id {id}, which is outside the vocabulary of {vocab_size}"))
        .advise("ids run from 0 to vocab_size - 1"))
}

fn check_probability(name: &str, probability: f64) -> Result<()> {
    // NaN lies in no range.
    if (0.0..=1.0).contains(&probability) {
        return Ok(());
    }
    Err(Error::new(format!("{name} is {probability}")).advise("give a probability between 0 and 1"))
}
