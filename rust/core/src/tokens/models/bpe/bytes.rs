//! Words as bytes, for vocabularies that spell bytes in the byte-level alphabet.

use rustc_hash::FxHashMap;

use super::merge::Merges;
use super::symbols::Symbols;

/// What reads bytes where the vocabulary spells them.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    pub(super) ids: Box<[u32; 256]>,
    /// Words that are tokens as they stand; empty unless merges are ignored for them.
    whole_words: FxHashMap<Box<[u8]>, u32>,
    /// The merge of each two bytes, at 256 times the first and the second: rank and what comes of it. All words begin
    /// as bytes, so half of all pairs that are looked for are these.
    first_merges: Box<[(u32, u32)]>,
}

/// The rank of a pair that is not merged.
const NONE: u32 = u32::MAX;

impl Bytes {
    pub(super) fn new(ids: Box<[u32; 256]>, whole_words: FxHashMap<Box<[u8]>, u32>, merges: &Merges) -> Self {
        let pairs = ids.iter().flat_map(|&left| ids.iter().map(move |&right| (left, right)));
        let first_merges = pairs
            .map(|(left, right)| merges.get(left, right).map_or((NONE, NONE), |merge| (merge.rank, merge.id)))
            .collect();
        Self { ids, whole_words, first_merges }
    }

    /// Calls `visit` with the tokens of a word, each with how many bytes it covers.
    pub(super) fn encode(&self, merges: &Merges, word: &[u8], mut visit: impl FnMut(u32, usize)) {
        let whole = if self.whole_words.is_empty() { None } else { self.whole_words.get(word) };
        match whole {
            Some(&id) => visit(id, word.len()),
            None => merges.merge(&Spelled { bytes: self, word }, visit),
        }
    }
}

/// The bytes of a word as symbols.
struct Spelled<'w> {
    bytes: &'w Bytes,
    word: &'w [u8],
}

impl Symbols for Spelled<'_> {
    fn len(&self) -> usize {
        self.word.len()
    }

    #[inline]
    fn symbol(&self, place: usize) -> u32 {
        self.bytes.ids[usize::from(self.word[place])]
    }

    #[inline]
    fn first_merge(&self, _merges: &Merges, place: usize) -> Option<(u32, u32)> {
        let (left, right) = (self.word[place], self.word[place + 1]);
        let merge = self.bytes.first_merges[usize::from(left) * 256 + usize::from(right)];
        (merge.0 != NONE).then_some(merge)
    }
}
