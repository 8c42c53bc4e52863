//! Documents in, words out.

mod aligned;
pub(crate) mod byte_level;
mod classes;
pub mod normalize;
mod pattern;
mod pieces;
mod split;

pub use aligned::{Aligned, Origin};
pub use classes::{Class, class_of, is_word_character};
pub use pattern::Pattern;
pub use pieces::Pieces;
pub use split::{Split, Words};
