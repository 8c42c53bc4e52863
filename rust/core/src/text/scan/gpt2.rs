//! GPT-2's pattern (Radford et al. 2019, `encoder.py`):
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
//!
//! A word begins where a class follows another, but not behind a space, which begins the word itself; of a run of white
//! space the last character stands alone, unless the text ends with it.

use super::block::Block;
use super::{Around, Pattern};

/// What the first byte of a block has to know of the character before it: a bit each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gpt2 {
    letter: u64,
    number: u64,
    other: u64,
    space: u64,
    blank: u64,
    /// Where words begin or do not begin because of a contraction in the block before.
    begins: u64,
    goes_on: u64,
}

impl Pattern for Gpt2 {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    fn starts(&mut self, block: &Block, around: Around<'_>) -> Option<u64> {
        let other = block.other();
        let after = |mask: u64, carried: u64| mask << 1 | carried;
        let same = block.letter & after(block.letter, self.letter)
            | block.number & after(block.number, self.number)
            | other & after(other, self.other);
        let ends = block.space & around.before_solid(block, block.space);
        let mut starts = block.valid & !block.space & !same & !after(block.blank, self.blank)
            | block.space & !after(block.space, self.space)
            | block.first_bytes(ends);
        let (mut begins, mut goes_on) = (u128::from(self.begins), u128::from(self.goes_on));
        let mut apostrophes = block.apostrophe & starts;
        while apostrophes != 0 {
            let place = apostrophes.trailing_zeros();
            apostrophes &= apostrophes - 1;
            if let Some(length) = contraction(around.text.get(around.at + place as usize + 1..)) {
                goes_on |= 2 << place;
                begins |= 2 << (place + length);
            }
        }
        starts = (starts & !(goes_on as u64) | begins as u64) & block.valid;
        let rest = |mask: u128| (mask >> block.length) as u64;
        *self = Self {
            letter: block.last(block.letter),
            number: block.last(block.number),
            other: block.last(other),
            space: block.last(block.space),
            blank: block.last(block.blank),
            begins: rest(begins),
            goes_on: rest(goes_on),
        };
        Some(starts)
    }
}

/// How many letters after an apostrophe belong to it.
fn contraction(after: Option<&[u8]>) -> Option<u32> {
    match after? {
        [b's' | b't' | b'm' | b'd', ..] => Some(1),
        [b'r' | b'v', b'e', ..] | [b'l', b'l', ..] => Some(2),
        _ => None,
    }
}
