//! Words spelled symbol by symbol: a long one is never spelled whole.

use super::Bpe;
use super::long::Source;
use crate::Result;
use crate::tokens::models::{Token, no_unknown_token};

/// What spells a text from its begin on.
pub(in crate::tokens) trait Speller {
    /// Appends symbols until there are `most` of them or more, or the text is at its end; returns whether it is.
    fn spell(&mut self, most: usize, symbols: &mut Vec<Token>) -> bool;

    /// Goes back to the begin.
    fn restart(&mut self);
}

/// So many symbols or more are forgotten at once.
const FORGOTTEN: usize = 1 << 12;

/// What is spelled of a text so far, but for what will not be asked for any more.
pub(super) struct Spelled<'s, S> {
    speller: &'s mut S,
    symbols: Vec<Token>,
    forgotten: usize,
}

impl<'s, S: Speller> Spelled<'s, S> {
    pub(super) fn new(speller: &'s mut S) -> Self {
        speller.restart();
        Self { speller, symbols: Vec::new(), forgotten: 0 }
    }
}

impl<S: Speller> Source for Spelled<'_, S> {
    fn reach(&mut self, count: usize) -> usize {
        let wanted = count - self.forgotten;
        if self.symbols.len() < wanted {
            self.speller.spell(wanted, &mut self.symbols);
        }
        self.forgotten + self.symbols.len().min(wanted)
    }

    #[inline]
    fn symbol(&self, place: usize) -> u32 {
        self.symbols[place - self.forgotten].id
    }

    fn length(&self, place: usize, count: usize) -> usize {
        let begin = place - self.forgotten;
        self.symbols[begin..begin + count].iter().map(|symbol| symbol.length as usize).sum()
    }

    fn forget(&mut self, place: usize) {
        if place >= self.forgotten + FORGOTTEN {
            self.symbols.drain(..place - self.forgotten);
            self.forgotten = place;
        }
    }

    fn restart(&mut self) {
        self.speller.restart();
        self.symbols.clear();
        self.forgotten = 0;
    }
}

/// A word as its characters, known or not.
///
/// An unknown one is put in only when a known one or the end follows, so that the next can be fused with it; what
/// is spelled as bytes does not count as known, and so comes before it. The `tokenizers` library has it like that.
pub(super) struct Spelling<'w> {
    bpe: &'w Bpe,
    word: &'w str,
    /// What spaces stand for.
    space: Option<char>,
    /// How far it is spelled.
    at: usize,
    unknown: Option<Token>,
    /// The first error, after which nothing is spelled.
    result: Result<()>,
}

impl<'w> Spelling<'w> {
    pub(super) fn new(bpe: &'w Bpe, word: &'w str, space: Option<char>) -> Self {
        Self { bpe, word, space, at: 0, unknown: None, result: Ok(()) }
    }

    /// What went wrong, if anything did.
    pub(super) fn finish(self) -> Result<()> {
        self.result
    }

    /// Puts an unknown character in, or with those before it.
    fn push_unknown(&mut self, length: usize, symbols: &mut Vec<Token>) -> Result<()> {
        let Some(unk_token) = &self.bpe.settings.unk_token else { return Ok(()) };
        match &mut self.unknown {
            Some(unknown) if self.bpe.settings.fuse_unk => unknown.length += length as u32,
            _ => {
                let character = &self.word[self.at..self.at + length];
                let id = self.bpe.unk_id.ok_or_else(|| no_unknown_token(character, unk_token))?;
                symbols.extend(self.unknown.replace(Token { id, length: length as u32 }));
            }
        }
        Ok(())
    }

    /// Spells a character with its affixes as bytes, each as long as one byte of the word; false where one is missing.
    fn push_as_bytes(
        &self,
        character: char,
        is_first: bool,
        is_last: bool,
        symbols: &mut Vec<Token>,
    ) -> bool {
        let Some(ids) = &self.bpe.fallback_ids else { return false };
        let affix = |affix: &'w Option<String>, wanted| affix.as_deref().filter(|_| wanted).unwrap_or("");
        let prefix = affix(&self.bpe.settings.continuing_subword_prefix, !is_first);
        let suffix = affix(&self.bpe.settings.end_of_word_suffix, is_last);
        let mut buffer = [0; 4];
        let spelled = [prefix, &*character.encode_utf8(&mut buffer), suffix];
        let start = symbols.len();
        for byte in spelled.into_iter().flat_map(str::bytes) {
            let Some(id) = ids[usize::from(byte)] else {
                symbols.truncate(start);
                return false;
            };
            symbols.push(Token { id, length: 1 });
        }
        true
    }
}

impl Speller for Spelling<'_> {
    fn spell(&mut self, most: usize, symbols: &mut Vec<Token>) -> bool {
        let start = self.at;
        for (place, character) in self.word[start..].char_indices() {
            self.at = start + place;
            if symbols.len() >= most {
                return false;
            }
            let length = character.len_utf8();
            let (is_first, is_last) = (self.at == 0, self.at + length == self.word.len());
            let character = self.space.filter(|_| character == ' ').unwrap_or(character);
            if let Some(id) = self.bpe.characters.id(character, is_first, is_last) {
                symbols.extend(self.unknown.take());
                symbols.push(Token { id, length: length as u32 });
            } else if !self.push_as_bytes(character, is_first, is_last, symbols)
                && let Err(error) = self.push_unknown(length, symbols)
            {
                self.result = Err(error);
                break;
            }
        }
        self.at = self.word.len();
        symbols.extend(self.unknown.take());
        true
    }

    fn restart(&mut self) {
        (self.at, self.unknown) = (0, None);
    }
}
