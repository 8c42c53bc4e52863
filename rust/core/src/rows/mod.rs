//! Ids to rows.

mod documents;
mod pack;
mod pad;
mod pairs;
mod ragged;

pub use documents::Documents;
pub use pack::{Packing, Piece, RowPlan};
pub use pad::padded_width;
pub use pairs::{PairRows, PairTask, SentencePairs, SentencePairsSettings, Source};
pub(crate) use ragged::all_below;
pub use ragged::{Ragged, RaggedView};
