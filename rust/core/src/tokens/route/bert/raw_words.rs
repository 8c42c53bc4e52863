//! Words as they stand in a text, before they are normalized: what stands between places where it is surely cut.
//!
//! The text is cut beside characters that become a gap, or a word of their own, wherever they stand, and where one kind
//! of character follows another. Such characters meet no neighbours, so that what stands between two cuts is normalized
//! as it would be alone (see `text/normalize/characters.rs`), and no word reaches across a cut. A raw word need not be
//! one word: a character of which nothing is known stays in it, and may turn out to be a gap. So a raw word is what
//! ids are remembered for, and most are never normalized.
//!
//! A block of 64 bytes becomes a mask for each kind, and a few operations on masks say where words begin and end.

#![expect(clippy::inline_always, reason = "what AVX2 is used in must be compiled with it")]

use std::ops::Range;

use super::ascii::{BLOCK, Marks};
use super::sorts::{self, Known};
use super::table::Rules;

/// So many words are gathered before they are looked up.
const WORDS: usize = 1 << 10;

/// So many bytes of the text are scanned at most before words are looked up.
const BYTES: usize = 1 << 12;

/// A word of so many bytes is not gathered: it is not remembered either.
pub(super) const LONG: usize = 1 << 10;

/// Room for a word that was left open, for what is scanned, and for a block that is read in vain.
const ROOM: usize = LONG + BYTES + 2 * BLOCK;

/// The raw words of a text, some hundreds at a time.
#[derive(Debug)]
pub(super) struct RawWords {
    /// The text from `base` on, with its ASCII characters changed.
    buffer: Box<[u8; ROOM]>,
    base: usize,
    /// Where words begin and end in the buffer. The last place is for a word that ends with the text.
    places: Box<[(u32, u32); WORDS + 1]>,
    count: usize,
    cursor: Cursor,
}

/// How far a text is scanned.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    at: usize,
    /// Where the word begins that is open, if one is.
    begin: usize,
    last: Last,
}

/// What the character before a block is, a bit each; none of them for a gap.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    word: u64,
    sign: u64,
    alone: u64,
    unknown: u64,
}

/// Where words begin and end in the bytes of a block, a bit each, and the cursor behind them.
struct Cuts {
    begins: u64,
    ends: u64,
    length: usize,
    last: Last,
}

impl Default for RawWords {
    fn default() -> Self {
        Self {
            buffer: Box::new([0; ROOM]),
            base: 0,
            places: Box::new([(0, 0); WORDS + 1]),
            count: 0,
            cursor: Cursor::default(),
        }
    }
}

impl RawWords {
    /// Begins with another text.
    pub(super) fn begin(&mut self) {
        (self.base, self.count, self.cursor) = (0, 0, Cursor::default());
    }

    /// The words that were found: a text, and where in it they begin and end.
    pub(super) fn words(&self) -> (&[u8], &[(u32, u32)]) {
        (&self.buffer[..], &self.places[..self.count])
    }

    /// Scans on until there are many words, or much text, or a word is long; whether the text is done.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        text: &str,
        known: &mut Known,
        rules: &Rules,
        sort: impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> Marks,
    ) -> bool {
        self.forget_words();
        let mut cursor = self.cursor;
        let mut count = 0;
        while cursor.at < text.len() {
            let offset = cursor.at - self.base;
            let Some(places) = self.places[..WORDS].get_mut(count..).and_then(<[_]>::first_chunk_mut) else {
                break;
            };
            let Some(out) = self.buffer[..ROOM - BLOCK].get_mut(offset..).and_then(<[_]>::first_chunk_mut)
            else {
                break;
            };
            let cuts = cursor.cuts(text, out, known, rules, &sort);
            count += write(&cuts, &cursor, self.base, places);
            cursor.go_on(&cuts);
        }
        let is_done = cursor.at == text.len() && !cursor.is_long();
        if is_done && cursor.last.is_solid() {
            self.places[count] = ((cursor.begin - self.base) as u32, (cursor.at - self.base) as u32);
            count += 1;
        }
        (self.cursor, self.count) = (cursor, count);
        is_done
    }

    /// The open word where it is a long one; it is ended.
    #[inline(always)]
    pub(super) fn long(
        &mut self,
        text: &str,
        known: &mut Known,
        rules: &Rules,
        sort: impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> Marks,
    ) -> Option<Range<usize>> {
        let cursor = &mut self.cursor;
        if !cursor.is_long() {
            return None;
        }
        let begin = cursor.begin;
        let mut out = [0; BLOCK];
        while cursor.at < text.len() {
            let cuts = cursor.cuts(text, &mut out, known, rules, &sort);
            if cuts.ends != 0 {
                cursor.at += cuts.ends.trailing_zeros() as usize;
                break;
            }
            cursor.go_on(&cuts);
        }
        cursor.last = Last::default();
        Some(begin..cursor.at)
    }

    /// Forgets the words that have ended. The open one moves to the front.
    fn forget_words(&mut self) {
        let Cursor { at, begin, last } = self.cursor;
        if last.is_solid() {
            self.buffer.copy_within(begin - self.base..at - self.base, 0);
        }
        (self.base, self.count) = (if last.is_solid() { begin } else { at }, 0);
    }
}

impl Cursor {
    /// Whether the open word is not to be gathered.
    fn is_long(&self) -> bool {
        self.last.is_solid() && self.at - self.begin >= LONG
    }

    #[inline(always)]
    fn go_on(&mut self, cuts: &Cuts) {
        if cuts.begins != 0 {
            self.begin = self.at + BLOCK - 1 - cuts.begins.leading_zeros() as usize;
        }
        self.at += cuts.length;
        self.last = cuts.last;
    }

    /// Where words begin and end in the next bytes.
    #[inline(always)]
    fn cuts(
        &self,
        text: &str,
        out: &mut [u8; BLOCK],
        known: &mut Known,
        rules: &Rules,
        sort: &impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> Marks,
    ) -> Cuts {
        let rest = &text.as_bytes()[self.at..];
        let mut length = rest.len().min(BLOCK);
        let mut padded = [0; BLOCK];
        let block = rest.first_chunk().unwrap_or_else(|| {
            padded[..length].copy_from_slice(rest);
            &padded
        });
        // Once for both: masks that come from two places the compiler keeps as vectors, and takes apart bit by bit.
        let mut marks = sort(block, out);
        marks.other &= !marks.high;
        let mut inner = 0;
        if marks.high != 0 {
            (inner, length) = sorts::add_others(&mut marks, &text[self.at..], length, known, rules);
        }
        self.last.cuts(&marks, inner, length)
    }
}

impl Last {
    fn is_solid(self) -> bool {
        self.word | self.sign | self.alone | self.unknown != 0
    }

    /// `inner` are the bytes of characters but their first; all bytes of a character have its mark.
    #[inline(always)]
    fn cuts(self, marks: &Marks, inner: u64, length: usize) -> Cuts {
        let valid = u64::MAX >> (BLOCK - length);
        let [word, sign, alone, unknown] =
            [marks.word, marks.sign, marks.alone, marks.other].map(|mark| mark & valid);
        let (wordlike, signlike) = (word | unknown, sign | unknown);
        let after_word = wordlike << 1 | self.word | self.unknown;
        let after_sign = signlike << 1 | self.sign | self.unknown;
        let goes_on = wordlike & after_word | signlike & after_sign | inner;
        let solid = wordlike | sign | alone;
        let after_solid = after_word | after_sign | alone << 1 | self.alone;
        let last = |mark: u64| mark >> (length - 1) & 1;
        Cuts {
            begins: solid & !goes_on,
            ends: after_solid & !goes_on & valid,
            length,
            last: Self { word: last(word), sign: last(sign), alone: last(alone), unknown: last(unknown) },
        }
    }
}

/// Writes the places of the words that end in a block, and says how many these are.
#[inline(always)]
fn write(cuts: &Cuts, cursor: &Cursor, base: usize, places: &mut [(u32, u32); BLOCK]) -> usize {
    let at = (cursor.at - base) as u32;
    let (mut begins, mut ends) = (cuts.begins, cuts.ends);
    let count = ends.count_ones() as usize;
    let mut begin = (cursor.begin.wrapping_sub(base)) as u32;
    if !cursor.last.is_solid() {
        begin = at + begins.trailing_zeros();
        begins &= begins.wrapping_sub(1);
    }
    // Without a branch for each word: what is written in vain is written over.
    let mut done = 0;
    while done < count {
        for place in &mut places[done..done + 8] {
            *place = (begin, at + ends.trailing_zeros());
            ends &= ends.wrapping_sub(1);
            begin = at + begins.trailing_zeros();
            begins &= begins.wrapping_sub(1);
        }
        done += 8;
    }
    count
}
