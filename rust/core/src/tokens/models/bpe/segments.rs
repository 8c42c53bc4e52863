//! Words in segments that no merge joins, and the segments that were seen before.
//!
//! A merge that crosses the place between two bytes joins a token that ends in the one with a token that begins with the
//! other. Where no merge is of such tokens the word may be cut: each side is merged as it is alone. So most scripts with
//! three bytes a character fall apart into characters wherever the vocabulary has few tokens of more than one, and of
//! these there are few.

/// A segment is remembered up to this length: with its length it is one key.
const LONGEST: usize = 7;
/// So many ids of a segment are remembered.
const MOST_IDS: usize = 3;
/// The number of segments that are remembered, as a power of two: with their ids they take 96 KiB.
const SEGMENTS: u32 = 12;

/// A bit for each two bytes, at 256 times the first and the second: whether some merge joins tokens between these.
#[derive(Debug, Clone)]
pub(super) struct Edges {
    bits: Box<[u64; 1024]>,
}

impl Edges {
    /// From the byte that the left part of each merge ends in, and the byte that its right part begins with.
    pub(super) fn new(joined: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut edges = Self { bits: Box::new([0; 1024]) };
        for (left, right) in joined {
            let (word, bit) = Self::place(left, right);
            edges.bits[word] |= 1 << bit;
        }
        edges
    }

    #[inline]
    fn place(left: u8, right: u8) -> (usize, u32) {
        (usize::from(left) * 4 + usize::from(right / 64), u32::from(right % 64))
    }

    /// How long the first segment of a word is.
    #[inline]
    pub(super) fn first_segment(&self, word: &[u8]) -> usize {
        let cut = word.windows(2).position(|pair| {
            let (word, bit) = Self::place(pair[0], pair[1]);
            self.bits[word] >> bit & 1 == 0
        });
        cut.map_or(word.len(), |place| place + 1)
    }
}

/// The ids of short segments that were seen before: each has one place, and keeps it until another wants it.
#[derive(Debug, Default)]
pub(in crate::tokens) struct Segments {
    /// Whose ids these are.
    model: u64,
    known: Vec<Known>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// No segment has the key 0.
    key: u64,
    ids: [u32; MOST_IDS],
    count: u32,
}

impl Segments {
    /// Forgets what another model gave. The numbers of models begin with 1.
    #[inline]
    pub(super) fn prepare(&mut self, model: u64) {
        if self.model != model {
            self.model = model;
            self.known.clear();
            self.known.resize(1 << SEGMENTS, Known::default());
        }
    }

    /// Appends the ids of a segment, which is not empty; those of one that is not known are what `encode` appends.
    #[inline]
    pub(super) fn append(&mut self, segment: &[u8], ids: &mut Vec<u32>, encode: impl FnOnce(&mut Vec<u32>)) {
        let key = if segment.len() <= LONGEST { key(segment) } else { 0 };
        let place = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SEGMENTS)) as usize;
        let Some(known) = self.known.get_mut(place).filter(|_| key != 0) else { return encode(ids) };
        if known.key == key {
            ids.extend_from_slice(known.ids.get(..known.count as usize).unwrap_or_default());
            return;
        }
        let start = ids.len();
        encode(ids);
        let count = ids.len() - start;
        if count <= MOST_IDS {
            known.key = key;
            known.count = count as u32;
            known.ids[..count].copy_from_slice(&ids[start..]);
        }
    }
}

/// A segment of up to seven bytes with its length.
#[inline]
fn key(segment: &[u8]) -> u64 {
    let bytes = match *segment {
        [one, two, three] => u64::from(u32::from_le_bytes([one, two, three, 0])),
        _ => segment.iter().rev().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte)),
    };
    bytes | (segment.len() as u64) << 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_cut_where_nothing_is_joined() {
        let edges = Edges::new([(b'a', b'b'), (b'b', 255), (0, b'a')]);
        let mut word: &[u8] = b"ab\xFFa\0abba";
        let mut segments: Vec<&[u8]> = Vec::new();
        while !word.is_empty() {
            let (segment, rest) = word.split_at(edges.first_segment(word));
            segments.push(segment);
            word = rest;
        }
        assert_eq!(segments, [&b"ab\xFF"[..], b"a", b"\0ab", b"b", b"a"]);
        assert_eq!(edges.first_segment(&[]), 0);
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_was_given(
            words in proptest::collection::vec((1_u64..3, proptest::collection::vec(0_u8..4, 1..10)), 0..300),
        ) {
            let mut segments = Segments::default();
            let (mut ids, mut want) = (Vec::new(), Vec::new());
            for (model, word) in words {
                // As many ids as there are odd bytes, and others for another model.
                let encode = |ids: &mut Vec<u32>| {
                    ids.extend(word.iter().filter(|&&byte| byte % 2 == 1).map(|&byte| model as u32 * 10 + u32::from(byte)));
                };
                segments.prepare(model);
                segments.append(&word, &mut ids, encode);
                encode(&mut want);
            }
            prop_assert_eq!(ids, want);
        }
    }
}
