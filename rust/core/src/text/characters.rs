//! What is known of each character before a text is read: whether a text may be cut beside it.
//!
//! It is asked of a rule once for each character that is met, 256 at a time, so that reading a file costs nothing.

use std::sync::OnceLock;

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

/// Says what is known of a character.
pub(crate) trait Rule {
    fn facts(&self, character: char) -> Facts;

    /// What an ASCII character that is [`PLAIN`] becomes.
    fn becomes(&self, byte: u8) -> u8;
}

const PAGE: usize = 256;
const PAGES: usize = (char::MAX as usize + 1) / PAGE;

type Page = OnceLock<Box<[Facts; PAGE]>>;

/// The facts of all characters.
#[derive(Debug)]
pub(crate) struct Characters<R> {
    rule: R,
    ascii: [Facts; 128],
    becomes: [u8; 128],
    pages: Box<[Page]>,
}

impl<R: Rule> Characters<R> {
    pub(crate) fn new(rule: R) -> Self {
        let mut ascii = [0; 128];
        let mut becomes = [0; 128];
        for (byte, (facts, other)) in (0..128).zip(ascii.iter_mut().zip(&mut becomes)) {
            *facts = rule.facts(char::from(byte));
            *other = rule.becomes(byte);
        }
        let pages = (0..PAGES).map(|_| Page::new()).collect();
        Self { rule, ascii, becomes, pages }
    }

    pub(crate) fn rule(&self) -> &R {
        &self.rule
    }

    /// The facts of a byte of UTF-8; a part of a longer character has none.
    #[inline]
    pub(crate) fn of_byte(&self, byte: u8) -> Facts {
        self.ascii.get(usize::from(byte)).copied().unwrap_or(0)
    }

    #[inline]
    fn of(&self, character: char) -> Facts {
        let (page, place) = (character as usize / PAGE, character as usize % PAGE);
        self.pages[page].get_or_init(|| self.page(page))[place]
    }

    #[cold]
    fn page(&self, page: usize) -> Box<[Facts; PAGE]> {
        let facts = |place| char::from_u32((page * PAGE + place) as u32).map_or(0, |c| self.rule.facts(c));
        Box::new(std::array::from_fn(facts))
    }

    /// Whether what `text` begins with may begin a word.
    #[inline]
    pub(crate) fn may_begin(&self, text: &str) -> bool {
        match text.as_bytes().first() {
            Some(&byte) if byte < 128 => self.ascii[usize::from(byte)] & HEAD != 0,
            _ => text.chars().next().is_some_and(|first| self.of(first) & HEAD != 0),
        }
    }

    /// Whether what `text` ends with may end a word.
    #[inline]
    pub(crate) fn may_end(&self, text: &str) -> bool {
        match text.as_bytes().last() {
            Some(&byte) if byte < 128 => self.ascii[usize::from(byte)] & (TAIL | JOINS) == TAIL,
            _ => self.may_end_in_any(text),
        }
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

    /// Appends what a word of plain characters becomes; false where it has others.
    #[inline]
    pub(crate) fn append_plain(&self, word: &str, out: &mut Vec<u8>) -> bool {
        let length = out.len();
        out.extend(word.bytes().map(|byte| self.becomes.get(usize::from(byte)).copied().unwrap_or(byte)));
        let is_plain = |byte: u8| self.of_byte(byte) & PLAIN != 0;
        let all_plain = if word.is_ascii() {
            word.bytes().all(is_plain)
        } else {
            word.chars().all(|character| self.of(character) & PLAIN != 0)
        };
        if !all_plain {
            out.truncate(length);
        }
        all_plain
    }
}
