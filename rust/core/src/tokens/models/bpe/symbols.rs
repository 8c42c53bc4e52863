//! The symbols that a word begins as: its characters, spelled as the vocabulary spells them where they stand.

use std::cell::Cell;

use rustc_hash::FxHashMap;

use crate::tokens::Vocab;
use crate::tokens::models::Token;

/// A row of symbols that is to be merged.
pub(super) trait Symbols {
    fn len(&self) -> usize;

    fn symbol(&self, place: usize) -> u32;
}

impl Symbols for [Cell<Token>] {
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn symbol(&self, place: usize) -> u32 {
        self[place].get().id
    }
}

/// The ids of characters with the affixes that they have at the beginning, in the middle, at the end, or alone.
#[derive(Debug, Clone)]
pub(super) struct Characters {
    forms: Box<[Form; 4]>,
    has_prefix: bool,
    has_suffix: bool,
}

const NONE: u32 = u32::MAX;

/// The ids of single characters between one prefix and one suffix.
#[derive(Debug, Clone)]
struct Form {
    ascii: [u32; 128],
    others: FxHashMap<char, u32>,
}

impl Characters {
    pub(super) fn new(vocab: &Vocab, prefix: &str, suffix: &str) -> Self {
        let (has_prefix, has_suffix) = (!prefix.is_empty(), !suffix.is_empty());
        let form = |wanted: bool, prefix, suffix| {
            if wanted { Form::new(vocab, prefix, suffix) } else { Form::empty() }
        };
        let forms = Box::new([
            form(true, "", ""),
            form(has_prefix, prefix, ""),
            form(has_suffix, "", suffix),
            form(has_prefix && has_suffix, prefix, suffix),
        ]);
        Self { forms, has_prefix, has_suffix }
    }

    pub(super) fn id(&self, character: char, is_first: bool, is_last: bool) -> Option<u32> {
        let form = usize::from(self.has_prefix && !is_first) + 2 * usize::from(self.has_suffix && is_last);
        self.forms[form].id(character)
    }
}

impl Form {
    fn empty() -> Self {
        Self { ascii: [NONE; 128], others: FxHashMap::default() }
    }

    fn new(vocab: &Vocab, prefix: &str, suffix: &str) -> Self {
        let mut form = Self::empty();
        for (id, token) in vocab.reachable() {
            let inside = token.strip_prefix(prefix).and_then(|token| token.strip_suffix(suffix));
            let mut characters = inside.unwrap_or_default().chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                form.insert(character, id);
            }
        }
        form
    }

    fn insert(&mut self, character: char, id: u32) {
        match self.ascii.get_mut(character as usize) {
            Some(place) => *place = id,
            None => drop(self.others.insert(character, id)),
        }
    }

    fn id(&self, character: char) -> Option<u32> {
        match self.ascii.get(character as usize) {
            Some(&id) => Some(id).filter(|&id| id != NONE),
            None => self.others.get(&character).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_has_an_id_for_each_place() {
        let mut vocab = Vocab::default();
        for token in ["a", "##a", "a##", "é", "##é##", "##", "####", "#"] {
            vocab.append(token).unwrap();
        }
        let characters = Characters::new(&vocab, "##", "##");
        let ids = |character| {
            [(true, true), (true, false), (false, false), (false, true)]
                .map(|(is_first, is_last)| characters.id(character, is_first, is_last))
        };
        assert_eq!(ids('a'), [Some(2), Some(0), Some(1), None]);
        assert_eq!(ids('é'), [None, Some(3), None, Some(4)]);
        assert_eq!(ids('#'), [None, Some(7), None, None]);
        assert_eq!(Characters::new(&vocab, "", "").id('é', false, true), Some(3));
    }
}
