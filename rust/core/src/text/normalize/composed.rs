//! Whether a text is in normal form C already, as nearly all text is.

use std::sync::LazyLock;

use unicode_normalization_alignments::char::canonical_combining_class;
use unicode_normalization_alignments::{IsNormalized, is_nfc_quick};

use super::unicode::FIRST_MARK;

/// The characters of the first plane that stay as they are whatever stands around them: a bit each. They are no marks,
/// and neither change nor compose with what is before them.
static INERT: LazyLock<Box<[u64]>> = LazyLock::new(|| {
    let is_inert = |code: &u32| {
        char::from_u32(*code).is_some_and(|character| {
            canonical_combining_class(character) == 0
                && is_nfc_quick([character].into_iter()) == IsNormalized::Yes
        })
    };
    let word = |first: u32| {
        let codes = first..first + u64::BITS;
        codes.filter(is_inert).fold(0, |word, code| word | 1 << (code - first))
    };
    (0..=0xFFFF).step_by(u64::BITS as usize).map(word).collect()
});

/// Whether composing `text` gives back the text itself. False where that cannot be said quickly.
pub(super) fn is_composed(text: &str) -> bool {
    // The first byte of the first mark is higher than all bytes of the characters before it. In chunks, which the
    // compiler turns into vectors.
    let highest = FIRST_MARK.encode_utf8(&mut [0; 4]).as_bytes()[0];
    let is_low = |chunk: &[u8]| chunk.iter().fold(0, |most, &byte| most.max(byte)) < highest;
    if text.as_bytes().chunks(256).all(is_low) {
        return true;
    }
    let inert = &*INERT;
    let is_inert = |character: char| {
        let code = character as usize;
        inert.get(code / 64).is_some_and(|word| word >> (code % 64) & 1 == 1)
    };
    text.chars().all(is_inert) || is_nfc_quick(text.chars()) == IsNormalized::Yes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization_alignments::UnicodeNormalization;

    fn composed(text: &str) -> String {
        text.nfc().map(|(character, _)| character).collect()
    }

    fn check(text: &str) {
        assert!(!is_composed(text) || composed(text) == text, "{text:?}");
    }

    #[test]
    fn what_is_said_to_be_composed_is() {
        for character in '\0'..=char::MAX {
            for text in [
                format!("{character}"),
                format!("e{character}\u{301}"),
                format!("\u{1100}{character}\u{5d0}"),
            ] {
                check(&text);
            }
        }
        for (text, want) in
            [("", true), ("é漢字かな 한국", true), ("e\u{301}", false), ("ガ", true), ("か\u{3099}", false)]
        {
            assert_eq!(is_composed(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_said_to_be_composed_is_in_any_text(text in "[aeé\u{301}\u{323}\u{5b0}\u{5bc}かガ\u{3099}\u{1100}\u{1161}\u{11a8}한\u{212b}]{0,12}") {
            check(&text);
        }
    }
}
