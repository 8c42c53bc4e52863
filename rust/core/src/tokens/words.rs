//! Where a text is cut into words: at white space, where the characters beside it allow that.

use std::ops::Range;

use crate::Result;
use crate::text::characters::{Characters, Rule, SEPARATOR};

/// So many words are handed on at a time.
pub(super) const BLOCK: usize = 256;

/// A word: its begin and end in the text. It may hold separators, where those may not be cut at.
pub(super) type Place = (u32, u32);

/// The words of a text, a block at a time.
#[derive(Debug, Default)]
pub(super) struct Words {
    places: Vec<Place>,
    /// Whether the text begins with white space that belongs to no word.
    pub(super) begins_apart: bool,
    /// Where the white space begins that ends the text and belongs to no word; None where the last word ends the text.
    pub(super) end: Option<usize>,
}

/// What a reader of words keeps.
struct Reader<'t, R> {
    characters: &'t Characters<R>,
    text: &'t str,
    /// Where the word begins that is read.
    begin: usize,
    /// Where it ends, if what follows allows that it ends there.
    end: usize,
    /// Whether a word was begun.
    in_word: bool,
}

impl Words {
    /// Calls `visit` with the words of `text` in order, at most [`BLOCK`] at a time.
    ///
    /// Between two words stand one or more separators; where not `runs`, an empty word stands between any two of them.
    pub(super) fn read<R: Rule>(
        &mut self,
        characters: &Characters<R>,
        text: &str,
        runs: bool,
        mut visit: impl FnMut(&[Place]) -> Result<()>,
    ) -> Result<()> {
        self.places.clear();
        self.begins_apart = false;
        self.end = None;
        let mut reader = Reader { characters, text, begin: 0, end: 0, in_word: false };
        let mut carry = 1;
        for base in (0..text.len()).step_by(64) {
            let bytes = &text.as_bytes()[base..text.len().min(base + 64)];
            let separators = separators(characters, bytes);
            // Bits where a run of separators begins or ends.
            let mut changes = (separators ^ (separators << 1 | carry)) & mask(bytes.len());
            carry = separators >> 63;
            while changes != 0 {
                let bit = changes.trailing_zeros();
                let place = base + bit as usize;
                changes &= changes - 1;
                if separators >> bit & 1 == 1 {
                    reader.end = place;
                } else {
                    self.begin_word(&mut reader, place, runs, &mut visit)?;
                }
            }
        }
        self.finish(&reader);
        visit(&self.places)
    }

    /// After separators a word begins at `place`, or the one before goes on.
    #[inline]
    fn begin_word<R: Rule>(
        &mut self,
        reader: &mut Reader<'_, R>,
        place: usize,
        runs: bool,
        visit: &mut impl FnMut(&[Place]) -> Result<()>,
    ) -> Result<()> {
        let Reader { characters, text, begin, end, in_word } = *reader;
        let may_cut = characters.may_begin(text, place);
        if !in_word {
            reader.in_word = true;
            // Nothing stands before the begin of the text.
            if place > 0 && may_cut {
                self.begins_apart = true;
                if !runs {
                    self.push_empty(1..place, visit)?;
                }
                reader.begin = place;
            }
        } else if may_cut && characters.may_end(text, begin, end) {
            self.push((begin as u32, end as u32), visit)?;
            if !runs {
                self.push_empty(end + 1..place, visit)?;
            }
            reader.begin = place;
        }
        Ok(())
    }

    #[inline]
    fn push(&mut self, place: Place, visit: &mut impl FnMut(&[Place]) -> Result<()>) -> Result<()> {
        if self.places.len() == BLOCK {
            visit(&self.places)?;
            self.places.clear();
        }
        self.places.push(place);
        Ok(())
    }

    fn push_empty(
        &mut self,
        mut places: Range<usize>,
        visit: &mut impl FnMut(&[Place]) -> Result<()>,
    ) -> Result<()> {
        places.try_for_each(|place| self.push((place as u32, place as u32), visit))
    }

    fn finish<R: Rule>(&mut self, reader: &Reader<'_, R>) {
        let Reader { characters, text, begin, end, in_word } = *reader;
        if !in_word {
            self.begins_apart = true;
            self.end = Some(0);
            return;
        }
        let ends_in_separator =
            text.bytes().last().is_some_and(|byte| characters.of_byte(byte) & SEPARATOR != 0);
        if ends_in_separator && end > begin && characters.may_end(text, begin, end) {
            self.places.push((begin as u32, end as u32));
            self.end = Some(end);
        } else {
            self.places.push((begin as u32, text.len() as u32));
        }
    }
}

/// The lowest `length` bits.
fn mask(length: usize) -> u64 {
    if length == 64 { u64::MAX } else { (1 << length) - 1 }
}

/// Bit `n` says that byte `n` of up to 64 is a separator.
#[inline]
fn separators<R: Rule>(characters: &Characters<R>, bytes: &[u8]) -> u64 {
    let Ok(bytes) = <&[u8; 64]>::try_from(bytes) else {
        return one_by_one(characters, bytes);
    };
    // Few of the bytes up to a space are none, so that the others need no look.
    let (words, _) = bytes.as_chunks();
    let mut low =
        words.iter().rev().fold(0, |found, word| found << 8 | up_to_space(u64::from_le_bytes(*word)));
    if low == u64::MAX && *bytes == [bytes[0]; 64] {
        // A run of one of them may be as long as a text.
        return u64::from(characters.of_byte(bytes[0]) & SEPARATOR).wrapping_neg();
    }
    let mut found = 0;
    while low != 0 {
        let bit = low.trailing_zeros();
        found |= u64::from(characters.of_byte(bytes[bit as usize]) & SEPARATOR) << bit;
        low &= low - 1;
    }
    found
}

fn one_by_one<R: Rule>(characters: &Characters<R>, bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |found, &byte| found << 1 | u64::from(characters.of_byte(byte) & SEPARATOR))
}

/// Bit `n` of eight says that byte `n` of a word is at most a space.
#[inline]
fn up_to_space(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // With its highest bit set, a byte can be subtracted from without touching the next one.
    let above_space = (word | ONES << 7) - ONES * 0x21;
    let low = !(above_space | word) & ONES << 7;
    // The eight bits side by side: no two products meet.
    (low >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
