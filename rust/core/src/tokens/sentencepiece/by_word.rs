//! Whether a model can take a text word by word, and where the words may be cut.
//!
//! The original normalizes a text as a whole and cuts it into pieces as a whole. Where no piece holds the mark of a
//! space except at its begin, every way through the text passes through the begin of every word, and what a word becomes
//! is a matter of its own characters, if those at its edges take no part in a rewrite rule that holds white space or
//! leaves some. Characters are asked; where one does not allow a cut, there is none.

use super::normalizer::{MARK, Normalizer};
use super::vocabulary::{PieceKind, Symbols, Vocabulary};
use crate::text::characters::{Characters, Facts, HEAD, PLAIN, Rule, SEPARATOR, TAIL};
use crate::text::normalize::{LongKeys, holds};

/// What is asked about characters.
#[derive(Debug)]
pub(super) struct WordRule {
    normalizer: Normalizer,
    keys: LongKeys,
    /// The characters of user-defined symbols, in order.
    in_symbols: Vec<char>,
}

/// How words are marked.
#[derive(Debug)]
pub(super) struct ByWord {
    pub(super) characters: Characters<WordRule>,
    /// The mark stands behind a word.
    pub(super) is_suffix: bool,
    /// The first word has one too.
    pub(super) marks_first: bool,
    /// A run of white space counts as one space.
    pub(super) runs: bool,
}

impl ByWord {
    /// None where a piece or a rewrite rule may reach from one word into the next.
    pub(super) fn new(normalizer: &Normalizer, vocabulary: &Vocabulary) -> Option<Self> {
        let (is_suffix, runs) = (normalizer.treat_whitespace_as_suffix, normalizer.remove_extra_whitespaces);
        let marks_first = normalizer.add_dummy_prefix;
        // Then the last word would be unlike the others, or white space would have no word to go with.
        if is_suffix && !(runs && marks_first) {
            return None;
        }
        let mark = normalizer.space.chars().next()?;
        let is_text = |kind| matches!(kind, PieceKind::Normal | PieceKind::UserDefined);
        let mut texts =
            vocabulary.pieces.iter().filter(|piece| is_text(piece.kind)).map(|piece| &*piece.text);
        if texts.any(|text| crosses_words(text, mark, is_suffix, runs)) {
            return None;
        }
        let rule = WordRule::new(normalizer, vocabulary)?;
        (!rule.keys.white_space_alone || runs).then_some(())?;
        let characters = Characters::new(rule);
        (characters.of_byte(b' ') & SEPARATOR != 0).then_some(Self {
            characters,
            is_suffix,
            marks_first,
            runs,
        })
    }
}

/// Whether a piece may stand in two words. Where not `runs`, every mark is in a word of its own.
fn crosses_words(text: &str, mark: char, is_suffix: bool, runs: bool) -> bool {
    let inner = if is_suffix { text.trim_end_matches(mark) } else { text.trim_start_matches(mark) };
    inner.contains(mark) || (!runs && text.chars().skip(1).any(|character| character == mark))
}

fn is_space(character: char) -> bool {
    character == ' ' || MARK.starts_with(character)
}

impl WordRule {
    fn new(normalizer: &Normalizer, vocabulary: &Vocabulary) -> Option<Self> {
        let keys = match &normalizer.charsmap {
            Some(charsmap) => LongKeys::of(charsmap, is_space)?,
            None => LongKeys::default(),
        };
        let symbols = vocabulary.pieces.iter().filter(|piece| piece.kind == PieceKind::UserDefined);
        let mut in_symbols: Vec<char> = symbols.flat_map(|piece| piece.text.chars()).collect();
        in_symbols.sort_unstable();
        in_symbols.dedup();
        let holds_space = |&character: &char| character.is_ascii_whitespace() || character == '\u{B}';
        (!in_symbols.iter().any(holds_space)).then(|| Self {
            normalizer: normalizer.clone(),
            keys,
            in_symbols,
        })
    }

    fn rule_for(&self, character: char) -> Option<&str> {
        let mut buffer = [0; 4];
        let text = character.encode_utf8(&mut buffer);
        let found = self.normalizer.charsmap.as_ref()?.longest_prefix(text.as_bytes());
        found.map(|(_, becomes)| becomes)
    }

    /// Whether something is left of a character, whatever becomes of it, and no space at its edges.
    fn stands_at_edge(&self, character: char) -> bool {
        let rule = self.rule_for(character);
        let stays = rule
            .is_none_or(|text| !text.is_empty() && !text.starts_with(is_space) && !text.ends_with(is_space));
        stays && !is_space(character) && !holds(&self.keys.at_white_space, character)
    }

    fn is_plain(&self, character: char) -> bool {
        let stays = match self.rule_for(character) {
            None => true,
            Some(text) => character.is_ascii() && text.len() == 1 && text.is_ascii() && text != " ",
        };
        stays
            && !is_space(character)
            && !holds(&self.keys.not_first, character)
            && !holds(&self.in_symbols, character)
    }
}

impl Rule for WordRule {
    fn facts(&self, character: char) -> Facts {
        let is_white = character.is_ascii_whitespace() || character == '\u{B}';
        if is_white && self.rule_for(character).map_or(character == ' ', |text| text == " ") {
            return SEPARATOR;
        }
        let edge = if self.stands_at_edge(character) { HEAD | TAIL } else { 0 };
        let plain = if self.is_plain(character) { PLAIN } else { 0 };
        edge | plain
    }

    fn becomes(&self, byte: u8) -> u8 {
        let rule = self.rule_for(char::from(byte));
        rule.and_then(|text| text.bytes().next()).unwrap_or(byte)
    }
}

impl ByWord {
    /// Appends what a word becomes, with its mark unless it is a first word without one.
    pub(super) fn normalize(
        &self,
        normalizer: &Normalizer,
        symbols: &Symbols,
        word: &[u8],
        is_marked: bool,
        out: &mut Vec<u8>,
    ) {
        let mark = if is_marked { normalizer.space } else { "" };
        if !self.is_suffix {
            out.extend_from_slice(mark.as_bytes());
        }
        if !self.characters.append_plain(word, out) {
            normalizer.append_word(symbols, word, out);
        }
        if self.is_suffix {
            out.extend_from_slice(mark.as_bytes());
        }
    }
}
