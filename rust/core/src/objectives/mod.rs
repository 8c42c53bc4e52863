//! Rows to what a model is trained on: inputs, and the labels it should give.
//!
//! An objective is made of two halves. *Noise* says what happens to which token and is a pure function of
//! (seed, epoch, sample id, tokens, settings); *apply* carries it out and draws nothing. Corrupting a batch is the
//! one after the other, row by row, so noise made elsewhere (by another library, on a GPU) gives the same outputs.

use crate::{Error, Result};

mod batch;
mod bits;
mod causal_lm;
mod denoising;
mod documents;
mod fill_in_the_middle;
mod grid;
mod lanes;
mod lengths;
mod masked_lm;
mod mixture_of_denoisers;
mod ordinary;
mod outputs;
mod prefix_lm;
mod span_corruption;
mod span_lengths;
mod spans;
mod words;

pub use batch::{Batch, Columns, Samples};
pub use causal_lm::{CausalLm, CausalLmSettings};
pub use denoising::{Denoising, DenoisingNoise, DenoisingNoiseOut, DenoisingSettings, SpanFill};
pub use documents::{AlongDocuments, Documents};
pub use fill_in_the_middle::{Cuts, CutsOut, FillInTheMiddle, FillInTheMiddleSettings, Order};
pub use grid::{AlongIds, Grid};
pub use masked_lm::{Action, Count, Grouping, MaskedLm, MaskedLmNoise, MaskedLmSettings, ReplaceUnit};
pub use mixture_of_denoisers::{MixtureOfDenoisers, MixtureOfDenoisersSettings};
pub use outputs::{EncoderDecoder, Labelled, Places};
pub use prefix_lm::{Architecture, PrefixLm, PrefixLmSettings};
pub use span_corruption::{SpanCorruption, SpanCorruptionSettings, SpanNoise, sentinels_needed};

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
