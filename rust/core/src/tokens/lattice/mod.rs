//! Viterbi's algorithm over a text: of all ways to cut it into tokens, the one whose scores have the greatest sum.
//!
//! Of each place the last token of the best way there is kept, four bytes; of the sums only those within reach, so that
//! they stay in the cache however long the text is. So do the tokens: now and then the ways to all places within reach
//! are followed back until they are one. What is before that is settled, and is handed on and forgotten.

mod contest;
mod ends;
mod fill;
mod weights;

use std::ops::Range;

use self::ends::{Best, Far, NEAR, Single};
use self::fill::{Here, fill};
use super::scored_trie::Score;

pub(super) use self::contest::Contest;
pub(super) use self::weights::Tokens;

/// Room for more than so many places is given back after use.
const KEPT: usize = 1 << 18;

/// After so many bytes the ways are followed back. Tests do it often.
const STRETCH: usize = if cfg!(test) { 24 } else { 1 << 16 };

/// So many tokens are followed back: ways that have not met by then may never do.
const MOST_STEPS: usize = 1 << 12;

/// The id of no token.
pub(super) const NO_TOKEN: u32 = u32::MAX;

/// A character has at most so many bytes.
const CHARACTER: usize = 4;

/// The tokens of a way, from its end back: ids, and where in the text they are. `last` gives the last one of the way to a
/// place, and where it begins.
#[inline]
pub(super) fn backwards(
    stretch: Range<usize>,
    last: impl Fn(usize) -> (u32, usize),
) -> impl Iterator<Item = (u32, Range<usize>)> {
    let mut end = stretch.end;
    std::iter::from_fn(move || {
        (end > stretch.start).then(|| {
            let (id, begin) = last(end);
            (id, begin..std::mem::replace(&mut end, begin))
        })
    })
}

/// The best way to each place of a text. Its memory is used again for the next text.
#[derive(Debug, Clone)]
pub(super) struct Lattice<S> {
    far: Far<Single<S>>,
    /// For each place the last token of the best way there, greater than any id for an unknown character. What the last
    /// text left is written over before it is read: a way leads to every character.
    ends: Vec<u32>,
    /// The place that the first of them is of.
    base: usize,
    /// Places on the way back.
    ways: Vec<usize>,
}

impl<S> Default for Lattice<S> {
    fn default() -> Self {
        Self { far: Far::default(), ends: Vec::new(), base: 0, ways: Vec::new() }
    }
}

impl<S: Score> Lattice<S> {
    /// Finds the best way through `text`, which is UTF-8, when the sum at its begin is `start`; returns the sum at its
    /// end. `visit` is called with one stretch of the text after the other; within it, [`last`](Self::last) tells the way.
    pub(super) fn pass<E>(
        &mut self,
        tokens: &Tokens<S>,
        text: &[u8],
        start: S,
        mut visit: impl FnMut(&Self, Range<usize>) -> Result<(), E>,
    ) -> Result<S, E> {
        self.base = 0;
        let mut here = Here::start(start);
        loop {
            // Where nothing is settled for long, it is asked ever more seldom.
            let stop = text.len().min(here.begin + STRETCH.max(here.begin - self.base));
            here = self.fill(tokens, text, here, stop);
            let settled = if here.begin < text.len() { self.settled(tokens, &here) } else { here.begin };
            if let Err(error) = visit(self, self.base..settled) {
                // What is known of places further on is of no other text.
                *self = Self::default();
                return Err(error);
            }
            if here.begin >= text.len() {
                self.shrink();
                return Ok(here.sum);
            }
            self.ends.copy_within(settled - self.base..=here.begin - self.base, 0);
            self.base = settled;
        }
    }

    fn fill(
        &mut self,
        tokens: &Tokens<S>,
        text: &[u8],
        here: Here<Single<S>>,
        stop: usize,
    ) -> Here<Single<S>> {
        let room = stop + CHARACTER - self.base;
        if self.ends.len() < room {
            self.ends.resize(room, 0);
        }
        let (base, ends) = (self.base, &mut self.ends[..room]);
        fill(tokens, text, here, stop, &mut self.far, |place, known: Single<S>| {
            ends[place - base] = known.end;
        })
    }

    /// Up to where the ways to all places that may still be on the best way are one.
    fn settled(&mut self, tokens: &Tokens<S>, here: &Here<Single<S>>) -> usize {
        let mut ways = std::mem::take(&mut self.ways);
        ways.clear();
        ways.push(here.begin);
        let far =
            (NEAR + 1..=tokens.longest.max(NEAR)).map(|steps| (steps, *self.far.at(here.begin + steps)));
        let known = (1..).zip(here.near).chain(far).filter(|(_, known)| known.sum() > S::NOTHING);
        ways.extend(known.map(|(steps, known)| here.begin + steps - tokens.length(known.end)));
        let mut met = self.base;
        for _ in 0..MOST_STEPS {
            ways.sort_unstable();
            ways.dedup();
            match ways.pop() {
                Some(last) if last > self.base => {
                    if ways.is_empty() {
                        met = last;
                        break;
                    }
                    ways.push(self.last(tokens, last).1);
                }
                _ => break,
            }
        }
        self.ways = ways;
        met
    }

    /// The last token of the best way to `end`, the end of a character, and where it begins: on a way that has ended it
    /// may be before the stretch.
    #[inline]
    pub(super) fn last(&self, tokens: &Tokens<S>, end: usize) -> (u32, usize) {
        tokens.last(self.ends[end - self.base], end)
    }

    /// Gives back what a very long text needed.
    fn shrink(&mut self) {
        if self.ends.capacity() > KEPT {
            self.ends = Vec::new();
        }
    }
}
