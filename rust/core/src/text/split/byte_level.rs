//! GPT-2's split, and bytes spelled as printable characters.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::text::{Aligned, Pieces, Scanner, byte_level};

/// The byte-level step (Radford et al. 2019).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of the file")]
pub struct ByteLevel {
    /// Whether a piece that does not begin with a space gets one.
    pub add_prefix_space: bool,
    /// Of no use here: the post-processor of the same name has it.
    pub trim_offsets: bool,
    /// Whether text is split by GPT-2's pattern.
    #[serde(default = "yes")]
    pub use_regex: bool,
    /// Whether bytes stay bytes, because the model reads them.
    #[serde(skip)]
    pub(super) leaves_bytes: bool,
}

fn yes() -> bool {
    true
}

impl ByteLevel {
    /// Whether bytes stay bytes, because the model reads them.
    pub fn leaves_bytes(&self) -> bool {
        self.leaves_bytes
    }

    /// Whether it changes no byte.
    pub(super) fn only_cuts(&self) -> bool {
        self.leaves_bytes && !self.add_prefix_space
    }

    pub(super) fn apply(&self, pieces: &mut Pieces<'_>) -> Result<()> {
        if self.add_prefix_space {
            pieces.rewrite(|piece| {
                if !piece.as_str().starts_with(' ') {
                    piece.prepend(" ");
                }
                Ok(())
            })?;
        }
        if self.use_regex {
            pieces.split(|piece, ranges| {
                let mut start = 0;
                Scanner::Gpt2.words(piece, |word| {
                    ranges.push(start..start + word.len());
                    start += word.len();
                })
            })?;
        }
        if self.leaves_bytes {
            return Ok(());
        }
        pieces.rewrite(|piece| {
            spell(piece);
            Ok(())
        })
    }
}

fn spell(piece: &mut Aligned<'_>) {
    let mut spelled = Vec::with_capacity(piece.as_str().len());
    for character in piece.as_str().chars() {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).bytes().enumerate();
        spelled.extend(bytes.map(|(place, byte)| (byte_level::char_of(byte), isize::from(place > 0))));
    }
    piece.transform(spelled, 0);
}
