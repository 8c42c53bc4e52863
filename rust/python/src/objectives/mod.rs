//! The objectives of `fastmask._rust`, on numpy arrays: a file each.
//!
//! Python hands over flat rows, the names of the draws, and a dict of arrays to fill.

mod arrays;
mod causal_lm;
mod denoising;
mod masked_lm;
mod span_corruption;

pub(crate) use causal_lm::CausalLm;
pub(crate) use denoising::Denoising;
pub(crate) use masked_lm::MaskedLm;
pub(crate) use span_corruption::SpanCorruption;
