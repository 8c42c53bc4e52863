//! Whether words come again.

/// So many words are what was seen lately.
const LATELY: u32 = 1 << 20;

/// How many of the words that a cache was asked for lately it did not know.
///
/// One in three in base64, one in ten or fewer in what people write. A larger table costs a page for every 64 kB and a
/// move of all that is known, and words that do not come again never repay it.
#[derive(Debug, Clone, Default)]
pub(super) struct Recurrence {
    asked: u32,
    missed: u32,
}

impl Recurrence {
    #[inline]
    pub(super) fn asked(&mut self, words: usize) {
        if self.asked > LATELY {
            self.asked /= 2;
            self.missed /= 2;
        }
        self.asked += words as u32;
    }

    #[inline]
    pub(super) fn missed(&mut self) {
        self.missed += 1;
    }

    /// Whether at least three words in four were known: then it pays to remember more of them.
    pub(super) fn is_worth_memory(&self) -> bool {
        self.missed <= self.asked / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_what_was_seen_lately() {
        let mut recurrence = Recurrence::default();
        let mut see = |blocks: u32, misses_a_block: u32| {
            for _ in 0..blocks {
                recurrence.asked(64);
                (0..misses_a_block).for_each(|_| recurrence.missed());
            }
            recurrence.is_worth_memory()
        };
        assert_eq!((see(1000, 16), see(1000, 17), see(3000, 4)), (true, false, true));
        assert!(!see(1 << 20, 21));
        assert!(see(1 << 15, 6));
    }
}
