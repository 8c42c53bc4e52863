//! All distinct words, end to end, as symbols that can be joined in place.
//!
//! There is one number for each character. A symbol stands where its first character stood; on its second and on its
//! last character stands how many it spans, so that neighbours are found on both sides in one step and nothing moves
//! when symbols are joined. So a merge costs as much as it joins, however long the words are.
//!
//! Words are in the order of their counts, the most frequent first. Then a place tells how often its word occurs:
//! there are few distinct counts, and whoever goes through ascending places goes through them once. What is merged
//! most often also lies close together.

use super::steps::{Counts, Step};
use crate::{Error, Result};

/// Stands before each word and after the last one.
const BOUNDARY: u32 = u32::MAX;

/// Set where a symbol goes on; the other bits are how many characters it spans, on its second and its last.
const JOINED: u32 = 1 << 31;

/// The most characters that a word may have: a span is not to look like a boundary.
const LONGEST_WORD: usize = (JOINED - 2) as usize;

/// A symbol and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) id: u32,
    pub(super) at: u32,
    /// How many characters it spans.
    pub(super) span: u32,
}

/// Two symbols that have become one, and what stands on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Join {
    pub(super) before: Option<Symbol>,
    pub(super) new: Symbol,
    pub(super) after: Option<Symbol>,
    /// How often the word occurs in the text.
    pub(super) count: u64,
}

#[derive(Debug)]
pub(super) struct Chain {
    slots: Vec<u32>,
    steps: Vec<Step>,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { slots: vec![BOUNDARY], steps: Vec::new() }
    }

    /// Appends a word, which occurs no more often than the one before it; `spell` gives its symbols one by one. A
    /// word of fewer than two is left out: there is nothing to join.
    pub(super) fn push(&mut self, count: u64, spell: impl FnOnce(&mut dyn FnMut(u32))) -> Result<()> {
        let start = self.slots.len();
        let slots = &mut self.slots;
        spell(&mut |symbol| slots.push(symbol));
        let length = slots.len() - start;
        if length < 2 {
            slots.truncate(start);
            return Ok(());
        }
        slots.push(BOUNDARY);
        if slots.len() >= u32::MAX as usize || length > LONGEST_WORD {
            return Err(Error::new(
                "the distinct words of the text have more than four thousand million characters, or one of them \
                 has more than two",
            )
            .advise("train on a sample of the text, or split it into smaller words"));
        }
        let end = slots.len() as u32;
        match self.steps.last_mut() {
            Some(last) if last.count == count => last.end = end,
            _ => self.steps.push(Step { end, count }),
        }
        Ok(())
    }

    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Cuts the chain between words into at most `number` ranges of about the same length.
    pub(super) fn shares(&self, number: usize) -> Vec<std::ops::Range<usize>> {
        let (mut shares, mut start) = (Vec::new(), 0);
        for index in 1..=number.max(1) {
            let from = (self.slots.len() * index / number.max(1)).max(start);
            let rest = self.slots[from..].iter().position(|&slot| slot == BOUNDARY);
            let end = rest.map_or(self.slots.len() - 1, |rest| from + rest);
            if end > start {
                shares.push(start..end);
                start = end;
            }
        }
        shares
    }

    /// All symbols, in the order of their places.
    pub(super) fn symbols(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().copied().filter(|slot| slot & JOINED == 0)
    }

    /// Calls `each` with the pairs of neighbours in one of the shares: left, right, the place of the left one, and
    /// the count of the word.
    pub(super) fn pairs(&self, share: std::ops::Range<usize>, mut each: impl FnMut(u32, u32, u32, u64)) {
        let mut counts = Counts::of(&self.steps);
        let (mut at, mut count) = (share.start, 0);
        // The places of a share are a boundary and all that stands before the boundary at its end.
        while at < share.end {
            let left = self.slots[at];
            if left == BOUNDARY {
                at += 1;
                count = counts.at(at as u32);
                continue;
            }
            let next = at + span_of(&self.slots, at);
            let right = self.slots[next];
            if right != BOUNDARY {
                each(left, right, at as u32, count);
            }
            at = next;
        }
    }

    /// The places of all symbols `id` in the words in which `places` lie; both are ascending.
    pub(super) fn in_the_same_words(&self, id: u32, places: &[u32]) -> Vec<u32> {
        let (mut found, mut next) = (Vec::new(), 0);
        for &place in places {
            if (place as usize) < next {
                continue;
            }
            next = boundary_before(&self.slots, place as usize) + 1;
            while self.slots[next] != BOUNDARY {
                if self.slots[next] == id {
                    found.push(next as u32);
                }
                next += 1;
            }
        }
        found
    }

    /// Cuts the chain between words into at most `number` stretches with about as many of the places each.
    pub(super) fn stretches<'a>(
        &'a mut self,
        places: &'a [u32],
        number: usize,
    ) -> Vec<(Stretch<'a>, &'a [u32])> {
        let size = places.len().div_ceil(number.max(1)).max(1);
        let mut stretches = Vec::new();
        let counts = Counts::of(&self.steps);
        let (mut slots, mut base, mut places) = (self.slots.as_mut_slice(), 0, places);
        while stretches.len() + 1 < number
            && let Some(&first) = places.get(size)
        {
            // The first place of a word, so that no word is cut.
            let mut cut = size;
            let word = base + boundary_before(slots, (first - base) as usize) as u32;
            while cut > 0 && places[cut - 1] > word {
                cut -= 1;
            }
            if cut == 0 {
                break;
            }
            // A stretch begins with a boundary and ends without one: its end is one.
            let (head, tail) = slots.split_at_mut((word - base) as usize);
            stretches.push((Stretch { slots: head, base, counts }, &places[..cut]));
            (slots, base, places) = (tail, word, &places[cut..]);
        }
        stretches.push((Stretch { slots, base, counts }, places));
        stretches
    }

    /// Gives each symbol one place, however many characters it spans.
    pub(super) fn compact(&mut self) {
        let mut kept = 0;
        let mut steps = self.steps.iter_mut().peekable();
        for at in 0..self.slots.len() {
            let slot = self.slots[at];
            if slot & JOINED == 0 || slot == BOUNDARY {
                self.slots[kept] = slot;
                kept += 1;
            }
            if let Some(step) = steps.next_if(|step| step.end as usize == at + 1) {
                step.end = kept as u32;
            }
        }
        self.slots.truncate(kept);
        self.slots.shrink_to_fit();
    }

    /// The chain as it was before anything was joined; `parts` gives the two symbols that have become one.
    pub(super) fn taken_apart(&self, parts: impl Fn(u32) -> Option<(u32, u32)>) -> Result<Self> {
        let mut whole = Self::new();
        let mut counts = Counts::of(&self.steps);
        let mut waiting = Vec::new();
        let mut at = 1;
        while at < self.slots.len() {
            let count = counts.at(at as u32);
            whole.push(count, |symbol| {
                while self.slots[at] != BOUNDARY {
                    if self.slots[at] & JOINED == 0 {
                        waiting.push(self.slots[at]);
                    }
                    while let Some(id) = waiting.pop() {
                        match parts(id) {
                            Some((left, right)) => waiting.extend([right, left]),
                            None => symbol(id),
                        }
                    }
                    at += 1;
                }
            })?;
            at += 1;
        }
        Ok(whole)
    }
}

/// How many characters the symbol at `at` spans.
#[inline]
fn span_of(slots: &[u32], at: usize) -> usize {
    match slots.get(at + 1) {
        Some(&next) if next & JOINED != 0 && next != BOUNDARY => (next ^ JOINED) as usize,
        _ => 1,
    }
}

fn boundary_before(slots: &[u32], at: usize) -> usize {
    slots[..at].iter().rposition(|&slot| slot == BOUNDARY).unwrap_or(0)
}

/// Some words of the chain, for one thread.
pub(super) struct Stretch<'a> {
    slots: &'a mut [u32],
    /// The place of the first slot.
    base: u32,
    counts: Counts<'a>,
}

impl Stretch<'_> {
    /// Whether the symbol `id` stands at `at`.
    #[inline]
    pub(super) fn has(&self, at: u32, id: u32) -> bool {
        self.slots[(at - self.base) as usize] == id
    }

    /// Joins the pair whose left symbol stands at `at`, unless it is gone. Places are to ascend from call to call.
    #[inline]
    pub(super) fn join(&mut self, at: u32, (left, right): (u32, u32), new: u32) -> Option<Join> {
        let first = (at - self.base) as usize;
        let slots = &mut *self.slots;
        if slots[first] != left {
            return None;
        }
        let second = first + span_of(slots, first);
        if *slots.get(second)? != right {
            return None;
        }
        let after = second + span_of(slots, second);
        let span = (after - first) as u32;
        slots[first] = new;
        slots[second] = JOINED;
        slots[first + 1] = JOINED | span;
        slots[after - 1] = JOINED | span;
        let before = slots[first - 1];
        let before = (before != BOUNDARY)
            .then(|| first - if before & JOINED == 0 { 1 } else { (before ^ JOINED) as usize });
        let after = (slots.get(after).is_some_and(|&slot| slot != BOUNDARY)).then_some(after);
        Some(Join {
            before: before.map(|before| self.symbol(before)),
            new: Symbol { id: new, at, span },
            after: after.map(|after| self.symbol(after)),
            count: self.counts.at(at),
        })
    }

    #[inline]
    fn symbol(&self, index: usize) -> Symbol {
        Symbol {
            id: self.slots[index],
            at: self.base + index as u32,
            span: span_of(self.slots, index) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(words: &[Vec<u32>]) -> Chain {
        let mut chain = Chain::new();
        for (word, index) in words.iter().zip(0_u64..) {
            chain.push((1 << 33) - index / 2, |symbol| word.iter().for_each(|&id| symbol(id))).unwrap();
        }
        chain
    }

    fn all_pairs(chain: &Chain, number: usize) -> Vec<(u32, u32, u32, u64)> {
        let mut pairs = Vec::new();
        for share in chain.shares(number) {
            chain.pairs(share, |left, right, at, count| pairs.push((left, right, at, count)));
        }
        pairs
    }

    /// Joins a pair wherever it stands, the stretches one after the other.
    fn join(chain: &mut Chain, pair: (u32, u32), new: u32, number: usize) -> Vec<Join> {
        let pairs = all_pairs(chain, 1).into_iter().filter(|&(left, right, ..)| (left, right) == pair);
        let places: Vec<u32> = pairs.map(|(_, _, at, _)| at).collect();
        let mut joins = Vec::new();
        let stretches = chain.stretches(&places, number);
        assert!(stretches.len() <= number);
        for (mut stretch, places) in stretches {
            joins.extend(places.iter().filter_map(|&at| stretch.join(at, pair, new)));
        }
        joins
    }

    /// The symbols of each word.
    fn symbols(chain: &Chain) -> Vec<Vec<u32>> {
        let words = chain.slots.split(|&slot| slot == BOUNDARY).filter(|word| !word.is_empty());
        words.map(|word| word.iter().copied().filter(|slot| slot & JOINED == 0).collect()).collect()
    }

    #[test]
    fn joins_say_what_stands_around() {
        let mut chain = chain(&[vec![5], vec![1, 2, 3, 1, 2], vec![4, 4]]);
        let symbol = |id, at, span| Some(Symbol { id, at, span });
        let mut stretches = chain.stretches(&[], 1);
        let stretch = &mut stretches[0].0;
        let count = 1 << 33;
        let first = Join { before: None, new: symbol(9, 1, 2).unwrap(), after: symbol(3, 3, 1), count };
        assert_eq!(stretch.join(1, (1, 2), 9), Some(first));
        assert_eq!(stretch.join(1, (1, 2), 9), None);
        let last = Join { before: symbol(3, 3, 1), new: symbol(9, 4, 2).unwrap(), after: None, count };
        assert_eq!(stretch.join(4, (1, 2), 9), Some(last));
        let all = Join { before: symbol(9, 1, 2), new: symbol(8, 3, 3).unwrap(), after: None, count };
        assert_eq!(stretch.join(3, (3, 9), 8), Some(all));
        let word = Join { before: None, new: symbol(7, 1, 5).unwrap(), after: None, count };
        assert_eq!(stretch.join(1, (9, 8), 7), Some(word));
        let other = Join { before: None, new: symbol(6, 7, 2).unwrap(), after: None, count: count - 1 };
        assert_eq!(stretch.join(7, (4, 4), 6), Some(other));
        drop(stretches);
        assert_eq!(symbols(&chain), [vec![7], vec![6]]);
        assert_eq!(chain.in_the_same_words(7, &[3, 4]), [1]);
    }

    proptest! {
        #[test]
        fn stretches_join_what_the_whole_joins(
            words in prop::collection::vec(prop::collection::vec(0_u32..3, 0..9), 1..20),
            number in 1_usize..6,
        ) {
            let steps = [((0, 1), 7), ((1, 1), 8), ((7, 8), 9), ((7, 7), 10), ((9, 10), 11)];
            let parts = |id| steps.iter().find(|step| step.1 == id).map(|step| step.0);
            let whole = chain(&words);
            let mut results = Vec::new();
            for number in [1, number] {
                let mut chain = chain(&words);
                let mut joins = Vec::new();
                for (pair, new) in steps {
                    joins.extend(join(&mut chain, pair, new, number));
                    let pairs = all_pairs(&chain, number);
                    prop_assert_eq!(&pairs, &all_pairs(&chain, 1));
                    prop_assert_eq!(&chain.taken_apart(parts).unwrap().slots, &whole.slots);
                    let before = symbols(&chain);
                    let mut compact = Chain { slots: chain.slots.clone(), steps: chain.steps.clone() };
                    compact.compact();
                    prop_assert_eq!(symbols(&compact), before);
                    let without_places = |pairs: Vec<(u32, u32, u32, u64)>| -> Vec<(u32, u32, u64)> {
                        pairs.into_iter().map(|(left, right, _, count)| (left, right, count)).collect()
                    };
                    prop_assert_eq!(without_places(all_pairs(&compact, number)), without_places(pairs));
                }
                results.push((joins, symbols(&chain)));
            }
            prop_assert_eq!(&results[0], &results[1]);
        }
    }
}
