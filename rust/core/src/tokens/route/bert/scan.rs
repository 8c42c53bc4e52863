//! One pass over a text: the normalized text, and where its words begin and end.

#![expect(clippy::inline_always, reason = "what AVX2 is used in must be compiled with it")]
#![expect(
    clippy::needless_bitwise_bool,
    reason = "a branch that nobody can foretell costs more than both sides"
)]

use super::ascii::{BLOCK, Marks};
use super::sorts::first_character;
use super::table::{Entry, Rules, Table};
use crate::Result;
use crate::text::{Aligned, Kind};

/// So many words are gathered before they are looked up.
const WORDS: usize = 1 << 9;

/// So many bytes of the text are scanned at most before words are looked up.
const BYTES: usize = 1 << 12;

/// What is written may be so much longer than what is read, with all that is written but not wanted.
const ROOM: usize = BYTES * 13 + 4 * BLOCK;

/// After a block that was no use so many bytes are not tried as one.
const PAUSE: usize = 16;

/// A scan of a text, and what it keeps between texts.
#[derive(Debug)]
pub(super) struct Scan {
    /// The normalized text of the words that are not looked up yet.
    buffer: Vec<u8>,
    /// Where words begin and end in the buffer.
    places: Box<[(u32, u32); WORDS]>,
    cursor: Cursor,
    /// What a run that was normalized together has become, and how much of it is written.
    run: (String, usize),
}

/// How far a scan is. The last word is open if one more is begun than is ended.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    read: usize,
    written: usize,
    begun: usize,
    ended: usize,
    /// The [`Kind`] of the last character that was written; before the first a gap.
    last: u8,
}

const START: Cursor = Cursor { read: 0, written: 0, begun: 0, ended: 0, last: Kind::Gap as u8 };

/// A larger buffer is not kept.
const LARGEST_KEPT: usize = 1 << 20;

impl Default for Scan {
    fn default() -> Self {
        Self { buffer: Vec::new(), places: Box::new([(0, 0); WORDS]), cursor: START, run: (String::new(), 0) }
    }
}

impl Scan {
    /// Begins with another text.
    pub(super) fn begin(&mut self) {
        self.cursor = START;
        self.run = (String::new(), 0);
        if self.buffer.len() > LARGEST_KEPT {
            self.buffer = Vec::new();
        }
    }

    /// The words that have ended: the normalized text, and where they begin and end in it.
    pub(super) fn words(&self) -> (&[u8], &[(u32, u32)]) {
        (&self.buffer, &self.places[..self.cursor.ended])
    }

    /// What is read so far of the word that has not ended.
    pub(super) fn open_word(&self) -> &[u8] {
        &self.buffer[self.begin_of_open_word()..self.cursor.written]
    }

    /// Leaves no more than its first `most` bytes of the word that has not ended.
    pub(super) fn shorten_open_word(&mut self, most: usize) {
        let end = self.begin_of_open_word().saturating_add(most);
        if self.cursor.written > end {
            let inner = self.buffer[..=end].iter().rev().take_while(|&&byte| byte & 0xC0 == 0x80).count();
            self.cursor.written = end - inner;
        }
    }

    fn begin_of_open_word(&self) -> usize {
        let Cursor { begun, ended, written, .. } = self.cursor;
        if begun > ended { self.places[ended].0 as usize } else { written }
    }

    /// Forgets the words that have ended. The open one moves to the front, which it does once.
    pub(super) fn forget_words(&mut self) {
        let begin = self.begin_of_open_word();
        let cursor = &mut self.cursor;
        (cursor.begun, cursor.ended) = (cursor.begun - cursor.ended, 0);
        if begin > 0 {
            self.buffer.copy_within(begin..cursor.written, 0);
        }
        cursor.written -= begin;
        self.places[0].0 = 0;
    }

    /// Scans on until there are many words, or much text; whether the text is done. `sort` is [`super::ascii::Ascii::sort`].
    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        rules: &Rules,
        table: &mut Table,
        text: &str,
        sort: impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> Marks,
    ) -> Result<bool> {
        self.make_room();
        self.write_run(rules);
        let stop = text.len().min(self.cursor.read + BYTES);
        while self.run.0.is_empty() && self.has_room_for_words() {
            self.scan_plain(table, text.as_bytes(), stop, &sort);
            if self.cursor.read < stop && self.has_room_for_words() {
                self.scan_odd(rules, table, text)?;
            } else if self.cursor.read == text.len() {
                self.end_word();
                return Ok(true);
            } else {
                break;
            }
        }
        Ok(false)
    }

    fn make_room(&mut self) {
        let wanted = self.cursor.written + self.run.0.len() + ROOM;
        if self.buffer.len() < wanted {
            // Twice as much, so that a long word is not copied again and again.
            self.buffer.resize(wanted.max(self.buffer.len() * 2), 0);
        }
    }

    fn has_room_for_words(&self) -> bool {
        self.cursor.begun + BLOCK < WORDS
    }

    /// Scans on until `stop`, or there is no room for words, or there is a character that is not plain.
    #[inline(always)]
    fn scan_plain(
        &mut self,
        table: &Table,
        text: &[u8],
        stop: usize,
        sort: &impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> Marks,
    ) {
        let mut cursor = self.cursor;
        let mut pause = cursor.read;
        while cursor.read < stop && cursor.begun + BLOCK < WORDS {
            if cursor.read >= pause && begins_with_ascii(&text[cursor.read..]) {
                let before = cursor.read;
                cursor.scan_block(text, &mut self.buffer, &mut self.places, sort);
                if cursor.read < before + PAUSE {
                    pause = cursor.read + PAUSE;
                }
                if cursor.read > before {
                    continue;
                }
            }
            let (character, width) = first_character(&text[cursor.read..]);
            let entry = table.seen(character);
            if !entry.is_plain() {
                break;
            }
            cursor.write(entry, &mut self.buffer, &mut self.places);
            cursor.read += width;
            if entry.length() == 0 {
                // It may have a whole text of its like behind it.
                cursor.read += repeated(text, cursor.read, width);
            }
        }
        self.cursor = cursor;
    }

    /// Scans a character that is not plain, and those that it meets.
    #[cold]
    fn scan_odd(&mut self, rules: &Rules, table: &mut Table, text: &str) -> Result<()> {
        let Self { cursor, buffer, places, run } = self;
        let mut rest = text[cursor.read..].chars();
        let Some(first) = rest.next() else { return Ok(()) };
        let entry = table.entry(first, rules);
        let mut length = first.len_utf8();
        if entry.meets_neighbours() {
            let meets = |table: &mut Table, character| {
                let entry = table.entry(character, rules);
                entry.meets_neighbours() || entry.is_nothing()
            };
            let others = rest.take_while(|&character| meets(table, character));
            length += others.map(char::len_utf8).sum::<usize>();
        }
        if length == first.len_utf8() && entry.is_plain_alone() {
            cursor.write(&entry, buffer, places);
        } else {
            let mut together = Aligned::new(&text[cursor.read..cursor.read + length], 0, false);
            if let Some(normalizer) = &rules.normalizer {
                normalizer.apply(&mut together)?;
            }
            *run = (together.as_str().to_owned(), 0);
        }
        cursor.read += length;
        Ok(())
    }

    /// Writes what a run has become, as far as there is room for words.
    fn write_run(&mut self, rules: &Rules) {
        let Self { run: (text, done), cursor, buffer, places } = self;
        for character in text[*done..].chars() {
            if cursor.begun + BLOCK >= WORDS {
                return;
            }
            let entry = Entry::as_it_is(character, rules.kinds.of(character));
            cursor.write(&entry, buffer, places);
            *done += character.len_utf8();
        }
        (*text, *done) = (String::new(), 0);
    }

    fn end_word(&mut self) {
        let gap = Entry::as_it_is(' ', Kind::Gap);
        self.cursor.write(&gap, &mut self.buffer, &mut self.places);
    }
}

impl Cursor {
    /// Scans up to a block of ASCII.
    #[inline(always)]
    fn scan_block(
        &mut self,
        text: &[u8],
        buffer: &mut [u8],
        places: &mut [(u32, u32); WORDS],
        sort: &impl Fn(&[u8; BLOCK], &mut [u8; BLOCK]) -> Marks,
    ) {
        let rest = &text[self.read..];
        let Some(out) = room(buffer, self.written) else { return };
        let mut padded = [0xFF; BLOCK];
        let block = rest.first_chunk().unwrap_or_else(|| {
            padded[..rest.len()].copy_from_slice(rest);
            &padded
        });
        // Once for both: masks that come from two places the compiler keeps as vectors, and takes apart bit by bit.
        let marks = sort(block, out);
        let count = marks.other.trailing_zeros() as usize;
        if count > 0 {
            self.mark(&marks, count, places);
        }
    }

    /// Notes where words begin and end in the first `count` bytes of a block, of which there is one at least.
    #[inline(always)]
    fn mark(&mut self, marks: &Marks, count: usize, places: &mut [(u32, u32); WORDS]) {
        let valid = u64::MAX >> (BLOCK - count);
        let base = self.written as u32;
        let kind = |kind: Kind| u64::from(self.last == kind as u8);
        let (word, sign, alone) = (marks.word & valid, marks.sign & valid, marks.alone & valid);
        // For each byte whether the one before it is of a kind.
        let after_word = word << 1 | kind(Kind::Word);
        let after_sign = sign << 1 | kind(Kind::Sign);
        let after_alone = alone << 1 | kind(Kind::Alone);
        let begins = word & !after_word | sign & !after_sign | alone;
        let ends = (!word & after_word | !sign & after_sign | after_alone) & valid;
        for_each_bit(begins, |bit| {
            places[self.begun % WORDS].0 = base + bit;
            self.begun += 1;
        });
        for_each_bit(ends, |bit| {
            places[self.ended % WORDS].1 = base + bit;
            self.ended += 1;
        });
        let last = count - 1;
        let is = |marks: u64, kind: Kind| (marks >> last & 1) as u8 * kind as u8;
        self.last = is(word, Kind::Word) | is(sign, Kind::Sign) | is(alone, Kind::Alone);
        self.written += count;
        self.read += count;
    }

    /// Writes what becomes of a character.
    #[inline(always)]
    fn write(&mut self, entry: &Entry, buffer: &mut [u8], places: &mut [(u32, u32); WORDS]) {
        let Some(out) = room(buffer, self.written) else { return };
        *out = *entry.bytes();
        let place = self.written as u32;
        self.written += entry.length();
        if entry.length() == 0 {
            // It was never there.
            return;
        }
        let kind = entry.kind();
        let is_cut = kind != self.last || kind == Kind::Alone as u8;
        // Written whether wanted or not: what is not wanted is written over.
        places[self.ended % WORDS].1 = place;
        self.ended += usize::from(is_cut & (self.last != Kind::Gap as u8));
        places[self.begun % WORDS].0 = place;
        self.begun += usize::from(is_cut & (kind != Kind::Gap as u8));
        self.last = kind;
    }
}

/// Room to write: there is always some, see [`Scan::make_room`].
#[inline(always)]
fn room<const N: usize>(buffer: &mut [u8], written: usize) -> Option<&mut [u8; N]> {
    let room = buffer.get_mut(written..).and_then(<[u8]>::first_chunk_mut);
    debug_assert!(room.is_some(), "there is no room for {N} bytes");
    room
}

/// Whether a text begins with some ASCII characters, so that a block is worth it.
#[inline(always)]
fn begins_with_ascii(text: &[u8]) -> bool {
    text.first_chunk::<8>().is_some_and(|bytes| u64::from_ne_bytes(*bytes) & 0x8080_8080_8080_8080 == 0)
}

/// How many bytes from `place` on are the `width` bytes before it again, and again.
#[inline]
fn repeated(text: &[u8], place: usize, width: usize) -> usize {
    let (before, here) = (&text[place - width..], &text[place..]);
    // By as many bytes as a vector has, and the last few one by one.
    let equal =
        before.chunks_exact(BLOCK).zip(here.chunks_exact(BLOCK)).take_while(|(one, other)| one == other);
    let blocks = equal.count() * BLOCK;
    let rest = before[blocks..].iter().zip(&here[blocks..]).take_while(|(one, other)| one == other);
    (blocks + rest.count()) / width * width
}

#[inline(always)]
fn for_each_bit(mut bits: u64, mut visit: impl FnMut(u32)) {
    while bits != 0 {
        visit(bits.trailing_zeros());
        bits &= bits - 1;
    }
}
