//! The ids that are not special: a random token is one of them.

use crate::random::bounded;

/// All ids below the size of a vocabulary but the special ones.
#[derive(Debug, Clone)]
pub(super) struct OrdinaryIds {
    count: u32,
    /// How many ordinary ids lie below each special one, in ascending order.
    below: Vec<u32>,
}

impl OrdinaryIds {
    /// `special_ids` are ascending and lie in the vocabulary, each of them once.
    pub(super) fn new(special_ids: &[u32], vocab_size: u32) -> Self {
        Self {
            count: vocab_size - special_ids.len() as u32,
            below: (0..).zip(special_ids).map(|(before, &id)| id - before).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The one that a word draws, each equally likely.
    pub(super) fn drawn(&self, word: u32) -> u32 {
        let rank = bounded(word, self.count);
        // Special ids are mostly the lowest.
        if self.below.last().is_none_or(|&below| below <= rank) {
            return rank + self.below.len() as u32;
        }
        // The id with that rank: one further for each special id on the way to it.
        rank + self.below.partition_point(|&below| below <= rank) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_that_is_not_special_can_be_drawn() {
        for (special, vocab_size, want) in [
            (vec![], 3, vec![0, 1, 2]),
            (vec![0, 1], 4, vec![2, 3]),
            (vec![0, 2, 3, 6], 7, vec![1, 4, 5]),
            (vec![2], 3, vec![0, 1]),
        ] {
            let ids = OrdinaryIds::new(&special, vocab_size);
            let step = (1_u64 << 32) / want.len() as u64;
            let drawn: Vec<u32> = (0..want.len() as u64).map(|n| ids.drawn((n * step + 1) as u32)).collect();
            assert_eq!(drawn, want, "{special:?}");
        }
        assert!(OrdinaryIds::new(&[0, 1], 2).is_empty());
    }
}
