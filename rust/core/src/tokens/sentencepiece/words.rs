//! The models without subwords: characters, and words.

use super::normalizer::MARK;
use super::vocabulary::Vocabulary;
use super::{Segment, UNKNOWN};

/// User-defined symbols and characters.
pub(super) fn segment_characters(vocabulary: &Vocabulary, text: &[u8], out: &mut Vec<Segment>) {
    let mut begin = 0;
    while begin < text.len() {
        let (length, _) = vocabulary.symbols.longest_prefix_or_character(&text[begin..]);
        out.push(segment(vocabulary, &text[begin..begin + length]));
        begin += length;
    }
}

/// Words, each with the mark that it begins with. Whether the mark belongs behind a word is not asked, as in the
/// original.
pub(super) fn segment_words(vocabulary: &Vocabulary, text: &[u8], out: &mut Vec<Segment>) {
    let mut begin = 0;
    for end in 1..=text.len() {
        if end == text.len() || text[end..].starts_with(MARK.as_bytes()) {
            out.push(segment(vocabulary, &text[begin..end]));
            begin = end;
        }
    }
}

fn segment(vocabulary: &Vocabulary, text: &[u8]) -> Segment {
    Segment { id: vocabulary.spelled.get(text).unwrap_or(UNKNOWN), length: text.len() as u32 }
}
