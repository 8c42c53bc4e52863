//! Cuts that go by the kind of each character.

use std::ops::Range;

use unicode_categories::UnicodeCategories;

use super::Behavior;
use crate::Result;
use crate::text::{Pieces, is_word_character};

/// ASCII punctuation, and what the Unicode version of the `tokenizers` library takes for punctuation.
pub(super) fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation() || character.is_punctuation()
}

/// Cuts at the characters of a kind.
pub(super) fn cut_at(
    pieces: &mut Pieces<'_>,
    is_match: impl Fn(char) -> bool,
    behavior: Behavior,
) -> Result<()> {
    let mut matches: Vec<Range<usize>> = Vec::new();
    pieces.split(|piece, ranges| {
        matches.clear();
        let found = piece.char_indices().filter(|&(_, character)| is_match(character));
        matches.extend(found.map(|(place, character)| place..place + character.len_utf8()));
        behavior.cut(piece.len(), &matches, false, ranges);
        Ok(())
    })
}

/// Keeps the matches of `\w+|[^\w\s]+`: runs of word characters and runs of everything else but white space.
pub(super) fn words_and_symbols(pieces: &mut Pieces<'_>) -> Result<()> {
    pieces.split(|piece, ranges| {
        let mut run: Option<(usize, bool)> = None;
        for (place, character) in piece.char_indices() {
            let kind = if is_word_character(character) {
                Some(true)
            } else {
                (!character.is_whitespace()).then_some(false)
            };
            if run.map(|(_, kind)| kind) != kind {
                ranges.extend(run.map(|(start, _)| start..place));
                run = kind.map(|kind| (place, kind));
            }
        }
        ranges.extend(run.map(|(start, _)| start..piece.len()));
        Ok(())
    })
}

/// Cuts into pieces of `length` characters.
pub(super) fn fixed_length(pieces: &mut Pieces<'_>, length: usize) -> Result<()> {
    pieces.split(|piece, ranges| {
        let starts: Vec<usize> =
            piece.char_indices().step_by(length).map(|(place, _)| place).chain([piece.len()]).collect();
        ranges.extend(starts.windows(2).map(|pair| pair[0]..pair[1]));
        Ok(())
    })
}
