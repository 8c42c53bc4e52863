//! The alphabet in which byte-level vocabularies spell bytes.
//!
//! GPT-2 wrote every byte as one printable character, so that a vocabulary of arbitrary bytes is a text file:
//! printable Latin-1 stands for itself, the other 68 bytes for U+0100, U+0101, ... in order (Radford et al. 2019,
//! `bytes_to_unicode`).

/// The 68 bytes that are spelled by U+0100 onwards, in order.
const UNPRINTABLE: [u8; 68] = {
    let mut bytes = [0; 68];
    let (mut byte, mut place) = (0, 0);
    while byte < 256 {
        if !is_printable(byte as u8) {
            bytes[place] = byte as u8;
            place += 1;
        }
        byte += 1;
    }
    bytes
};

/// The character that spells `byte`.
pub(crate) fn char_of(byte: u8) -> char {
    let place = UNPRINTABLE.binary_search(&byte);
    place.ok().and_then(|place| char::from_u32(0x100 + place as u32)).unwrap_or(char::from(byte))
}

/// The byte that `character` spells, if it is of the alphabet.
pub(crate) fn byte_of(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(byte) => is_printable(byte).then_some(byte),
        Err(_) => UNPRINTABLE.get((character as usize).checked_sub(0x100)?).copied(),
    }
}

/// The bytes that `token` spells, or its own UTF-8 where a character of it is not of the alphabet (added tokens).
pub(crate) fn bytes_of(token: &str) -> Vec<u8> {
    token.chars().map(byte_of).collect::<Option<Vec<u8>>>().unwrap_or_else(|| token.as_bytes().to_vec())
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        for byte in 0..=255 {
            assert_eq!(byte_of(char_of(byte)), Some(byte));
        }
        assert_eq!((char_of(b' '), char_of(b'\n'), char_of(0), char_of(0xAD)), ('Ġ', 'Ċ', 'Ā', 'Ń'));
        for character in [' ', '\u{144}', '漢', '\u{a0}'] {
            assert_eq!(byte_of(character), None, "{character:?}");
        }
    }

    #[test]
    fn tokens_outside_the_alphabet_are_their_own_bytes() {
        assert_eq!(bytes_of("Ġthe"), b" the");
        assert_eq!(bytes_of("two words"), b"two words");
        assert_eq!(bytes_of("漢Ġ"), "漢Ġ".as_bytes());
    }
}
