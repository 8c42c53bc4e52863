//! Unigram: of all ways to cut a word into tokens the likeliest (Kudo 2018, *Subword regularization*).
//!
//! The scores are logarithms of probabilities; Viterbi's algorithm finds the greatest sum. As in the `tokenizers`
//! library, and unlike `SentencePiece`, of equal sums the one found first is kept: that whose last token begins
//! furthest to the left. Sums are built in the same order as there, so that rounding is the same.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::trie::{NONE, Trie};
use super::score::as_written;
use super::{Token, file};
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
    trie: Trie,
}

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
            trie: Trie::new(vocab.reachable().map(|(id, token)| (token, id)).collect(), 1),
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
        let best = self.best_ends(word)?;
        let start = tokens.len();
        let mut end = word.len();
        while end > 0 {
            let mut begin = best[end].begin as usize;
            if Some(best[end].id) == self.unk_id {
                // Neighbours that are unknown become one token.
                while begin > 0 && Some(best[begin].id) == self.unk_id {
                    begin = best[begin].begin as usize;
                }
                self.push_unknown_reversed(&word[begin..end], tokens);
            } else {
                tokens.push(Token { id: best[end].id, length: (end - begin) as u32 });
            }
            end = begin;
        }
        tokens[start..].reverse();
        Ok(())
    }

    /// For each place between characters the best way to cut what is before it.
    fn best_ends(&self, word: &str) -> Result<Vec<Best>> {
        let mut best = vec![Best { score: 0.0, begin: NONE, id: NONE }; word.len() + 1];
        for (begin, character) in word.char_indices() {
            let score_before = best[begin].score;
            let mut is_known = false;
            for (length, id) in self.trie.prefixes(&word.as_bytes()[begin..]) {
                let score = self.scores[id as usize] + score_before;
                best[begin + length].improve(score, begin, || Ok(id))?;
                is_known |= length == character.len_utf8();
            }
            if !is_known {
                let end = &mut best[begin + character.len_utf8()];
                end.improve(self.unk_score + score_before, begin, || {
                    self.unk_id.ok_or_else(|| {
                        Error::new(format!(
                            "{character:?} is not in the vocabulary, and model.unk_id is null"
                        ))
                        .advise("add the character, or set unk_id")
                    })
                })?;
            }
        }
        Ok(best)
    }

    /// What was unknown character by character may be a token as a whole, or be spelled as bytes.
    fn push_unknown_reversed(&self, text: &str, tokens: &mut Vec<Token>) {
        let length = text.len() as u32;
        if let Some(id) = self.vocab.id(text) {
            tokens.push(Token { id, length });
            return;
        }
        let start = tokens.len();
        let byte_id = |byte: u8| self.byte_ids.as_ref().and_then(|ids| ids[usize::from(byte)]);
        // Each of the bytes stands for the whole text, which the length of 0 says of all but the first.
        tokens.extend(text.bytes().rev().map_while(byte_id).map(|id| Token { id, length: 0 }));
        if tokens.len() - start < text.len() {
            tokens.truncate(start);
            tokens.extend(self.unk_id.map(|id| Token { id, length }));
        } else if let Some(first) = tokens.last_mut() {
            first.length = length;
        }
    }
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
            let best = model.best_ends(&word).unwrap();
            let want = greatest_sum(&tokens, model.unk_score, &word);
            prop_assert_eq!(best[word.len()].score.total_cmp(&want), std::cmp::Ordering::Equal);
            let mut found = Vec::new();
            model.encode_word(&word, &mut found).unwrap();
            prop_assert_eq!(found.iter().map(|token| token.length as usize).sum::<usize>(), word.len());
        }
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
