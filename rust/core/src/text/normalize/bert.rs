//! The normalizer of BERT (Devlin et al. 2018), as the `tokenizers` library has it.

use serde::{Deserialize, Serialize};
use unicode_categories::UnicodeCategories;

use super::unicode;
use crate::text::aligned::Aligned;

/// Cleans, separates Chinese characters, strips accents and lowercases, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BertNormalizer {
    /// Whether control characters are removed and every white space becomes a space.
    pub clean_text: bool,
    /// Whether spaces are put around Chinese characters.
    pub handle_chinese_chars: bool,
    /// Whether accents are removed; if None, where `lowercase` is set.
    pub strip_accents: Option<bool>,
    /// Whether letters become small ones.
    pub lowercase: bool,
}

impl BertNormalizer {
    pub(super) fn apply(self, text: &mut Aligned<'_>) {
        if self.clean_text {
            clean(text);
        }
        if self.handle_chinese_chars {
            separate_chinese(text);
        }
        if self.strip_accents.unwrap_or(self.lowercase) {
            unicode::nfd(text);
            text.filter(|character| character < unicode::FIRST_MARK || !character.is_mark_nonspacing());
        }
        if self.lowercase {
            unicode::lowercase(text);
        }
    }
}

fn clean(text: &mut Aligned<'_>) {
    text.filter(|character| !is_unwanted(character));
    text.map(|character| if character.is_whitespace() { ' ' } else { character });
}

/// What cleaning leaves of a character.
pub(super) fn cleaned(character: char) -> Option<char> {
    let unified = if character.is_whitespace() { ' ' } else { character };
    (!is_unwanted(character)).then_some(unified)
}

/// Of the characters of category Other only U+AD and above is anything but a control character; unassigned ones stay.
fn is_unwanted(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\0'..='\u{9f}' => character.is_control(),
        _ => character == '\u{fffd}' || character.is_other(),
    }
}

fn separate_chinese(text: &mut Aligned<'_>) {
    if !text.as_str().chars().any(is_chinese) {
        return;
    }
    text.rewrite(|old, new| {
        for character in old.chars() {
            if is_chinese(character) {
                // The space before takes the character's place, and the character is inserted: their origin is one.
                new.replace(' ');
                new.insert(character);
                new.insert(' ');
            } else {
                new.replace(character);
            }
        }
    });
}

/// The blocks of the original; it begins the fifth at U+2B920, where BERT's own has U+2B820.
pub(super) fn is_chinese(character: char) -> bool {
    matches!(character,
        '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b73f}'
        | '\u{2b740}'..='\u{2b81f}'
        | '\u{2b920}'..='\u{2ceaf}'
        | '\u{2f800}'..='\u{2fa1f}')
}
