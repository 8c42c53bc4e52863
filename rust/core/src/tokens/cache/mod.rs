//! Words seen before and their ids.

mod block;
mod key;
mod recurrence;
mod store;
mod table;

use std::mem::MaybeUninit;

use self::block::{Block, WORDS};
use self::key::Key;
use self::recurrence::Recurrence;
use self::store::Store;
use self::table::{INLINE, Ids, Place, Table};
use crate::Result;

/// Words seen before and their ids. Text repeats itself: most words are looked up, not encoded.
///
/// It begins with two large pages, 4 MiB, grows with the words that it sees as long as these come again, and never beyond
/// its limit, which is 32 MiB by default; then it forgets, half of it at a time. Whatever it remembers, what it gives is what
/// the model gives.
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
    store: Store,
    misses: u64,
    recurrence: Recurrence,
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

    /// An empty cache that takes up to about `bytes`: half for the table, half for long words and the ids of words
    /// that have many.
    pub fn with_limit(bytes: usize) -> Self {
        let (table, store) = (Table::new(bytes / 2), Store::new(bytes / 2));
        Self { table, store, misses: 0, recurrence: Recurrence::default() }
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
        self.table.bytes() + self.store.bytes()
    }

    /// How many words were not found so far.
    pub fn misses(&self) -> u64 {
        self.misses
    }

    /// Forgets all words and gives the memory back.
    pub fn clear(&mut self) {
        self.table.clear();
        self.store.clear();
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
        let mut block = Block::new();
        for places in places.chunks(WORDS) {
            self.recurrence.asked(places.len());
            block.fill(text, places, &self.table);
            let mut done = 0;
            loop {
                done += self.append_known(&block.keys[done..places.len()], &block.lines[done..], ids);
                let Some(&(begin, end)) = places.get(done) else { break };
                let word = &text[begin as usize..end as usize];
                self.append(word, block.keys[done], ids, &mut encode)?;
                done += 1;
            }
        }
        Ok(())
    }

    /// Appends the ids of words as long as all is where it is looked for first. Returns how many words that were.
    #[inline]
    #[expect(unsafe_code, reason = "filling the room with zeros first takes a tenth of the time")]
    fn append_known(&self, keys: &[Key], lines: &[usize], ids: &mut Vec<u32>) -> usize {
        // All four numbers of a slot are written, wanted or not.
        ids.reserve(keys.len() * INLINE + 1);
        let start = ids.as_mut_ptr();
        let mut end = ids.len();
        let mut done = 0;
        for (&key, &line) in keys.iter().zip(lines) {
            let Some(slot) = self.table.first(key, line) else { break };
            if !slot.key.is(key) || !slot.ids.are_here() {
                break;
            }
            // SAFETY: there is room for INLINE numbers a word and one more, and the words before this one have INLINE
            // ids at most.
            unsafe { start.add(end).cast::<[u32; INLINE + 1]>().write(slot.ids.numbers) };
            end += slot.ids.count();
            done += 1;
        }
        // SAFETY: each word wrote its ids from where those of the word before it ended.
        unsafe { ids.set_len(end) };
        done
    }

    /// Appends the ids that were found under the key of a word. Returns whether they are its ids.
    #[inline]
    fn append_found(&self, word: &[u8], key: Key, known: &Ids, ids: &mut Vec<u32>) -> bool {
        match known.elsewhere() {
            None => append_first(ids, &known.numbers, known.count()),
            Some(place) => match self.store.at(place) {
                Some(found) if is_word(word, key, found, place.count) => {
                    append_first(ids, found, place.count);
                }
                _ => return false,
            },
        }
        true
    }

    /// Appends the ids of a word that was not found at once.
    #[inline]
    fn append(
        &mut self,
        word: &[u8],
        key: Key,
        ids: &mut Vec<u32>,
        encode: &mut impl FnMut(&[u8], &mut Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        let place = self.table.place(key);
        if let Some(slot) = self.table.at(place, key)
            && self.append_found(word, key, &slot.ids, ids)
        {
            return Ok(());
        }
        let start = ids.len();
        encode(word, ids)?;
        self.misses += 1;
        self.recurrence.missed();
        self.keep(word, (place, key), &ids[start..]);
        Ok(())
    }

    /// The ids of a word, if it was seen before.
    pub fn get(&self, word: &[u8]) -> Option<&[u32]> {
        if word.is_empty() {
            return None;
        }
        let key = Key::new(word, 0, word.len());
        self.find(word, key)
    }

    /// Keeps the ids of a word, unless it is too long to be seen often.
    pub fn insert(&mut self, word: &[u8], ids: &[u32]) {
        if !word.is_empty() {
            let key = Key::new(word, 0, word.len());
            self.keep(word, (self.table.place(key), key), ids);
        }
    }

    fn find(&self, word: &[u8], key: Key) -> Option<&[u32]> {
        let slot = self.table.find(key)?;
        let Some(place) = slot.ids.elsewhere() else {
            return slot.ids.numbers.get(..slot.ids.count());
        };
        let ids = self.store.at(place)?;
        is_word(word, key, ids, place.count).then(|| ids.get(..place.count)).flatten()
    }

    fn keep(&mut self, word: &[u8], (place, key): (Place, Key), ids: &[u32]) {
        if word.len() > Self::LONGEST {
            return;
        }
        if let Some(ids) = Ids::here(ids).filter(|_| !key.is_long()) {
            self.put(place, key, ids);
            return;
        }
        let word = if key.is_long() { word } else { &[] };
        if let Some(elsewhere) = self.store.keep(word, ids) {
            self.put(place, key, Ids::placed(elsewhere));
        }
    }

    #[inline]
    fn put(&mut self, place: Place, key: Key, ids: Ids) {
        self.table.insert(place, key, ids, || self.recurrence.is_worth_memory());
    }
}

/// Whether the word whose key was found, and which stands after so many ids, is this one: words with one fingerprint need
/// not be one word.
#[inline]
fn is_word(word: &[u8], key: Key, ids: &[u32], count: usize) -> bool {
    !key.is_long() || ids.get(count..).is_some_and(|rest| begin_with(store::words(rest), word))
}

/// Appends the first `count` of the numbers. Few of them, as most words have, are copied with what stands behind them,
/// which costs less than to ask how many they are.
#[inline]
#[expect(unsafe_code, reason = "see `append_known`")]
fn append_first(ids: &mut Vec<u32>, numbers: &[u32], count: usize) {
    const FEW: usize = 8;
    let few = numbers.first_chunk::<FEW>().filter(|_| count <= FEW);
    ids.reserve(FEW);
    match (few, ids.spare_capacity_mut().first_chunk_mut::<FEW>()) {
        (Some(few), Some(room)) => {
            *room = few.map(MaybeUninit::new);
            // SAFETY: FEW numbers of the room were written, and `count` is not more.
            unsafe { ids.set_len(ids.len() + count) };
        }
        _ => ids.extend_from_slice(numbers.get(..count).unwrap_or_default()),
    }
}

/// Whether a long word is what some bytes begin with, sixteen bytes at a time.
#[inline]
fn begin_with(bytes: &[u8], word: &[u8]) -> bool {
    let Some(bytes) = bytes.get(..word.len()) else { return false };
    let (blocks, _) = word.as_chunks::<16>();
    let (others, _) = bytes.as_chunks::<16>();
    blocks.iter().zip(others).all(|(block, other)| u128::from_ne_bytes(*block) == u128::from_ne_bytes(*other))
        && word.last_chunk::<16>() == bytes.last_chunk::<16>()
}

#[cfg(test)]
mod tests;
