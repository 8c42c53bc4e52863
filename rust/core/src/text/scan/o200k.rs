//! The pattern of o200k and its kin, Mistral's tekken among them:
//! `P?[ULM]*[lLM]+C?|P?[ULM]+[lLM]*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
//! with `U` for `\p{Lu}\p{Lt}`, `l` for `\p{Ll}`, `L` for `\p{Lm}\p{Lo}`, `M` for `\p{M}`, `P` for `[^\r\n\p{L}\p{N}]`,
//! and `C` for `(?i:'s|'t|'re|'ve|'m|'ll|'d)`.
//!
//! It is as cl100k's, but that words end where a capital follows a small letter, that marks are letters too, and that
//! contractions stay with their words. Masks say all that of ASCII; other blocks are matched word by word.

use super::block::Block;
use super::cl100k::{contraction, ends_of_lines, run_on};
use super::{Around, Pattern};
use crate::text::classes::{Kind, Kinds};

/// In what the patterns of the family differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct O200k {
    /// So many digits are a word.
    pub(super) most_digits: u32,
    /// Whether contractions stay with their words; else there is none.
    pub(super) contracts: bool,
}

/// What the first byte of a block has to know of what is before it: a bit each, and numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    kind: O200k,
    kinds: Kinds,
    letter: u64,
    small: u64,
    number: u64,
    other: u64,
    first_other: u64,
    white: u64,
    blank: u64,
    newline: u64,
    /// A line end or slash that signs have taken.
    taken: u64,
    /// Where words begin, or do not begin, because of a contraction in the block before.
    begins: u64,
    goes_on: u64,
    digits: u32,
}

impl State {
    pub(super) fn new(kind: O200k) -> Self {
        Self {
            kind,
            kinds: Kinds::get(),
            letter: 0,
            small: 0,
            number: 0,
            other: 0,
            first_other: 0,
            white: 0,
            blank: 0,
            newline: 0,
            taken: 0,
            begins: 0,
            goes_on: 0,
            digits: 0,
        }
    }

    #[inline]
    fn numbers(&mut self, block: &Block) -> u64 {
        let run_starts = block.number & !(block.number << 1 | self.number);
        super::cl100k::digit_groups(block.number, run_starts, self.kind.most_digits, &mut self.digits)
    }
}

impl Pattern for State {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    fn starts(&mut self, block: &Block, around: Around<'_>) -> Option<u64> {
        if !block.is_ascii {
            return None;
        }
        let after = |mask: u64, carried: u64| mask << 1 | carried;
        let all_other = block.other();
        let ends = block.newline | block.slash;
        let seeds = block.newline & after(all_other, self.other) | ends & self.taken;
        let taken = if seeds == 0 { 0 } else { run_on(ends, seeds) };
        let (other, white) = (all_other & !taken, block.space & !taken);
        let flat = white & !block.newline;
        let mut starts = white & !after(white, self.white) | flat & around.before_solid(block, block.space);
        let lines = flat & after(white & block.newline, self.newline);
        if lines != 0 {
            starts |= ends_of_lines(block, around, lines, white, false);
        }
        let others = other & !after(other, self.other & !self.taken) & !after(block.blank, self.blank);
        let joined =
            after(block.letter | flat | others, self.letter | self.first_other) | self.white & !self.newline;
        let small = block.letter & !block.capital;
        starts |= others | block.letter & !joined | block.capital & after(small, self.small);
        if block.number != 0 {
            starts |= self.numbers(block);
        }
        let (mut begins, mut goes_on) = (u128::from(self.begins), u128::from(self.goes_on));
        let mut apostrophes = block.apostrophe & after(block.letter, self.letter);
        while apostrophes != 0 && self.kind.contracts {
            let place = apostrophes.trailing_zeros();
            apostrophes &= apostrophes - 1;
            // A word has one contraction: what follows it is another word.
            let is_second = begins >> place & 1 == 1;
            if let Some(length) = contraction(around.text.get(around.at + place as usize + 1..))
                && !is_second
            {
                goes_on |= ((2 << length) - 1) << place;
                begins |= 2 << (place + length);
            }
        }
        *self = Self {
            letter: block.last(block.letter),
            small: block.last(small),
            number: block.last(block.number),
            other: block.last(all_other),
            first_other: block.last(others),
            white: block.last(white),
            blank: block.last(block.blank),
            newline: block.last(white & block.newline),
            taken: block.last(taken),
            begins: (begins >> block.length) as u64,
            goes_on: (goes_on >> block.length) as u64,
            ..*self
        };
        Some((starts & !(goes_on as u64) | begins as u64) & block.valid)
    }

    fn word(&mut self, text: &[u8], at: usize) -> usize {
        *self = Self::new(self.kind);
        Matcher { text, kinds: self.kinds, kind: self.kind }.word(at)
    }
}

/// The pattern itself, alternative by alternative.
struct Matcher<'t> {
    text: &'t [u8],
    kinds: Kinds,
    kind: O200k,
}

impl Matcher<'_> {
    /// Where the word ends that begins at `at`, before the end of the text.
    fn word(&self, at: usize) -> usize {
        let (first, behind) = self.next(at).unwrap_or((Kind::Other, at + 1));
        let is_newline = |place: usize| matches!(self.text.get(place), Some(b'\r' | b'\n'));
        let behind_prefix =
            (!is_newline(at) && !first.is_letter() && first != Kind::Number).then_some(behind);
        let begins = || behind_prefix.into_iter().chain([at]);
        if let Some(end) = begins()
            .find_map(|from| self.with_small(from))
            .or_else(|| begins().find_map(|from| self.capitals(from)))
        {
            return self.behind_contraction(end);
        }
        if first == Kind::Number {
            return self.numbers(behind);
        }
        let signs = at + usize::from(self.text[at] == b' ');
        let end = self.run(signs, |kind| matches!(kind, Kind::Other | Kind::Mark));
        if end > signs {
            let rest = self.text[end..].iter();
            return end + rest.take_while(|byte| matches!(byte, b'\r' | b'\n' | b'/')).count();
        }
        self.white_space(at, behind)
    }

    /// `[ULM]*[lLM]+`.
    fn with_small(&self, from: usize) -> Option<usize> {
        let (mut place, mut end) = (from, None);
        while let Some((kind, behind)) = self.next(place).filter(|(kind, _)| kind.is_capital_or_both()) {
            if kind != Kind::Capital {
                end = Some(behind);
            }
            place = behind;
        }
        let tail = self.run(place, Kind::is_small_or_both);
        if tail > place { Some(tail) } else { end }
    }

    /// `[ULM]+[lLM]*`, where the other did not match.
    fn capitals(&self, from: usize) -> Option<usize> {
        let end = self.run(from, Kind::is_capital_or_both);
        (end > from).then_some(end)
    }

    fn behind_contraction(&self, end: usize) -> usize {
        if self.kind.contracts && self.text.get(end) == Some(&b'\'') {
            contraction(self.text.get(end + 1..)).map_or(end, |length| end + 1 + length as usize)
        } else {
            end
        }
    }

    fn numbers(&self, mut end: usize) -> usize {
        for _ in 1..self.kind.most_digits {
            match self.next(end) {
                Some((Kind::Number, behind)) => end = behind,
                _ => break,
            }
        }
        end
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`.
    fn white_space(&self, at: usize, behind: usize) -> usize {
        let (mut end, mut last, mut behind_newline) = (at, at, None);
        while let Some((Kind::Space, behind)) = self.next(end) {
            if matches!(self.text[end], b'\r' | b'\n') {
                behind_newline = Some(behind);
            }
            (last, end) = (end, behind);
        }
        match behind_newline {
            Some(place) => place,
            None if end == self.text.len() => end,
            None => last.max(behind),
        }
    }

    fn run(&self, mut place: usize, is_member: impl Fn(Kind) -> bool) -> usize {
        while let Some((_, behind)) = self.next(place).filter(|(kind, _)| is_member(*kind)) {
            place = behind;
        }
        place
    }

    /// The kind of the character at a place, and where the next begins.
    #[inline]
    fn next(&self, place: usize) -> Option<(Kind, usize)> {
        let rest = self.text.get(place..)?;
        match rest.first()? {
            byte if byte.is_ascii() => Some((self.kinds.of(u32::from(*byte)), place + 1)),
            _ => {
                let (code, length) = super::block::decode(rest)?;
                Some((self.kinds.of(code), place + length))
            }
        }
    }
}
