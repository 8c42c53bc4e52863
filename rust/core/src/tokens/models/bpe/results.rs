//! What comes of merges, by their ranks.

/// The symbols that pairs become.
///
/// Most trainers number a token when they merge to it, so that symbols and ranks rise together. As long as they do,
/// nothing has to be looked up: each merge would wait for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Results {
    /// By rank, with [`NONE`] for those that no merge has.
    listed: Vec<u32>,
    /// Every symbol less its rank, if that is always the same.
    shift: Option<u32>,
}

/// What comes of no merge.
const NONE: u32 = u32::MAX;

impl Results {
    /// Lets what has a rank become a symbol; false if it already becomes another.
    pub(super) fn insert(&mut self, rank: u32, symbol: u32) -> bool {
        let shift = symbol.wrapping_sub(rank);
        self.shift =
            if self.listed.is_empty() { Some(shift) } else { self.shift.filter(|&other| other == shift) };
        let rank = rank as usize;
        if self.listed.len() <= rank {
            self.listed.resize(rank + 1, NONE);
        }
        let known = &mut self.listed[rank];
        let is_new = *known == NONE;
        *known = if is_new { symbol } else { *known };
        is_new || *known == symbol
    }

    /// What the pair of a rank becomes. It is asked only for ranks that were inserted.
    #[inline]
    pub(super) fn of(&self, rank: u32) -> u32 {
        match self.shift {
            Some(shift) => rank.wrapping_add(shift),
            None => self.listed.get(rank as usize).copied().unwrap_or(NONE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_first_of_each_rank_is_kept(
            mut merges in proptest::collection::vec((0_u32..200, 0_u32..200), 0..20),
            shift in 0_u32..300,
            how_many in 0_u32..100,
        ) {
            // Most are shifted; the others come first, last, or not at all.
            let shifted = (0..how_many).map(|rank| (rank * 2, rank * 2 + shift));
            let at = merges.len() / 2 * usize::from(shift % 3 == 0);
            merges.truncate(merges.len() * usize::from(shift % 2 == 0));
            merges.splice(at.min(merges.len())..at.min(merges.len()), shifted);
            let (mut results, mut want) = (Results::default(), BTreeMap::new());
            for (rank, symbol) in merges {
                let known = *want.entry(rank).or_insert(symbol);
                prop_assert_eq!(results.insert(rank, symbol), known == symbol);
            }
            for (rank, symbol) in want {
                prop_assert_eq!(results.of(rank), symbol);
            }
        }
    }
}
