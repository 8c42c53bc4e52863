//! Viterbi's algorithm over a text: of all ways to cut it into tokens, the one whose scores have the greatest sum.
//!
//! Of each place the last token of the best way there is kept, four bytes; of the sums only those within reach, so that
//! they stay in the cache however long the text is.

use std::hint::select_unpredictable;

use super::scored_trie::{NO_TOKEN, Score, ScoredTrie};

/// So many places are gone through before the sums within reach are moved to the front again.
const BLOCK: usize = 4096;

/// Room for more than so many places is given back after use.
const KEPT: usize = 1 << 18;

/// A character has at most so many bytes.
const CHARACTER: usize = 4;

/// The best way to each place of a text. Its memory is used again for the next text.
#[derive(Debug, Clone)]
pub(super) struct Lattice<S> {
    sums: Vec<S>,
    /// For each place the last token of the best way there, greater than any id for an unknown character.
    ids: Vec<u32>,
}

impl<S> Default for Lattice<S> {
    fn default() -> Self {
        Self { sums: Vec::new(), ids: Vec::new() }
    }
}

/// What a lattice is made of: the tokens, and what there is besides.
#[derive(Debug, Clone)]
pub(super) struct Tokens<S> {
    trie: ScoredTrie<S>,
    /// The score of a character that is no token.
    unknown: S,
    /// The length of each token in bytes, by id.
    lengths: Vec<u32>,
    longest: usize,
}

impl<S: Score> Tokens<S> {
    /// Tokens by text, each text once, none empty; `count` is the highest id + 1. None where so many do not fit.
    pub(super) fn new(tokens: &[(&str, u32, S)], count: usize, unknown: S) -> Option<Self> {
        let mut lengths = vec![0; count];
        for &(token, id, _) in tokens {
            *lengths.get_mut(id as usize)? = token.len() as u32;
        }
        let mut keys: Vec<_> =
            tokens.iter().map(|&(token, id, score)| (token.as_bytes(), id, score)).collect();
        keys.extend(unknown_begins(tokens).into_iter().map(|text| (text.as_bytes(), NO_TOKEN, unknown)));
        let longest = lengths.iter().max().map_or(0, |&longest| longest as usize).max(CHARACTER);
        Some(Self { trie: ScoredTrie::new(keys, count)?, unknown, lengths, longest })
    }
}

/// The characters with which tokens begin but which are none: in the trie they lead to the score of the unknown, so
/// that a walk along the tokens meets it as it meets theirs.
fn unknown_begins<'a, S>(tokens: &[(&'a str, u32, S)]) -> Vec<&'a str> {
    let first = |token: &'a str| token.chars().next().map(|first| &token[..first.len_utf8()]);
    let mut begins: Vec<&str> = tokens.iter().filter_map(|(token, ..)| first(token)).collect();
    begins.sort_unstable();
    begins.dedup();
    let mut known: Vec<&str> =
        tokens.iter().filter(|(token, ..)| first(token) == Some(token)).map(|&(token, ..)| token).collect();
    known.sort_unstable();
    begins.retain(|begin| known.binary_search(begin).is_err());
    begins
}

impl<S: Score> Lattice<S> {
    /// Finds the best way to each place of `text`, which is UTF-8, when the sum at its begin is `start`; returns the sum
    /// at its end.
    ///
    /// Of ways with equal sums the one that is met first is kept: that whose last token begins furthest to the left.
    pub(super) fn fill(&mut self, tokens: &Tokens<S>, text: &[u8], start: S) -> S {
        // What the last text left is written over before it is read: a way leads to every character.
        self.ids.reserve_exact((text.len() + 1).saturating_sub(self.ids.len()));
        self.make_room(tokens, text, 0);
        let room = if text.len() < BLOCK { text.len() } else { BLOCK + tokens.longest };
        self.sums.clear();
        self.sums.resize(room + CHARACTER, S::NOTHING);
        self.sums[0] = start;
        let (mut begin, mut place) = (0, 0);
        while begin < text.len() {
            if place >= BLOCK {
                self.sums.copy_within(place.., 0);
                let moved = self.sums.len() - place;
                self.sums[moved..].fill(S::NOTHING);
                self.make_room(tokens, text, begin);
                place = 0;
            }
            let character = self.relax(tokens, text, begin, place);
            begin += character;
            place += character;
        }
        self.sums[place]
    }

    /// Makes room for the block that begins at `begin`. A block at a time, so that it is in the cache when it is written.
    fn make_room(&mut self, tokens: &Tokens<S>, text: &[u8], begin: usize) {
        let needed = (begin + BLOCK + CHARACTER + tokens.longest).min(text.len()) + 1;
        if self.ids.len() < needed {
            self.ids.resize(needed, NO_TOKEN);
        }
    }

    /// Tries all tokens that begin at `begin`, and returns the length of the character there.
    #[inline]
    fn relax(&mut self, tokens: &Tokens<S>, text: &[u8], begin: usize, place: usize) -> usize {
        let sum = self.near(tokens, place);
        let rest = &text[begin..];
        let character = character_length(rest);
        let mut base = tokens.trie.root();
        // One length for all, so that it is asked for once.
        let length = rest.len().min(tokens.longest);
        let (rest, sums) = (&rest[..length], &mut self.sums[place + 1..][..length]);
        let ids = &mut self.ids[begin + 1..][..length];
        let mut walked = 0;
        while walked < length {
            let Some((next, end)) = tokens.trie.child(base, rest[walked]) else { break };
            // Where no token ends the sum is less than any: no branch, which the processor could not foretell.
            let new = tokens.trie.score(end) + sum;
            let is_better = new > sums[walked];
            sums[walked] = select_unpredictable(is_better, new, sums[walked]);
            ids[walked] = select_unpredictable(is_better, end, ids[walked]);
            base = next;
            walked += 1;
        }
        if walked < character {
            let new = tokens.unknown + sum;
            if new > sums[character - 1] {
                (sums[character - 1], ids[character - 1]) = (new, NO_TOKEN);
            }
        }
        character
    }

    /// The sum at a place, once all within reach are set back if it was too far from zero.
    #[inline]
    fn near(&mut self, tokens: &Tokens<S>, place: usize) -> S {
        let sum = self.sums[place];
        if !sum.is_far() {
            return sum;
        }
        let within_reach = self.sums.len().min(place + tokens.longest + 1);
        for other in &mut self.sums[place..within_reach] {
            *other = other.set_back(sum);
        }
        S::ZERO
    }

    /// The last token of the best way to `end`, and where it begins. `end` is the end of a token of a best way.
    #[inline]
    pub(super) fn last(&self, tokens: &Tokens<S>, text: &[u8], end: usize) -> (u32, usize) {
        last(tokens, &self.ids, text, end)
    }

    /// Gives back what a very long text needed.
    pub(super) fn shrink(&mut self) {
        if self.ids.capacity() > KEPT {
            self.ids = Vec::new();
        }
    }
}

/// The same algorithm, which sees besides by how much the best way is better than all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Contest {
    best: Vec<f64>,
    /// The sum of the best way to a place whose last token is another than that of the best.
    second: Vec<f64>,
    ids: Vec<u32>,
}

impl Contest {
    /// Finds the best way through `text`, in sums of 64 bits.
    pub(super) fn fill(&mut self, tokens: &Tokens<f32>, text: &[u8]) {
        let room = text.len() + 1;
        self.ids.resize(room, NO_TOKEN);
        for sums in [&mut self.best, &mut self.second] {
            sums.clear();
            sums.resize(room, f64::NOTHING);
        }
        self.best[0] = 0.0;
        let mut begin = 0;
        while begin < text.len() {
            begin += self.relax(tokens, text, begin);
        }
    }

    #[inline]
    fn relax(&mut self, tokens: &Tokens<f32>, text: &[u8], begin: usize) -> usize {
        let sum = self.best[begin];
        let rest = &text[begin..];
        let character = character_length(rest);
        let mut base = tokens.trie.root();
        let length = rest.len();
        let (best, second) = (&mut self.best[begin + 1..][..length], &mut self.second[begin + 1..][..length]);
        let ids = &mut self.ids[begin + 1..][..length];
        let mut walked = 0;
        while walked < length {
            let Some((next, end)) = tokens.trie.child(base, rest[walked]) else { break };
            let new = f64::from(tokens.trie.score(end)) + sum;
            let old = best[walked];
            let is_better = new > old;
            let lesser = select_unpredictable(is_better, old, new);
            best[walked] = select_unpredictable(is_better, new, old);
            second[walked] = select_unpredictable(lesser > second[walked], lesser, second[walked]);
            ids[walked] = select_unpredictable(is_better, end, ids[walked]);
            base = next;
            walked += 1;
        }
        if walked < character {
            let (end, new) = (character - 1, f64::from(tokens.unknown) + sum);
            if new > best[end] {
                (second[end], best[end], ids[end]) = (best[end], new, NO_TOKEN);
            } else {
                second[end] = second[end].max(new);
            }
        }
        character
    }

    /// Appends the tokens of the best way to `out`, in order, ids and lengths, and returns by how much it is better than
    /// all others.
    ///
    /// Another way comes to this one for good with another last token, at some place on it; from there on they are one.
    pub(super) fn append(&self, tokens: &Tokens<f32>, text: &[u8], out: &mut Vec<(u32, u32)>) -> f64 {
        let start = out.len();
        let mut margin = f64::INFINITY;
        let mut end = text.len();
        while end > 0 {
            let (id, begin) = last(tokens, &self.ids, text, end);
            margin = margin.min(self.best[end] - self.second[end]);
            out.push((id, (end - begin) as u32));
            end = begin;
        }
        out[start..].reverse();
        margin
    }
}

/// The length of the character that `text` begins with, as its first byte has it. Never more than there is.
#[inline]
fn character_length(text: &[u8]) -> usize {
    let length = match text.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xFF) => 4,
        _ => 1,
    };
    length.min(text.len())
}

/// The token that ends at `end`, of which `ids` tells for each place, and where it begins.
#[inline]
fn last<S>(tokens: &Tokens<S>, ids: &[u32], text: &[u8], end: usize) -> (u32, usize) {
    let id = ids[end];
    match tokens.lengths.get(id as usize) {
        Some(&length) => (id, end - length as usize),
        None => (NO_TOKEN, begin_of_character(text, end)),
    }
}

fn begin_of_character(text: &[u8], end: usize) -> usize {
    let continues = |byte: &&u8| **byte & 0xC0 == 0x80;
    end - 1 - text[..end].iter().rev().take(CHARACTER - 1).take_while(continues).count()
}
