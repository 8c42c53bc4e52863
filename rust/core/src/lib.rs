//! Text to tokens to rows to pre-training objectives: the core of fastmask, without Python.
//!
//! The folders are the flow: [`text`] -> [`tokens`] -> [`rows`] -> [`objectives`] -> [`loader`]. A stage uses only
//! the stages before it. [`random`] is the only source of randomness, [`Error`] the only error.

mod error;
pub mod loader;
mod memory;
pub mod objectives;
pub mod random;
pub mod rows;
mod simd;
pub mod text;
pub mod threads;
pub mod tokens;

pub use error::{Error, Result};
