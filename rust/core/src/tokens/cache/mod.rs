//! Words seen before and their ids.

mod key;
mod table;

use self::key::Key;
use self::table::{Elsewhere, INLINE, Ids, Table};
use crate::Result;

/// Words whose keys are worked out, and whose slots are fetched, before the first of them is looked at.
const BLOCK: usize = 64;

/// Words seen before and their ids. Text repeats itself: most words are looked up, not encoded.
///
/// It begins small, grows with the words that it sees, and never beyond its limit, which is 32 MiB by default; then
/// it forgets. Whatever it remembers, what it gives is what the model gives.
///
/// ```
/// use fastmask_core::tokens::WordCache;
/// let mut cache = WordCache::default();
/// let mut ids = Vec::new();
/// cache.encode(b"to be or to be", &[(0, 2), (2, 5), (8, 11), (11, 14)], &mut ids, |word, ids| {
///     ids.push(word.len() as u32);
///     Ok(())
/// })?;
/// assert_eq!((ids, cache.len(), cache.misses()), (vec![2, 3, 3, 3], 3, 3));
/// cache.clear();
/// assert!(cache.is_empty());
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WordCache {
    table: Table,
    /// The ids of words with many.
    ids: Vec<u32>,
    /// Long words themselves: their keys are fingerprints, and a fingerprint proves nothing.
    words: Vec<u8>,
    limit: Limit,
    misses: u64,
}

/// How much a cache holds.
#[derive(Debug, Clone, Copy)]
struct Limit {
    ids: usize,
    words: usize,
}

impl Default for WordCache {
    fn default() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }
}

impl WordCache {
    /// How many bytes a cache takes at most, unless it is told another limit.
    pub const DEFAULT_LIMIT: usize = 32 << 20;

    /// A longer word is not kept: it will hardly be seen again.
    pub const LONGEST: usize = 256;

    /// An empty cache that takes up to about `bytes`: half for the table, a quarter for long words, a quarter for the
    /// ids of words that have many.
    pub fn with_limit(bytes: usize) -> Self {
        let slots = (bytes / 2 / size_of::<table::Slot>()).max(1);
        Self {
            table: Table::new(1 << slots.ilog2()),
            ids: Vec::new(),
            words: Vec::new(),
            limit: Limit { ids: bytes / 4 / size_of::<u32>(), words: bytes / 4 },
            misses: 0,
        }
    }

    /// The number of words that it remembers.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it remembers nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.table.bytes() + self.ids.capacity() * size_of::<u32>() + self.words.capacity()
    }

    /// How many words were not found so far.
    pub fn misses(&self) -> u64 {
        self.misses
    }

    /// Forgets all words and gives the memory back.
    pub fn clear(&mut self) {
        self.table.clear();
        (self.ids, self.words) = (Vec::new(), Vec::new());
    }

    /// Appends the ids of the words at `places` (begin and end) of `text`, in order; those of a word that was not seen
    /// before are what `encode` appends. A word is not empty.
    pub fn encode(
        &mut self,
        text: &[u8],
        places: &[(u32, u32)],
        ids: &mut Vec<u32>,
        mut encode: impl FnMut(&[u8], &mut Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        let mut keys = [Key::NONE; BLOCK];
        let mut hashes = [0; BLOCK];
        for block in places.chunks(BLOCK) {
            for ((key, hash), &(begin, end)) in keys.iter_mut().zip(&mut hashes).zip(block) {
                *key = Key::new(text, begin as usize, end as usize);
                *hash = key.hash();
                self.table.fetch(*hash);
            }
            let mut done = 0;
            while done < block.len() {
                let start = ids.len();
                // All four numbers of the last word are written, wanted or not.
                ids.resize(start + (block.len() - done) * INLINE + 1, 0);
                let (words, count) =
                    self.copy_known(&keys[done..block.len()], &hashes[done..], &mut ids[start..]);
                ids.truncate(start + count);
                done += words;
                if let Some(&(begin, end)) = block.get(done) {
                    let word = &text[begin as usize..end as usize];
                    self.append(word, keys[done], hashes[done], ids, &mut encode)?;
                    done += 1;
                }
            }
        }
        Ok(())
    }

    /// Copies the ids of words to `room`, up to the first word that is not where it is looked for first or has many
    /// ids. Returns how many words and how many ids that were.
    #[inline]
    fn copy_known(&self, keys: &[Key], hashes: &[u64], room: &mut [u32]) -> (usize, usize) {
        let mut count = 0;
        for (done, (&key, &hash)) in keys.iter().zip(hashes).enumerate() {
            let slot = self.table.first(hash);
            match room.get_mut(count..).and_then(<[u32]>::first_chunk_mut) {
                Some(place) if slot.key == key && slot.ids.are_here() => *place = slot.ids.numbers,
                _ => return (done, count),
            }
            count += slot.ids.count();
        }
        (keys.len(), count)
    }

    /// Appends the ids of a word that was not found at once.
    fn append(
        &mut self,
        word: &[u8],
        key: Key,
        hash: u64,
        ids: &mut Vec<u32>,
        encode: &mut impl FnMut(&[u8], &mut Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        if let Some(known) = self.find(word, key, hash) {
            ids.extend_from_slice(known);
            return Ok(());
        }
        let start = ids.len();
        encode(word, ids)?;
        self.misses += 1;
        self.keep(word, key, &ids[start..]);
        Ok(())
    }

    /// The ids of a word, if it was seen before.
    pub fn get(&self, word: &[u8]) -> Option<&[u32]> {
        let key = Key::new(word, 0, word.len());
        self.find(word, key, key.hash())
    }

    /// Keeps the ids of a word, unless it is too long to be seen often.
    pub fn insert(&mut self, word: &[u8], ids: &[u32]) {
        if !word.is_empty() {
            self.keep(word, Key::new(word, 0, word.len()), ids);
        }
    }

    fn find(&self, word: &[u8], key: Key, hash: u64) -> Option<&[u32]> {
        let ids = &self.table.find(key, hash)?.ids;
        match ids.elsewhere() {
            None => ids.numbers.get(..ids.count()),
            // Words with one fingerprint need not be one word.
            Some(Elsewhere { word_from, .. })
                if key.is_long() && self.words.get(word_from..word_from + word.len()) != Some(word) =>
            {
                None
            }
            Some(Elsewhere { from, count, .. }) => self.ids.get(from..from + count),
        }
    }

    fn keep(&mut self, word: &[u8], key: Key, ids: &[u32]) {
        if word.len() > Self::LONGEST {
            return;
        }
        if let Some(ids) = Ids::here(ids).filter(|_| !key.is_long()) {
            self.table.insert(key, ids);
            return;
        }
        let word = if key.is_long() { word } else { &[] };
        if self.ids.len() + ids.len() > self.limit.ids || self.words.len() + word.len() > self.limit.words {
            self.start_afresh();
        }
        if ids.len() <= self.limit.ids && word.len() <= self.limit.words {
            let place = Elsewhere { from: self.ids.len(), word_from: self.words.len(), count: ids.len() };
            self.ids.extend_from_slice(ids);
            self.words.extend_from_slice(word);
            self.table.insert(key, Ids::placed(place));
        }
    }

    /// What the table has forgotten still takes room beside it, so that all goes when that is full.
    fn start_afresh(&mut self) {
        self.table.clear();
        self.ids.clear();
        self.words.clear();
    }
}

#[cfg(test)]
mod tests;
