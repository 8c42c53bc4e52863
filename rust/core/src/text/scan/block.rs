//! Up to 64 bytes of a text, and for each class of characters the places where they stand, a bit a byte.
//!
//! All bytes of a character have its class, so that what is said of neighbouring bits holds for neighbouring characters.

use crate::text::classes::{Class, Classes};

pub(super) const SIZE: usize = 64;

/// Which bytes of a block are of which class, of ASCII alone; and those that are not ASCII.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ascii {
    pub(super) letter: u64,
    pub(super) capital: u64,
    pub(super) number: u64,
    pub(super) space: u64,
    pub(super) blank: u64,
    pub(super) newline: u64,
    pub(super) apostrophe: u64,
    pub(super) slash: u64,
    pub(super) high: u64,
}

/// First bytes of characters of two bytes that are all letters: much of Latin and Cyrillic.
pub(super) const TWO: [(u8, u8); 2] = [(0xC4, 0xC9), (0xD0, 0xD1)];

/// First bytes of characters of three bytes that are all letters: most Chinese characters and much of Hangul.
pub(super) const THREE: [(u8, u8); 2] = [(0xE5, 0xE9), (0xEB, 0xEC)];

/// A way to find the classes of 64 bytes, and to write places: all give the same.
pub(super) trait Classify {
    fn ascii(bytes: &[u8; SIZE]) -> Ascii;

    /// Which bytes begin characters of two and of three bytes that are letters whatever follows, for most of such:
    /// [`TWO`] and [`THREE`].
    fn letters(bytes: &[u8; SIZE]) -> (u64, u64);

    /// Writes the places of the words that end where the bits of `starts` are, which stand at `at`; the first word
    /// begins at `first`. What else it writes is to be written over.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    fn write(mut starts: u64, at: usize, first: u32, places: &mut [(u32, u32); SIZE]) {
        let count = starts.count_ones() as usize;
        let (mut last, mut done) = (first, 0);
        // Without a branch for each word.
        while done < count {
            for place in &mut places[done..done + 8] {
                let next = at as u32 + starts.trailing_zeros();
                *place = (last, next);
                last = next;
                starts &= starts.wrapping_sub(1);
            }
            done += 8;
        }
    }
}

/// Without any instruction that not every machine has.
#[derive(Debug)]
pub(super) struct Portable;

impl Classify for Portable {
    #[inline]
    fn ascii(bytes: &[u8; SIZE]) -> Ascii {
        let mask = |is_member: fn(u8) -> bool| {
            let places = bytes.iter().enumerate();
            places.fold(0, |mask, (place, &byte)| mask | u64::from(is_member(byte)) << place)
        };
        Ascii {
            letter: mask(|byte| byte.is_ascii_alphabetic()),
            capital: mask(|byte| byte.is_ascii_uppercase()),
            number: mask(|byte| byte.is_ascii_digit()),
            space: mask(|byte| matches!(byte, b' ' | 9..=13)),
            blank: mask(|byte| byte == b' '),
            newline: mask(|byte| matches!(byte, b'\n' | b'\r')),
            apostrophe: mask(|byte| byte == b'\''),
            slash: mask(|byte| byte == b'/'),
            high: mask(|byte| byte >= 0x80),
        }
    }

    #[inline]
    fn letters(bytes: &[u8; SIZE]) -> (u64, u64) {
        let mask = |ranges: [(u8, u8); 2]| {
            let is_in = |byte: u8| ranges.iter().any(|&(first, last)| (first..=last).contains(&byte));
            let places = bytes.iter().enumerate();
            places.fold(0, |mask, (place, &byte)| mask | u64::from(is_in(byte)) << place)
        };
        (mask(TWO), mask(THREE))
    }
}

/// The block of a text that begins at a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// How many bytes it has. It ends with a character.
    pub(super) length: usize,
    /// The bits of its bytes.
    pub(super) valid: u64,
    pub(super) letter: u64,
    /// Capitals of ASCII.
    pub(super) capital: u64,
    pub(super) number: u64,
    /// White space of any kind.
    pub(super) space: u64,
    /// The space itself.
    pub(super) blank: u64,
    /// Carriage return and line feed.
    pub(super) newline: u64,
    pub(super) apostrophe: u64,
    pub(super) slash: u64,
    /// The bytes of characters but their first.
    pub(super) inner: u64,
    /// Whether all its bytes, and those that were left to the next block, are ASCII.
    pub(super) is_ascii: bool,
}

impl Block {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    pub(super) fn new<C: Classify>(text: &[u8], at: usize, classes: &Classes) -> Self {
        let mut rest = [0; SIZE];
        let (bytes, length) = if let Some(bytes) = text[at..].first_chunk() {
            (bytes, SIZE)
        } else {
            let length = text.len() - at;
            rest[..length].copy_from_slice(&text[at..]);
            (&rest, length)
        };
        let ascii = C::ascii(bytes);
        let mut block = Self {
            length,
            valid: u64::MAX >> (SIZE - length),
            letter: ascii.letter,
            capital: ascii.capital,
            number: ascii.number,
            space: ascii.space,
            blank: ascii.blank,
            newline: ascii.newline,
            apostrophe: ascii.apostrophe,
            slash: ascii.slash,
            inner: 0,
            is_ascii: ascii.high == 0,
        };
        if ascii.high != 0 {
            let high = block.add_letters(ascii.high, C::letters(bytes));
            if high != 0 {
                block.add_others(bytes, high, classes);
            }
        }
        block
    }

    /// What is none of letter, number and white space.
    #[inline]
    pub(super) fn other(&self) -> u64 {
        self.valid & !(self.letter | self.number | self.space)
    }

    /// The bit of the last byte, as the bit before the first of the next block.
    #[inline]
    pub(super) fn last(&self, mask: u64) -> u64 {
        mask >> (self.length - 1) & 1
    }

    /// Of bits of last bytes of characters the bits of their first bytes.
    #[inline]
    pub(super) fn first_bytes(&self, last: u64) -> u64 {
        if last & self.inner == 0 { last } else { self.walk_back(last) }
    }

    #[cold]
    fn walk_back(&self, mut last: u64) -> u64 {
        while last & self.inner != 0 {
            last = last & !self.inner | (last & self.inner) >> 1;
        }
        last
    }

    /// Of bits of first bytes of characters the bits of all their bytes.
    #[inline]
    pub(super) fn all_bytes(&self, mut first: u64) -> u64 {
        if self.inner != 0 {
            for _ in 0..3 {
                first |= first << 1 & self.inner;
            }
        }
        first
    }

    /// Adds characters of two and of three bytes that are letters, by their first bytes, but those that are cut by the end.
    /// Returns which bytes that are not ASCII are left.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    fn add_letters(&mut self, high: u64, (two, three): (u64, u64)) -> u64 {
        let (two, three) = (two << 1 >> 1, three << 2 >> 2);
        let tails = (two | three) << 1 | three << 2;
        self.inner |= tails;
        self.letter |= two | three | tails;
        high & !(two | three | tails)
    }

    /// Adds the other characters that are not ASCII. One that is cut by the end is left to the next block.
    fn add_others(&mut self, bytes: &[u8; SIZE], mut high: u64, classes: &Classes) {
        while high != 0 {
            let place = high.trailing_zeros() as usize;
            let Some((code, length)) =
                decode(&bytes[place..]).filter(|(_, length)| place + length <= self.length)
            else {
                self.end_at(place);
                return;
            };
            let bits = (1_u64 << length).wrapping_sub(1) << place;
            high &= !bits;
            self.inner |= bits & (bits << 1);
            let class = classes.of(code);
            self.letter |= if class == Class::Letter { bits } else { 0 };
            self.number |= if class == Class::Number { bits } else { 0 };
            self.space |= if class == Class::Space { bits } else { 0 };
        }
    }

    fn end_at(&mut self, length: usize) {
        self.length = length;
        self.valid = u64::MAX >> (SIZE - length);
        for mask in [
            &mut self.letter,
            &mut self.capital,
            &mut self.number,
            &mut self.space,
            &mut self.blank,
            &mut self.newline,
            &mut self.apostrophe,
            &mut self.slash,
        ] {
            *mask &= self.valid;
        }
    }
}

/// The character that `bytes` of a valid text begin with, which is not ASCII, and how many of them it is; None if it is
/// cut.
#[inline]
pub(in crate::text) fn decode(bytes: &[u8]) -> Option<(u32, usize)> {
    let bits = |byte: u8| u32::from(byte) & 0x3F;
    Some(match *bytes {
        [lead @ ..0xE0, second, ..] => ((u32::from(lead) & 0x1F) << 6 | bits(second), 2),
        [lead @ 0xE0..0xF0, second, third, ..] => {
            ((u32::from(lead) & 0x0F) << 12 | bits(second) << 6 | bits(third), 3)
        }
        [lead @ 0xF0..=0xFF, second, third, fourth, ..] => {
            ((u32::from(lead) & 0x07) << 18 | bits(second) << 12 | bits(third) << 6 | bits(fourth), 4)
        }
        _ => return None,
    })
}
