//! The pattern of cl100k and its kin, Llama 3's and Qwen 2's among them:
//! `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
//!
//! A character that is neither letter, number nor line end joins the letters behind it if a word begins with it; signs
//! take the line ends behind them; what is left of a run of white space ends with its last line end.

use super::block::Block;
use super::{Around, Pattern, class_at};
use crate::text::classes::{Class, Classes};

/// In what the patterns of the family differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cl100k {
    /// So many digits are a word.
    pub(super) most_digits: u32,
    /// Whether white space at the end of the text is one word even if there are line ends in it (`\s++$`).
    pub(super) end_is_whole: bool,
    /// Whether marks are letters; else they are signs.
    pub(super) marks_are_letters: bool,
}

/// What the first byte of a block has to know of what is before it: a bit each, and a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    kind: Cl100k,
    letter: u64,
    number: u64,
    other: u64,
    /// A sign that begins a word.
    first_other: u64,
    /// White space, but for line ends that signs have taken.
    white: u64,
    blank: u64,
    newline: u64,
    /// A line end that signs have taken.
    taken: u64,
    /// Where words begin because of a contraction in the block before.
    begins: u64,
    /// How many digits the open word has.
    digits: u32,
}

impl State {
    pub(super) fn new(kind: Cl100k) -> Self {
        Self {
            kind,
            letter: 0,
            number: 0,
            other: 0,
            first_other: 0,
            white: 0,
            blank: 0,
            newline: 0,
            taken: 0,
            begins: 0,
            digits: 0,
        }
    }
}

impl Pattern for State {
    fn classes(&self) -> Classes {
        if self.kind.marks_are_letters { Classes::with_marks() } else { Classes::get() }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    fn starts(&mut self, block: &Block, around: Around<'_>) -> Option<u64> {
        let after = |mask: u64, carried: u64| mask << 1 | carried;
        let other = block.other();
        let seeds = block.newline & (after(other, self.other) | self.taken);
        let taken = if seeds == 0 { 0 } else { run_on(block.newline, seeds) };
        let white = block.space & !taken;
        let flat = white & !block.newline;
        let ends = flat & around.before_solid(block, block.space);
        let mut starts = white & !after(white, self.white) | block.first_bytes(ends);
        let lines = flat & after(white & block.newline, self.newline);
        if lines != 0 {
            starts |= ends_of_lines(block, around, lines, white, self.kind.end_is_whole);
        }
        let others = other & !after(other, self.other) & !after(block.blank, self.blank);
        let first_others = block.all_bytes(others);
        let joined = after(block.letter | flat | first_others, self.letter | self.first_other)
            | self.white & !self.newline;
        starts |= others | block.letter & !joined;
        if block.number != 0 {
            let numbers = block.number & !block.inner;
            let run_starts = block.number & !after(block.number, self.number);
            starts |= digit_groups(numbers, run_starts, self.kind.most_digits, &mut self.digits);
        }
        let mut begins = u128::from(self.begins);
        let mut apostrophes = block.apostrophe & others;
        while apostrophes != 0 {
            let place = apostrophes.trailing_zeros();
            apostrophes &= apostrophes - 1;
            if let Some(length) = contraction(around.text.get(around.at + place as usize + 1..)) {
                begins |= 2 << (place + length);
            }
        }
        *self = Self {
            kind: self.kind,
            letter: block.last(block.letter),
            number: block.last(block.number),
            other: block.last(other),
            first_other: block.last(first_others),
            white: block.last(white),
            blank: block.last(block.blank),
            newline: block.last(white & block.newline),
            taken: block.last(taken),
            begins: (begins >> block.length) as u64,
            digits: self.digits,
        };
        Some((starts | begins as u64) & block.valid)
    }
}

/// Where numbers begin, and where they have reached their length. `digits` is how many the open word has.
#[inline]
pub(super) fn digit_groups(mut numbers: u64, run_starts: u64, most_digits: u32, digits: &mut u32) -> u64 {
    let mut starts = 0;
    while numbers != 0 {
        let digit = numbers & numbers.wrapping_neg();
        numbers ^= digit;
        if digit & run_starts != 0 || *digits == most_digits {
            starts |= digit;
            *digits = 0;
        }
        *digits = digits.saturating_add(1);
    }
    starts
}

/// Of white space that begins behind a line end, at `after`, where it is a word: where no line end follows before the
/// end of the run, which ends with the text too unless `end_is_whole`.
#[inline]
pub(super) fn ends_of_lines(
    block: &Block,
    around: Around<'_>,
    mut after: u64,
    white: u64,
    end_is_whole: bool,
) -> u64 {
    let flat = white & !block.newline;
    let mut starts = 0;
    while after != 0 {
        let place = after.trailing_zeros();
        let end = (!(flat >> place)).trailing_zeros() as usize + place as usize;
        let goes_on = if end < block.length {
            block.newline >> end & 1 == 1
        } else {
            newline_follows(around, block.length, end_is_whole)
        };
        starts |= u64::from(!goes_on) << place;
        after &= after - 1;
    }
    starts
}

/// Whether the white space that goes on behind the block has a line end, or ends the text where that is the same.
#[cold]
fn newline_follows(around: Around<'_>, length: usize, end_is_whole: bool) -> bool {
    let mut rest = around.text.get(around.at + length..).unwrap_or_default();
    loop {
        match rest {
            [] => return end_is_whole,
            [b'\n' | b'\r', ..] => return true,
            [_, after @ ..] if class_at(rest, around.classes) == Some(Class::Space) => {
                let inner = after.iter().take_while(|&&byte| byte & 0xC0 == 0x80).count();
                rest = &after[inner..];
            }
            _ => return false,
        }
    }
}

/// The bits of `mask` from each of `seeds`, which are bits of it, to the end of its run: a carry runs through them.
#[inline]
pub(super) fn run_on(mask: u64, seeds: u64) -> u64 {
    mask & !mask.wrapping_add(seeds) | seeds
}

/// How many bytes after an apostrophe belong to it, whatever their case: a long s is an s.
pub(super) fn contraction(after: Option<&[u8]>) -> Option<u32> {
    let after = after?;
    let lower = |place: usize| after.get(place).map(u8::to_ascii_lowercase);
    match (lower(0)?, lower(1)) {
        (b's' | b't' | b'm' | b'd', _) => Some(1),
        // The last is U+017F.
        (b'r' | b'v', Some(b'e')) | (b'l', Some(b'l')) | (0xC5, Some(0xBF)) => Some(2),
        _ => None,
    }
}
