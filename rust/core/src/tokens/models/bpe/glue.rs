//! Two bytes of a word that are merged whatever stands around: before either could be taken away.
//!
//! Let a merge of two bytes have a lower rank than any by which something that ends in the byte before takes the first, and
//! not a higher one than any by which the second takes something that begins with the byte behind. As long as the two are
//! there, no merge that takes one of them has its turn: theirs comes before. So they are joined, some time. They may be
//! joined at once if what they become takes part in nothing that has a rank as low as that of their own merge: all that
//! comes before is then the same, as it touches neither of the two.
//!
//! Half of the merges of a word are such, and they are found side by side, not one after the other.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use super::bytes::NO_SYMBOL;
use super::merge::Merges;
use crate::text::byte_level;
use crate::tokens::Vocab;

/// What is known of each two bytes, the second at 256 times its number.
#[derive(Debug, Clone)]
pub(super) struct Glue {
    pairs: Box<[Pair; 1 << 16]>,
    /// The symbols of bytes, and behind them what merges of two bytes become, by rank.
    ids: Vec<u32>,
}

/// Ranks of two bytes, each of 16 bits: one that is too high is taken for none, so that less is joined at once.
///
/// From the lowest bits on: the rank of the merge of the two, if what they become takes part only in later merges; the
/// least rank of a merge in which something that ends in the first takes the second; the least rank of a merge in which
/// something that begins with the second takes the first; and in the highest bit whether no merge at all has the first at
/// the end of its left side and the second at the begin of its right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair(u64);

const NEVER: u16 = u16::MAX;

const HIGHEST: u64 = 1 << 63;

impl Pair {
    /// Two bytes that no merge knows.
    const UNKNOWN: Self = Self(u64::MAX);

    fn glued_at(self, rank: u16) -> Self {
        Self(self.0 & !0xFFFF | u64::from(rank))
    }

    fn with_second_taken(self, rank: u16) -> Self {
        Self(self.0 & !(0xFFFF << 16) | u64::from(rank.min(self.second_taken())) << 16)
    }

    fn with_first_taken(self, rank: u16) -> Self {
        Self(self.0 & !(0xFFFF << 32) | u64::from(rank.min(self.first_taken())) << 32)
    }

    fn joining(self) -> Self {
        Self(self.0 & !HIGHEST)
    }

    #[inline(always)]
    fn glued(self) -> u16 {
        self.0 as u16
    }

    #[inline(always)]
    fn second_taken(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline(always)]
    fn first_taken(self) -> u16 {
        (self.0 >> 32) as u16
    }

    #[inline(always)]
    fn is_cut(self) -> bool {
        self.0 & HIGHEST != 0
    }
}

/// Places in a word as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// Where the bytes before and behind are joined at once. No two are neighbours: of those the lower rank would be the
    /// higher.
    pub(super) glued: u64,
    /// Where nothing is ever joined.
    pub(super) cuts: u64,
}

/// How many bytes there are.
const BYTES: usize = 256;

impl Glue {
    /// `ids` are the symbols of bytes, which `vocab` spells in the byte-level alphabet.
    pub(super) fn new(merges: &Merges, ids: &[u32; BYTES], vocab: &Vocab) -> Option<Self> {
        let size = merges.iter().map(|merge| merge.left.max(merge.right).max(merge.id) as usize + 1).max();
        let mut is_byte = vec![false; size.unwrap_or_default()];
        for &id in ids {
            if let Some(is_byte) = is_byte.get_mut(id as usize) {
                *is_byte = true;
            }
        }
        let pairs = vec![Pair::UNKNOWN; 1 << 16].into_boxed_slice().try_into().ok()?;
        let mut glue = Self { pairs, ids: ids.to_vec() };
        let mut of_bytes = Vec::new();
        for merge in merges.iter() {
            let first =
                vocab.token(merge.left).and_then(|left| byte_level::byte_of(left.chars().next_back()?));
            let second =
                vocab.token(merge.right).and_then(|right| byte_level::byte_of(right.chars().next()?));
            // What is spelled otherwise is in no word.
            let Some((first, second)) = first.zip(second) else { continue };
            let rank = u16::try_from(merge.rank).unwrap_or(NEVER);
            let pair = &mut glue.pairs[place(first, second)];
            *pair = pair.joining();
            let (left, right) = (is_byte[merge.left as usize], is_byte[merge.right as usize]);
            *pair = if right { pair.with_second_taken(rank) } else { *pair };
            *pair = if left { pair.with_first_taken(rank) } else { *pair };
            if left && right && rank != NEVER {
                of_bytes.push((place(first, second), rank, merge.id));
            }
        }
        glue.join_at_once(merges, &of_bytes, is_byte.len());
        Some(glue)
    }

    /// Of merges of two bytes (the place of the pair, the rank, and what comes of it) those are carried out at once whose
    /// result takes part in later merges only. `size` is more than any symbol of a merge.
    fn join_at_once(&mut self, merges: &Merges, of_bytes: &[(usize, u16, u32)], size: usize) {
        let mut lowest = vec![u32::MAX; size];
        for merge in merges.iter() {
            for part in [merge.left, merge.right] {
                lowest[part as usize] = lowest[part as usize].min(merge.rank);
            }
        }
        let highest = of_bytes.iter().map(|&(_, rank, _)| usize::from(rank) + 1).max().unwrap_or_default();
        self.ids.resize(BYTES + highest, NO_SYMBOL);
        for &(place, rank, id) in of_bytes {
            let known = &mut self.ids[BYTES + usize::from(rank)];
            if *known == NO_SYMBOL && lowest[id as usize] > u32::from(rank) {
                *known = id;
                self.pairs[place] = self.pairs[place].glued_at(rank);
            }
        }
    }

    #[inline(always)]
    fn pair(&self, first: u8, second: u8) -> Pair {
        self.pairs[place(first, second)]
    }

    /// What is known of the places in a word, up to 64, before each byte but the first.
    #[inline(always)]
    pub(super) fn of_word(&self, word: &[u8]) -> Places {
        let mut found = Found { places: Places { glued: 0, cuts: 0 }, left_taken: u64::from(NEVER) };
        let mut pairs = word.windows(2).map(|pair| self.pair(pair[0], pair[1]));
        let Some(mut pair) = pairs.next() else { return found.places };
        for next in pairs {
            found.note(pair, next);
            pair = next;
        }
        found.note(pair, Pair::UNKNOWN);
        // The last place stands in the highest bit.
        let unused = u64::BITS as usize - word.len();
        Places { glued: found.places.glued >> unused, cuts: found.places.cuts >> unused }
    }

    /// The first place in a word where nothing is ever joined.
    pub(super) fn first_cut(&self, word: &[u8]) -> Option<usize> {
        word.windows(2).position(|pair| self.pair(pair[0], pair[1]).is_cut()).map(|place| place + 1)
    }

    /// The symbol of a byte, or of two that are joined at once.
    #[inline(always)]
    pub(super) fn symbol(&self, word: &[u8], begin: usize, end: usize) -> u32 {
        let first = word[begin];
        let joined = BYTES + usize::from(self.pair(first, word[end - 1]).glued());
        let place = if end - begin == 1 { usize::from(first) } else { joined };
        self.ids[place]
    }
}

/// Places while they are found, each in the highest bit when it is new.
struct Found {
    places: Places,
    left_taken: u64,
}

impl Found {
    /// The highest bits of differences say what is less. There is no branch and no comparison: this is a third of the work
    /// that a word is.
    #[inline(always)]
    fn note(&mut self, pair: Pair, next: Pair) {
        let glued = u64::from(pair.glued());
        let is_late = (self.left_taken.wrapping_sub(glued).wrapping_sub(1))
            | u64::from(next.first_taken()).wrapping_sub(glued);
        self.places.glued = self.places.glued >> 1 | !is_late & HIGHEST;
        self.places.cuts = self.places.cuts >> 1 | pair.0 & HIGHEST;
        self.left_taken = u64::from(pair.second_taken());
    }
}

#[inline(always)]
fn place(first: u8, second: u8) -> usize {
    usize::from(u16::from_le_bytes([first, second]))
}
