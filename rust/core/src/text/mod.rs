//! Documents in, words out.

mod classes;
mod split;

pub use classes::{Class, class_of, is_word_character};
pub use split::{Split, Words};
