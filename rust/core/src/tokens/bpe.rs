//! Byte-pair encoding: a word is its bytes, joined pair by pair in the order in which training joined them.
//!
//! Sennrich, Haddow, Birch: *Neural machine translation of rare words with subword units* (ACL 2016); on bytes:
//! Radford et al. 2019. The lowest-ranked pair is joined first, the leftmost where several have that rank.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::text::byte_level;
use super::vocab::Vocab;
use crate::{Error, Result};

/// Above this many bytes a heap beats looking through all pairs for every merge.
const LONG_WORD: usize = 48;

/// The merges of a byte-level BPE.
#[derive(Debug, Clone)]
pub struct Bpe {
    byte_ids: [Option<u32>; 256],
    merges: FxHashMap<(u32, u32), Merge>,
    merge_list: Vec<(u32, u32)>,
    /// Words that are tokens as they stand, where the file says `ignore_merges`.
    whole_words: Option<FxHashMap<Vec<u8>, u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Merge {
    rank: u32,
    id: u32,
}

impl Bpe {
    /// A model from its merges, in order of rank, as pairs of tokens spelled in the byte-level alphabet.
    ///
    /// With `ignore_merges` a word that is a token is that token, whatever the merges say.
    pub fn new<'a>(
        vocab: &Vocab,
        merges: impl Iterator<Item = (&'a str, &'a str)>,
        ignore_merges: bool,
    ) -> Result<Self> {
        let mut byte_ids = [None; 256];
        let mut buffer = [0; 4];
        for byte in 0..=255_u8 {
            byte_ids[usize::from(byte)] = vocab.id(byte_level::char_of(byte).encode_utf8(&mut buffer));
        }
        let mut model =
            Self { byte_ids, merges: FxHashMap::default(), merge_list: Vec::new(), whole_words: None };
        for (rank, (left, right)) in merges.enumerate() {
            model
                .add_merge(vocab, rank, left, right)
                .map_err(|error| error.at(format!("model.merges[{rank}]")))?;
        }
        model.whole_words = ignore_merges
            .then(|| vocab.iter().map(|(id, token)| (byte_level::bytes_of(token), id)).collect());
        Ok(model)
    }

    fn add_merge(&mut self, vocab: &Vocab, rank: usize, left: &str, right: &str) -> Result<()> {
        let id = |token: &str| {
            vocab.id(token).ok_or_else(|| {
                Error::new(format!(
                    "{left:?} + {right:?} needs the token {token:?}, which is not in model.vocab"
                ))
                .advise("the file is damaged, or its vocab and merges are of different models")
            })
        };
        let pair = (id(left)?, id(right)?);
        // Of a pair that is listed twice the later rank holds, as in the `tokenizers` library.
        self.merges.insert(pair, Merge { rank: rank as u32, id: id(&format!("{left}{right}"))? });
        self.merge_list.push(pair);
        Ok(())
    }

    /// The merges as they were given: pairs of ids by rank.
    pub fn merges(&self) -> &[(u32, u32)] {
        &self.merge_list
    }

    /// Whether words that are tokens skip the merges.
    pub fn ignores_merges(&self) -> bool {
        self.whole_words.is_some()
    }

    /// Appends the ids of `word` to `ids`. Bytes that the vocabulary lacks are dropped, as the `tokenizers`
    /// library drops them where there is no unknown token.
    pub fn encode_word(&self, word: &[u8], cache: &mut WordCache, ids: &mut Vec<u32>) {
        if let Some(&id) = self.whole_words.as_ref().and_then(|words| words.get(word)) {
            ids.push(id);
        } else if let Some(known) = cache.get(word) {
            ids.extend_from_slice(known);
        } else {
            let start = ids.len();
            ids.extend(word.iter().filter_map(|&byte| self.byte_ids[usize::from(byte)]));
            let length = if ids.len() - start <= LONG_WORD {
                self.join_by_scanning(&mut ids[start..])
            } else {
                self.join_by_heap(&mut ids[start..])
            };
            ids.truncate(start + length);
            cache.insert(word, &ids[start..]);
        }
    }

    fn merge_of(&self, pair: &[u32]) -> Option<Merge> {
        self.merges.get(&(pair[0], pair[1])).copied()
    }

    /// Joins the symbols in place and returns how many are left. Quadratic, and the fastest on short words.
    fn join_by_scanning(&self, symbols: &mut [u32]) -> usize {
        let mut length = symbols.len();
        loop {
            let pairs = symbols[..length].windows(2).enumerate();
            let best = pairs.filter_map(|(place, pair)| Some((self.merge_of(pair)?, place))).min();
            let Some((merge, place)) = best else { return length };
            symbols[place] = merge.id;
            symbols.copy_within(place + 2..length, place + 1);
            length -= 1;
        }
    }

    /// The same in O(n log n), for words of any length: a heap of candidate merges over a linked list.
    fn join_by_heap(&self, symbols: &mut [u32]) -> usize {
        let mut list = LinkedSymbols::new(symbols);
        let mut heap: BinaryHeap<_> =
            (1..symbols.len()).filter_map(|place| self.candidate(symbols, place - 1, place)).collect();
        while let Some(Reverse((merge, place, pair))) = heap.pop() {
            let Some(next) = list.next(place) else { continue };
            if (symbols[place], symbols[next]) != pair || list.is_gone(place) {
                continue;
            }
            symbols[place] = merge.id;
            list.remove(next);
            if let Some(after) = list.next(place) {
                heap.extend(self.candidate(symbols, place, after));
            }
            if let Some(before) = list.previous(place) {
                heap.extend(self.candidate(symbols, before, place));
            }
        }
        list.compact(symbols)
    }

    fn candidate(&self, symbols: &[u32], place: usize, next: usize) -> Option<Candidate> {
        let pair = (symbols[place], symbols[next]);
        Some(Reverse((*self.merges.get(&pair)?, place, pair)))
    }
}

/// A possible merge, its place, and the pair that it was seen for: by the time it is popped either may have changed.
type Candidate = Reverse<(Merge, usize, (u32, u32))>;

const NONE: u32 = u32::MAX;

/// Which symbols are left of a word, as a doubly linked list over their first places.
struct LinkedSymbols {
    next: Vec<u32>,
    previous: Vec<u32>,
    gone: Vec<bool>,
}

impl LinkedSymbols {
    fn new(symbols: &[u32]) -> Self {
        let length = symbols.len();
        let next = (1..length as u32).chain([NONE]).collect();
        let previous = [NONE].into_iter().chain(0..length as u32 - 1).collect();
        Self { next, previous, gone: vec![false; length] }
    }

    fn next(&self, place: usize) -> Option<usize> {
        Some(self.next[place]).filter(|&next| next != NONE).map(|next| next as usize)
    }

    fn previous(&self, place: usize) -> Option<usize> {
        Some(self.previous[place]).filter(|&previous| previous != NONE).map(|previous| previous as usize)
    }

    fn is_gone(&self, place: usize) -> bool {
        self.gone[place]
    }

    /// Removes a symbol that is not the first.
    fn remove(&mut self, place: usize) {
        let (before, after) = (self.previous[place], self.next[place]);
        self.gone[place] = true;
        self.next[before as usize] = after;
        if after != NONE {
            self.previous[after as usize] = before;
        }
    }

    fn compact(&self, symbols: &mut [u32]) -> usize {
        let mut length = 0;
        for place in (0..symbols.len()).filter(|&place| !self.gone[place]) {
            symbols[length] = symbols[place];
            length += 1;
        }
        length
    }
}

/// Words seen before and their ids. Text repeats itself: most words are looked up, not merged.
///
/// It is bounded, so memory does not grow with the text: when full it starts afresh.
#[derive(Debug, Clone, Default)]
pub struct WordCache {
    words: FxHashMap<Box<[u8]>, Box<[u32]>>,
}

impl WordCache {
    const CAPACITY: usize = 1 << 17;
    const LONGEST: usize = 64;

    fn get(&self, word: &[u8]) -> Option<&[u32]> {
        self.words.get(word).map(|ids| &**ids)
    }

    fn insert(&mut self, word: &[u8], ids: &[u32]) {
        if word.len() <= Self::LONGEST {
            if self.words.len() >= Self::CAPACITY {
                self.words.clear();
            }
            self.words.insert(word.into(), ids.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(merges: &[(&str, &str)], ignore_merges: bool) -> (Vocab, Bpe) {
        let mut vocab = Vocab::default();
        let letters = ["a", "b", "c", "d"].map(str::to_owned);
        for token in letters.into_iter().chain(merges.iter().map(|(left, right)| format!("{left}{right}"))) {
            if vocab.id(&token).is_none() {
                vocab.insert(&token, vocab.size() as u32).unwrap();
            }
        }
        let bpe = Bpe::new(&vocab, merges.iter().copied(), ignore_merges).unwrap();
        (vocab, bpe)
    }

    fn tokens(merges: &[(&str, &str)], ignore_merges: bool, word: &str) -> Vec<String> {
        let (vocab, bpe) = model(merges, ignore_merges);
        let mut ids = Vec::new();
        bpe.encode_word(word.as_bytes(), &mut WordCache::default(), &mut ids);
        ids.iter().map(|&id| vocab.token(id).unwrap().to_owned()).collect()
    }

    #[test]
    fn cases() {
        let merges = [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "a"), ("aa", "a")];
        for (word, want) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("abc", vec!["abc"]),
            ("bc", vec!["bc"]),
            ("aaaa", vec!["aa", "aa"]),
            ("aaaaa", vec!["aa", "aaa"]),
            ("axb", vec!["a", "b"]),
        ] {
            // "axb": x is not in the vocabulary, is dropped, and yet its neighbours are joined.
            let want = if word == "axb" { vec!["ab"] } else { want };
            assert_eq!(tokens(&merges, false, word), want, "{word}");
        }
    }

    #[test]
    fn whole_words_skip_the_merges_when_asked() {
        let merges = [("b", "c"), ("a", "b"), ("ab", "c")];
        assert_eq!(tokens(&merges, false, "abc"), ["a", "bc"]);
        assert_eq!(tokens(&merges, true, "abc"), ["abc"]);
    }

    #[test]
    fn merges_of_unknown_tokens_are_refused() {
        let mut vocab = Vocab::default();
        vocab.insert("a", 0).unwrap();
        let error = Bpe::new(&vocab, [("a", "z")].into_iter(), false).unwrap_err().to_string();
        assert!(error.starts_with("model.merges[0]: \"a\" + \"z\" needs the token \"z\""), "{error}");
    }

    proptest! {
        #[test]
        fn the_heap_and_the_scan_agree(word in proptest::collection::vec(0_u32..4, 1..80)) {
            let merges = [("a", "b"), ("b", "c"), ("a", "a"), ("aa", "aa"), ("ab", "c"), ("d", "d"), ("c", "abc"), ("b", "b"), ("aa", "b")];
            let (_, bpe) = model(&merges, false);
            let (mut scanned, mut heaped) = (word.clone(), word);
            let lengths = (bpe.join_by_scanning(&mut scanned), bpe.join_by_heap(&mut heaped));
            prop_assert_eq!(&scanned[..lengths.0], &heaped[..lengths.1]);
        }
    }
}
