//! Words as bytes, for vocabularies that spell bytes in the byte-level alphabet.

use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use super::compatible::Origins;
use super::merge::Merges;
use super::segments::{Edges, Segments};
use super::symbols::Symbols;
use super::whole::WholeTokens;
use crate::text::byte_level;
use crate::tokens::Vocab;

/// What reads bytes where the vocabulary spells them.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    pub(super) ids: Box<[u32; 256]>,
    /// Words that are tokens as they stand, whatever they are merged to.
    whole_words: FxHashMap<Box<[u8]>, u32>,
    /// Tokens that their own text is merged to.
    whole_tokens: WholeTokens,
    edges: Edges,
    /// The merge of each two bytes, at 256 times the first and the second: rank and what comes of it. All words begin
    /// as bytes, so half of all pairs that are looked for are these.
    first_merges: Box<[(u32, u32)]>,
    /// Tells these merges from all others.
    number: u64,
}

/// The rank of a pair that is not merged.
const NONE: u32 = u32::MAX;

impl Bytes {
    /// `is_whole` says that a word that is a token is that token, whatever it is merged to.
    pub(super) fn new(ids: Box<[u32; 256]>, vocab: &Vocab, merges: &Merges, is_whole: bool) -> Self {
        let pairs = ids.iter().flat_map(|&left| ids.iter().map(move |&right| (left, right)));
        let first_merges = pairs
            .map(|(left, right)| merges.get(left, right).map_or((NONE, NONE), |merge| (merge.rank, merge.id)))
            .collect();
        let origins = Origins::new(merges, &ids[..]);
        let mut whole_words = FxHashMap::default();
        let mut whole_tokens = WholeTokens::with_room(origins.as_ref().map_or(0, Origins::count));
        // The first byte and the last of each token.
        let mut ends = Vec::new();
        let mut bytes = Vec::new();
        for (id, token) in vocab.iter() {
            if !spell(token, &mut bytes) {
                continue;
            }
            ends.resize(id as usize + 1, None);
            ends[id as usize] = bytes.first().copied().zip(bytes.last().copied());
            if origins.as_ref().is_some_and(|origins| origins.comes_to_be(id)) {
                whole_tokens.insert(&bytes, id);
            } else if is_whole && vocab.id(token) == Some(id) {
                whole_words.insert(bytes.as_slice().into(), id);
            }
        }
        let end = |id: u32| ends.get(id as usize).copied().flatten();
        let edge =
            |(left, right): (u32, u32)| end(left).zip(end(right)).map(|(left, right)| (left.1, right.0));
        let edges = Edges::new(merges.pairs().filter_map(edge));
        Self { ids, whole_words, whole_tokens, edges, first_merges, number: next_number() }
    }

    /// Calls `visit` with the tokens of a word, each with how many bytes it covers.
    pub(super) fn encode(&self, merges: &Merges, word: &[u8], mut visit: impl FnMut(u32, usize)) {
        match self.whole_word(word) {
            Some(id) => visit(id, word.len()),
            None => merges.merge(&Spelled { bytes: self, word }, visit),
        }
    }

    /// Appends the ids of the tokens that [`Bytes::encode`] gives.
    pub(super) fn encode_ids(
        &self,
        merges: &Merges,
        word: &[u8],
        segments: &mut Segments,
        ids: &mut Vec<u32>,
    ) {
        if let Some(id) = self.whole_tokens.get(word).or_else(|| self.whole_word(word)) {
            ids.push(id);
            return;
        }
        let merge = |word, ids: &mut Vec<u32>| {
            merges.merge(&Spelled { bytes: self, word }, |id, _| ids.push(id));
        };
        let mut length = self.edges.first_segment(word);
        if length == word.len() {
            return merge(word, ids);
        }
        segments.prepare(self.number);
        let mut rest = word;
        while length > 0 {
            let (segment, after) = rest.split_at(length);
            match *segment {
                [byte] => ids.push(self.ids[usize::from(byte)]),
                _ => segments.append(segment, ids, |ids| merge(segment, ids)),
            }
            rest = after;
            length = self.edges.first_segment(rest);
        }
    }

    #[inline]
    fn whole_word(&self, word: &[u8]) -> Option<u32> {
        if self.whole_words.is_empty() { None } else { self.whole_words.get(word).copied() }
    }
}

fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// The bytes that a token spells; false where it has a character outside of the alphabet, so that no word is spelled so.
fn spell(token: &str, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    for character in token.chars() {
        match byte_level::byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => return false,
        }
    }
    true
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

#[cfg(test)]
mod tests {
    use crate::text::byte_level;
    use crate::tokens::Vocab;
    use crate::tokens::models::{Bpe, BpeSettings, Model, Scratch};
    use proptest::prelude::*;

    /// A model that reads bytes, whose tokens are joined from those before, or from all of them where `shuffle` is set.
    fn model(pairs: &[(usize, usize)], shuffle: usize, ignore_merges: bool) -> Model {
        let mut vocab = Vocab::default();
        for byte in 0..=255 {
            vocab.append(&byte_level::char_of(byte).to_string()).unwrap();
        }
        // Characters of three bytes with the same first two, letters, and a byte that begins nothing.
        let spell = |text: &[u8]| text.iter().map(|&byte| byte_level::char_of(byte)).collect::<String>();
        let mut tokens: Vec<String> =
            [0xE4, 0xBD, 0xA0, 0xA1, b'a', b'b', 0].map(|byte| spell(&[byte])).into();
        let mut merges: Vec<(String, String)> = Vec::new();
        for &(left, right) in pairs {
            let (left, right) = (tokens[left % tokens.len()].clone(), tokens[right % tokens.len()].clone());
            let token = format!("{left}{right}");
            if vocab.id(&token).is_none() {
                vocab.append(&token).unwrap();
                tokens.push(token);
            }
            merges.push((left, right));
        }
        let places = 0..merges.len();
        let mut order: Vec<usize> = places.collect();
        order.sort_by_key(|place| place * shuffle % 1009);
        let merges = order.into_iter().map(|place| merges[place].clone());
        let settings = BpeSettings { ignore_merges, ..BpeSettings::default() };
        let mut model = Bpe::new(vocab, merges, settings).unwrap();
        model.read_bytes();
        Model::Bpe(model)
    }

    proptest! {
        #[test]
        fn ids_are_those_of_the_tokens(
            pairs in proptest::collection::vec((0_usize..60, 0_usize..60), 0..60),
            shuffle in prop_oneof![3 => Just(1_usize), 1 => 1_usize..1009],
            ignore_merges in any::<bool>(),
            words in proptest::collection::vec(
                proptest::collection::vec(proptest::sample::select(&b"\xE4\xBD\xA0\xA1ab\0 "[..]), 0..100),
                1..20,
            ),
        ) {
            let models = [model(&pairs, shuffle, ignore_merges), model(&pairs[..pairs.len() / 2], 1, false)];
            let mut scratch = Scratch::default();
            for model in [0, 1, 0] {
                for word in &words {
                    let (mut ids, mut tokens) = (Vec::new(), Vec::new());
                    models[model].encode_ids(word, &mut scratch, &mut ids).unwrap();
                    models[model].encode_bytes(word, &mut tokens).unwrap();
                    prop_assert_eq!(ids, tokens.iter().map(|token| token.id).collect::<Vec<_>>());
                }
            }
            let vocab = models[0].vocab();
            for (_, token) in vocab.iter() {
                let word: Vec<u8> = token.chars().filter_map(byte_level::byte_of).collect();
                let (mut ids, mut tokens) = (Vec::new(), Vec::new());
                models[0].encode_ids(&word, &mut scratch, &mut ids).unwrap();
                models[0].encode_bytes(&word, &mut tokens).unwrap();
                prop_assert_eq!(ids, tokens.iter().map(|token| token.id).collect::<Vec<_>>());
            }
        }
    }
}
