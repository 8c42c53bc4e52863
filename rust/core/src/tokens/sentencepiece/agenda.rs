//! Byte-pair encoding of characters (Sennrich, Haddow, Birch, ACL 2016), the way `SentencePiece` does it: of all neighbours
//! whose texts together are a piece, those are merged whose piece has the highest score, the leftmost where equal.
//!
//! Merging may lead through pieces that are unused. What is left of them is taken apart again, the way it was merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::super::trie::Trie;
use super::vocabulary::{PieceKind, Vocabulary};
use super::{Segment, UNKNOWN};

/// The original takes an unused piece apart to this depth, and gives out deeper ones whole.
const DEEPEST: usize = 101;

/// A run of the text that is not merged further yet. Length 0: it was merged into the one before it.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    begin: u32,
    length: u32,
    previous: u32,
    next: u32,
    /// Where the pieces that begin with this text go on in the trie; [`NONE`] where none does.
    node: u32,
    /// A user-defined symbol: never merged.
    frozen: bool,
}

const NONE: u32 = u32::MAX;

/// Two neighbours that make a piece, in the order of merging: those that come first are the greatest. It is stale once
/// their lengths are no longer what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    score: Score,
    left: Reverse<u32>,
    right: u32,
    length: u32,
    /// The piece's node in the trie.
    node: u32,
}

/// The bits of a score in an order of whole numbers, the one of `f32::total_cmp`: the original, too, compares bits, and
/// -0.0 comes before 0.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Score(i32);

impl Score {
    pub(super) fn of(score: f32) -> Self {
        let bits = score.to_bits() as i32;
        Self(bits ^ ((bits >> 31) as u32 >> 1) as i32)
    }
}

/// One text on its way to pieces.
struct Merging<'a> {
    vocabulary: &'a Vocabulary,
    text: &'a [u8],
    symbols: Vec<Symbol>,
    /// For each unused piece the length of its left half, as it was last seen anywhere in the text.
    halves: FxHashMap<u32, u32>,
}

pub(super) fn segment(vocabulary: &Vocabulary, text: &[u8], out: &mut Vec<Segment>) {
    let symbols = split(vocabulary, text);
    let mut merging = Merging { vocabulary, text, symbols, halves: FxHashMap::default() };
    let last = merging.symbols.len().saturating_sub(1) as u32;
    let pairs: Vec<Pair> = (0..last).filter_map(|left| merging.pair(left, left + 1)).collect();
    merging.merge(BinaryHeap::from(pairs));
    for symbol in &merging.symbols {
        if symbol.length > 0 {
            merging.write(symbol.begin, symbol.length, DEEPEST, out);
        }
    }
}

/// The text as user-defined symbols and characters.
fn split(vocabulary: &Vocabulary, text: &[u8]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(text.len());
    let mut begin = 0;
    while begin < text.len() {
        let (length, frozen) = vocabulary.symbols.longest_prefix_or_character(&text[begin..]);
        let place = symbols.len() as u32;
        let end = begin + length;
        symbols.push(Symbol {
            begin: begin as u32,
            length: length as u32,
            previous: place.checked_sub(1).unwrap_or(NONE),
            next: if end < text.len() { place + 1 } else { NONE },
            node: vocabulary.spelled.walk(Trie::ROOT, &text[begin..end]).unwrap_or(NONE),
            frozen,
        });
        begin = end;
    }
    symbols
}

impl Merging<'_> {
    fn merge(&mut self, mut agenda: BinaryHeap<Pair>) {
        while let Some(pair) = agenda.pop() {
            let (left, right) = (&self.symbols[pair.left.0 as usize], &self.symbols[pair.right as usize]);
            if left.length == 0 || right.length == 0 || left.length + right.length != pair.length {
                continue;
            }
            let (previous, next) = (left.previous, right.next);
            self.symbols[pair.right as usize].length = 0;
            if let Some(next) = self.symbols.get_mut(next as usize) {
                next.previous = pair.left.0;
            }
            let merged = &mut self.symbols[pair.left.0 as usize];
            (merged.length, merged.next, merged.node) = (pair.length, next, pair.node);
            agenda.extend(self.pair(previous, pair.left.0));
            agenda.extend(self.pair(pair.left.0, next));
        }
    }

    /// The pair of two neighbours, if they make a piece.
    fn pair(&mut self, left: u32, right: u32) -> Option<Pair> {
        let (first, second) = (self.symbols.get(left as usize)?, self.symbols.get(right as usize)?);
        if first.node == NONE || first.frozen || second.frozen {
            return None;
        }
        let node = self.vocabulary.spelled.walk(first.node, self.text_of(second.begin, second.length))?;
        let id = self.vocabulary.spelled.value(node)?;
        let (piece, half, length) = (self.vocabulary.get(id)?, first.length, first.length + second.length);
        if piece.kind == PieceKind::Unused {
            self.halves.insert(id, half);
        }
        Some(Pair { score: Score::of(piece.score), left: Reverse(left), right, length, node })
    }

    fn text_of(&self, begin: u32, length: u32) -> &[u8] {
        &self.text[begin as usize..(begin + length) as usize]
    }

    fn write(&self, begin: u32, length: u32, depth: usize, out: &mut Vec<Segment>) {
        let id = self.vocabulary.spelled.get(self.text_of(begin, length)).unwrap_or(UNKNOWN);
        let unused = self.vocabulary.get(id).is_some_and(|piece| piece.kind == PieceKind::Unused);
        match (self.halves.get(&id), depth.checked_sub(1)) {
            (Some(half), Some(depth)) if unused => {
                self.write(begin, *half, depth, out);
                self.write(begin + half, length - half, depth, out);
            }
            (None, Some(_)) if unused => out.push(Segment { id: UNKNOWN, length }),
            _ => out.push(Segment { id, length }),
        }
    }
}
