//! Text to words: what a model may not cross.

mod gpt2;

pub use gpt2::{Split, Words};
