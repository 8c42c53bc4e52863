//! Whether a normalizer can be applied to each word of a text alone, and where the words may be cut.
//!
//! Cut are words at ASCII white space that becomes white space. What a word becomes may depend on what surrounds it in
//! three ways: by grapheme clusters (a mark after a space makes one cluster with it), by keys of the rewrite rules that
//! hold white space, and by white space that comes to stand at the edge of a word. Each is a matter of the character at
//! the edge, so characters are asked. Where a character does not allow a cut, there is none.
//!
//! A long word may be cut between characters, too, where no step meets both of them.

use std::sync::Arc;

use unicode_normalization_alignments::char::is_combining_mark;

use super::{Charsmap, LongKeys, Normalizer, holds};
use crate::text::Aligned;
use crate::text::characters::{APART, Facts, HEAD, JOINS, PLAIN, Rule, SEPARATOR, TAIL};
use crate::text::graphemes::{divides, joins_next, joins_previous};

/// What is done to the white space between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WhiteSpace {
    /// A run of spaces becomes one.
    pub(crate) collapses: bool,
    /// It is removed from the begin of the text.
    pub(crate) strips_left: bool,
    /// It is removed from the end of the text.
    pub(crate) strips_right: bool,
}

/// A normalizer that can be applied word by word.
#[derive(Debug, Clone)]
pub(crate) struct ByWord {
    /// The steps before the rewrite rules, which change character by character.
    characterwise: Vec<Normalizer>,
    rules: Option<Rules>,
    /// What is searched for to be replaced, and what takes its place.
    replacements: Vec<(String, String)>,
    white_space: WhiteSpace,
    /// What a space becomes in the end; no cut is made beside one that is in the text already.
    mark: char,
    /// Whether any white space divides words, or only what becomes a space.
    any_white_space: bool,
    /// Whether marks may change places or join the letter before them.
    composes: bool,
}

#[derive(Debug, Clone)]
struct Rules {
    charsmap: Arc<Charsmap>,
    long_keys: LongKeys,
}

impl ByWord {
    /// None where the normalizer may do something that the words do not show.
    pub(crate) fn new(normalizer: Option<&Normalizer>, mark: char, any_white_space: bool) -> Option<Self> {
        let mut by_word = Self {
            characterwise: Vec::new(),
            rules: None,
            replacements: Vec::new(),
            white_space: WhiteSpace::default(),
            mark,
            any_white_space,
            composes: false,
        };
        by_word.add_all(normalizer)?;
        by_word.is_sound().then_some(by_word)
    }

    pub(crate) fn white_space(&self) -> WhiteSpace {
        self.white_space
    }

    fn add_all(&mut self, normalizer: Option<&Normalizer>) -> Option<()> {
        match normalizer {
            None => Some(()),
            Some(Normalizer::Sequence { normalizers }) => {
                normalizers.iter().try_for_each(|step| self.add_all(Some(step)))
            }
            Some(step) => self.add(step),
        }
    }

    fn add(&mut self, step: &Normalizer) -> Option<()> {
        if let Normalizer::Strip { strip_left, strip_right } = step {
            self.white_space.strips_left |= strip_left;
            self.white_space.strips_right |= strip_right;
            return Some(());
        }
        // A run of spaces is one only if no later step makes spaces.
        if self.white_space.collapses {
            return None;
        }
        match step {
            Normalizer::Replace { pattern, content } => {
                if let Some(searched) = pattern.as_literal() {
                    return self.add_replacement(searched, content);
                }
                let becomes_space =
                    content == " " || (!self.any_white_space && content.chars().eq([self.mark]));
                let is_run = matches!(pattern.as_regex(), Some(" {2,}" | " +" | "  +"));
                self.white_space.collapses = is_run && becomes_space;
                return self.white_space.collapses.then_some(());
            }
            Normalizer::Precompiled(precompiled) if self.rules.is_none() => {
                let charsmap = Arc::clone(precompiled.charsmap());
                let is_space = |character: char| character.is_whitespace() || character == self.mark;
                let long_keys = LongKeys::of(&charsmap, is_space)?;
                self.rules = Some(Rules { charsmap, long_keys });
                return Some(());
            }
            Normalizer::Nfc {} | Normalizer::Nfkc {} | Normalizer::Nfd {} | Normalizer::Nfkd {} => {
                self.composes = true;
            }
            Normalizer::StripAccents {} | Normalizer::Lowercase {} | Normalizer::Nmt {} => {}
            _ => return None,
        }
        if self.rules.is_some() {
            return None;
        }
        self.characterwise.push(step.clone());
        Some(())
    }

    /// Such a step has to come first, so that words begin and end with what it puts there or with what was there.
    fn add_replacement(&mut self, searched: &str, content: &str) -> Option<()> {
        let is_graphic = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let comes_first = self.characterwise.is_empty() && self.rules.is_none();
        if !comes_first || !is_graphic(searched) || !is_graphic(content) {
            return None;
        }
        self.replacements.push((searched.to_owned(), content.to_owned()));
        Some(())
    }

    fn is_sound(&self) -> bool {
        let stands = |character| self.facts(character) & (HEAD | TAIL) == HEAD | TAIL;
        if !self.replacements.iter().flat_map(|(_, content)| content.chars()).all(stands) {
            return false;
        }
        let Some(rules) = &self.rules else { return true };
        // What is composed may begin a key that its parts do not show.
        let may_compose = |step: &Normalizer| matches!(step, Normalizer::Nfc {} | Normalizer::Nfkc {});
        // A character that joins the next one, of which then nothing may be left.
        !self.characterwise.iter().any(may_compose)
            && rules.long_keys.first.iter().all(|&first| !joins_next(first))
    }

    /// What a character becomes before the rewrite rules.
    fn before_rules(&self, character: char) -> Option<String> {
        if self.characterwise.is_empty() {
            return Some(character.to_string());
        }
        let mut buffer = [0; 4];
        let mut text = Aligned::new(character.encode_utf8(&mut buffer), 0, false);
        self.characterwise.iter().try_for_each(|step| step.apply(&mut text)).ok()?;
        Some(text.as_str().to_owned())
    }

    /// What a character becomes by itself.
    fn rewritten(&self, character: char) -> String {
        self.rule_for(character).map_or_else(|| character.to_string(), str::to_owned)
    }

    fn rule_for(&self, character: char) -> Option<&str> {
        let mut buffer = [0; 4];
        let text = character.encode_utf8(&mut buffer);
        let found = self.rules.as_ref()?.charsmap.shortest_prefix(text.as_bytes());
        found.map(|(_, becomes)| becomes)
    }

    fn is_space(&self, character: char) -> bool {
        character.is_whitespace() || character == self.mark
    }

    /// Whether a character can stand at the edge of a word if its neighbours allow it: it is not white space, and
    /// whatever becomes of it, something is left that white space neither begins nor ends.
    fn stands_at_edge(&self, character: char) -> bool {
        let mut buffer = [0; 4];
        let becomes = self.rule_for(character).unwrap_or(character.encode_utf8(&mut buffer));
        let is_long = |list: fn(&LongKeys) -> &[char]| {
            self.rules.as_ref().is_some_and(|rules| holds(list(&rules.long_keys), character))
        };
        let is_space = |character: char| self.is_space(character);
        !is_space(character)
            && !becomes.is_empty()
            && !becomes.starts_with(is_space)
            && !becomes.ends_with(is_space)
            && !is_long(|keys| &keys.at_white_space)
    }

    fn separates(&self, byte: u8) -> bool {
        let character = char::from(byte);
        if !character.is_ascii_whitespace() && byte != 0x0B {
            return false;
        }
        // "\r\n" is one cluster, and so one space.
        if byte == b'\r' && !self.any_white_space && !self.white_space.collapses {
            return false;
        }
        let before = self.before_rules(character).unwrap_or_default();
        let becomes: String = before.chars().map(|character| self.rewritten(character)).collect();
        if self.any_white_space {
            !becomes.is_empty() && becomes.chars().all(char::is_whitespace)
        } else {
            becomes == " "
        }
    }

    fn edge_facts(&self, character: char, before: &str) -> Facts {
        // Marks change places among each other, but never with what is none.
        let joins = is_combining_mark(character) || before.starts_with(joins_previous);
        let is_return = |character| matches!(character, '\r' | '\n');
        let stands = |character| self.stands_at_edge(character);
        if self.is_space(character)
            || before.is_empty()
            || !before.chars().all(stands)
            || is_return(character)
        {
            return 0;
        }
        let head = if joins { JOINS } else { HEAD };
        let tail = if before.ends_with(joins_next) { 0 } else { TAIL };
        head | tail
    }

    /// Whether the steps before the rewrite rules may look at what stands beside a character.
    fn meets_others(&self, character: char) -> bool {
        self.replacements.iter().any(|(searched, _)| searched.contains(character))
            || (self.composes && (is_combining_mark(character) || is_vowel_or_end_of_hangul(character)))
    }

    /// See [`APART`]. The rules are asked of clusters; white space is asked for at the edges of a text, or in runs.
    fn is_apart(&self, character: char, before: &str, edge: Facts) -> bool {
        let ends_divide = before.starts_with(divides) && before.ends_with(divides);
        let keeps_white_space = self.white_space == WhiteSpace::default();
        ends_divide
            && !self.meets_others(character)
            && (keeps_white_space || edge & (HEAD | TAIL) == HEAD | TAIL)
    }

    fn is_plain(&self, character: char, before: &str) -> bool {
        let meets_others = self.meets_others(character)
            || self.rules.as_ref().is_some_and(|rules| holds(&rules.long_keys.not_first, character));
        let stays = before.chars().eq([character]);
        let stays_ascii = character.is_ascii() && before.len() == 1 && before.is_ascii();
        // Even a key that means itself has the rest of its cluster dropped.
        let is_key = before.chars().any(|character| self.rule_for(character).is_some());
        let is_space = |character| self.is_space(character);
        !meets_others && (stays || stays_ascii) && !is_key && !before.contains(is_space)
    }
}

impl Rule for ByWord {
    fn facts(&self, character: char) -> Facts {
        let Some(before) = self.before_rules(character) else { return 0 };
        if u8::try_from(character).is_ok_and(|byte| self.separates(byte)) {
            return SEPARATOR;
        }
        let fact = |is_so, fact| if is_so { fact } else { 0 };
        let edge = self.edge_facts(character, &before);
        edge | fact(self.is_plain(character, &before), PLAIN)
            | fact(self.is_apart(character, &before, edge), APART)
    }

    fn becomes(&self, byte: u8) -> u8 {
        let before = self.before_rules(char::from(byte)).unwrap_or_default();
        before.bytes().next().unwrap_or(byte)
    }
}

/// The second half of a Hangul syllable, which joins the first.
fn is_vowel_or_end_of_hangul(character: char) -> bool {
    matches!(character, '\u{1160}'..='\u{11FF}')
}
