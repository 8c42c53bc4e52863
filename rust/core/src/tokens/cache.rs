//! Words seen before and their ids.

use rustc_hash::FxHashMap;

use crate::Result;

/// Words seen before and their ids. Text repeats itself: most words are looked up, not encoded.
///
/// It is bounded, so memory does not grow with the text: when full it starts afresh.
#[derive(Debug, Clone, Default)]
pub struct WordCache {
    words: FxHashMap<Box<[u8]>, Box<[u32]>>,
}

impl WordCache {
    const CAPACITY: usize = 1 << 17;
    const LONGEST: usize = 64;

    /// Appends the ids of the words at `places` (begin and end) of `text`, in order; those of a word that was not seen
    /// before are what `encode` appends.
    pub fn encode(
        &mut self,
        text: &[u8],
        places: &[(u32, u32)],
        ids: &mut Vec<u32>,
        mut encode: impl FnMut(&[u8], &mut Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        for &(begin, end) in places {
            let word = &text[begin as usize..end as usize];
            if let Some(known) = self.get(word) {
                ids.extend_from_slice(known);
            } else {
                let start = ids.len();
                encode(word, ids)?;
                self.insert(word, &ids[start..]);
            }
        }
        Ok(())
    }

    /// The ids of a word, if it was seen before.
    pub fn get(&self, word: &[u8]) -> Option<&[u32]> {
        self.words.get(word).map(|ids| &**ids)
    }

    /// Keeps the ids of a word, unless it is too long to be seen often.
    pub fn insert(&mut self, word: &[u8], ids: &[u32]) {
        if word.len() <= Self::LONGEST {
            if self.words.len() >= Self::CAPACITY {
                self.words.clear();
            }
            self.words.insert(word.into(), ids.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_not_kept_and_memory_is_bounded() {
        let mut cache = WordCache::default();
        cache.insert(b"ab", &[1, 2]);
        cache.insert(&[b'a'; WordCache::LONGEST + 1], &[1]);
        assert_eq!((cache.get(b"ab"), cache.words.len()), (Some(&[1, 2][..]), 1));
        for word in 0..WordCache::CAPACITY {
            cache.insert(&word.to_le_bytes(), &[]);
        }
        assert_eq!((cache.get(b"ab"), cache.words.len()), (None, 1));
    }
}
