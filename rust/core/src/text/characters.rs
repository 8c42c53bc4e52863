//! What is known of each character before a text is read: whether a text may be cut beside it.
//!
//! It is asked of a rule once for each character that is met, 256 at a time, so that reading a file costs nothing.

use std::sync::OnceLock;

use super::scan::decode;

/// Facts about a character, one bit each.
pub(crate) type Facts = u8;

/// ASCII that stands between words.
pub(crate) const SEPARATOR: Facts = 1;
/// It may begin a word: what it becomes does not depend on what stands before the separator.
pub(crate) const HEAD: Facts = 2;
/// It may end a word.
pub(crate) const TAIL: Facts = 4;
/// It joins the character before it, which then has to be one that may end a word, too.
pub(crate) const JOINS: Facts = 8;
/// It stays as it is, or (in ASCII) becomes one other ASCII character, whatever other such characters surround it.
pub(crate) const PLAIN: Facts = 16;
/// Beside another such neither meets the other: a word may be cut between them, and its parts changed alone.
pub(crate) const APART: Facts = 32;

/// Says what is known of a character.
pub(crate) trait Rule {
    fn facts(&self, character: char) -> Facts;

    /// What an ASCII character that is [`PLAIN`] becomes.
    fn becomes(&self, byte: u8) -> u8;
}

const PAGE: usize = 256;
const PAGES: usize = (char::MAX as usize + 1) / PAGE;

type Page = OnceLock<Box<[Facts; PAGE]>>;

/// What is known of all characters, asked for when the first of its page is met.
#[derive(Debug)]
pub(crate) struct Pages(Box<[Page]>);

impl Pages {
    pub(crate) fn new() -> Self {
        Self((0..PAGES).map(|_| Page::new()).collect())
    }

    #[inline]
    pub(crate) fn of(&self, character: char, facts: impl Fn(char) -> Facts) -> Facts {
        let (page, place) = (character as usize / PAGE, character as usize % PAGE);
        let known = &self.0[page];
        match known.get() {
            Some(known) => known[place],
            None => fill(known, page, facts)[place],
        }
    }
}

#[cold]
#[inline(never)]
fn fill(known: &Page, page: usize, facts: impl Fn(char) -> Facts) -> &[Facts; PAGE] {
    let facts = |place| char::from_u32((page * PAGE + place) as u32).map_or(0, &facts);
    known.get_or_init(|| Box::new(std::array::from_fn(facts)))
}

/// The facts of all characters.
#[derive(Debug)]
pub(crate) struct Characters<R> {
    rule: R,
    /// Of each byte the facts, none for a part of a longer character, and what it becomes.
    bytes: [(Facts, u8); 256],
    pages: Pages,
}

impl<R: Rule> Characters<R> {
    pub(crate) fn new(rule: R) -> Self {
        let of_byte = |byte: usize| match byte as u8 {
            byte @ 0..128 => (rule.facts(char::from(byte)), rule.becomes(byte)),
            byte => (0, byte),
        };
        let bytes = std::array::from_fn(of_byte);
        Self { rule, bytes, pages: Pages::new() }
    }

    pub(crate) fn rule(&self) -> &R {
        &self.rule
    }

    /// The facts of a byte of UTF-8; a part of a longer character has none.
    #[inline]
    pub(crate) fn of_byte(&self, byte: u8) -> Facts {
        self.bytes[usize::from(byte)].0
    }

    #[inline]
    fn of(&self, character: char) -> Facts {
        self.pages.of(character, |character| self.rule.facts(character))
    }

    /// Whether the character at `place` may begin a word.
    #[inline]
    pub(crate) fn may_begin(&self, text: &str, place: usize) -> bool {
        match text.as_bytes().get(place) {
            Some(&byte) if byte < 128 => self.of_byte(byte) & HEAD != 0,
            _ => text[place..].chars().next().is_some_and(|first| self.of(first) & HEAD != 0),
        }
    }

    /// Whether the character before `end` may end a word that begins at `begin`.
    #[inline]
    pub(crate) fn may_end(&self, text: &str, begin: usize, end: usize) -> bool {
        match text.as_bytes().get(end - 1) {
            Some(&byte) if byte < 128 => self.of_byte(byte) & (TAIL | JOINS) == TAIL,
            _ => self.may_end_in_any(&text[begin..end]),
        }
    }

    /// The first place from `from` on where separators begin that divide words, by the characters on both sides of them.
    pub(crate) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        let is_separator = |place: &usize| self.of_byte(text.as_bytes()[*place]) & SEPARATOR != 0;
        let ends = |last| self.of(last) & (TAIL | JOINS | SEPARATOR) == TAIL;
        let is_behind_word = |place: &usize| text[..*place].chars().next_back().is_some_and(ends);
        // What follows is looked for once for all separators that follow each other.
        let divides = |place: &usize| {
            let after = (*place..text.len()).find(|place| !is_separator(place));
            after.is_some_and(|after| self.may_begin(text, after))
        };
        (from..text.len()).filter(is_separator).filter(is_behind_word).find(divides)
    }

    /// A place after `from` between two characters that are [`APART`], or the end of the text, which is UTF-8.
    pub(crate) fn gap(&self, text: &[u8], from: usize) -> usize {
        let begins_character = |place: &usize| text[*place] & 0xC0 != 0x80;
        let Some(mut place) = (from..text.len()).find(begins_character) else { return text.len() };
        let mut is_after_apart = false;
        while let Some((facts, length)) = self.first(&text[place..]) {
            let is_apart = facts & APART != 0;
            if is_after_apart && is_apart {
                return place;
            }
            is_after_apart = is_apart;
            place += length;
        }
        text.len()
    }

    fn may_end_in_any(&self, text: &str) -> bool {
        for last in text.chars().rev() {
            let facts = self.of(last);
            if facts & TAIL == 0 {
                return false;
            }
            if facts & JOINS == 0 {
                return true;
            }
        }
        false
    }

    /// Appends what a word of plain characters becomes, which is UTF-8; false where it has others.
    #[inline]
    pub(crate) fn append_plain(&self, word: &[u8], out: &mut Vec<u8>) -> bool {
        let length = out.len();
        out.extend_from_slice(word);
        // Of a longer character no byte is in the table, so that it is not plain here.
        let mut all_plain = PLAIN;
        for byte in &mut out[length..] {
            let (facts, becomes) = self.bytes[usize::from(*byte)];
            all_plain &= facts;
            *byte = becomes;
        }
        let all_plain = all_plain != 0 || self.all_plain(word);
        if !all_plain {
            out.truncate(length);
        }
        all_plain
    }

    fn all_plain(&self, word: &[u8]) -> bool {
        let first_if_plain = |rest| self.first(rest).filter(|(facts, _)| facts & PLAIN != 0);
        let mut rest = word;
        while let Some((_, length)) = first_if_plain(rest) {
            rest = &rest[length..];
        }
        rest.is_empty()
    }

    /// The facts of the first character of UTF-8, and how many bytes it has.
    #[inline]
    fn first(&self, text: &[u8]) -> Option<(Facts, usize)> {
        let &byte = text.first()?;
        if byte < 128 {
            return Some((self.of_byte(byte), 1));
        }
        let (code, length) = decode(text)?;
        Some((self.of(char::from_u32(code)?), length))
    }
}
