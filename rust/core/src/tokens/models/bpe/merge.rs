//! Joins the symbols of a word, pair by pair, the pair of the lowest rank first, the leftmost of equals.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use std::cell::Cell;

use rustc_hash::FxHashMap;

use super::few::{self, FEW};
use super::heap;
use super::long::{self, Whole};
use super::out::Out;
use super::pairs::{LIMIT, Pairs};
use super::results::Results;
use super::spelling::{Spelled, Speller};
use super::symbols::Symbols;
use super::vectors::{self, Step, Vectors};
use super::window;
use super::word::{self, Word};
use crate::tokens::models::Token;

// Ranks share 31 bits of a key with a place.
const _: () = assert!(LIMIT as usize * word::LONGEST <= 1 << 31);

/// What a pair of neighbours becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) left: u32,
    pub(super) right: u32,
    /// Lower ranks are merged first.
    pub(super) rank: u32,
    /// The symbol that the two become.
    pub(super) id: u32,
}

/// Which pairs of neighbours become one symbol.
#[derive(Debug, Clone, Default)]
pub(in crate::tokens) struct Merges {
    pairs: Pairs,
    results: Results,
    /// What each pair becomes, where that cannot be told from its rank: in vocabularies of SentencePiece several pieces,
    /// such as runs of spaces, may have one score.
    by_pair: Option<FxHashMap<(u32, u32), u32>>,
    /// Merges of a number that is too high to be among the others.
    others: FxHashMap<(u32, u32), Merge>,
    /// Whether some merge gives back its left symbol: its right one is no longer than the prefix of continuing tokens,
    /// which a merge cuts off.
    gives_back: bool,
}

impl Merges {
    /// No merges, with room for so many.
    pub(super) fn with_room(count: usize) -> Self {
        Self { pairs: Pairs::with_room(count), ..Self::default() }
    }

    /// Lets a pair become `id`. Of a pair that is given twice the later rank holds, as in the `tokenizers` library.
    pub(in crate::tokens) fn insert(&mut self, (left, right): (u32, u32), rank: u32, id: u32) {
        self.gives_back |= id == left;
        if left.max(right).max(rank) >= LIMIT {
            self.others.insert((left, right), Merge { left, right, rank, id });
            return;
        }
        self.others.remove(&(left, right));
        if self.by_pair.is_none() && self.results.has_other(rank, id) {
            self.by_pair = Some(self.iter().map(|merge| ((merge.left, merge.right), merge.id)).collect());
        }
        self.results.insert(rank, id);
        self.pairs.insert((left, right), rank);
        if let Some(by_pair) = &mut self.by_pair {
            by_pair.insert((left, right), id);
        }
    }

    /// The pairs by rising rank.
    pub(super) fn in_order(&self) -> Vec<(u32, u32)> {
        let mut merges: Vec<Merge> = self.iter().collect();
        merges.sort_by_key(|merge| merge.rank);
        merges.into_iter().map(|merge| (merge.left, merge.right)).collect()
    }

    /// All merges, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Merge> {
        let kept = self.pairs.iter().filter(|(pair, _)| !self.others.contains_key(pair));
        let merge =
            |((left, right), rank)| Merge { left, right, rank, id: self.becomes(rank, (left, right)) };
        kept.map(merge).chain(self.others.values().copied())
    }

    /// Whether words are merged by keys: otherwise only the heap will do.
    #[inline]
    pub(super) fn has_keys(&self) -> bool {
        !self.gives_back && self.others.is_empty()
    }

    /// The merge of a pair.
    pub(super) fn get(&self, left: u32, right: u32) -> Option<Merge> {
        let merge = |rank| Merge { left, right, rank, id: self.becomes(rank, (left, right)) };
        self.others.get(&(left, right)).copied().or_else(|| self.pairs.rank(left, right).map(merge))
    }

    /// The rank of a pair where words are merged by keys.
    #[inline]
    pub(super) fn rank(&self, left: u32, right: u32) -> Option<u32> {
        self.pairs.rank(left, right)
    }

    /// See [`Pairs::fetch`].
    #[inline]
    pub(super) fn fetch(&self, left: u32, right: u32) {
        self.pairs.fetch(left, right);
    }

    /// What a pair of a rank becomes where words are merged by keys.
    #[inline]
    pub(super) fn becomes(&self, rank: u32, pair: (u32, u32)) -> u32 {
        self.results.of(rank).unwrap_or_else(|| self.becomes_by_pair(pair))
    }

    #[cold]
    fn becomes_by_pair(&self, pair: (u32, u32)) -> u32 {
        // A pair that has a rank is known.
        self.by_pair.as_ref().and_then(|by_pair| by_pair.get(&pair)).copied().unwrap_or(pair.0)
    }

    /// Appends what is left of a row of symbols when it is merged.
    #[inline]
    pub(super) fn merge(&self, symbols: &(impl Symbols + ?Sized), out: &mut impl Out) {
        if symbols.len() <= word::LONGEST && self.has_keys() {
            vectors::run(&mut Row { merges: self, symbols, visit: |id, count| out.push(id, count) });
        } else {
            self.merge_long(symbols, out);
        }
    }

    #[cold]
    fn merge_long(&self, symbols: &(impl Symbols + ?Sized), out: &mut impl Out) {
        if self.has_keys() {
            long::merge(self, &mut Whole(symbols), out);
        } else {
            let mut tokens = Vec::new();
            heap::merge(self, symbols, &mut tokens);
            for (id, count) in tokens {
                out.push(id, count as usize);
            }
        }
    }

    /// Appends the tokens of a text that is spelled by and by. `symbols` is room to work in.
    pub(in crate::tokens) fn merge_spelled(
        &self,
        speller: &mut impl Speller,
        symbols: &mut Vec<Token>,
        out: &mut impl Out,
    ) {
        symbols.clear();
        let most = if self.has_keys() { window::LONGEST } else { usize::MAX };
        if speller.spell(most, symbols) {
            self.apply(symbols, 0);
            for token in symbols.iter() {
                out.push(token.id, token.length as usize);
            }
        } else {
            long::merge(self, &mut Spelled::new(speller), out);
        }
    }

    /// Joins what stands in `tokens` from `start`.
    pub(in crate::tokens) fn apply(&self, tokens: &mut Vec<Token>, start: usize) {
        let row = Cell::from_mut(&mut tokens[start..]).as_slice_of_cells();
        let (mut taken, mut written) = (0, 0);
        let mut write = |id: u32, count: usize| {
            let length = row[taken..taken + count].iter().map(|token| token.get().length).sum();
            row[written].set(Token { id, length });
            taken += count;
            written += 1;
        };
        if row.len() <= word::LONGEST && self.has_keys() {
            vectors::run(&mut Row { merges: self, symbols: row, visit: write });
        } else {
            let mut merged: Vec<(u32, u32)> = Vec::new();
            self.merge_long(row, &mut merged);
            for (id, count) in merged {
                write(id, count as usize);
            }
        }
        tokens.truncate(start + written);
    }
}

/// A row of up to [`word::LONGEST`] symbols.
struct Row<'r, S: ?Sized, Visit> {
    merges: &'r Merges,
    symbols: &'r S,
    visit: Visit,
}

impl<S: Symbols + ?Sized, Visit: FnMut(u32, usize)> Step for Row<'_, S, Visit> {
    #[inline(always)]
    fn run<V: Vectors>(&mut self) {
        let count = self.symbols.len();
        if count > FEW {
            let begins = u64::MAX >> (word::LONGEST - count);
            let word =
                Word::of_symbols::<V>(self.merges, begins, count, |place, _| self.symbols.symbol(place));
            word.tokens().for_each(|(id, count)| (self.visit)(id, count));
        } else if count > 0 {
            let mut symbols = [0; FEW];
            for (place, symbol) in symbols.iter_mut().enumerate().take(count) {
                *symbol = self.symbols.symbol(place);
            }
            let left = few::merge::<V>(self.merges, &mut symbols, count);
            few::places(left, count)
                .for_each(|(place, next)| (self.visit)(symbols[place % FEW], next - place));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn symbols(ids: &[u32]) -> Vec<Cell<Token>> {
        ids.iter().map(|&id| Cell::new(Token { id, length: 1 })).collect()
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
        let mut word = [7, 1, 2, 8, 9, 4].map(|id| Token { id, length: 1 }).to_vec();
        merges.apply(&mut word, 1);
        assert_eq!(word, [(7, 1), (3, 4), (4, 1)].map(|(id, length)| Token { id, length }));
    }

    /// A row of letters merged as the definition has it.
    fn by_definition(merges: &Merges, ids: &[u32]) -> Vec<(u32, usize)> {
        let mut row: Vec<(u32, usize)> = ids.iter().map(|&id| (id, 1)).collect();
        loop {
            let pairs = row.windows(2).enumerate();
            let best = pairs.filter_map(|(place, pair)| {
                merges.get(pair[0].0, pair[1].0).map(|merge| (merge.rank, place, merge.id))
            });
            let Some((_, place, id)) = best.min() else { return row };
            let (_, count) = row.remove(place + 1);
            row[place] = (id, row[place].1 + count);
        }
    }

    fn merged(merges: &Merges, ids: &[u32]) -> Vec<(u32, usize)> {
        let mut found: Vec<(u32, u32)> = Vec::new();
        merges.merge(&symbols(ids)[..], &mut found);
        found.into_iter().map(|(id, count)| (id, count as usize)).collect()
    }

    fn heaped(merges: &Merges, ids: &[u32]) -> Vec<(u32, usize)> {
        let mut found = Vec::new();
        heap::merge(merges, &symbols(ids)[..], &mut found);
        found.into_iter().map(|(id, count)| (id, count as usize)).collect()
    }

    /// Merges of rows of letters, each row with an id of its own, whichever way it is made; ranks in the order given,
    /// so that what a merge needs may come after it, or never.
    pub(in super::super) fn merges_of(pairs: &[(usize, usize)], shuffle: u32) -> Merges {
        let mut texts: Vec<Vec<u32>> = (0..4).map(|letter| vec![letter]).collect();
        let mut merges = Merges::default();
        for (rank, &(left, right)) in (0_u32..).zip(pairs) {
            let (left, right) = (left % texts.len(), right % texts.len());
            let text = [texts[left].clone(), texts[right].clone()].concat();
            let id = texts.iter().position(|other| *other == text).unwrap_or(texts.len());
            if id == texts.len() {
                texts.push(text);
            }
            // Some ranks are those of several merges.
            let rank = rank.wrapping_mul(shuffle) % 1009 / if shuffle.is_multiple_of(3) { 100 } else { 1 };
            merges.insert((left as u32, right as u32), rank, id as u32);
        }
        merges
    }

    #[test]
    fn a_merge_whose_effects_go_through_the_whole_word() {
        // 0 1 2 3 ... 60 0 1 2 ...: each pair comes before the one on its left, so the right end decides for all.
        let mut merges = Merges::default();
        for letter in 0..60 {
            merges.insert((letter, letter + 1), 100 - letter, 100 + letter);
        }
        merges.insert((60, 0), 200, 300);
        for length in [63, 64, 65, 1023, 1024, 1025, 2000, 5000] {
            let ids: Vec<u32> = (0..length).map(|place| place % 61).collect();
            assert_eq!(merged(&merges, &ids), by_definition(&merges, &ids), "{length}");
        }
    }

    #[test]
    fn tokens_longer_than_windows() {
        let mut merges = Merges::default();
        for power in 0..14 {
            merges.insert((power, power), power, power + 1);
        }
        for length in [1, 64, 65, 1024, 1025, 3000, 50_000] {
            let ids = vec![0; length];
            assert_eq!(merged(&merges, &ids), heaped(&merges, &ids), "{length}");
        }
    }

    proptest! {
        #[test]
        fn words_and_the_heap_are_the_definition(
            ids in proptest::collection::vec(0_u32..4, 0..=word::LONGEST + 2),
            pairs in proptest::collection::vec((0_usize..12, 0_usize..12), 0..30),
            shuffle in 1_u32..1009,
        ) {
            let merges = merges_of(&pairs, shuffle);
            let want = by_definition(&merges, &ids);
            prop_assert_eq!(&merged(&merges, &ids), &want);
            prop_assert_eq!(&heaped(&merges, &ids), &want);
            let mut tokens: Vec<Token> = [7, 8].into_iter().chain(ids).map(|id| Token { id, length: 3 }).collect();
            merges.apply(&mut tokens, 2);
            let lengths: Vec<_> = want.iter().map(|&(id, count)| (id, count as u32 * 3)).collect();
            prop_assert_eq!(tokens[2..].iter().map(|token| (token.id, token.length)).collect::<Vec<_>>(), lengths);
        }

        #[test]
        fn long_words_are_the_definition(
            letters in proptest::collection::vec(0_u32..4, 1..9),
            noise in proptest::collection::vec((0_usize..3000, 0_u32..4), 0..200),
            length in 0_usize..3000,
            pairs in proptest::collection::vec((0_usize..40, 0_usize..40), 0..60),
            shuffle in 1_u32..1009,
        ) {
            // Rows that repeat themselves, with changes here and there.
            let mut ids: Vec<u32> = letters.iter().copied().cycle().take(length).collect();
            for (place, letter) in noise {
                if let Some(id) = ids.get_mut(place) {
                    *id = letter;
                }
            }
            let merges = merges_of(&pairs, shuffle);
            let want = heaped(&merges, &ids);
            prop_assert_eq!(&merged(&merges, &ids), &want);
        }
    }
}
