//! A trie over bytes with a score for each token, in a double array (Aoe 1989): a step is one look-up.
//!
//! A node has a base, and its child by a byte is the unit at base XOR byte. Bases are given out once, so a unit need
//! only say which byte leads to it (as in darts-clone, Yata 2007). The token that ends at a node stands in the same unit,
//! and its score in a list by id: no step waits for a score, and the less memory units take the more of them are in the
//! cache, which is what a walk through words not seen before waits for.
//!
//! No step has a branch: where no child is, a step leads to a node from which every step leads back to it, and at which
//! ends what has a score less than any.

use std::hint::select_unpredictable;

use super::scored_trie_blocks::{BLOCK, Blocks};
use crate::memory::Row;

/// What a score is: 32 or 64 bits, as the original has it.
pub(super) trait Score: Copy + PartialOrd + std::ops::Add<Output = Self> + std::fmt::Debug {
    /// Less than every sum.
    const NOTHING: Self;
    const ZERO: Self;

    /// Whether a sum is so far from zero that all are to be set back.
    fn is_far(self) -> bool;

    /// The same sum, counted from `offset`.
    fn set_back(self, offset: Self) -> Self;
}

/// The `tokenizers` library sums in 64 bits, and sets nothing back.
impl Score for f64 {
    const NOTHING: Self = Self::NEG_INFINITY;
    const ZERO: Self = 0.0;

    #[inline]
    fn is_far(self) -> bool {
        false
    }

    fn set_back(self, offset: Self) -> Self {
        self - offset
    }
}

/// Beyond this `SentencePiece` sets the sums back, lest they lose their precision on a long text.
pub(super) const FARTHEST: f32 = 100_000.0;

impl Score for f32 {
    const NOTHING: Self = Self::NEG_INFINITY;
    const ZERO: Self = 0.0;

    #[inline]
    fn is_far(self) -> bool {
        self.abs() > FARTHEST
    }

    fn set_back(self, offset: Self) -> Self {
        self - offset
    }
}

/// The bytes of a token, its id, and its score.
pub(super) type ScoredKey<'a, S> = (&'a [u8], u32, S);

#[derive(Debug, Clone)]
pub(super) struct ScoredTrie<S> {
    units: Row<Node>,
    root: Node,
    /// Where there is no child.
    nowhere: Node,
    /// By id, and behind them one that is less than any.
    scores: Vec<S>,
}

/// A node, found under the byte that leads to it: in the lowest eight bits that byte, then the base, and in the upper
/// half the place of the score of what ends here. One number, so that a step chooses between two with one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(u64);

impl Node {
    const fn new(label: u32, base: u32, end: u32) -> Self {
        Self((end as u64) << 32 | (base << 8 | label) as u64)
    }

    #[inline]
    fn child_place(self, byte: u8) -> usize {
        (self.0 as u32 >> 8 ^ u32::from(byte)) as usize
    }

    /// The id of what ends here; greater than any where nothing does.
    #[inline]
    pub(super) fn end(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Whether it has children.
    #[inline]
    pub(super) fn leads_on(self) -> bool {
        self.0 as u32 >> 8 != BARREN
    }

    fn with_base(self, base: u32) -> Self {
        Self(self.0 | u64::from(base << 8))
    }

    fn with_end(self, end: u32) -> Self {
        Self(self.0 & u64::from(u32::MAX) | u64::from(end) << 32)
    }
}

/// No text that was a string holds this byte, so it leads nowhere.
const NO_BYTE: u32 = 0xFF;

/// The base of nodes without children: its block stays empty.
const BARREN: u32 = 0;

impl<S: Score> ScoredTrie<S> {
    /// A trie of keys, each once and none empty, with ids below `count`. None where so many do not fit.
    pub(super) fn new(mut keys: Vec<ScoredKey<'_, S>>, count: usize) -> Option<Self> {
        let mut scores = vec![S::NOTHING; count + 1];
        for &(_, id, score) in &keys {
            *scores.get_mut(id as usize)? = score;
        }
        let nowhere = Node::new(NO_BYTE, BARREN, count as u32);
        keys.sort_unstable_by(|one, other| one.0.cmp(other.0));
        let mut blocks = Blocks::default();
        let mut units = vec![nowhere; BLOCK];
        let mut open = Vec::new();
        let root = grow(&keys, 0, &mut blocks, (&mut units, nowhere), &mut open)?;
        while let Some((place, from, to, depth)) = open.pop() {
            let keys: &[ScoredKey<'_, S>] = &keys[from as usize..to as usize];
            let (own, rest) = match keys.split_first() {
                Some((own, rest)) if own.0.len() == depth => (Some(own), rest),
                _ => (None, keys),
            };
            let unit = units[place as usize];
            let unit = own.map_or(unit, |&(_, id, _)| unit.with_end(id));
            let first = open.len();
            let base = grow(rest, depth, &mut blocks, (&mut units, nowhere), &mut open)?;
            let skipped = from + u32::from(own.is_some());
            open[first..].iter_mut().for_each(|(_, from, to, _)| {
                *from += skipped;
                *to += skipped;
            });
            units[place as usize] = unit.with_base(base);
        }
        Some(Self { units: Row::from(&units[..]), root: nowhere.with_base(root), nowhere, scores })
    }

    #[inline]
    pub(super) fn root(&self) -> Node {
        self.root
    }

    /// The child of a node by a byte.
    #[inline]
    pub(super) fn step(&self, node: Node, byte: u8) -> Node {
        let child = self.units[node.child_place(byte)];
        select_unpredictable(child.0 as u8 == byte, child, self.nowhere)
    }

    /// Whether nothing ends at a node.
    #[inline]
    pub(super) fn is_no_end(&self, node: Node) -> bool {
        node.end() == self.nowhere.end()
    }

    /// The score of what ends at a node; less than any where nothing does.
    #[inline]
    pub(super) fn score(&self, node: Node) -> S {
        self.scores[node.end() as usize]
    }
}

/// A node whose children are still to be made: its place, its keys, and how long they are so far.
type Open = (u32, u32, u32, usize);

/// Makes the children of a node, whose keys these are, and returns its base. The keys of each child are counted from
/// the first of `keys`.
fn grow<S: Score>(
    keys: &[ScoredKey<'_, S>],
    depth: usize,
    blocks: &mut Blocks,
    (units, nowhere): (&mut Vec<Node>, Node),
    open: &mut Vec<Open>,
) -> Option<u32> {
    if keys.is_empty() {
        return Some(BARREN);
    }
    let first = open.len();
    let mut labels = Vec::new();
    let mut from = 0;
    for group in keys.chunk_by(|one, other| one.0[depth] == other.0[depth]) {
        labels.push(group[0].0[depth]);
        let to = from + group.len() as u32;
        open.push((0, from, to, depth + 1));
        from = to;
    }
    let base = blocks.base_for(&labels)?;
    units.resize(units.len().max((base as usize | (BLOCK - 1)) + 1), nowhere);
    for (child, &label) in open[first..].iter_mut().zip(&labels) {
        child.0 = base ^ u32::from(label);
        units[child.0 as usize] = Node::new(u32::from(label), BARREN, nowhere.end());
    }
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn get(trie: &ScoredTrie<f64>, key: &[u8]) -> Option<(u32, f64)> {
        let node = key.iter().fold(trie.root(), |node, &byte| trie.step(node, byte));
        let score = trie.score(node);
        assert_eq!(score > f64::NEG_INFINITY, !trie.is_no_end(node));
        (!trie.is_no_end(node)).then_some((node.end(), score))
    }

    fn trie_of(keys: &BTreeMap<Vec<u8>, u32>) -> ScoredTrie<f64> {
        let scored = keys.iter().map(|(key, &id)| (key.as_slice(), id, -f64::from(id)));
        ScoredTrie::new(scored.collect(), keys.len()).unwrap()
    }

    #[test]
    fn all_bytes_are_labels() {
        let keys: BTreeMap<Vec<u8>, u32> = (0..=254_u8)
            .flat_map(|byte| [vec![byte], vec![b'a', byte], vec![byte, b'b', byte]])
            .zip(0..)
            .collect();
        let trie = trie_of(&keys);
        for (key, &id) in &keys {
            assert_eq!(get(&trie, key), Some((id, -f64::from(id))), "{key:?}");
        }
        assert_eq!((get(&trie, &[0xFF]), get(&trie, b""), get(&trie, b"abc")), (None, None, None));
    }

    proptest! {
        #[test]
        fn it_finds_its_keys_and_no_others(
            keys in proptest::collection::btree_set("[a-d\0é日]{1,5}", 0..60), others in proptest::collection::vec("[a-d\0é日]{0,6}", 0..60),
        ) {
            let keys: BTreeMap<Vec<u8>, u32> = keys.into_iter().map(String::into_bytes).zip(0..).collect();
            let trie = trie_of(&keys);
            for key in keys.keys().cloned().chain(others.into_iter().map(String::into_bytes)) {
                prop_assert_eq!(get(&trie, &key).map(|found| found.0), keys.get(&key).copied());
            }
        }
    }
}
