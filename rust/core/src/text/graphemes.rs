//! Which characters make one grapheme cluster with their neighbours (Unicode Standard Annex 29).

use unicode_segmentation::GraphemeCursor;

/// It joins any character before it but a control.
const ACCENT: char = '\u{301}';

/// Whether a character makes one cluster with a space before it.
pub(crate) fn joins_previous(character: char) -> bool {
    !is_common(character) && !is_boundary(' ', character)
}

/// Whether a character makes one cluster with a letter after it.
pub(crate) fn joins_next(character: char) -> bool {
    !is_common(character) && !is_boundary(character, 'a')
}

/// Whether a cluster begins at a character whatever is before another such, and goes on only with those that join the
/// character before them: neither controls, nor regional indicators, nor parts of Hangul syllables.
pub(crate) fn is_apart(character: char) -> bool {
    is_common(character)
        || (!joins_previous(character)
            && !joins_next(character)
            && is_boundary(character, character)
            && !is_boundary(character, ACCENT))
}

/// Whether a cluster begins between two such characters, whatever surrounds them: those that are apart, and controls.
pub(crate) fn divides(character: char) -> bool {
    // "\r\n" is the one cluster of controls.
    is_apart(character) || (is_boundary(character, ACCENT) && !matches!(character, '\r' | '\n'))
}

/// Ideographs and Hangul syllables, of which there are many: they join nothing, which the rules need not be asked for.
fn is_common(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

fn is_boundary(before: char, after: char) -> bool {
    let mut buffer = [0; 8];
    let place = before.encode_utf8(&mut buffer).len();
    let length = place + after.encode_utf8(&mut buffer[place..]).len();
    let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
    GraphemeCursor::new(place, length, true).is_boundary(text, 0).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_characters_are_what_the_rules_say() {
        for character in ('\0'..=char::MAX).filter(|&character| is_common(character)) {
            assert!(is_boundary(' ', character) && is_boundary(character, 'a'));
            assert!(is_boundary(character, character) && !is_boundary(character, '\u{301}'));
        }
    }

    #[test]
    fn what_is_apart() {
        for character in ['a', ' ', 'é', '日', '각', '가', '😀', 'क', '。'] {
            assert!(is_apart(character), "{character:?}");
        }
        for character in
            ['\n', '\r', '\0', '\u{301}', '\u{200d}', '\u{903}', '🇫', '\u{1100}', '\u{1161}', '\u{600}']
        {
            assert!(!is_apart(character), "{character:?}");
        }
    }

    #[test]
    fn what_divides() {
        for character in ['a', '日', '각', '😀', '\0', '\u{85}', '\u{ad}', '\u{200b}'] {
            assert!(divides(character), "{character:?}");
        }
        for character in
            ['\n', '\r', '\u{301}', '\u{200d}', '\u{903}', '🇫', '\u{1100}', '\u{1161}', '\u{600}']
        {
            assert!(!divides(character), "{character:?}");
        }
    }
}
