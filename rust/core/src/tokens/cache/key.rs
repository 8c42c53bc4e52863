//! What a word is looked up by: its bytes themselves, or, of a long one, a fingerprint of them.

/// Words of up to this many bytes are their own key.
const SHORT: usize = 15;

/// The last byte of the key of a long word. That of a short one is its length.
const LONG: u64 = 0xFF << 56;

/// Odd constants without a pattern: the first digits of pi, as other hashes have them. No key has 0xFE as its last byte,
/// so that the second never makes a factor zero.
const PI: [u64; 2] = [0x243F_6A88_85A3_08D3, 0xFE19_8A2E_0370_7345];

/// What the halves of a key are multiplied by for its hash: the golden ratio and the square root of two, whose multiples
/// lie as evenly as multiples can. Those of pi do not: 355/113 is too near to it.
const FACTORS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0x6A09_E667_F3BC_C909];

/// For each length the bytes of a key that belong to the word.
const KEPT: [[u64; 2]; SHORT + 1] = {
    let mut kept = [[0; 2]; SHORT + 1];
    let mut length = 0;
    while length <= SHORT {
        let bits = u128::MAX.unbounded_shr(128 - 8 * length as u32);
        kept[length] = [bits as u64, (bits >> 64) as u64];
        length += 1;
    }
    kept
};

/// Sixteen bytes: those of a word and its length, or a fingerprint. Two short words with one key are the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Key {
    low: u64,
    high: u64,
}

impl Key {
    /// The key of no word: even the empty word has a length that is kept from here.
    pub(super) const NONE: Self = Self { low: 0, high: 0 };

    /// The key of the word that is `text[begin..end]` and not empty. Two loads and no copy, where sixteen bytes can be
    /// read.
    #[inline]
    pub(super) fn new(text: &[u8], begin: usize, end: usize) -> Self {
        let length = end - begin;
        let Some(kept) = KEPT.get(length) else { return Self::long(&text[begin..end]) };
        let [low, high] = match text.get(begin..begin + 16) {
            Some(bytes) => halves(bytes),
            None => near_the_end(text, begin),
        };
        Self { low: low & kept[0], high: high & kept[1] | (length as u64) << 56 }
    }

    #[inline(never)]
    fn long(word: &[u8]) -> Self {
        let mut hash = word.len() as u64;
        let (blocks, _) = word.as_chunks::<16>();
        // The last block may have bytes of the one before it.
        let last = word.last_chunk::<16>().into_iter();
        for block in blocks.iter().chain(last) {
            let [low, high] = halves(block);
            hash = folded(low ^ PI[0], high ^ hash ^ PI[1]);
        }
        Self { low: hash, high: LONG | word.len() as u64 }
    }

    /// Equality without a branch.
    #[inline]
    pub(super) fn is(self, other: Self) -> bool {
        (self.low ^ other.low) | (self.high ^ other.high) == 0
    }

    #[inline]
    pub(super) fn is_long(self) -> bool {
        self.high >= LONG
    }

    /// Where to begin to look for it: the upper bits depend on all bytes (Dietzfelbinger's multiply-shift). It need
    /// not be better: a search is bounded whatever the hashes are.
    #[inline]
    pub(super) fn hash(self) -> u64 {
        self.low.wrapping_mul(FACTORS[0]).wrapping_add(self.high.wrapping_mul(FACTORS[1]))
    }
}

/// The product in 128 bits, both halves as one (Wang Yi's wyhash).
#[inline]
fn folded(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn halves(bytes: &[u8]) -> [u64; 2] {
    let whole = bytes.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes));
    [whole as u64, (whole >> 64) as u64]
}

/// What stands from `begin`, less than sixteen bytes before the end.
#[inline(never)]
fn near_the_end(text: &[u8], begin: usize) -> [u64; 2] {
    let rest = &text[begin..];
    let whole = match text.last_chunk() {
        Some(last) => u128::from_le_bytes(*last).unbounded_shr(128 - 8 * rest.len() as u32),
        None => rest.iter().rev().fold(0, |whole, &byte| whole << 8 | u128::from(byte)),
    };
    [whole as u64, (whole >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_word_is_its_own_key_wherever_it_stands() {
        let word = b"fifteen letters";
        for length in 1..=SHORT {
            let want = Key::new(word, 0, length);
            assert_ne!(want, Key::NONE);
            for (before, after) in [(0, 0), (0, 30), (3, 0), (3, 5), (40, 1), (40, 16)] {
                let text = [&vec![b'x'; before][..], &word[..length], &vec![0xFF; after]].concat();
                assert_eq!(Key::new(&text, before, before + length), want, "{length} {before} {after}");
            }
        }
    }

    proptest! {
        #[test]
        fn keys_are_equal_where_words_are(
            left in proptest::collection::vec(0_u8..3, 1..40),
            right in proptest::collection::vec(0_u8..3, 1..40),
        ) {
            let key = |word: &[u8]| Key::new(word, 0, word.len());
            prop_assert_eq!(key(&left) == key(&right), left == right);
            prop_assert_eq!(key(&left).is_long(), left.len() > SHORT);
        }
    }
}
