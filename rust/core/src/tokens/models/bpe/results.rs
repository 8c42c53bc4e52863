//! What comes of merges, by their ranks.

/// The symbols that pairs become.
///
/// Most trainers number a token when they merge to it, so that symbols and ranks rise together. As long as they do,
/// nothing has to be looked up: each merge would wait for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Results {
    /// By rank.
    listed: Vec<u32>,
    /// Every symbol less its rank, if that is always the same.
    shift: Option<u32>,
}

/// What comes of no merge.
const NONE: u32 = u32::MAX;

/// Where merges of one rank have several results.
const SEVERAL: u32 = u32::MAX - 1;

impl Results {
    /// Whether something of a rank becomes another symbol.
    pub(super) fn has_other(&self, rank: u32, symbol: u32) -> bool {
        self.listed.get(rank as usize).is_some_and(|&known| known != NONE && known != symbol)
    }

    /// Lets what has a rank become a symbol.
    pub(super) fn insert(&mut self, rank: u32, symbol: u32) {
        let has_other = self.has_other(rank, symbol);
        let shift = symbol.wrapping_sub(rank);
        self.shift =
            if self.listed.is_empty() { Some(shift) } else { self.shift.filter(|&other| other == shift) };
        let rank = rank as usize;
        if self.listed.len() <= rank {
            self.listed.resize(rank + 1, NONE);
        }
        self.listed[rank] = if has_other { SEVERAL } else { symbol };
    }

    /// What a pair of a rank becomes, if that can be told from the rank. It is asked only for ranks that were inserted.
    #[inline]
    pub(super) fn of(&self, rank: u32) -> Option<u32> {
        match self.shift {
            Some(shift) => Some(rank.wrapping_add(shift)),
            None => self.listed.get(rank as usize).copied().filter(|&symbol| symbol < SEVERAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn what_the_rank_tells_is_so(
            mut merges in proptest::collection::vec((0_u32..200, 0_u32..200), 0..20),
            shift in 0_u32..300,
            how_many in 0_u32..100,
        ) {
            // Most are shifted; the others come first, last, or not at all.
            let shifted = (0..how_many).map(|rank| (rank * 2, rank * 2 + shift));
            let at = merges.len() / 2 * usize::from(shift.is_multiple_of(3));
            merges.truncate(merges.len() * usize::from(shift.is_multiple_of(2)));
            merges.splice(at.min(merges.len())..at.min(merges.len()), shifted);
            let (mut results, mut want) = (Results::default(), BTreeMap::<_, BTreeSet<_>>::new());
            for (rank, symbol) in merges {
                let symbols = want.entry(rank).or_default();
                symbols.insert(symbol);
                prop_assert_eq!(results.has_other(rank, symbol), symbols.len() > 1);
                results.insert(rank, symbol);
            }
            for (rank, symbols) in want {
                prop_assert_eq!(results.of(rank), symbols.first().copied().filter(|_| symbols.len() == 1));
            }
        }
    }
}
