//! Unigram: of all ways to cut a word into tokens the likeliest (Kudo 2018, *Subword regularization*).
//!
//! The scores are logarithms of probabilities; Viterbi's algorithm finds the greatest sum. As in the `tokenizers`
//! library, and unlike `SentencePiece`, of equal sums the one found first is kept: that whose last token begins
//! furthest to the left. Sums are built in the same order as there, so that rounding is the same.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lattice::{Lattice, NO_TOKEN, Tokens};
use super::super::trie::{NONE, Trie};
use super::score::as_written;
use super::{Entry, Token, file};
use crate::tokens::Vocab;
use crate::{Error, Result};

/// How much worse an unknown character is than the worst token.
const UNKNOWN_PENALTY: f64 = 10.0;

/// A vocabulary with scores.
#[derive(Debug, Clone)]
pub struct Unigram {
    vocab: Vocab,
    scores: Vec<f64>,
    unk_id: Option<u32>,
    unk_score: f64,
    byte_fallback: bool,
    /// The ids of `<0x00>` to `<0xFF>`, where they are to be used.
    byte_ids: Option<Box<[Option<u32>; 256]>>,
    longest: usize,
    finder: Finder,
}

/// What finds the tokens of a word.
#[derive(Debug, Clone)]
enum Finder {
    Lattice(Tokens<f64>),
    /// For the vocabularies that a lattice does not take.
    Plain(Trie),
}

/// A sum of greater scores might not be a number.
const GREATEST_SCORE: f64 = 1e280;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnigramFile {
    #[serde(rename = "type")]
    _kind: Option<String>,
    vocab: Vec<(String, f64)>,
    unk_id: Option<usize>,
    #[serde(default)]
    byte_fallback: bool,
}

/// The best way to cut what ends here: its score, and its last token.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    begin: u32,
    id: u32,
}

impl Unigram {
    /// A model from its tokens and their scores; a token's id is its place. A text that is listed twice means the
    /// later of its ids. Without `unk_id`, a character that no token covers is an error.
    pub fn new(tokens: &[(String, f64)], unk_id: Option<usize>, byte_fallback: bool) -> Result<Self> {
        if let Some(unk_id) = unk_id.filter(|&unk_id| unk_id >= tokens.len()) {
            return Err(Error::new(format!("unk_id is {unk_id}"))
                .at("model.unk_id")
                .advise(format!("there are {} tokens, whose ids begin at 0", tokens.len())));
        }
        let mut vocab = Vocab::default();
        for (place, (token, score)) in tokens.iter().enumerate() {
            if !score.is_finite() {
                return Err(Error::new(format!("the score of {} is {score}", file::quoted(token)))
                    .at(format!("model.vocab[{place}]"))
                    .advise("scores are logarithms of probabilities"));
            }
            vocab.append(token).map_err(|error| error.at("model.vocab"))?;
        }
        let least = tokens.iter().map(|&(_, score)| score).fold(f64::INFINITY, f64::min);
        Ok(Self {
            scores: tokens.iter().map(|&(_, score)| score).collect(),
            unk_id: unk_id.map(|unk_id| unk_id as u32),
            unk_score: least - UNKNOWN_PENALTY,
            byte_fallback,
            byte_ids: byte_fallback.then(|| file::byte_fallback_ids(&vocab)),
            longest: tokens.iter().map(|(token, _)| token.len()).max().unwrap_or(0),
            finder: Finder::new(&vocab, tokens, least - UNKNOWN_PENALTY),
            vocab,
        })
    }

    pub(super) fn from_json(model: Value) -> Result<Self> {
        let fields: UnigramFile = file::fields(model)?;
        Self::new(&fields.vocab, fields.unk_id, fields.byte_fallback)
    }

    pub(super) fn to_json(&self) -> Value {
        let tokens = self.vocab.iter().zip(&self.scores);
        let tokens = tokens.map(|((_, token), &score)| json!([token, as_written(score)]));
        json!({
            "type": "Unigram",
            "unk_id": self.unk_id,
            "vocab": tokens.collect::<Vec<_>>(),
            "byte_fallback": self.byte_fallback,
        })
    }

    pub(super) fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    pub(super) fn encode_word(&self, word: &str, tokens: &mut Vec<Token>) -> Result<()> {
        self.encode(word.as_bytes(), &mut Lattice::default(), tokens)
    }

    /// Appends the ids of a word alone, which is UTF-8.
    pub(in crate::tokens) fn encode_ids(
        &self,
        word: &[u8],
        lattice: &mut Lattice<f64>,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        self.encode(word, lattice, ids)
    }

    /// Appends the tokens of a word.
    fn encode<E: Entry>(&self, word: &[u8], lattice: &mut Lattice<f64>, out: &mut Vec<E>) -> Result<()> {
        match &self.finder {
            Finder::Lattice(tokens) => {
                // Neighbours that are unknown belong together.
                let goes_on = |id| self.is_unknown(id);
                let visit = |lattice: &Lattice<f64>, stretch: Range<usize>| {
                    let last = |end| lattice.last(tokens, end);
                    self.check_unknown(word, stretch.clone(), last)?;
                    self.append(word, stretch, last, out)
                };
                lattice.pass(tokens, word, 0.0, goes_on, visit).map(|_| ())
            }
            Finder::Plain(trie) => {
                let best = self.best_ends(trie, str_of(word)?)?;
                let last = |end: usize| (best[end].id, best[end].begin as usize);
                self.append(word, 0..word.len(), last, out)
            }
        }
    }

    fn is_unknown(&self, id: u32) -> bool {
        id == NO_TOKEN || Some(id) == self.unk_id
    }

    /// Without an id for unknown characters there may be none.
    fn check_unknown(
        &self,
        word: &[u8],
        stretch: Range<usize>,
        last: impl Fn(usize) -> (u32, usize),
    ) -> Result<()> {
        if self.unk_id.is_some() {
            return Ok(());
        }
        let mut end = stretch.start;
        for character in str_of(&word[stretch])?.chars() {
            end += character.len_utf8();
            if last(end).0 == NO_TOKEN {
                return Err(unknown_character(character));
            }
        }
        Ok(())
    }

    /// Appends the tokens of a stretch of a word. `last` gives the last token of the best way to each place, and where it
    /// begins.
    fn append<E: Entry>(
        &self,
        word: &[u8],
        stretch: Range<usize>,
        last: impl Fn(usize) -> (u32, usize),
        out: &mut Vec<E>,
    ) -> Result<()> {
        let start = out.len();
        let mut push = |id, length: u32| out.push(E::new(id, length as usize));
        let mut end = stretch.end;
        while end > stretch.start {
            let (id, mut begin) = last(end);
            if self.is_unknown(id) {
                // Neighbours that are unknown become one token.
                while begin > stretch.start {
                    let (id, before) = last(begin);
                    if !self.is_unknown(id) {
                        break;
                    }
                    begin = before;
                }
                self.push_unknown_reversed(str_of(&word[begin..end])?, &mut push);
            } else {
                push(id, (end - begin) as u32);
            }
            end = begin;
        }
        out[start..].reverse();
        Ok(())
    }

    /// What was unknown character by character may be a token as a whole, or be spelled as bytes.
    fn push_unknown_reversed(&self, text: &str, push: &mut impl FnMut(u32, u32)) {
        let length = text.len() as u32;
        let whole = Some(text).filter(|text| text.len() <= self.longest);
        let spelled =
            self.byte_ids.as_ref().filter(|ids| text.bytes().all(|byte| ids[usize::from(byte)].is_some()));
        if let Some(id) = whole.and_then(|text| self.vocab.id(text)) {
            push(id, length);
        } else if let Some(ids) = spelled {
            // Each of the bytes stands for the whole text, which the length of 0 says of all but the first.
            for (place, byte) in text.bytes().enumerate().rev() {
                ids[usize::from(byte)]
                    .into_iter()
                    .for_each(|id| push(id, if place == 0 { length } else { 0 }));
            }
        } else {
            self.unk_id.into_iter().for_each(|id| push(id, length));
        }
    }

    /// For each place between characters the best way to cut what is before it: the rule itself, plainly.
    fn best_ends(&self, trie: &Trie, word: &str) -> Result<Vec<Best>> {
        let mut best = vec![Best { score: 0.0, begin: NONE, id: NONE }; word.len() + 1];
        for (begin, character) in word.char_indices() {
            let score_before = best[begin].score;
            let mut is_known = false;
            for (length, id) in trie.prefixes(&word.as_bytes()[begin..]) {
                let score = self.scores[id as usize] + score_before;
                best[begin + length].improve(score, begin, || Ok(id))?;
                is_known |= length == character.len_utf8();
            }
            if !is_known {
                let end = &mut best[begin + character.len_utf8()];
                end.improve(self.unk_score + score_before, begin, || {
                    self.unk_id.map(|_| NO_TOKEN).ok_or_else(|| unknown_character(character))
                })?;
            }
        }
        Ok(best)
    }
}

impl Finder {
    fn new(vocab: &Vocab, tokens: &[(String, f64)], unknown: f64) -> Self {
        let is_tame = tokens.iter().all(|(_, score)| score.abs() < GREATEST_SCORE);
        let reachable = || vocab.reachable().filter(|(_, token)| !token.is_empty());
        let scored = || reachable().map(|(id, token)| (token, id, tokens[id as usize].1)).collect::<Vec<_>>();
        let lattice = is_tame.then(|| Tokens::new(&scored(), tokens.len(), unknown)).flatten();
        lattice.map_or_else(|| Self::Plain(plain_trie(vocab)), Self::Lattice)
    }
}

fn plain_trie(vocab: &Vocab) -> Trie {
    Trie::new(vocab.reachable().map(|(id, token)| (token, id)).collect(), 1)
}

/// Words are cut out of text between characters.
fn str_of(word: &[u8]) -> Result<&str> {
    std::str::from_utf8(word).map_err(|error| Error::new(error.to_string()))
}

fn unknown_character(character: char) -> Error {
    Error::new(format!("{character:?} is not in the vocabulary, and model.unk_id is null"))
        .advise("add the character, or set unk_id")
}

impl Best {
    fn improve(&mut self, score: f64, begin: usize, id: impl FnOnce() -> Result<u32>) -> Result<()> {
        if self.begin == NONE || score > self.score {
            *self = Self { score, begin: begin as u32, id: id()? };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The greatest sum over all ways to cut `word`.
    fn greatest_sum(tokens: &[(String, f64)], unknown: f64, word: &str) -> f64 {
        let Some(character) = word.chars().next() else { return 0.0 };
        let mut best = f64::NEG_INFINITY;
        for end in (1..=word.len()).filter(|&end| word.is_char_boundary(end)) {
            let known = tokens.iter().find(|(token, _)| token == &word[..end]).map(|&(_, score)| score);
            let score = known.or_else(|| (end == character.len_utf8()).then_some(unknown));
            if let Some(score) = score {
                best = best.max(score + greatest_sum(tokens, unknown, &word[end..]));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_cut_is_likelier(
            scores in proptest::collection::btree_map("[abé]{1,4}", -20_i32..0, 1..12),
            word in "[abéx]{0,9}",
        ) {
            // Whole numbers, so that sums are exact.
            let mut tokens: Vec<(String, f64)> =
                scores.into_iter().map(|(token, score)| (token, f64::from(score))).collect();
            tokens.push(("<unk>".to_owned(), 0.0));
            let model = Unigram::new(&tokens, Some(tokens.len() - 1), false).unwrap();
            let best = model.best_ends(&plain_trie(&model.vocab), &word).unwrap();
            let want = greatest_sum(&tokens, model.unk_score, &word);
            prop_assert_eq!(best[word.len()].score.total_cmp(&want), std::cmp::Ordering::Equal);
            let mut found = Vec::new();
            model.encode_word(&word, &mut found).unwrap();
            prop_assert_eq!(found.iter().map(|token| token.length as usize).sum::<usize>(), word.len());
        }
    }

    fn plainly(model: &Unigram) -> Unigram {
        Unigram { finder: Finder::Plain(plain_trie(&model.vocab)), ..model.clone() }
    }

    fn tokens_of(model: &Unigram, word: &str) -> std::result::Result<Vec<Token>, String> {
        let mut tokens = Vec::new();
        model.encode_word(word, &mut tokens).map_err(|error| error.to_string())?;
        Ok(tokens)
    }

    /// Scores with many ties, and such as are all but ties.
    fn near_ties() -> impl Strategy<Value = f64> {
        (0..4, 0..3).prop_map(|(tenths, ulps)| -0.1 * f64::from(tenths) - 1e-16 * f64::from(ulps) - 1.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_lattice_finds_what_the_plain_rule_finds(
            scores in proptest::collection::vec(("[ab▁é日]{1,5}", near_ties()), 1..40),
            word in "[ab▁é日x😀]{0,40}",
            has_unknown in any::<bool>(),
            byte_fallback in any::<bool>(),
        ) {
            let mut tokens = vec![("<unk>".to_owned(), 0.0), ("xé".to_owned(), -50.0)];
            let bytes = byte_fallback.then(|| (0..=255).map(|byte| (format!("<0x{byte:02X}>"), -3.0)));
            tokens.extend(bytes.into_iter().flatten());
            tokens.extend(scores);
            let model = Unigram::new(&tokens, has_unknown.then_some(0), byte_fallback).unwrap();
            prop_assert!(matches!(model.finder, Finder::Lattice(_)));
            let want = tokens_of(&plainly(&model), &word);
            prop_assert_eq!(&tokens_of(&model, &word), &want);
            let mut ids = vec![7];
            let found = model.encode_ids(word.as_bytes(), &mut Lattice::default(), &mut ids);
            if let (Ok(()), Ok(want)) = (found, want) {
                prop_assert_eq!(&ids[1..], &want.iter().map(|token| token.id).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_way_that_ends_may_begin_before_its_stretch() {
        let tokens = ["é日", "▁", "é日é", "é", "a"].map(|token| (token.to_owned(), -1.0));
        let model = Unigram::new(&tokens, None, false).unwrap();
        let word = "▁aé日é日é日é日é";
        assert_eq!(tokens_of(&model, word), tokens_of(&plainly(&model), word));
    }

    #[test]
    fn words_longer_than_a_block_are_cut_as_plainly() {
        let tokens = [("<unk>", 0.0), ("a", -1.1), ("ab", -1.7), ("baab", -2.9), ("é", -1.3), ("béa", -2.0)]
            .map(|(token, score)| (token.to_owned(), score));
        let model = Unigram::new(&tokens, Some(0), false).unwrap();
        for size in (4080..4110).chain([8191, 8192, 8193, 30_000]) {
            let mut state = 12_345_u32;
            let word: String = (0..size)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ['a', 'b', 'b', 'é', 'a', '日'][(state >> 16) as usize % 6]
                })
                .collect();
            assert_eq!(tokens_of(&model, &word), tokens_of(&plainly(&model), &word), "{size}");
        }
    }

    #[test]
    fn scores_beyond_measure_are_taken_as_they_are() {
        let tokens = [("<unk>", 0.0), ("a", -1e300), ("aa", -1.5e308), ("b", 1.0)]
            .map(|(token, score)| (token.to_owned(), score));
        let model = Unigram::new(&tokens, Some(0), false).unwrap();
        assert!(matches!(model.finder, Finder::Plain(_)));
        assert_eq!(tokens_of(&model, "aab").unwrap().len(), 3);
    }

    /// `serde_json` rounds the last digit wrongly unless told otherwise (its feature `float_roundtrip`), and so do the
    /// scores of the `tokenizers` library: with better ones, equal sums might differ and unequal ones be equal.
    #[test]
    fn scores_are_rounded_as_in_the_tokenizers_library() {
        let file = r#"{"vocab": [["a", -9.122965753604479], ["b", -9.608139146870613]]}"#;
        let model = Unigram::from_json(serde_json::from_str(file).unwrap()).unwrap();
        let shown = model.scores.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown, ["-9.12296575360448", "-9.608139146870611"]);
    }

    #[test]
    fn a_word_of_a_megabyte_is_no_trouble() {
        let tokens =
            [("<unk>", 0.0), ("a", -1.0), ("aaaa", -2.0)].map(|(token, score)| (token.to_owned(), score));
        let model = Unigram::new(&tokens, Some(0), false).unwrap();
        let mut found = Vec::new();
        model.encode_word(&"a".repeat(1_000_000), &mut found).unwrap();
        assert_eq!(found.len(), 250_000);
    }
}
