//! Unicode's normal forms, letter case and marks, by the tables that the `tokenizers` library has: Unicode 9 for the
//! forms and the combining marks, the standard library's for letter case.

use unicode_normalization_alignments::{UnicodeNormalization, char::is_combining_mark};

use super::composed::is_composed;
use crate::text::aligned::Aligned;

/// No character before it is a mark, composes with the one before it, or is changed by NFC.
pub(super) const FIRST_MARK: char = '\u{300}';

pub(super) fn nfc(text: &mut Aligned<'_>) {
    if !is_composed(text.as_str()) {
        text.rewrite(|old, new| new.extend(old.nfc()));
    }
}

pub(super) fn nfd(text: &mut Aligned<'_>) {
    if !text.as_str().is_ascii() {
        text.rewrite(|old, new| new.extend(old.nfd()));
    }
}

pub(super) fn nfkc(text: &mut Aligned<'_>) {
    if !text.as_str().is_ascii() {
        text.rewrite(|old, new| new.extend(old.nfkc()));
    }
}

pub(super) fn nfkd(text: &mut Aligned<'_>) {
    if !text.as_str().is_ascii() {
        text.rewrite(|old, new| new.extend(old.nfkd()));
    }
}

pub(super) fn strip_accents(text: &mut Aligned<'_>) {
    text.filter(|character| character < FIRST_MARK || !is_combining_mark(character));
}

/// Character by character, so a sigma at the end of a word is not special.
pub(super) fn lowercase(text: &mut Aligned<'_>) {
    if text.as_str().is_ascii() {
        text.make_ascii_lowercase();
    } else if text.as_str().chars().any(|character| !character.to_lowercase().eq([character])) {
        text.rewrite(|old, new| {
            for character in old.chars() {
                let small = character.to_lowercase().enumerate();
                new.extend(small.map(|(place, small)| (small, isize::from(place > 0))));
            }
        });
    }
}

/// The rules of `SentencePiece`'s `nmt_nfkc` that are not Unicode's.
pub(super) fn nmt(text: &mut Aligned<'_>) {
    text.filter(|character| unified(character).is_some());
    text.map(|character| unified(character).unwrap_or(character));
}

/// What [`nmt`] makes of a character.
pub(super) fn unified(character: char) -> Option<char> {
    match character {
        '\u{1}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{8f}' | '\u{9f}' => None,
        '\t'
        | '\n'
        | '\u{c}'
        | '\r'
        | '\u{1680}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2581}'
        | '\u{feff}'
        | '\u{fffd}' => Some(' '),
        _ => Some(character),
    }
}
