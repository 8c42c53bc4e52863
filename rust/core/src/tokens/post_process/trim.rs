//! Spans without white space at their ends.

use super::super::encoding::Encoding;
use crate::text::byte_level;

/// The characters of white space with which the text of a token begins and ends, the byte-level `Ġ` included: what
/// [`EncodedToken::white_space`](super::EncodedToken::white_space) wants. The text of an added token is what it
/// took of the normalized text, stripped white space included; that of every other token is in the vocabulary,
/// except that Unigram's unknown tokens have the text that they stand for.
///
/// ```
/// use fastmask_core::tokens::white_space_ends;
/// assert_eq!(white_space_ends("Ġword"), (1, 0));
/// assert_eq!(white_space_ends("  "), (2, 2));
/// ```
pub fn white_space_ends(token: &str) -> (u32, u32) {
    let space = byte_level::char_of(b' ');
    let blank = |character: &char| *character == space || character.is_whitespace();
    let leading = token.chars().take_while(blank).count();
    let trailing = token.chars().rev().take_while(blank).count();
    (leading as u32, trailing as u32)
}

/// Trims all spans, in what overflowed too.
pub(super) fn trim_all(parts: &mut [Encoding], add_prefix_space: bool) {
    for part in parts {
        trim(part, add_prefix_space);
        for overflowing in &mut part.overflowing {
            trim(overflowing, add_prefix_space);
        }
    }
}

/// One leading space of the first token, or of a token at the beginning of the text, is taken for the space that
/// `add_prefix_space` put there, which no span covers. (The `tokenizers` library looks at no more than that: a text
/// that has a space of its own there keeps it in the span, and so does the first token of what overflowed.)
fn trim(encoding: &mut Encoding, add_prefix_space: bool) {
    for (place, token) in encoding.tokens.iter_mut().enumerate() {
        let (mut leading, trailing) = token.white_space;
        let (start, end) = &mut token.span;
        if leading == 1 && add_prefix_space && (place == 0 || *start == 0) {
            leading = 0;
        }
        if leading > 0 {
            *start = start.saturating_add(leading).min(*end);
        }
        if trailing > 0 && *end >= trailing {
            *end = (*end - trailing).max(*start);
        }
    }
}
