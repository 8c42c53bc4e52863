//! Documents in, words out.

mod aligned;
pub(crate) mod byte_level;
pub(crate) mod characters;
mod classes;
mod graphemes;
pub mod normalize;
mod pattern;
mod pieces;
mod regex;
mod scan;
mod split;
mod utf8;

pub use aligned::{Aligned, Origin};
pub use classes::{Class, class_of, is_sign, is_word_character};
pub use normalize::Normalizer;
pub use pattern::Pattern;
pub use pieces::Pieces;
pub use scan::{Cl100k, LEAST_ROOM, O200k, Scan, Scanner, safe_cut};
pub use split::{Behavior, ByteLevel, Kind, Kinds, Metaspace, PreTokenizer, PrependScheme, known_pattern};
pub use utf8::push_code_points;
