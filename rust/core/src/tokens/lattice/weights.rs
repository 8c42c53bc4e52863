//! What a lattice is made of: the tokens and their scores, and those of what there is besides.

use super::super::scored_trie::{Score, ScoredTrie};
use super::{CHARACTER, NO_TOKEN};

#[derive(Debug, Clone)]
pub(in crate::tokens) struct Tokens<S> {
    pub(super) trie: ScoredTrie<S>,
    /// The score of a character that is no token.
    pub(super) unknown: S,
    /// The length of each token in bytes, by id, and behind them those of the characters that are none: what is no
    /// token has an id by its length.
    lengths: Vec<u32>,
    count: u32,
    /// The greatest of them.
    pub(super) longest: usize,
}

/// All bytes that a text can begin with.
const BYTES: [u8; 255] = {
    let mut bytes = [0; 255];
    let mut byte = 0;
    while byte < 255 {
        bytes[byte] = byte as u8;
        byte += 1;
    }
    bytes
};

impl<S: Score> Tokens<S> {
    /// Tokens by text, each text once, none empty; `count` is the highest id + 1. None where so many do not fit.
    pub(in crate::tokens) fn new(tokens: &[(&str, u32, S)], count: usize, unknown: S) -> Option<Self> {
        let mut lengths = vec![0; count];
        let unknown_id = |length: usize| (count + length - 1) as u32;
        for &(token, id, _) in tokens {
            *lengths.get_mut(id as usize)? = token.len() as u32;
        }
        let mut keys: Vec<_> =
            tokens.iter().map(|&(token, id, score)| (token.as_bytes(), id, score)).collect();
        keys.extend(unknown_begins(tokens).into_iter().map(|text| (text, unknown_id(text.len()), unknown)));
        lengths.extend(1..=CHARACTER as u32);
        let longest = lengths.iter().max().map_or(0, |&longest| longest as usize);
        Some(Self {
            trie: ScoredTrie::new(keys, lengths.len())?,
            unknown,
            lengths,
            count: count as u32,
            longest,
        })
    }

    /// What stands for a character of so many bytes that is no token.
    #[inline]
    pub(super) fn no_token(&self, length: usize) -> u32 {
        self.count + length as u32 - 1
    }

    /// How many bytes what ends somewhere has.
    #[inline]
    pub(super) fn length(&self, id: u32) -> usize {
        self.lengths[id as usize] as usize
    }

    /// The token that ends at `end`, of which a lattice keeps `id`, and where it begins.
    #[inline]
    pub(super) fn last(&self, id: u32, end: usize) -> (u32, usize) {
        (if id < self.count { id } else { NO_TOKEN }, end - self.length(id))
    }
}

/// The characters with which tokens begin but which are none, and all single bytes that are none: in the trie they lead
/// to the score of the unknown, so that a walk along the tokens meets it as it meets theirs.
fn unknown_begins<'a, S>(tokens: &[(&'a str, u32, S)]) -> Vec<&'a [u8]> {
    let first = |token: &'a str| token.chars().next().map(|first| &token.as_bytes()[..first.len_utf8()]);
    let mut begins: Vec<&[u8]> = tokens.iter().filter_map(|(token, ..)| first(token)).collect();
    begins.extend(BYTES.chunks(1));
    begins.sort_unstable();
    begins.dedup();
    let known = tokens.iter().filter(|(token, ..)| first(token) == Some(token.as_bytes()));
    let mut known: Vec<&[u8]> = known.map(|&(token, ..)| token.as_bytes()).collect();
    known.sort_unstable();
    begins.retain(|begin| known.binary_search(begin).is_err());
    begins
}
