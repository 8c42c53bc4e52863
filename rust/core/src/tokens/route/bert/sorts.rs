//! What each character beyond ASCII is where a text is cut into raw words, in a byte.

use super::ascii::{BLOCK, Marks};
use super::table::{Entry, Rules, Table, is_ideograph};
use crate::text::Kind;

/// What is known of characters.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) table: Table,
    sorts: Sorts,
}

/// A [`Kind`] as a number, perhaps with [`KEPT`], or one of these.
type Sort = u8;

/// Added where nothing becomes of a character but itself. Such a character has no entry in the table.
const KEPT: Sort = 8;

/// What becomes of it is nothing, or several things, or depends on its neighbours.
const UNKNOWN: Sort = 4;

/// It was not met yet.
const UNSEEN: Sort = 5;

/// The characters of a page: those whose bytes but the last are the same.
const PAGE: usize = 64;

/// The sorts of all characters that were met, in pages.
#[derive(Debug)]
struct Sorts {
    /// For each page of Unicode its place in `pages`; that of those of which nothing was met is 0.
    places: Box<[u16]>,
    pages: Vec<[Sort; PAGE]>,
}

impl Default for Sorts {
    fn default() -> Self {
        let places = vec![0; (char::MAX as usize + 1) / PAGE].into_boxed_slice();
        Self { places, pages: vec![[UNSEEN; PAGE]] }
    }
}

impl Sorts {
    #[inline]
    fn met(&self, character: u32) -> Sort {
        let place = self.places.get(character as usize / PAGE).copied().unwrap_or(0);
        self.pages.get(usize::from(place)).map_or(UNSEEN, |page| page[character as usize % PAGE])
    }

    fn keep(&mut self, character: u32, sort: Sort) {
        let place = &mut self.places[character as usize / PAGE];
        if *place == 0 {
            // There are fewer than 2^16 pages.
            *place = self.pages.len() as u16;
            self.pages.push([UNSEEN; PAGE]);
        }
        self.pages[usize::from(*place)][character as usize % PAGE] = sort;
    }
}

impl Known {
    /// The kind of a character as a number, if it was met, and nothing becomes of it but itself.
    #[inline]
    pub(super) fn kept(&self, character: u32) -> Option<u8> {
        let sort = self.sorts.met(character);
        (sort & KEPT != 0).then_some(sort & !KEPT)
    }

    #[cold]
    fn meet(&mut self, character: u32, rules: &Rules) -> Sort {
        let Some(known) = char::from_u32(character) else { return UNKNOWN };
        let sort = self.sort_of(known, rules);
        self.sorts.keep(character, sort);
        sort
    }

    fn sort_of(&mut self, character: char, rules: &Rules) -> Sort {
        if let Some(kind) = rules.ideographs.filter(|_| is_ideograph(character)) {
            return kind as u8 | KEPT;
        }
        let entry = Entry::of(character, rules);
        if let Some(kind) = entry.kind_if_kept(character) {
            return kind as u8 | KEPT;
        }
        self.table.keep(character, entry);
        if entry.is_plain() && entry.length() > 0 { entry.kind() } else { UNKNOWN }
    }
}

/// Adds the characters beyond ASCII to the marks of the first `length` bytes of `text`. Returns the bytes of
/// characters but their first, and the length without the last character where that does not end within it.
#[inline]
pub(super) fn add_others(
    marks: &mut Marks,
    text: &str,
    mut length: usize,
    known: &mut Known,
    rules: &Rules,
) -> (u64, usize) {
    let mut leads = marks.high & !marks.inner;
    let last = BLOCK - 1 - leads.leading_zeros() as usize;
    // All are taken to be of words, and put right where they are not.
    marks.word |= marks.high;
    if !text.is_char_boundary(length) {
        length = last;
        leads &= !(1 << last);
    }
    let bytes = text.as_bytes();
    while leads != 0 {
        let place = leads.trailing_zeros() as usize;
        leads &= leads - 1;
        let (character, width) = first_character(&bytes[place..]);
        let mut sort = known.sorts.met(character);
        if sort == UNSEEN {
            sort = known.meet(character, rules);
        }
        let sort = sort & !KEPT;
        if sort != Kind::Word as u8 {
            let bits = ((1_u64 << width) - 1) << place;
            marks.word &= !bits;
            match sort {
                UNKNOWN => marks.other |= bits,
                sort if sort == Kind::Alone as u8 => marks.alone |= bits,
                sort if sort == Kind::Sign as u8 => marks.sign |= bits,
                _ => {}
            }
        }
    }
    // Of a gap nothing goes on.
    (marks.inner & (marks.word | marks.sign | marks.alone | marks.other), length)
}

/// The first character of UTF-8 that is not empty, and how many bytes it has.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is in the innermost loop of its callers")]
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
