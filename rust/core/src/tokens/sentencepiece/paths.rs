//! The best ways through words, kept so that they can be taken again exactly.
//!
//! The original sums scores in 32 bits from the begin of the text, so which way through a word is the best may depend on
//! the sum before it, by rounding. Worked out is therefore how far that sum may be from zero for the way to be the best
//! in any case: rounding never makes a greater sum smaller than a lesser one, so the way with the greatest rounded sum is
//! found, and that is this way as long as all others are worse by more than rounding can make up. Then only the sum is
//! carried on, score by score, as the original would have.
//!
//! Of most words the way is the best wherever a sum may be: its pieces say it all, and how many characters are unknown
//! where some are. Of others a *mark* stands for the ids: the number of an entry of a list.

use super::UNKNOWN;
use super::unigram::Unigram;
use crate::tokens::lattice::Contest;
use crate::tokens::scored_trie::FARTHEST;

/// The way through a word with more characters is not worked out.
const MOST_CHARACTERS: usize = 64;

/// Half the distance of two neighbouring numbers of 32 bits, as a part of them.
const HALF_ULP: f64 = 1.0 / (1 << 24) as f64;

/// Where no sum is farther from zero, numbers without a mark are the best way. It is so near to where sums are set back that
/// hardly any are beyond it.
pub(super) const ANYWHERE: f32 = 0.99 * FARTHEST;

/// Added to the number of an entry. No vocabulary has so many pieces.
pub(super) const MARK: u32 = 1 << 31;

/// Added to how many unknown characters follow each other, which together have one id.
pub(super) const RUN: u32 = 1 << 30;

/// For a word whose best way is never certain.
const NEVER: f32 = -1.0;

/// So many entries, numbers, and bytes of words are kept at most: 16 MiB. Tests have few, so that all is forgotten often.
const MOST_ENTRIES: usize = if cfg!(test) { 8 } else { 1 << 17 };
const MOST_NUMBERS: usize = 1 << 21;
const MOST_BYTES: usize = 1 << 22;

/// The ways through words that ids alone do not tell.
#[derive(Debug, Default)]
pub(super) struct Paths {
    entries: Vec<Entry>,
    /// The ids and scores of all, and the words themselves.
    numbers: Vec<u32>,
    words: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// How far from zero the sum before the word may be.
    limit: f32,
    /// Where its ids begin and end, where its scores do, and where the word does.
    numbers: [u32; 3],
    word: [u32; 2],
    begins_unknown: bool,
    ends_unknown: bool,
}

/// The way through a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) ids: &'a [u32],
    scores: &'a [u32],
    /// Whether it begins with unknown text that goes on what stands before it, and whether it ends with such text.
    pub(super) begins_unknown: bool,
    pub(super) ends_unknown: bool,
}

impl Paths {
    /// Whether there is no room for those of another block of words.
    pub(super) fn are_full(&self) -> bool {
        self.entries.len() > MOST_ENTRIES
            || self.numbers.len() > MOST_NUMBERS
            || self.words.len() > MOST_BYTES
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.numbers.capacity() * size_of::<u32>()
            + self.words.capacity()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The word that a mark stands for.
    pub(super) fn word(&self, mark: u32) -> &[u8] {
        let bytes = |entry: &Entry| self.words.get(entry.word[0] as usize..entry.word[1] as usize);
        self.entry(mark).and_then(bytes).unwrap_or_default()
    }

    /// The way that a mark stands for, if it is the best one when the sum before the word is `sum`.
    #[inline]
    pub(super) fn path(&self, mark: u32, sum: f32) -> Option<Path<'_>> {
        let entry = self.entry(mark).filter(|entry| sum.abs() <= entry.limit)?;
        let [ids, scores, end] = entry.numbers.map(|place| place as usize);
        Some(Path {
            ids: self.numbers.get(ids..scores)?,
            scores: self.numbers.get(scores..end)?,
            begins_unknown: entry.begins_unknown,
            ends_unknown: entry.ends_unknown,
        })
    }

    fn entry(&self, mark: u32) -> Option<&Entry> {
        self.entries.get((mark ^ MARK) as usize)
    }
}

impl Path<'_> {
    /// The sum after the word.
    #[inline]
    pub(super) fn carry_on(&self, sum: f32) -> f32 {
        self.scores.iter().fold(sum, |sum, &score| sum + f32::from_bits(score))
    }
}

/// What makes paths.
#[derive(Debug, Default)]
pub(super) struct Maker {
    contest: Contest,
    segments: Vec<(u32, u32)>,
}

impl Maker {
    /// Appends the ids and runs of a word, given as it stands in the text and as it was normalized, or the mark of its
    /// path.
    ///
    /// `write` appends the ids of segments, given as ids and lengths, to a list; `joins_unknown` says that a run of
    /// unknown text is one of them.
    pub(super) fn make(
        &mut self,
        unigram: &Unigram,
        (word, normalized): (&[u8], &[u8]),
        joins_unknown: bool,
        write: impl FnOnce(&[(u32, u32)], &mut Vec<u32>),
        paths: &mut Paths,
        out: &mut Vec<u32>,
    ) {
        let limit = self.find(unigram, normalized);
        let is_unknown = |segment: &(u32, u32)| segment.0 == UNKNOWN;
        if limit >= ANYWHERE && (joins_unknown || !self.segments.iter().any(is_unknown)) {
            return self.write_runs(out);
        }
        out.push(paths.entries.len() as u32 | MARK);
        let [ids, from] = [paths.numbers.len(), paths.words.len()];
        write(&self.segments, &mut paths.numbers);
        let scores = paths.numbers.len();
        paths.numbers.extend(self.segments.iter().map(|&(id, _)| unigram.score_of(id).to_bits()));
        paths.words.extend_from_slice(word);
        let is_joined = |segment: Option<&(u32, u32)>| joins_unknown && segment.is_some_and(is_unknown);
        paths.entries.push(Entry {
            limit,
            numbers: [ids, scores, paths.numbers.len()].map(|place| place as u32),
            word: [from, paths.words.len()].map(|place| place as u32),
            begins_unknown: is_joined(self.segments.first()),
            ends_unknown: is_joined(self.segments.last()),
        });
    }

    /// Appends the ids of pieces, and the runs of what is none.
    fn write_runs(&self, out: &mut Vec<u32>) {
        let start = out.len();
        for &(id, _) in &self.segments {
            match out[start..].last_mut() {
                _ if id != UNKNOWN => out.push(id),
                Some(last) if *last >= RUN => *last += 1,
                _ => out.push(RUN | 1),
            }
        }
    }

    /// Finds the segments of a word and how far from zero the sum before it may be.
    fn find(&mut self, unigram: &Unigram, word: &[u8]) -> f32 {
        self.segments.clear();
        let characters = word.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        let Some(tokens) = unigram.tokens.as_ref().filter(|_| characters <= MOST_CHARACTERS) else {
            return NEVER;
        };
        self.contest.fill(tokens, word);
        let margin = self.contest.append(tokens, word, &mut self.segments);
        limit(margin.into(), characters as f64, unigram.greatest_score)
    }
}

/// How far from zero a sum may be so that a way that is better than all others by `margin` stays the best, when no way
/// has more pieces than the word has characters, and no score is greater than `greatest`.
///
/// Each of the additions errs by at most half an ulp of what it gives, so two sums by at most twice as many; and no sum
/// may come so far that it is set back. The margin is of such sums too, from zero on.
fn limit(margin: f64, characters: f64, greatest: f64) -> f32 {
    let inner = characters * greatest;
    let margin = margin - 2.0 * characters * inner * HALF_ULP * 1.01;
    let farthest = margin / (2.0 * characters * HALF_ULP) * 0.99 - 1.01 * inner;
    let limit = farthest.min(f64::from(FARTHEST) - 1.01 * inner - 1.0);
    // Rounded towards zero, and not a number becomes never.
    if limit > 1.0 { (limit * (1.0 - 1e-6)) as f32 } else { NEVER }
}
