//! What is done to a text before it is cut into words.

pub mod charsmap;

pub use charsmap::Charsmap;
