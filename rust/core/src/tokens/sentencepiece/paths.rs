//! The best ways through words, kept so that they can be taken again exactly.
//!
//! The original sums scores in 32 bits from the begin of the text, so which way through a word is the best may depend on
//! the sum before it, by rounding. Kept is therefore how far that sum may be from zero for the way to be the best in any
//! case: rounding never makes a greater sum smaller than a lesser one, so the way with the greatest rounded sum is found,
//! and that is this way as long as all others are worse by more than rounding can make up. Then only the sum is carried
//! on, score by score, as the original would have.

use super::unigram::Unigram;
use super::{Segment, UNKNOWN};
use crate::tokens::lattice::Contest;

/// A word with more characters is not kept.
const MOST_CHARACTERS: usize = 64;

/// Half the distance of two neighbouring numbers of 32 bits, as a part of them.
const HALF_ULP: f64 = 1.0 / (1 << 24) as f64;

/// What is kept for a word is a list of numbers. The first is how far the sum before it may be from zero, as bits. Then,
/// for a word of one piece, its id and its score; for others the counts of ids and scores, the ids, and the scores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) ids: &'a [u32],
    scores: &'a [u32],
    /// Whether it begins with unknown text that goes on what stands before it, and whether it ends with such text.
    pub(super) begins_unknown: bool,
    pub(super) ends_unknown: bool,
}

/// For a word whose best way is never certain.
pub(super) const NEVER: f32 = -1.0;

const BEGINS_UNKNOWN: u32 = 1 << 30;
const ENDS_UNKNOWN: u32 = 1 << 31;

impl<'a> Path<'a> {
    /// The way that is kept, if it is the best one when the sum before the word is `sum`.
    #[inline]
    pub(super) fn read(kept: &'a [u32], sum: f32) -> Option<Self> {
        let (&limit, rest) = kept.split_first()?;
        if sum.abs() > f32::from_bits(limit) {
            return None;
        }
        if let [_, _] = rest {
            let (ids, scores) = rest.split_at(1);
            return Some(Self { ids, scores, begins_unknown: false, ends_unknown: false });
        }
        let (&header, rest) = rest.split_first()?;
        let (ids, scores) = rest.split_at_checked((header & 0xFFFF) as usize)?;
        let [begins_unknown, ends_unknown] = [BEGINS_UNKNOWN, ENDS_UNKNOWN].map(|flag| header & flag != 0);
        Some(Self { ids, scores, begins_unknown, ends_unknown })
    }

    /// The sum after the word.
    #[inline]
    pub(super) fn carry_on(&self, sum: f32) -> f32 {
        self.scores.iter().fold(sum, |sum, &score| sum + f32::from_bits(score))
    }
}

/// Appends what is to be kept for a word, given as it was normalized.
///
/// `write` appends the ids of segments to a list; `joins_unknown` says that a run of unknown text is one of them.
pub(super) fn make(
    unigram: &Unigram,
    contest: &mut Contest,
    word: &[u8],
    joins_unknown: bool,
    write: impl FnOnce(&[Segment], &mut Vec<u32>),
    kept: &mut Vec<u32>,
) {
    let characters = word.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    let Some(tokens) = unigram.tokens.as_ref().filter(|_| characters <= MOST_CHARACTERS) else {
        kept.push(NEVER.to_bits());
        return;
    };
    let margin = contest.fill(tokens, word);
    let limit = limit(margin, characters as f64, unigram.greatest_score);
    kept.push(limit.to_bits());
    if limit < 0.0 {
        return;
    }
    let mut segments = Vec::new();
    contest.append(tokens, word, &mut segments);
    let segments: Vec<Segment> = segments.into_iter().map(|(id, length)| Segment { id, length }).collect();
    let is_unknown = |segment: Option<&Segment>| segment.is_some_and(|segment| segment.id == UNKNOWN);
    let begins = if joins_unknown && is_unknown(segments.first()) { BEGINS_UNKNOWN } else { 0 };
    let ends = if joins_unknown && is_unknown(segments.last()) { ENDS_UNKNOWN } else { 0 };
    let flags = begins | ends;
    kept.push(0);
    write(&segments, kept);
    let count = kept.len() - 2;
    if count == 1 && segments.len() == 1 && flags == 0 {
        kept.remove(1);
    } else {
        kept[1] = count as u32 | flags;
    }
    kept.extend(segments.iter().map(|segment| unigram.score_of(segment.id).to_bits()));
}

/// How far from zero a sum may be so that a way that is better than all others by `margin` stays the best, when no way
/// has more pieces than the word has characters, and no score is greater than `greatest`.
///
/// Each of the additions errs by at most half an ulp of what it gives, so two sums by at most twice as many; and no sum
/// may come so far that it is set back.
fn limit(margin: f64, characters: f64, greatest: f64) -> f32 {
    // The sums of 64 bits that made the margin err too.
    let inner = characters * greatest;
    let margin = margin - inner * 1e-12;
    let farthest = margin / (2.0 * characters * HALF_ULP) * 0.99 - 1.01 * inner;
    let limit = farthest.min(f64::from(crate::tokens::scored_trie::FARTHEST) - 1.01 * inner - 1.0);
    // Rounded towards zero, and not a number becomes never.
    if limit > 1.0 { (limit * (1.0 - 1e-6)) as f32 } else { NEVER }
}
