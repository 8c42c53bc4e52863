//! How often each word occurs: all that a trainer wants to know of its text.

use std::sync::{Mutex, PoisonError};

use super::tally::{Counted, Tally};
use crate::{Result, threads};

/// Texts are handed to threads in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 18;

/// Words are put together in documents of about this many bytes when they are split again.
const DOCUMENT_BYTES: usize = 1 << 12;

/// Gives the words of a text one by one: the normalizer and the pre-tokenizer of the tokenizer to be.
pub type SplitWords<'a> = dyn Fn(&str, &mut dyn FnMut(&str)) -> Result<()> + Sync + 'a;

/// Where a text may be cut at or after a place, if anywhere: its words are those of its parts.
pub type CutText<'a> = dyn Fn(&str, usize) -> Option<usize> + Sync + 'a;

/// The distinct words of a text and how often each occurs.
///
/// ```
/// use fastmask_core::tokens::train::WordCounts;
/// let mut counts = WordCounts::new();
/// counts.feed(&["to be or", "not to be"], 2, &|text, word| Ok(text.split(' ').for_each(word)))?;
/// assert_eq!(counts.sorted(), [("be", 2), ("to", 2), ("not", 1), ("or", 1)]);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WordCounts {
    /// What each thread has counted. A word may be in more than one.
    tallies: Vec<Tally>,
}

impl WordCounts {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the words of `texts`, as `split` gives them; empty ones are left out.
    ///
    /// The counts do not depend on the number of threads. Each thread holds the distinct words that it has met.
    /// After an error of `split` some of the texts may have been counted.
    pub fn feed<Text: AsRef<str> + Sync>(
        &mut self,
        texts: &[Text],
        num_threads: usize,
        split: &SplitWords<'_>,
    ) -> Result<()> {
        self.feed_in_parts(texts, num_threads, split, &|_, _| None)
    }

    /// The same where long texts may be cut.
    pub fn feed_in_parts<Text: AsRef<str> + Sync>(
        &mut self,
        texts: &[Text],
        num_threads: usize,
        split: &SplitWords<'_>,
        cut: &CutText<'_>,
    ) -> Result<()> {
        self.on_threads(num_threads, pieces(texts, cut), |tally, piece| match piece {
            Piece::Texts(texts) => {
                texts.iter().try_for_each(|text| split(text.as_ref(), &mut visit(tally, 1)))
            }
            Piece::Part(part) => split(part, &mut visit(tally, 1)),
        })
    }

    /// Splits words that have been counted into words, and counts these as often. Words of one count are put one after
    /// the other, `between` them, if `joins` says that this changes nothing.
    pub fn feed_words(
        &mut self,
        counted: &Self,
        num_threads: usize,
        split: &SplitWords<'_>,
        between: &str,
        joins: impl Fn(&str) -> bool + Sync,
    ) -> Result<()> {
        let words = counted.most_frequent_first(num_threads);
        let runs = words.chunks((words.len() / num_threads.max(1) / 4).max(DOCUMENT_BYTES)).collect();
        self.on_threads(num_threads, runs, |tally, run: &[(&str, u64)]| {
            let mut document = String::new();
            for same in run.chunk_by(|one, other| one.1 == other.1) {
                for &(word, count) in same {
                    if !joins(word) {
                        split(word, &mut visit(tally, count))?;
                        continue;
                    }
                    if !document.is_empty() {
                        document.push_str(between);
                    }
                    document.push_str(word);
                    if document.len() >= DOCUMENT_BYTES {
                        split(&document, &mut visit(tally, count))?;
                        document.clear();
                    }
                }
                if let Some(&(_, count)) = same.first().filter(|_| !document.is_empty()) {
                    split(&document, &mut visit(tally, count))?;
                    document.clear();
                }
            }
            Ok(())
        })
    }

    /// Calls `work` with every task and the tally of the thread that does it.
    fn on_threads<Task: Send>(
        &mut self,
        num_threads: usize,
        tasks: Vec<Task>,
        work: impl Fn(&mut Tally, Task) -> Result<()> + Sync,
    ) -> Result<()> {
        let idle = Mutex::new(std::mem::take(&mut self.tallies));
        let result = threads::for_each(
            num_threads,
            tasks,
            || Lent { tally: with(&idle, Vec::pop).unwrap_or_default(), idle: &idle },
            |lent, task| work(&mut lent.tally, task),
        )
        .map(drop);
        self.tallies = idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        result
    }

    /// Adds `count` to that of `word`: for words that have been counted elsewhere.
    pub fn add(&mut self, word: &str, count: u64) {
        if self.tallies.is_empty() {
            self.tallies.push(Tally::default());
        }
        if let (Some(tally), false) = (self.tallies.first_mut(), count == 0) {
            visit(tally, count)(word);
        }
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        self.united(1).len()
    }

    /// Whether no word has been counted.
    pub fn is_empty(&self) -> bool {
        self.tallies.iter().all(|tally| tally.len() == 0)
    }

    /// How much memory the words take.
    pub fn bytes(&self) -> usize {
        self.tallies.iter().map(Tally::bytes).sum()
    }

    /// The words and their counts, in no order that means anything.
    pub(super) fn united(&self, num_threads: usize) -> Vec<(&str, u64)> {
        if let [only] = self.tallies.as_slice() {
            return only.iter().map(|one| (one.word, one.count)).collect();
        }
        let words: usize = self.tallies.iter().map(Tally::len).sum();
        let number = if words < threads::WORTH_A_THREAD { 1 } else { num_threads.max(1) };
        let mut parts: Vec<Vec<(&str, u64)>> = vec![Vec::new(); number];
        let result = threads::for_each(
            number,
            parts.iter_mut().enumerate().collect(),
            || (),
            |(), (index, part)| {
                // The slots go by the lower half.
                let own = |one: &Counted<'_>| (one.hash >> 32) as usize % number == index;
                *part = united(self.tallies.iter().flat_map(Tally::iter).filter(own), words / number);
                Ok(())
            },
        );
        debug_assert!(result.is_ok(), "nothing can fail");
        parts.concat()
    }

    /// The words and their counts, the most frequent first.
    pub(super) fn most_frequent_first(&self, num_threads: usize) -> Vec<(&str, u64)> {
        let mut words = self.united(num_threads);
        words.sort_unstable_by_key(|&(_, count)| std::cmp::Reverse(count));
        words
    }

    /// The words and their counts, the most frequent first and equally frequent ones in the order of their bytes.
    pub fn sorted(&self) -> Vec<(&str, u64)> {
        let mut words = self.united(1);
        words.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        words
    }
}

/// A tally in the hands of a thread, which puts it back.
struct Lent<'a> {
    tally: Tally,
    idle: &'a Mutex<Vec<Tally>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        with(self.idle, |idle| idle.push(tally));
    }
}

fn with<Result>(idle: &Mutex<Vec<Tally>>, act: impl FnOnce(&mut Vec<Tally>) -> Result) -> Result {
    act(&mut idle.lock().unwrap_or_else(PoisonError::into_inner))
}

fn visit(tally: &mut Tally, count: u64) -> impl FnMut(&str) {
    move |word| {
        if !word.is_empty() {
            tally.add(word, count);
        }
    }
}

/// Each word once, with the sum of its counts. About `expected` words are.
fn united<'a>(counted: impl Iterator<Item = Counted<'a>>, expected: usize) -> Vec<(&'a str, u64)> {
    let mut words: Vec<(&str, u64)> = Vec::with_capacity(expected);
    // By hash, open addressing: one more than an index; 0 is empty.
    let mut table: Vec<(u32, u32)> = vec![(0, 0); (expected * 2).next_power_of_two().max(16)];
    for Counted { word, count, hash } in counted {
        if words.len() * 4 >= table.len() * 3 {
            table = rehashed(&table);
        }
        let mask = table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let (own, number) = table[slot];
            let known = words.get_mut((number as usize).wrapping_sub(1));
            match known {
                None => {
                    words.push((word, count));
                    table[slot] = (hash as u32, words.len() as u32);
                    break;
                }
                Some(known) if own == hash as u32 && known.0 == word => {
                    known.1 = known.1.saturating_add(count);
                    break;
                }
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }
    words
}

/// A table of twice the size.
fn rehashed(table: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mask = table.len() * 2 - 1;
    let mut larger = vec![(0, 0); mask + 1];
    for &(hash, number) in table.iter().filter(|(_, number)| *number > 0) {
        let mut slot = hash as usize & mask;
        while larger[slot].1 > 0 {
            slot = (slot + 1) & mask;
        }
        larger[slot] = (hash, number);
    }
    larger
}

/// What a thread counts at a time.
enum Piece<'a, Text> {
    Texts(&'a [Text]),
    Part(&'a str),
}

/// Cuts `texts` into runs of about `PIECE_BYTES`, and longer texts where they may be cut.
fn pieces<'a, Text: AsRef<str>>(texts: &'a [Text], cut: &CutText<'_>) -> Vec<Piece<'a, Text>> {
    let mut pieces = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        let text = text.as_ref();
        if text.len() > PIECE_BYTES * 2 {
            pieces.push(Piece::Texts(&texts[start..index]));
            parts(text, cut, &mut |part| pieces.push(Piece::Part(part)));
            (start, bytes) = (index + 1, 0);
            continue;
        }
        bytes += text.len();
        if bytes >= PIECE_BYTES {
            pieces.push(Piece::Texts(&texts[start..=index]));
            (start, bytes) = (index + 1, 0);
        }
    }
    pieces.push(Piece::Texts(&texts[start..]));
    pieces
}

fn parts<'a>(text: &'a str, cut: &CutText<'_>, part: &mut dyn FnMut(&'a str)) {
    let mut rest = text;
    while rest.len() > PIECE_BYTES * 2
        && let Some(place) = cut(rest, PIECE_BYTES).filter(|place| rest.is_char_boundary(*place))
    {
        let (head, tail) = rest.split_at(place);
        part(head);
        rest = tail;
    }
    part(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    #[expect(clippy::unnecessary_wraps, reason = "a splitter may fail")]
    fn spaces(text: &str, word: &mut dyn FnMut(&str)) -> Result<()> {
        text.split(' ').for_each(word);
        Ok(())
    }

    #[test]
    fn texts_are_handed_out_whole_and_once() {
        let text = "x".repeat(PIECE_BYTES / 3 + 1);
        for number in [0, 1, 3, 4, 11] {
            let texts = vec![text.as_str(); number];
            let mut sum = 0;
            for piece in pieces(&texts, &|_, _| Some(1)) {
                let Piece::Texts(texts) = piece else { panic!("cut") };
                assert!(texts.len() <= 3);
                sum += texts.len();
            }
            assert_eq!(sum, number);
        }
    }

    #[test]
    fn long_texts_are_cut_where_they_may_be() {
        let space = |text: &str, from: usize| text[from..].find(' ').map(|place| from + place);
        let text = "word ".repeat(PIECE_BYTES);
        let texts = ["a", &text, &text.replace(' ', "-"), "b"];
        let mut lengths = Vec::new();
        let mut all = String::new();
        for piece in pieces(&texts, &space) {
            match piece {
                Piece::Texts(texts) => all.extend(texts.iter().copied()),
                Piece::Part(part) => {
                    lengths.push(part.len());
                    all.push_str(part);
                }
            }
        }
        assert_eq!(all, texts.concat());
        assert_eq!(lengths.len(), 5);
        assert_eq!(lengths.last(), Some(&text.len()));
        assert!(lengths[..4].iter().all(|&length| length <= PIECE_BYTES * 2 + 5), "{lengths:?}");
    }

    #[test]
    fn an_error_of_the_splitter_is_the_result() {
        let refuse = |text: &str, _: &mut dyn FnMut(&str)| Err(Error::new(format!("text {text:?}")));
        let error = WordCounts::new().feed(&["a", "b"], 1, &refuse).unwrap_err();
        assert_eq!(error.to_string(), "text \"a\"");
    }

    proptest! {
        #[test]
        fn counts_are_those_of_any_number_of_threads_and_of_any_batches(
            texts in prop::collection::vec("[ab \u{6f22}]{0,12}", 0..40),
            cut in 0_usize..40,
            num_threads in 1_usize..5,
        ) {
            let (mut whole, mut parts) = (WordCounts::new(), WordCounts::new());
            whole.feed(&texts, 1, &spaces).unwrap();
            let (first, second) = texts.split_at(cut.min(texts.len()));
            parts.feed(first, num_threads, &spaces).unwrap();
            parts.feed(second, num_threads, &spaces).unwrap();
            prop_assert_eq!(whole.sorted(), parts.sorted());
            prop_assert_eq!(whole.len(), parts.len());
            for num_threads in [1, num_threads] {
                let mut united = parts.united(num_threads);
                united.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
                prop_assert_eq!(whole.sorted(), united);
            }
            let words = texts.iter().flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()).count();
            prop_assert_eq!(whole.sorted().iter().map(|(_, count)| count).sum::<u64>(), words as u64);
        }

        #[test]
        fn words_can_be_split_again(
            texts in prop::collection::vec("[ab ]{0,12}", 0..40),
            num_threads in 1_usize..4,
            joined in any::<bool>(),
        ) {
            let (mut whole, mut lines, mut parts) = (WordCounts::new(), WordCounts::new(), WordCounts::new());
            whole.feed(&texts, 1, &spaces).unwrap();
            lines.feed(&texts, 1, &|text, word| { word(text); Ok(()) }).unwrap();
            parts.feed_words(&lines, num_threads, &spaces, " ", |word| joined && !word.starts_with('a')).unwrap();
            prop_assert_eq!(whole.sorted(), parts.sorted());
        }
    }
}
