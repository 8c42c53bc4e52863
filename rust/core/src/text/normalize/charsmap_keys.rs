//! The keys of rewrite rules, and what they mean for a text that is cut into words before it is rewritten.

use rustc_hash::FxHashSet;

use super::Charsmap;

/// More keys are not looked at: real files have some hundred thousand at most.
const MOST_KEYS: usize = 1 << 20;

/// Which characters meet others in the keys of more than one character.
#[derive(Debug, Clone, Default)]
pub(crate) struct LongKeys {
    /// Those in keys that hold ASCII white space, or turn into nothing or into text that white space begins or ends. In
    /// order.
    pub(crate) at_white_space: Vec<char>,
    /// Those that stand in a key, but not first. In order.
    pub(crate) not_first: Vec<char>,
    /// Whether a key is ASCII white space alone, which then becomes a space.
    pub(crate) white_space_alone: bool,
    /// The first characters of all keys, also of short ones. In order.
    pub(crate) first: Vec<char>,
}

impl LongKeys {
    /// None where the keys are not characters or too many, or white space becomes something else.
    pub(crate) fn of(charsmap: &Charsmap, is_space: impl Fn(char) -> bool) -> Option<Self> {
        let mut found = Self::default();
        if found.walk(charsmap, &is_space)? {
            found.spell(charsmap, &is_space)?;
        }
        for list in [&mut found.at_white_space, &mut found.not_first, &mut found.first] {
            list.sort_unstable();
            list.dedup();
        }
        Some(found)
    }

    /// Goes once through what keys have in common, where they may be very many; returns whether any has to be spelled.
    fn walk(&mut self, charsmap: &Charsmap, is_space: &impl Fn(char) -> bool) -> Option<bool> {
        let mut must_spell = false;
        let mut open = Vec::new();
        for step in charsmap.steps(charsmap.root())? {
            self.first.push(step.character);
            open.push(step.base);
            must_spell |= is_white(step.character) && !charsmap.steps(step.base)?.is_empty();
        }
        let mut seen = FxHashSet::default();
        while let Some(base) = open.pop() {
            if !seen.insert(base) {
                continue;
            }
            for step in charsmap.steps(base)? {
                self.not_first.push(step.character);
                open.push(step.base);
                must_spell |=
                    is_white(step.character) || step.value.is_some_and(|value| is_bare(value, is_space));
            }
        }
        Some(must_spell)
    }

    /// Finds the keys that have to do with white space.
    fn spell(&mut self, charsmap: &Charsmap, is_space: &impl Fn(char) -> bool) -> Option<()> {
        for (key, value) in charsmap.keys(MOST_KEYS)? {
            let key = std::str::from_utf8(&key).ok()?;
            if key.chars().nth(1).is_none() {
                continue;
            }
            if key.chars().all(is_white) {
                // Such as "\r\n". Of two spaces SentencePiece drops neither.
                (value == " ").then_some(())?;
                self.white_space_alone = true;
            }
            if is_bare(value, is_space) || key.contains(is_white) {
                self.at_white_space.extend(key.chars());
            }
        }
        Some(())
    }
}

/// Whether nothing is left, or white space at the edge.
fn is_bare(value: &str, is_space: &impl Fn(char) -> bool) -> bool {
    value.is_empty() || value.starts_with(is_space) || value.ends_with(is_space)
}

fn is_white(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{B}'
}

/// Whether a list in order holds a character.
pub(crate) fn holds(list: &[char], character: char) -> bool {
    list.binary_search(&character).is_ok()
}
