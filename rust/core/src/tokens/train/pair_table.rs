//! What is known of each pair, found by the pair: open addressing, nothing is ever taken out.

use super::pairs::Pair;

/// The smallest table; a power of two.
const SMALLEST: usize = 64;

/// Pairs are of symbols, which are below two to the power of 31.
const NOTHING: u64 = u64::MAX;

/// A pair's count, and how many candidates wait to merge it.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pair: u64,
    /// Signed: with a limit on the length of tokens, pairs are taken away that were never added.
    pub(super) count: i64,
    pub(super) waiting: u32,
}

const EMPTY: State = State { pair: NOTHING, count: 0, waiting: 0 };

/// A pair as one number, in the order of pairs.
#[inline]
pub(super) fn packed((left, right): Pair) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

#[derive(Debug)]
pub(super) struct PairTable {
    states: Vec<State>,
    number: usize,
    /// The upper bits of the hash are the slot.
    shift: u32,
}

impl PairTable {
    /// A table that holds this many pairs without growing.
    pub(super) fn with_capacity(number: usize) -> Self {
        let size = (number * 2).next_power_of_two().max(SMALLEST);
        Self { states: vec![EMPTY; size], number: 0, shift: u64::BITS - size.ilog2() }
    }

    #[inline]
    fn slot(&self, pair: u64) -> usize {
        // Fibonacci hashing, of both symbols folded into one number.
        let folded = pair ^ (pair >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let mut slot = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while self.states[slot].pair != pair && self.states[slot].pair != NOTHING {
            slot = (slot + 1) & (self.states.len() - 1);
        }
        slot
    }

    /// The state of a pair that is in the table.
    #[inline]
    pub(super) fn get(&mut self, pair: Pair) -> Option<&mut State> {
        let slot = self.slot(packed(pair));
        Some(&mut self.states[slot]).filter(|state| state.pair != NOTHING)
    }

    /// The state of a pair, which is put in the table if it is not there.
    pub(super) fn get_or_new(&mut self, pair: Pair) -> &mut State {
        let pair = packed(pair);
        let mut slot = self.slot(pair);
        if self.states[slot].pair == NOTHING {
            if (self.number + 1) * 4 > self.states.len() * 3 {
                self.grow();
                slot = self.slot(pair);
            }
            self.number += 1;
            self.states[slot].pair = pair;
        }
        &mut self.states[slot]
    }

    fn grow(&mut self) {
        let mut larger = Self::with_capacity(self.states.len());
        for state in self.states.iter().filter(|state| state.pair != NOTHING) {
            let slot = larger.slot(state.pair);
            larger.states[slot] = *state;
        }
        larger.number = self.number;
        *self = larger;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_what_a_map_holds(pairs in prop::collection::vec((0_u32..40, 0_u32..40), 0..600)) {
            let (mut table, mut map) = (PairTable::with_capacity(0), BTreeMap::new());
            for (&pair, index) in pairs.iter().zip(1_i64..) {
                table.get_or_new(pair).count += index;
                *map.entry(pair).or_insert(0) += index;
            }
            for pair in (0..41).flat_map(|left| (0..41).map(move |right| (left, right))) {
                prop_assert_eq!(table.get(pair).map(|state| state.count), map.get(&pair).copied());
            }
        }
    }
}
