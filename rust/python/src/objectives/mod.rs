//! The objectives of `fastmask._rust`, on numpy arrays: a file each.
//!
//! Python hands over flat rows, the names of the draws, and a dict of arrays to fill.

mod arrays;
mod causal_lm;
mod denoising;
mod documents;
mod fill_in_the_middle;
mod masked_lm;
mod mixture_of_denoisers;
mod prefix_lm;
mod span_corruption;

pub(crate) use causal_lm::CausalLm;
pub(crate) use denoising::Denoising;
pub(crate) use documents::{count_documents, rows_in_order};
pub(crate) use fill_in_the_middle::FillInTheMiddle;
pub(crate) use masked_lm::MaskedLm;
pub(crate) use mixture_of_denoisers::{MixtureOfDenoisers, padded_width};
pub(crate) use prefix_lm::PrefixLm;
pub(crate) use span_corruption::{SpanCorruption, sentinels_needed};
