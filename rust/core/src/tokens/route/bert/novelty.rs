//! Whether words were seen before is not asked for a while where hardly any was.

/// After so many words it is thought over.
const WORDS: usize = 1 << 11;

/// For so many words nothing is asked, if of the last fewer than one in [`RARE`] was known; for twice as many when that
/// is so again, up to [`MOST_BLIND`].
const BLIND: usize = 1 << 13;
const MOST_BLIND: usize = 1 << 16;
const RARE: usize = 8;

/// How many of the last words were new.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Novelty {
    words: usize,
    misses: usize,
    /// So many words more are taken to be new.
    blind: usize,
    /// So many were the last time.
    last_blind: usize,
}

impl Novelty {
    /// Whether the next words are taken to be new.
    pub(super) fn is_new(&mut self, words: usize) -> bool {
        let is_new = self.blind > 0;
        self.blind = self.blind.saturating_sub(words);
        is_new
    }

    /// Notes how many of words that were looked up were not found.
    pub(super) fn note(&mut self, words: usize, misses: u64) {
        self.words += words;
        self.misses += misses as usize;
        if self.words >= WORDS {
            let known = self.words.saturating_sub(self.misses);
            let is_rare = known < self.words / RARE;
            let blind = if is_rare { (self.last_blind * 2).clamp(BLIND, MOST_BLIND) } else { 0 };
            *self = Self { words: 0, misses: 0, blind, last_blind: blind };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many words are taken to be new.
    fn blind(novelty: &mut Novelty) -> usize {
        let mut words = 0;
        while novelty.is_new(64) {
            words += 64;
        }
        words
    }

    #[test]
    fn new_words_are_not_looked_up_for_a_while() {
        let mut novelty = Novelty::default();
        novelty.note(WORDS, WORDS as u64 / 2);
        assert!(!novelty.is_new(1));
        novelty.note(WORDS - 1, WORDS as u64 - 1);
        assert!(!novelty.is_new(1));
        novelty.note(1, 1);
        assert_eq!(blind(&mut novelty), BLIND);
        for want in [2 * BLIND, 4 * BLIND, MOST_BLIND, MOST_BLIND] {
            novelty.note(WORDS, WORDS as u64);
            assert_eq!(blind(&mut novelty), want);
        }
        novelty.note(WORDS, 0);
        assert!(!novelty.is_new(1));
    }
}
