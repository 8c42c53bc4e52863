//! The keys of rewrite rules, and what they mean for a text that is cut into words before it is rewritten.

use super::Charsmap;

/// More keys are not looked at: real files have some hundred thousand at most.
const MOST_KEYS: usize = 1 << 20;

/// Which characters meet others in the keys of more than one character.
#[derive(Debug, Clone, Default)]
pub(crate) struct LongKeys {
    /// Those in keys that hold ASCII white space too, or turn into nothing or into text that white space begins or
    /// ends. In order.
    pub(crate) at_white_space: Vec<char>,
    /// Those that stand in a key, but not first. In order.
    pub(crate) not_first: Vec<char>,
    /// Whether a key is ASCII white space alone, which then becomes spaces.
    pub(crate) white_space_alone: bool,
    /// The first characters of all keys, also of short ones. In order.
    pub(crate) first: Vec<char>,
}

impl LongKeys {
    /// None where the keys are not characters or too many, or white space becomes something else.
    pub(crate) fn of(charsmap: &Charsmap, is_space: impl Fn(char) -> bool) -> Option<Self> {
        let mut found = Self::default();
        let is_white = |character: char| character.is_ascii_whitespace() || character == '\u{B}';
        for (key, value) in charsmap.keys(MOST_KEYS)? {
            let key = std::str::from_utf8(&key).ok()?;
            let mut rest = key.chars();
            found.first.extend(rest.next());
            if rest.as_str().is_empty() {
                continue;
            }
            found.not_first.extend(rest);
            let is_bare = value.is_empty() || value.starts_with(&is_space) || value.ends_with(&is_space);
            if key.chars().all(is_white) {
                // Such as "\r\n".
                (!value.is_empty() && value.bytes().all(|byte| byte == b' ')).then_some(())?;
                found.white_space_alone = true;
            } else if is_bare || key.contains(is_white) {
                let others = key.chars().filter(|&character| !is_white(character));
                found.at_white_space.extend(others);
            }
        }
        for list in [&mut found.at_white_space, &mut found.not_first, &mut found.first] {
            list.sort_unstable();
            list.dedup();
        }
        Some(found)
    }
}

/// Whether a list in order holds a character.
pub(crate) fn holds(list: &[char], character: char) -> bool {
    list.binary_search(&character).is_ok()
}
