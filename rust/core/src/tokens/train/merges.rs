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
//!
//! Most pairs are far too rare ever to be merged. So, at first, pairs are forgotten that are rarer than a guess when
//! they arise; when no other is left that is as frequent, the pairs are counted anew, with a lower guess. That is exact
//! while each merge gives a token that was not there before: then all occurrences of a pair arise at once, with the
//! younger of its two symbols, and none of the above has anything to decide. Should a merge give a token that has been
//! there, or is there a limit on the length, nothing is forgotten.

use rustc_hash::{FxHashMap, FxHashSet};

use super::chain::{Chain, Join, Stretch};
use super::changes::Changes;
use super::first_pairs;
use super::pairs::{Next, Pair, Pairs};
use super::vocabulary::Vocabulary;
use crate::{Result, threads};

/// How often the caller hears of the progress.
const MERGES_A_REPORT: usize = 128;

/// A merge at fewer places than this is not worth another thread; tests share out every merge.
const PLACES_A_THREAD: usize = if cfg!(test) { 2 } else { 1 << 13 };

/// Places are looked at in blocks of this many before anything is joined there.
const BLOCK: usize = 32;

/// A pair is forgotten if it is rarer than all pairs would be if there were this many for each merge.
const PAIRS_A_MERGE: i64 = if cfg!(test) { 1 } else { 128 };

/// How much lower the next guess is.
const LOWER: i64 = if cfg!(test) { 2 } else { 16 };

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
    chain: Chain,
    vocabulary: &mut Vocabulary,
    limits: &Limits<'_>,
    mut report: impl FnMut(usize, usize) -> Result<()>,
) -> Result<Vec<Pair>> {
    let mut most = 0;
    let mut report = |done: usize| {
        // The second attempt has less than the first had.
        most = most.max(done);
        report(most, limits.vocab_size)
    };
    report(vocabulary.len())?;
    let first = vocabulary.len();
    let mut chain = chain;
    if limits.max_token_length.is_none() {
        let mut attempt = Attempt::new(&mut chain, vocabulary, limits, true)?;
        if attempt.run(&mut report)? {
            return Ok(attempt.merges);
        }
        let parts: FxHashMap<u32, Pair> = attempt.made.into_iter().zip(attempt.merges).collect();
        chain = chain.taken_apart(|id| parts.get(&id).copied())?;
        vocabulary.truncate(first);
    }
    let mut attempt = Attempt::new(&mut chain, vocabulary, limits, false)?;
    attempt.run(&mut report)?;
    Ok(only_last(attempt.merges))
}

/// One way through all merges.
struct Attempt<'a> {
    chain: &'a mut Chain,
    vocabulary: &'a mut Vocabulary,
    limits: &'a Limits<'a>,
    /// Whether rare pairs may be forgotten.
    forgets: bool,
    /// The least count of a pair that is merged.
    floor: i64,
    /// By id: whether the symbol is or was in the chain.
    used: Vec<bool>,
    pairs: Pairs,
    spans: Spans,
    parts: Vec<Changes>,
    merges: Vec<Pair>,
    /// The symbols that the merges have made.
    made: Vec<u32>,
}

impl<'a> Attempt<'a> {
    fn new(
        chain: &'a mut Chain,
        vocabulary: &'a mut Vocabulary,
        limits: &'a Limits<'a>,
        forgets: bool,
    ) -> Result<Self> {
        let floor = i64::try_from(limits.min_frequency).unwrap_or(i64::MAX).max(1);
        let number = (limits.vocab_size.saturating_sub(vocabulary.len()) as i64).max(1);
        let guess = |all: i64| {
            if forgets { (all / number.saturating_mul(PAIRS_A_MERGE)).max(floor) } else { 0 }
        };
        let first = first_pairs::find(chain, limits.num_threads, guess)?;
        let spans = Spans::new(chain, limits.max_token_length);
        let mut used = vec![false; vocabulary.len()];
        chain.symbols().for_each(|symbol| used[symbol as usize] = true);
        let parts = (0..limits.num_threads.max(1)).map(|_| Changes::default()).collect();
        let (pairs, merges, made) = (Pairs::new(first), Vec::new(), Vec::new());
        Ok(Self { chain, vocabulary, limits, forgets, floor, used, pairs, spans, parts, merges, made })
    }

    /// Merges until the vocabulary is full or no pair is left. False, if a token has come to be a second time and
    /// pairs have been forgotten.
    fn run(&mut self, report: &mut dyn FnMut(usize) -> Result<()>) -> Result<bool> {
        while self.vocabulary.len() < self.limits.vocab_size {
            let Some(next) = self.next()? else { break };
            let text = merged_text(self.vocabulary, next.pair, self.limits.continuing_subword_prefix);
            let new = self.vocabulary.id(&text);
            self.used.resize(self.vocabulary.len(), false);
            if std::mem::replace(&mut self.used[new as usize], true) && self.forgets {
                return Ok(false);
            }
            self.merges.push(next.pair);
            self.made.push(new);
            self.join(&next, new)?;
            if self.merges.len().is_multiple_of(MERGES_A_REPORT) {
                report(self.vocabulary.len())?;
            }
        }
        report(self.vocabulary.len())?;
        Ok(true)
    }

    /// The next pair to merge, if there is one that is frequent enough.
    fn next(&mut self) -> Result<Option<Next>> {
        loop {
            let next = self.pairs.next();
            if next.is_some() || self.pairs.least() <= self.floor {
                let least = self.limits.min_frequency.max(1);
                return Ok(next.filter(|next| next.count >= least));
            }
            let least = (self.pairs.least() / LOWER).max(self.floor);
            self.chain.compact();
            self.pairs = Pairs::new(first_pairs::find(self.chain, self.limits.num_threads, |_| least)?);
        }
    }

    /// Joins a pair wherever it stands, and enters what that changes.
    fn join(&mut self, next: &Next, new: u32) -> Result<()> {
        let everywhere;
        let mut places = self.pairs.places(next.places.clone());
        if next.others_wait || self.spans.differ {
            everywhere = self.chain.in_the_same_words(next.pair.0, places);
            places = &everywhere;
        }
        let number = (places.len() / PLACES_A_THREAD + 1).min(self.parts.len());
        let max_length = self.limits.max_token_length;
        threads::for_each(
            self.limits.num_threads,
            self.chain.stretches(places, number).into_iter().zip(&mut self.parts).collect(),
            || (),
            |(), ((mut stretch, places), changes)| {
                join_at(&mut stretch, places, next.pair, new, |join| changes.note(&join, max_length));
                Ok(())
            },
        )?;
        if let [changes, others @ ..] = self.parts.as_mut_slice() {
            for other in others {
                changes.absorb(other);
            }
            self.spans.note(new, changes.spans());
            changes.apply(&mut self.pairs, next.pair, new);
        }
        Ok(())
    }
}

fn join_at(stretch: &mut Stretch<'_>, places: &[u32], pair: Pair, new: u32, mut joined: impl FnMut(Join)) {
    let mut alive = [0; BLOCK];
    for block in places.chunks(BLOCK) {
        // Most time goes into waiting for memory. These reads do not depend on one another, so they wait together.
        let mut number = 0;
        for &at in block {
            alive[number] = at;
            // A join can bring the left symbol back, if it is the new one.
            number += usize::from(stretch.has(at, pair.0) || new == pair.0);
        }
        alive[..number].iter().filter_map(|&at| stretch.join(at, pair, new)).for_each(&mut joined);
    }
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
            chain.symbols().for_each(|symbol| spans.note(symbol, Some((1, 1))));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A chain of words of symbols 0 to 3, which the vocabulary calls a to d, and `specials` before them.
    fn start(words: &[(Vec<u32>, u64)], specials: &[&str], prefix: &str) -> (Chain, Vocabulary) {
        let mut vocabulary = Vocabulary::default();
        for text in specials {
            vocabulary.id(text);
        }
        let mut id = |symbol: u32, continues: bool| {
            let letter = ["a", "b", "c", "#"][symbol as usize];
            vocabulary.id(&if continues { format!("{prefix}{letter}") } else { letter.to_owned() })
        };
        let mut chain = Chain::new();
        for (word, count) in words {
            let ids: Vec<u32> = word.iter().enumerate().map(|(at, &symbol)| id(symbol, at > 0)).collect();
            chain.push(*count, |symbol| ids.iter().for_each(|&id| symbol(id))).unwrap();
        }
        (chain, vocabulary)
    }

    fn any_words() -> impl Strategy<Value = Vec<(Vec<u32>, u64)>> {
        prop::collection::vec((prop::collection::vec(0_u32..4, 0..12), 1_u64..30), 0..30).prop_map(
            |mut words| {
                words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                words
            },
        )
    }

    fn texts(vocabulary: &Vocabulary) -> Vec<String> {
        (0..vocabulary.len() as u32).map(|id| vocabulary.text(id).to_owned()).collect()
    }

    /// Counts all pairs before each merge, and merges the most frequent one in every word.
    fn plainly(words: &[(Vec<u32>, u64)], vocabulary: &mut Vocabulary, size: usize, least: u64) -> Vec<Pair> {
        let id = |symbol: &u32| vocabulary.get(["a", "b", "c", "#"][*symbol as usize]).unwrap();
        let mut words: Vec<(Vec<u32>, u64)> =
            words.iter().map(|(word, count)| (word.iter().map(id).collect(), *count)).collect();
        let mut merges = Vec::new();
        while vocabulary.len() < size {
            let mut counts: BTreeMap<Pair, u64> = BTreeMap::new();
            for (word, count) in &words {
                word.windows(2).for_each(|pair| *counts.entry((pair[0], pair[1])).or_default() += count);
            }
            let best = counts.iter().max_by_key(|&(&pair, &count)| (count, std::cmp::Reverse(pair)));
            let Some((&pair, _)) = best.filter(|(_, count)| **count >= least.max(1)) else { break };
            let new = vocabulary.id(&[vocabulary.text(pair.0), vocabulary.text(pair.1)].concat());
            merges.push(pair);
            for (word, _) in &mut words {
                let mut at = 0;
                while at + 1 < word.len() {
                    if (word[at], word[at + 1]) == pair {
                        word[at] = new;
                        word.remove(at + 1);
                    }
                    at += 1;
                }
            }
        }
        merges
    }

    proptest! {
        #[test]
        fn merges_are_those_of_a_plain_trainer(
            words in any_words(),
            vocab_size in 5_usize..60,
            min_frequency in 0_u64..40,
            num_threads in 1_usize..4,
        ) {
            let specials = ["<s>", "ab", "#"];
            let limits = Limits {
                vocab_size, min_frequency, continuing_subword_prefix: None, max_token_length: None, num_threads,
            };
            let (chain, mut vocabulary) = start(&words, &specials, "");
            let (_, mut plain) = start(&words, &specials, "");
            let merges = merge(chain, &mut vocabulary, &limits, |_, _| Ok(())).unwrap();
            prop_assert_eq!(merges, plainly(&words, &mut plain, vocab_size, min_frequency));
            prop_assert_eq!(texts(&vocabulary), texts(&plain));
        }

        #[test]
        fn what_is_forgotten_changes_nothing(
            words in any_words(),
            vocab_size in 5_usize..60,
            min_frequency in 0_u64..10,
            num_threads in 1_usize..4,
            prefix in prop::sample::select(vec!["", "#", "##", "a"]),
        ) {
            let limits = Limits {
                vocab_size, min_frequency, continuing_subword_prefix: Some(prefix), max_token_length: None, num_threads,
            };
            let (chain, mut vocabulary) = start(&words, &["ab"], prefix);
            let (mut whole, mut other) = start(&words, &["ab"], prefix);
            let mut most = 0;
            let merges = merge(chain, &mut vocabulary, &limits, |done, _| {
                assert!(done >= most, "progress goes back");
                most = done;
                Ok(())
            }).unwrap();
            let mut attempt = Attempt::new(&mut whole, &mut other, &limits, false).unwrap();
            prop_assert!(attempt.run(&mut |_| Ok(())).unwrap());
            prop_assert_eq!(merges, only_last(attempt.merges));
            prop_assert_eq!(texts(&vocabulary), texts(&other));
        }
    }
}
