//! A trie over bytes with a score for each token, in a double array (Aoe 1989): a step is one look-up.
//!
//! A node has a base, and its child by a byte is the unit at base XOR byte. Bases are given out once, so a unit need
//! only say which byte leads to it (as in darts-clone, Yata 2007). The token that ends at a node stands in the same unit,
//! and its score in a list by id: no step waits for a score, and the less memory units take the more of them are in the
//! cache, which is what a walk through words not seen before waits for.

/// The id of no token.
pub(super) const NO_TOKEN: u32 = u32::MAX;

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
    units: Vec<Unit>,
    root: u32,
    /// By id, then that of the keys without one, and one that is less than any.
    scores: Vec<S>,
}

/// A node, found under the byte that leads to it.
#[derive(Debug, Clone, Copy)]
struct Unit {
    /// The node's base, and in the lowest eight bits the byte that leads here.
    way: u32,
    /// The place of the score of the token that ends here.
    end: u32,
}

/// No text that was a string holds this byte, so it leads nowhere.
const NO_BYTE: u32 = 0xFF;

/// Bases have so many bits.
const BASE_BITS: u32 = 24;

/// Units that share all but the lowest eight bits of their places: the children of a node lie in one block.
const BLOCK: usize = 256;

/// The base of nodes without children: its block stays empty.
const BARREN: u32 = 0;

impl<S: Score> ScoredTrie<S> {
    /// A trie of keys, each once and none empty, with ids below `count` or [`NO_TOKEN`], which all have one score. None
    /// where so many do not fit.
    pub(super) fn new(mut keys: Vec<ScoredKey<'_, S>>, count: usize) -> Option<Self> {
        let mut scores = vec![S::NOTHING; count + 2];
        let end_of = |id: u32| if id == NO_TOKEN { count } else { id as usize };
        for &(_, id, score) in &keys {
            *scores.get_mut(end_of(id))? = score;
        }
        let empty = Unit { way: NO_BYTE, end: count as u32 + 1 };
        keys.sort_unstable_by(|one, other| one.0.cmp(other.0));
        let mut blocks = Blocks::default();
        let mut units = vec![empty; BLOCK];
        let mut open = Vec::new();
        let root = grow(&keys, 0, &mut blocks, (&mut units, empty), &mut open)?;
        while let Some((place, from, to, depth)) = open.pop() {
            let keys: &[ScoredKey<'_, S>] = &keys[from as usize..to as usize];
            let (own, rest) = match keys.split_first() {
                Some((own, rest)) if own.0.len() == depth => (Some(own), rest),
                _ => (None, keys),
            };
            if let Some(&(_, id, _)) = own {
                units[place as usize].end = end_of(id) as u32;
            }
            let first = open.len();
            let base = grow(rest, depth, &mut blocks, (&mut units, empty), &mut open)?;
            let skipped = from + u32::from(own.is_some());
            open[first..].iter_mut().for_each(|(_, from, to, _)| {
                *from += skipped;
                *to += skipped;
            });
            units[place as usize].way |= base << 8;
        }
        Some(Self { units, root, scores })
    }

    /// The base of the root.
    #[inline]
    pub(super) fn root(&self) -> u32 {
        self.root
    }

    /// The child of the node with this base by a byte: the base of the child, and what ends there. That is an id, or
    /// greater than any.
    #[inline]
    pub(super) fn child(&self, base: u32, byte: u8) -> Option<(u32, u32)> {
        let unit = self.units.get((base ^ u32::from(byte)) as usize)?;
        (unit.way & 0xFF == u32::from(byte)).then_some((unit.way >> 8, unit.end))
    }

    /// The score of what ends at a node; less than any where nothing does.
    #[inline]
    pub(super) fn score(&self, end: u32) -> S {
        self.scores.get(end as usize).copied().unwrap_or(S::NOTHING)
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
    (units, empty): (&mut Vec<Unit>, Unit),
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
    units.resize(units.len().max((base as usize | (BLOCK - 1)) + 1), empty);
    for (child, &label) in open[first..].iter_mut().zip(&labels) {
        child.0 = base ^ u32::from(label);
        units[child.0 as usize].way = u32::from(label);
    }
    Some(base)
}

/// Which units and bases are free.
#[derive(Default)]
struct Blocks {
    /// Those that have room, the newest last.
    open: Vec<Block>,
    /// How many there are besides the empty one.
    count: u32,
}

#[derive(Clone)]
struct Block {
    number: u32,
    free_units: Bits,
    free_bases: Bits,
    failures: u32,
}

/// More blocks are not searched, and one that failed so often is given up: else building would not be linear.
const BLOCKS_SEARCHED: usize = 16;
const FAILURES: u32 = 64;

impl Blocks {
    /// A base from which all `labels` lead to free units, which are taken.
    fn base_for(&mut self, labels: &[u8]) -> Option<u32> {
        for (place, block) in self.open.iter_mut().enumerate().rev() {
            if let Some(base) = block.base_for(labels) {
                let base = block.number * BLOCK as u32 + u32::from(base);
                if block.free_units.is_empty() {
                    self.open.remove(place);
                }
                return Some(base);
            }
            block.failures += 1;
        }
        self.open.retain(|block| block.failures < FAILURES);
        if self.open.len() == BLOCKS_SEARCHED {
            self.open.remove(0);
        }
        self.count += 1;
        if (self.count + 1) * BLOCK as u32 > 1 << BASE_BITS {
            return None;
        }
        let all = Bits([u64::MAX; 4]);
        let mut block = Block { number: self.count, free_units: all, free_bases: all, failures: 0 };
        let base = block.base_for(labels)?;
        self.open.push(block);
        Some(self.count * BLOCK as u32 + u32::from(base))
    }
}

impl Block {
    fn base_for(&mut self, labels: &[u8]) -> Option<u8> {
        let (&first, rest) = labels.split_first()?;
        let base = self.free_units.iter().map(|unit| unit ^ first).find(|base| {
            self.free_bases.contains(*base) && rest.iter().all(|label| self.free_units.contains(base ^ label))
        })?;
        self.free_bases.remove(base);
        for label in labels {
            self.free_units.remove(base ^ label);
        }
        Some(base)
    }
}

/// A set of bytes.
#[derive(Clone, Copy)]
struct Bits([u64; 4]);

impl Bits {
    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] &= !(1 << (byte & 63));
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    fn iter(self) -> impl Iterator<Item = u8> {
        (0..4_u8).flat_map(move |word| {
            let mut bits = self.0[usize::from(word)];
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as u8)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn get(trie: &ScoredTrie<f64>, key: &[u8]) -> Option<(u32, f64)> {
        let mut base = trie.root();
        let mut last = None;
        for &byte in key {
            let (next, end) = trie.child(base, byte)?;
            (base, last) = (next, Some(end));
        }
        last.map(|end| (end, trie.score(end))).filter(|&(_, score)| score > f64::NEG_INFINITY)
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
