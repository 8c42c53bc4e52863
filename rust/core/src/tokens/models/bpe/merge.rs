//! Joins the symbols of a word, pair by pair, the pair of the lowest rank first, the leftmost of equals.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::tokens::models::Token;

/// Above this many symbols a heap beats looking through all pairs for every merge.
const LONG_WORD: usize = 48;

/// What a pair becomes, and how early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Merge {
    rank: u32,
    id: u32,
}

impl Merge {
    /// No merge: every other comes first.
    const NONE: Self = Self { rank: u32::MAX, id: u32::MAX };
}

/// Which pairs of neighbours become one symbol.
#[derive(Debug, Clone, Default)]
pub(super) struct Merges {
    table: FxHashMap<(u32, u32), Merge>,
    /// Whether some merge gives back its left symbol: its right one is no longer than the prefix of continuing
    /// tokens, which a merge cuts off.
    has_idle: bool,
}

impl Merges {
    /// Lets a pair become `id`. Of a pair that is given twice the later rank holds, as in the `tokenizers` library.
    pub(super) fn insert(&mut self, pair: (u32, u32), rank: u32, id: u32) {
        self.has_idle |= id == pair.0;
        self.table.insert(pair, Merge { rank, id });
    }

    /// The pairs by rising rank.
    pub(super) fn in_order(&self) -> Vec<(u32, u32)> {
        let mut pairs: Vec<_> = self.table.iter().map(|(&pair, merge)| (merge.rank, pair)).collect();
        pairs.sort_unstable();
        pairs.into_iter().map(|(_, pair)| pair).collect()
    }

    /// Joins what stands in `symbols` from `start`.
    pub(super) fn apply(&self, symbols: &mut Vec<Token>, start: usize) {
        let word = &mut symbols[start..];
        let length = match word.len() {
            0..=1 => return,
            2..=LONG_WORD if !self.has_idle => self.apply_by_scanning(word),
            _ => self.apply_by_heap(word),
        };
        symbols.truncate(start + length);
    }

    fn get(&self, left: Token, right: Token) -> Option<Merge> {
        self.table.get(&(left.id, right.id)).copied()
    }

    /// Joins in place and returns how many symbols are left. Quadratic, and the fastest on short words.
    fn apply_by_scanning(&self, word: &mut [Token]) -> usize {
        let mut length = word.len();
        let mut found = [Merge::NONE; LONG_WORD];
        let merge_at = |word: &[Token], place: usize| match word.get(place + 1) {
            Some(&next) => self.get(word[place], next).unwrap_or(Merge::NONE),
            None => Merge::NONE,
        };
        for (place, merge) in found.iter_mut().enumerate().take(length) {
            *merge = merge_at(word, place);
        }
        loop {
            let best = found[..length].iter().enumerate().min_by_key(|(_, merge)| merge.rank);
            let Some((place, &merge)) = best.filter(|(_, merge)| **merge != Merge::NONE) else {
                return length;
            };
            word[place] = joined(word[place], word[place + 1], merge.id);
            word.copy_within(place + 2..length, place + 1);
            found.copy_within(place + 2..length, place + 1);
            length -= 1;
            found[place] = merge_at(&word[..length], place);
            if let Some(before) = place.checked_sub(1) {
                found[before] = merge_at(&word[..length], before);
            }
        }
    }

    /// The same in O(n log n), for words of any length: a heap of candidates over a linked list.
    ///
    /// When it is popped, a candidate is stale if its pair no longer becomes the same token. This is the test of the
    /// `tokenizers` library; where a merge gives back its left symbol it lets a pair that took the place of another
    /// be merged at that one's rank. Elsewhere it says that the pair is still the same.
    fn apply_by_heap(&self, word: &mut [Token]) -> usize {
        let mut list = LinkedSymbols::new(word.len());
        let candidate = |word: &[Token], place: usize, next: usize| {
            let merge = self.get(word[place], word[next])?;
            Some(Reverse((merge.rank, place as u32, merge.id)))
        };
        let mut heap: BinaryHeap<_> =
            (1..word.len()).filter_map(|next| candidate(word, next - 1, next)).collect();
        while let Some(Reverse((_, place, id))) = heap.pop() {
            let place = place as usize;
            let Some(next) = list.next(place).filter(|_| word[place].length > 0) else { continue };
            if self.get(word[place], word[next]).is_none_or(|merge| merge.id != id) {
                continue;
            }
            word[place] = joined(word[place], word[next], id);
            word[next].length = 0;
            list.remove(next);
            if let Some(before) = list.previous(place) {
                heap.extend(candidate(word, before, place));
            }
            if let Some(after) = list.next(place) {
                heap.extend(candidate(word, place, after));
            }
        }
        compact(word)
    }
}

fn joined(left: Token, right: Token, id: u32) -> Token {
    Token { id, length: left.length + right.length }
}

/// Moves the symbols that are left to the front and returns their number: those that are gone have no length.
fn compact(word: &mut [Token]) -> usize {
    let mut length = 0;
    for place in 0..word.len() {
        if word[place].length > 0 {
            word[length] = word[place];
            length += 1;
        }
    }
    length
}

const NONE: u32 = u32::MAX;

/// Which symbols are left of a word, as a doubly linked list over their first places.
struct LinkedSymbols {
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl LinkedSymbols {
    fn new(length: usize) -> Self {
        let next = (1..length as u32).chain([NONE]).collect();
        let previous = [NONE].into_iter().chain(0..length as u32 - 1).collect();
        Self { next, previous }
    }

    fn next(&self, place: usize) -> Option<usize> {
        Some(self.next[place]).filter(|&next| next != NONE).map(|next| next as usize)
    }

    fn previous(&self, place: usize) -> Option<usize> {
        Some(self.previous[place]).filter(|&previous| previous != NONE).map(|previous| previous as usize)
    }

    /// Removes a symbol that is not the first.
    fn remove(&mut self, place: usize) {
        let (before, after) = (self.previous[place], self.next[place]);
        self.next[before as usize] = after;
        if after != NONE {
            self.previous[after as usize] = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn symbols(ids: &[u32]) -> Vec<Token> {
        ids.iter().map(|&id| Token { id, length: 1 }).collect()
    }

    #[test]
    fn a_pair_that_took_the_place_of_another_is_merged_at_its_rank() {
        // 8 and 9 add nothing to what is on their left. When 2 has taken 8, the pair (1, 2) is waiting twice; the
        // first makes 3 of it, the second finds (3, 9), which becomes 3 as well, and takes it before (9, 4) has its turn.
        let mut merges = Merges::default();
        for (rank, (pair, id)) in [((2, 8), 2), ((1, 2), 3), ((9, 4), 5), ((3, 9), 3)].into_iter().enumerate()
        {
            merges.insert(pair, rank as u32, id);
        }
        let mut word = symbols(&[7, 1, 2, 8, 9, 4]);
        merges.apply(&mut word, 1);
        assert_eq!(word, [(7, 1), (3, 4), (4, 1)].map(|(id, length)| Token { id, length }));
    }

    proptest! {
        #[test]
        fn the_heap_and_the_scan_agree(
            ids in proptest::collection::vec(0_u32..4, 1..LONG_WORD),
            pairs in proptest::collection::vec((0_u32..12, 0_u32..12), 0..30),
        ) {
            // The id of a pair is as long as it is: symbols are rows of letters, each with an id of its own.
            let mut texts: Vec<Vec<u32>> = (0..4).map(|letter| vec![letter]).collect();
            let mut merges = Merges::default();
            for (rank, (left, right)) in pairs.into_iter().enumerate() {
                let (left, right) = (left as usize % texts.len(), right as usize % texts.len());
                let text = [texts[left].clone(), texts[right].clone()].concat();
                let id = texts.iter().position(|other| *other == text).unwrap_or(texts.len());
                if id == texts.len() {
                    texts.push(text);
                }
                merges.insert((left as u32, right as u32), rank as u32, id as u32);
            }
            let (mut scanned, mut heaped) = (symbols(&ids), symbols(&ids));
            let lengths = (merges.apply_by_scanning(&mut scanned), merges.apply_by_heap(&mut heaped));
            prop_assert_eq!(&scanned[..lengths.0], &heaped[..lengths.1]);
            prop_assert_eq!(heaped[..lengths.1].iter().map(|token| token.length as usize).sum::<usize>(), ids.len());
        }
    }
}
