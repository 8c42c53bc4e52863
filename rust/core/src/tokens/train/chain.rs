//! All distinct words, end to end, as symbols that can be joined in place.
//!
//! A symbol stands where its first character stood and knows how many characters it spans; the last of them knows
//! that too, so that neighbours are found on both sides in one step and nothing moves when symbols are joined. So
//! a merge costs as much as it joins, however long the words are.

use crate::{Error, Result};

/// Stands before each word.
const BOUNDARY: u32 = u32::MAX;

/// Stands on every character of a symbol but the first.
const JOINED: u32 = u32::MAX - 1;

/// A character's place. On a boundary, `span` and `back` are the low and the high half of the word's count.
#[derive(Debug, Clone, Copy)]
struct Slot {
    symbol: u32,
    span: u32,
    /// How far back the boundary is before the word.
    back: u32,
}

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

#[derive(Debug, Default)]
pub(super) struct Chain {
    slots: Vec<Slot>,
}

impl Chain {
    /// Appends a word; `spell` gives its symbols one by one.
    pub(super) fn push(&mut self, count: u64, spell: impl FnOnce(&mut dyn FnMut(u32))) -> Result<()> {
        let start = self.slots.len();
        self.slots.push(Slot { symbol: BOUNDARY, span: count as u32, back: (count >> 32) as u32 });
        let slots = &mut self.slots;
        spell(&mut |symbol| {
            let back = (slots.len() - start) as u32;
            slots.push(Slot { symbol, span: 1, back });
        });
        if self.slots.len() < JOINED as usize {
            return Ok(());
        }
        Err(Error::new("the distinct words of the text have more than four thousand million characters")
            .advise("train on a sample of the text, or split it into smaller words"))
    }

    /// The pairs of neighbours with the place of the left one and the count of their word, before any join.
    pub(super) fn pairs(&self) -> impl Iterator<Item = ((u32, u32), u32, u64)> {
        let mut count = 0;
        self.slots.windows(2).zip(0_u32..).filter_map(move |(slots, at)| {
            if slots[0].symbol == BOUNDARY {
                count = count_of(slots[0]);
                return None;
            }
            (slots[1].symbol != BOUNDARY).then_some(((slots[0].symbol, slots[1].symbol), at, count))
        })
    }

    /// The places of all symbols `id` in the words in which `places` lie; both are ascending.
    pub(super) fn in_the_same_words(&self, id: u32, places: &[u32]) -> Vec<u32> {
        let (mut found, mut next) = (Vec::new(), 0);
        for &place in places {
            let place = place as usize;
            if place < next {
                continue;
            }
            next = place - self.slots[place].back as usize + 1;
            while let Some(slot) = self.slots.get(next).filter(|slot| slot.symbol != BOUNDARY) {
                if slot.symbol == id {
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
        let (mut slots, mut base, mut places) = (self.slots.as_mut_slice(), 0, places);
        while stretches.len() + 1 < number
            && let Some(&first) = places.get(size)
        {
            // The first place of a word, so that no word is cut.
            let mut cut = size;
            let word = first - slots[(first - base) as usize].back;
            while cut > 0 && places[cut - 1] > word {
                cut -= 1;
            }
            if cut == 0 {
                break;
            }
            let (head, tail) = slots.split_at_mut((word - base) as usize);
            stretches.push((Stretch { slots: head, base }, &places[..cut]));
            (slots, base, places) = (tail, word, &places[cut..]);
        }
        stretches.push((Stretch { slots, base }, places));
        stretches
    }
}

/// Some words of the chain, for one thread.
pub(super) struct Stretch<'a> {
    slots: &'a mut [Slot],
    /// The place of the first slot.
    base: u32,
}

impl Stretch<'_> {
    /// Joins the pair whose left symbol stands at `at`, unless it is gone.
    #[inline]
    pub(super) fn join(&mut self, at: u32, (left, right): (u32, u32), new: u32) -> Option<Join> {
        let first = (at - self.base) as usize;
        let slot = self.slots[first];
        if slot.symbol != left {
            return None;
        }
        let second = first + slot.span as usize;
        let other = *self.slots.get(second).filter(|other| other.symbol == right)?;
        let span = slot.span + other.span;
        self.slots[first] = Slot { symbol: new, span, ..slot };
        self.slots[second].symbol = JOINED;
        self.slots[first + span as usize - 1].span = span;
        let before = self.slots[first - 1];
        Some(Join {
            before: (before.symbol != BOUNDARY).then(|| self.symbol(first - before.span as usize)),
            new: Symbol { id: new, at, span },
            after: (self.slots.get(first + span as usize).is_some_and(|after| after.symbol != BOUNDARY))
                .then(|| self.symbol(first + span as usize)),
            count: count_of(self.slots[first - slot.back as usize]),
        })
    }

    fn symbol(&self, index: usize) -> Symbol {
        let Slot { symbol, span, .. } = self.slots[index];
        Symbol { id: symbol, at: self.base + index as u32, span }
    }
}

fn count_of(boundary: Slot) -> u64 {
    u64::from(boundary.span) | u64::from(boundary.back) << 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(words: &[Vec<u32>]) -> Chain {
        let mut chain = Chain::default();
        for (word, count) in words.iter().zip((1_u64 << 33)..) {
            chain.push(count, |symbol| word.iter().for_each(|&id| symbol(id))).unwrap();
        }
        chain
    }

    fn places(chain: &Chain, pair: (u32, u32)) -> Vec<u32> {
        chain.pairs().filter(|(own, ..)| *own == pair).map(|(_, at, _)| at).collect()
    }

    /// The symbols of each word.
    fn symbols(chain: &Chain) -> Vec<Vec<u32>> {
        let mut words: Vec<Vec<u32>> = Vec::new();
        for slot in &chain.slots {
            match slot.symbol {
                BOUNDARY => words.push(Vec::new()),
                JOINED => {}
                id => words.last_mut().unwrap().push(id),
            }
        }
        words
    }

    #[test]
    fn joins_say_what_stands_around() {
        let mut chain = chain(&[vec![5], vec![1, 2, 3, 1, 2]]);
        let symbol = |id, at, span| Some(Symbol { id, at, span });
        let mut stretches = chain.stretches(&[], 1);
        let stretch = &mut stretches[0].0;
        let count = (1 << 33) + 1;
        let first = Join { before: None, new: symbol(9, 3, 2).unwrap(), after: symbol(3, 5, 1), count };
        assert_eq!(stretch.join(3, (1, 2), 9), Some(first));
        assert_eq!(stretch.join(3, (1, 2), 9), None);
        let last = Join { before: symbol(3, 5, 1), new: symbol(9, 6, 2).unwrap(), after: None, count };
        assert_eq!(stretch.join(6, (1, 2), 9), Some(last));
        let all = Join { before: symbol(9, 3, 2), new: symbol(8, 5, 3).unwrap(), after: None, count };
        assert_eq!(stretch.join(5, (3, 9), 8), Some(all));
        drop(stretches);
        assert_eq!(symbols(&chain), [vec![5], vec![9, 8]]);
        assert_eq!(chain.in_the_same_words(9, &[5, 6]), [3]);
    }

    proptest! {
        #[test]
        fn stretches_join_what_the_whole_joins(
            words in prop::collection::vec(prop::collection::vec(0_u32..3, 0..9), 1..20),
            number in 1_usize..6,
        ) {
            let mut results = Vec::new();
            for number in [1, number] {
                let mut chain = chain(&words);
                let mut joins = Vec::new();
                for (pair, new) in [((0, 1), 7), ((1, 1), 8), ((7, 8), 9), ((7, 7), 9)] {
                    let places = places(&chain, pair);
                    let stretches = chain.stretches(&places, number);
                    prop_assert!(stretches.len() <= number);
                    for (mut stretch, places) in stretches {
                        joins.extend(places.iter().filter_map(|&at| stretch.join(at, pair, new)));
                    }
                }
                results.push((joins, symbols(&chain)));
            }
            prop_assert_eq!(&results[0], &results[1]);
        }
    }
}
