//! What each character beyond ASCII is where a text is cut into raw words, in a byte.

#![expect(clippy::inline_always, reason = "what AVX2 is used in must be compiled with it")]

use super::ascii::{BLOCK, Marks};
use super::table::{Entry, Rules, Table, is_ideograph};
use crate::text::Kind;

/// What is known of characters.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) table: Table,
    sorts: Sorts,
}

/// What a character is, a bit each, so that marks are made of it without a branch.
type Sort = u8;

/// It was not met yet.
const UNSEEN: Sort = 0;
const WORD: Sort = 1;
const ALONE: Sort = 1 << 1;
/// What becomes of it is nothing, or several things, or depends on its neighbours.
const UNKNOWN: Sort = 1 << 2;
const SIGN: Sort = 1 << 3;
const GAP: Sort = 1 << 4;
/// Nothing becomes of it but itself. Such a character has no entry in the table.
const KEPT: Sort = 1 << 5;

/// The sorts of all characters: of memory that is never written nothing is there.
#[derive(Debug)]
struct Sorts(Box<[Sort]>);

impl Default for Sorts {
    fn default() -> Self {
        Self(vec![UNSEEN; char::MAX as usize + 1].into_boxed_slice())
    }
}

impl Sorts {
    #[inline(always)]
    fn met(&self, character: u32) -> Sort {
        self.0.get(character as usize).copied().unwrap_or(UNKNOWN)
    }
}

/// For each [`Kind`] as a number.
const OF_KIND: [Sort; 4] = {
    let mut sorts = [GAP; 4];
    sorts[Kind::Word as usize] = WORD;
    sorts[Kind::Sign as usize] = SIGN;
    sorts[Kind::Alone as usize] = ALONE;
    sorts
};

impl Known {
    /// The kind of a character, if it was met, and nothing becomes of it but itself.
    #[inline]
    pub(super) fn kept(&self, character: u32) -> Option<Kind> {
        let sort = self.sorts.met(character);
        (sort & KEPT != 0).then_some(match sort & !KEPT {
            WORD => Kind::Word,
            SIGN => Kind::Sign,
            _ => Kind::Alone,
        })
    }

    #[cold]
    fn meet(&mut self, character: u32, rules: &Rules) -> Sort {
        let Some(known) = char::from_u32(character) else { return UNKNOWN };
        let sort = self.sort_of(known, rules);
        self.sorts.0[character as usize] = sort;
        sort
    }

    fn sort_of(&mut self, character: char, rules: &Rules) -> Sort {
        if let Some(kind) = rules.ideographs.filter(|_| is_ideograph(character)) {
            return OF_KIND[kind as usize] | KEPT;
        }
        let entry = Entry::of(character, rules);
        if let Some(kind) = entry.kind_if_kept(character) {
            return OF_KIND[kind as usize] | KEPT;
        }
        self.table.keep(character, entry);
        if entry.is_plain() && entry.length() > 0 { OF_KIND[usize::from(entry.kind())] } else { UNKNOWN }
    }
}

/// Adds the characters beyond ASCII to the marks of the first `length` bytes of `text`. Returns the bytes of
/// characters but their first, and the length without the last character where that does not end within it.
#[inline(always)]
pub(super) fn add_others(
    marks: &mut Marks,
    text: &str,
    mut length: usize,
    known: &mut Known,
    rules: &Rules,
) -> (u64, usize) {
    let mut leads = marks.high & !marks.inner;
    if !text.is_char_boundary(length) {
        length = BLOCK - 1 - leads.leading_zeros() as usize;
        leads &= !(1 << length);
    }
    let (mut word, mut alone, mut unknown, mut sign) = (0, 0, 0, 0);
    while leads != 0 {
        let place = leads.trailing_zeros();
        leads &= leads - 1;
        let (character, _) = first_character(&text.as_bytes()[place as usize..]);
        let mut sort = known.sorts.met(character);
        if sort & (WORD | ALONE | UNKNOWN) == 0 {
            if sort == UNSEEN {
                sort = known.meet(character, rules);
            }
            sign |= u64::from(sort & SIGN != 0) << place;
        }
        word |= u64::from(sort & WORD) << place;
        alone |= u64::from((sort & ALONE) / ALONE) << place;
        unknown |= u64::from((sort & UNKNOWN) / UNKNOWN) << place;
    }
    let inner = marks.inner;
    let mut whole = [word, alone, unknown, sign];
    for mark in &mut whole {
        // A character has up to three bytes more.
        *mark |= *mark << 1 & inner;
        *mark |= *mark << 1 & inner;
        *mark |= *mark << 1 & inner;
    }
    marks.word |= whole[0];
    marks.alone |= whole[1];
    marks.other |= whole[2];
    marks.sign |= whole[3];
    // Of a gap nothing goes on.
    (inner & (whole[0] | whole[1] | whole[2] | whole[3]), length)
}

/// The first character of UTF-8 that is not empty, and how many bytes it has.
#[inline(always)]
pub(super) fn first_character(text: &[u8]) -> (u32, usize) {
    let low = |byte: u8| u32::from(byte & 0x3F);
    match *text {
        [first @ 0xC0..0xE0, second, ..] => (u32::from(first & 0x1F) << 6 | low(second), 2),
        [first @ 0xE0..0xF0, second, third, ..] => {
            (u32::from(first & 0x0F) << 12 | low(second) << 6 | low(third), 3)
        }
        [first @ 0xF0..=0xFF, second, third, fourth, ..] => {
            (u32::from(first & 0x07) << 18 | low(second) << 12 | low(third) << 6 | low(fourth), 4)
        }
        [first, ..] => (u32::from(first), 1),
        [] => (0, 1),
    }
}
