//! Unigram: of all ways to cut a word into tokens the likeliest (Kudo 2018, *Subword regularization*).
//!
//! The scores are logarithms of probabilities; Viterbi's algorithm finds the greatest sum. As in the `tokenizers`
//! library, and unlike `SentencePiece`, of equal sums the one found first is kept: that whose last token begins
//! furthest to the left. Sums are built in the same order as there, so that rounding is the same.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lattice::{Lattice, NO_TOKEN, Tokens, backwards};
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
        let mut unknown = None;
        match &self.finder {
            Finder::Lattice(tokens) => {
                let visit = |lattice: &Lattice<f64>, stretch: Range<usize>| {
                    let last = |end| lattice.last(tokens, end);
                    self.check_unknown(word, stretch.clone(), last)?;
                    unknown = self.append(word, stretch, unknown, last, out);
                    Ok(())
                };
                lattice.pass(tokens, word, 0.0, visit)?;
            }
            Finder::Plain(trie) => {
                let best = self.best_ends(trie, str_of(word)?)?;
                let last = |end: usize| (best[end].id, best[end].begin as usize);
                unknown = self.append(word, 0..word.len(), None, last, out);
            }
        }
        let start = out.len();
        if let Some(begin) = unknown {
            self.push_unknown_reversed(&word[begin..], &mut |id, length| {
                out.push(E::new(id, length as usize));
            });
        }
        out[start..].reverse();
        Ok(())
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
    /// begins. Neighbours that are unknown become one token, so those at the end are not appended: the place where they
    /// begin is returned, and is `unknown` of the next stretch.
    fn append<E: Entry>(
        &self,
        word: &[u8],
        stretch: Range<usize>,
        mut unknown: Option<usize>,
        last: impl Fn(usize) -> (u32, usize),
        out: &mut Vec<E>,
    ) -> Option<usize> {
        if stretch.is_empty() {
            return unknown;
        }
        let start = out.len();
        let mut push = |id, length: u32| out.push(E::new(id, length as usize));
        let mut going_on = None;
        let mut way = backwards(stretch.clone(), last).peekable();
        while let Some((id, Range { start: mut begin, end })) = way.next() {
            if !self.is_unknown(id) {
                push(id, (end - begin) as u32);
                continue;
            }
            while let Some((_, before)) = way.next_if(|&(id, _)| self.is_unknown(id)) {
                begin = before.start;
            }
            if begin == stretch.start {
                begin = unknown.take().unwrap_or(begin);
            }
            if end == stretch.end {
                going_on = Some(begin);
            } else {
                self.push_unknown_reversed(&word[begin..end], &mut push);
            }
        }
        if let Some(begin) = unknown {
            self.push_unknown_reversed(&word[begin..stretch.start], &mut push);
        }
        out[start..].reverse();
        going_on
    }

    /// What was unknown character by character may be a token as a whole, or be spelled as bytes.
    fn push_unknown_reversed(&self, text: &[u8], push: &mut impl FnMut(u32, u32)) {
        let length = text.len() as u32;
        let whole = Some(text).filter(|text| text.len() <= self.longest);
        let whole = whole.and_then(|text| std::str::from_utf8(text).ok());
        let spelled =
            self.byte_ids.as_ref().filter(|ids| text.iter().all(|&byte| ids[usize::from(byte)].is_some()));
        if let Some(id) = whole.and_then(|text| self.vocab.id(text)) {
            push(id, length);
        } else if let Some(ids) = spelled {
            // Each of the bytes stands for the whole text, which the length of 0 says of all but the first.
            for (place, &byte) in text.iter().enumerate().rev() {
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
pub(in crate::tokens) fn str_of(word: &[u8]) -> Result<&str> {
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
#[path = "unigram_tests.rs"]
mod unigram_tests;
