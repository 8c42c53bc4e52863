//! Words as bytes, for vocabularies that spell bytes in the byte-level alphabet.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use rustc_hash::FxHashMap;

use super::few::{self, FEW};
use super::glue::{Glue, Places};
use super::merge::Merges;
use super::out::Out;
use super::symbols::Symbols;
use super::vectors::{self, Step, Vectors};
use super::word::{self, Word};
use crate::text::byte_level;
use crate::tokens::Vocab;
use crate::{Error, Result};

/// What stands for a byte that is no token.
pub(super) const NO_SYMBOL: u32 = u32::MAX;

/// Whether a byte is in no text: those that would begin a character that could be shorter, or is beyond the last one.
/// Vocabularies that were trained without them often lack them.
pub(super) fn is_never_in_utf8(byte: u8) -> bool {
    matches!(byte, 0xC0 | 0xC1 | 0xF5..)
}

/// What reads bytes where the vocabulary spells them.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    /// [`NO_SYMBOL`] for those that are no tokens, which no text has.
    ids: Box<[u32; 256]>,
    lacks_some: bool,
    /// Words that are tokens as they stand, where merges are ignored for them and would give something else.
    whole_words: FxHashMap<Box<[u8]>, u32>,
    glue: Glue,
}

impl Bytes {
    /// `ids` are the symbols of bytes, which `vocab` spells in the byte-level alphabet.
    pub(super) fn new(ids: Box<[u32; 256]>, merges: &Merges, vocab: &Vocab) -> Option<Self> {
        let glue = Glue::new(merges, &ids, vocab)?;
        Some(Self { lacks_some: ids.contains(&NO_SYMBOL), ids, whole_words: FxHashMap::default(), glue })
    }

    /// Refuses a word with a byte that is no token: it is no text.
    #[inline]
    pub(super) fn check(&self, word: &[u8]) -> Result<()> {
        if self.lacks_some { self.check_each(word) } else { Ok(()) }
    }

    fn check_each(&self, word: &[u8]) -> Result<()> {
        match word.iter().find(|&&byte| self.ids[usize::from(byte)] == NO_SYMBOL) {
            None => Ok(()),
            Some(byte) => Err(Error::new(format!("no token is the byte {byte:#04x}"))
                .advise("pass errors=\"replace\": text that is UTF-8 has no such byte")),
        }
    }

    /// Lets words that are tokens be these tokens. Most become them as it is, and need not be looked for.
    pub(super) fn note_whole_words<'t>(
        &mut self,
        merges: &Merges,
        tokens: impl Iterator<Item = (u32, &'t str)>,
    ) {
        let mut whole_words = FxHashMap::default();
        let (mut word, mut ids) = (Vec::new(), Vec::<u32>::new());
        for (id, token) in tokens {
            word.clear();
            word.extend(token.chars().map_while(byte_level::byte_of));
            // What has a character outside of the alphabet is never a word.
            if word.len() < token.chars().count() {
                continue;
            }
            ids.clear();
            self.encode(merges, &word, &mut ids);
            if ids != [id] {
                whole_words.insert(word.as_slice().into(), id);
            }
        }
        self.whole_words = whole_words;
    }

    /// Appends the tokens of a word.
    pub(super) fn encode(&self, merges: &Merges, word: &[u8], out: &mut impl Out) {
        let whole = if self.whole_words.is_empty() { None } else { self.whole_words.get(word) };
        if let Some(&id) = whole {
            out.push(id, word.len());
        } else if merges.has_keys() {
            vectors::run(&mut Parts { bytes: self, merges, word, out });
        } else {
            merges.merge(&Spelled { bytes: self, word }, out);
        }
    }
}

/// A word in parts between which nothing is joined.
struct Parts<'w, O> {
    bytes: &'w Bytes,
    merges: &'w Merges,
    word: &'w [u8],
    out: &'w mut O,
}

impl<O: Out> Step for Parts<'_, O> {
    #[inline(always)]
    fn run<V: Vectors>(&mut self) {
        while !self.word.is_empty() {
            let block = self.word.get(..word::LONGEST).unwrap_or(self.word);
            let places = self.bytes.glue.of_word(block);
            if block.len() == self.word.len() {
                self.merge_parts::<V>(block, places);
                return;
            }
            let end = if let Some(last) = places.cuts.checked_ilog2() {
                self.merge_parts::<V>(&block[..last as usize], places);
                last as usize
            } else {
                self.merge_long()
            };
            self.word = &self.word[end..];
        }
    }
}

impl<O: Out> Parts<'_, O> {
    /// Merges a part of more than [`word::LONGEST`] bytes; returns how many.
    #[cold]
    fn merge_long(&mut self) -> usize {
        let end = self.bytes.glue.first_cut(self.word).unwrap_or(self.word.len());
        self.merges.merge(&Spelled { bytes: self.bytes, word: &self.word[..end] }, self.out);
        end
    }

    /// Merges the parts of up to [`word::LONGEST`] bytes.
    #[inline(always)]
    fn merge_parts<V: Vectors>(&mut self, block: &[u8], places: Places) {
        let all = u64::MAX >> (word::LONGEST - block.len());
        let mut begins = all & !places.glued;
        let inside = begins & !places.cuts & !1;
        while begins != 0 {
            let begin = begins.trailing_zeros() as usize;
            let rest = begins & (begins - 1);
            let end = rest.trailing_zeros() as usize;
            // Most parts of some scripts are one symbol.
            if inside.checked_shr(end as u32).unwrap_or_default() & 1 == 0 {
                let end = end.min(block.len());
                self.out.push(self.bytes.glue.symbol(block, begin, end), end - begin);
                begins = rest;
            } else {
                // Where the next part begins.
                let next = (rest & !inside).trailing_zeros();
                let later = u64::MAX.checked_shl(next).unwrap_or_default();
                self.merge_part::<V>(block, begins & !later, block.len().min(next as usize));
                begins &= later;
            }
        }
    }

    /// Merges the symbols that begin at some places, up to `end`.
    #[inline(always)]
    fn merge_part<V: Vectors>(&mut self, block: &[u8], begins: u64, end: usize) {
        let glue = &self.bytes.glue;
        let count = begins.count_ones() as usize;
        if count > FEW {
            let word =
                Word::of_symbols::<V>(self.merges, begins, end, |begin, end| glue.symbol(block, begin, end));
            word.tokens().for_each(|(id, count)| self.out.push(id, count));
            return;
        }
        let mut symbols = [0; FEW];
        let mut places = [end as u8; FEW + 1];
        let mut bits = begins;
        for place in 0..count {
            let begin = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            symbols[place % FEW] = glue.symbol(block, begin, end.min(bits.trailing_zeros() as usize));
            places[place % FEW] = begin as u8;
        }
        if count == 2 {
            let [left, right, ..] = symbols;
            let (begin, middle) = (usize::from(places[0]), usize::from(places[1]));
            if let Some(rank) = self.merges.rank(left, right) {
                self.out.push(self.merges.becomes(rank, (left, right)), end - begin);
            } else {
                self.out.push(left, middle - begin);
                self.out.push(right, end - middle);
            }
            return;
        }
        let left = few::merge::<V>(self.merges, &mut symbols, count);
        for (place, next) in few::places(left, count) {
            self.out.push(symbols[place], usize::from(places[next] - places[place]));
        }
    }
}

/// The bytes of a word as symbols.
struct Spelled<'w> {
    bytes: &'w Bytes,
    word: &'w [u8],
}

impl Symbols for Spelled<'_> {
    fn len(&self) -> usize {
        self.word.len()
    }

    #[inline]
    fn symbol(&self, place: usize) -> u32 {
        self.bytes.ids[usize::from(self.word[place])]
    }
}

#[cfg(test)]
#[path = "bytes_tests.rs"]
mod tests;
