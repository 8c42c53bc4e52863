//! Ids to rows.

mod pack;
mod pad;
mod ragged;

pub use pack::{Packing, Piece, RowPlan};
pub use pad::padded_width;
pub use ragged::{Ragged, RaggedView};
