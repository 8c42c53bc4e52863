//! Tokens on disk to rows, in an order that depends on a key alone.

mod corpus;
mod order;

pub use corpus::{Corpus, Frame, Packed, Tokens};
pub use order::Order;
