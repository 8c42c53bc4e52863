//! The merges of a byte-pair encoding: the most frequent pair becomes one symbol, again and again.
//!
//! Sennrich, Haddow, Birch: *Neural machine translation of rare words with subword units* (ACL 2016). What follows
//! from the bookkeeping of the `tokenizers` library is kept, since it decides merges:
//! - a pair's count is not set to zero when it is merged, so if the same pair arises again (two merges can give the
//!   same token) it starts from the old count;
//! - it is then merged a second time, and the later rank holds;
//! - a candidate is merged everywhere in the words that it was seen in, also where the pair arose later;
//! - pairs whose token would be too long are not counted when they arise, but are when they vanish; the pairs of
//!   single characters are counted whatever the limit.

use rustc_hash::FxHashSet;

use super::chain::Chain;
use super::changes::Changes;
use super::pairs::{Pair, Pairs};
use super::vocabulary::Vocabulary;
use crate::{Result, threads};

/// How often the caller hears of the progress.
const MERGES_A_REPORT: usize = 128;

/// A merge at fewer places than this is not worth another thread; tests share out every merge.
const PLACES_A_THREAD: usize = if cfg!(test) { 2 } else { 1 << 14 };

/// What merging is told.
pub(super) struct Limits<'a> {
    pub(super) vocab_size: usize,
    pub(super) min_frequency: u64,
    pub(super) continuing_subword_prefix: Option<&'a str>,
    pub(super) max_token_length: Option<usize>,
    pub(super) num_threads: usize,
}

/// Merges until the vocabulary is full or no pair is left. Returns the merges in the order of their ranks.
pub(super) fn merge(
    chain: &mut Chain,
    vocabulary: &mut Vocabulary,
    limits: &Limits<'_>,
    mut report: impl FnMut(usize, usize) -> Result<()>,
) -> Result<Vec<Pair>> {
    report(vocabulary.len(), limits.vocab_size)?;
    let mut pairs = Pairs::new(chain);
    let mut spans = Spans::new(chain, limits.max_token_length);
    let mut parts: Vec<Changes> = (0..limits.num_threads.max(1)).map(|_| Changes::default()).collect();
    let mut merges = Vec::new();
    while vocabulary.len() < limits.vocab_size {
        let Some(next) = pairs.next() else { break };
        if next.count < 1 || next.count < limits.min_frequency {
            break;
        }
        let text = merged_text(vocabulary, next.pair, limits.continuing_subword_prefix);
        let new = vocabulary.id(&text);
        merges.push(next.pair);
        let everywhere;
        let mut places = pairs.places(next.places);
        if next.others_wait || spans.differ {
            everywhere = chain.in_the_same_words(next.pair.0, places);
            places = &everywhere;
        }
        let number = (places.len() / PLACES_A_THREAD + 1).min(parts.len());
        threads::for_each(
            limits.num_threads,
            chain.stretches(places, number).into_iter().zip(&mut parts).collect(),
            || (),
            |(), ((mut stretch, places), changes)| {
                let joins = places.iter().filter_map(|&at| stretch.join(at, next.pair, new));
                joins.for_each(|join| changes.note(&join, limits.max_token_length));
                Ok(())
            },
        )?;
        if let [changes, others @ ..] = parts.as_mut_slice() {
            for other in others {
                changes.absorb(other);
            }
            spans.note(new, changes.spans());
            changes.apply(&mut pairs, next.pair, new);
        }
        if merges.len() % MERGES_A_REPORT == 0 {
            report(vocabulary.len(), limits.vocab_size)?;
        }
    }
    report(vocabulary.len(), limits.vocab_size)?;
    Ok(only_last(merges))
}

/// The text of the token that a pair becomes: a continuing symbol loses its prefix.
fn merged_text(vocabulary: &Vocabulary, (left, right): Pair, prefix: Option<&str>) -> String {
    let right = vocabulary.text(right);
    let right = prefix.and_then(|prefix| right.strip_prefix(prefix)).unwrap_or(right);
    [vocabulary.text(left), right].concat()
}

/// Of a pair that was merged more than once the last time holds.
fn only_last(mut merges: Vec<Pair>) -> Vec<Pair> {
    let mut seen = FxHashSet::default();
    merges.reverse();
    merges.retain(|&pair| seen.insert(pair));
    merges.reverse();
    merges
}

/// Whether a symbol spans as many characters everywhere. With a prefix it need not: where text spells the prefix,
/// `##a` may be one character or three. Then a limit on the length lets some of a pair's places pass and not others.
struct Spans {
    /// By symbol; 0 is not known.
    known: Vec<u32>,
    differ: bool,
    matter: bool,
}

impl Spans {
    fn new(chain: &Chain, max_token_length: Option<usize>) -> Self {
        let mut spans = Self { known: Vec::new(), differ: false, matter: max_token_length.is_some() };
        if spans.matter {
            chain.pairs().for_each(|((left, right), ..)| {
                spans.note(left, Some((1, 1)));
                spans.note(right, Some((1, 1)));
            });
        }
        spans
    }

    /// Notes the least and the greatest span with which a symbol has just been seen.
    fn note(&mut self, symbol: u32, seen: Option<(u32, u32)>) {
        let Some((least, greatest)) = seen.filter(|_| self.matter) else { return };
        let symbol = symbol as usize;
        if self.known.len() <= symbol {
            self.known.resize(symbol + 1, 0);
        }
        self.differ |= least != greatest || ![0, least].contains(&self.known[symbol]);
        self.known[symbol] = least;
    }
}
