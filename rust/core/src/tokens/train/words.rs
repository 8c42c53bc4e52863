//! How often each word occurs: all that a trainer wants to know of its text.

use super::tally::{Tally, hash_of};
use crate::{Result, threads};

/// Words are spread over this many tallies by their hash, so that threads can add to them without a lock.
const SHARDS: usize = 64;

/// Texts are handed to threads in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 20;

/// What a thread counts before all threads' counts are added up, in pieces: it bounds the memory on top of the
/// words themselves.
const PIECES_A_THREAD: usize = 4;

/// Gives the words of a text one by one: the normalizer and the pre-tokenizer of the tokenizer to be.
pub type SplitWords<'a> = dyn Fn(&str, &mut dyn FnMut(&str)) -> Result<()> + Sync + 'a;

/// The distinct words of a text and how often each occurs.
///
/// ```
/// use fastmask_core::tokens::train::WordCounts;
/// let mut counts = WordCounts::new();
/// counts.feed(&["to be or", "not to be"], 2, &|text, word| Ok(text.split(' ').for_each(word)))?;
/// assert_eq!(counts.sorted(), [("be", 2), ("to", 2), ("not", 1), ("or", 1)]);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WordCounts {
    shards: Vec<Tally>,
}

impl Default for WordCounts {
    fn default() -> Self {
        Self { shards: vec![Tally::default(); SHARDS] }
    }
}

impl WordCounts {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the words of `texts`, as `split` gives them; empty ones are left out.
    ///
    /// The counts do not depend on the number of threads. Besides the distinct words, each thread holds those of
    /// a few megabytes of text. After an error of `split` some of the texts may have been counted.
    pub fn feed<Text: AsRef<str> + Sync>(
        &mut self,
        texts: &[Text],
        num_threads: usize,
        split: &SplitWords<'_>,
    ) -> Result<()> {
        let pieces = pieces(texts);
        for wave in pieces.chunks(num_threads.max(1) * PIECES_A_THREAD) {
            let mut counted = vec![Self::new(); wave.len()];
            threads::for_each(
                num_threads,
                counted.iter_mut().zip(wave).collect(),
                || (),
                |(), (counts, piece)| {
                    piece.iter().try_for_each(|text| split(text.as_ref(), &mut |word| counts.add(word, 1)))
                },
            )?;
            self.absorb(&counted, num_threads)?;
        }
        Ok(())
    }

    /// Adds `count` to that of `word`: for words that have been counted elsewhere.
    pub fn add(&mut self, word: &str, count: u64) {
        if !word.is_empty() && count > 0 {
            let hash = hash_of(word);
            // The tally itself uses the low bits.
            self.shards[(hash >> 32) as usize % SHARDS].add(word, hash, count);
        }
    }

    fn absorb(&mut self, counted: &[Self], num_threads: usize) -> Result<()> {
        let distinct: usize = counted.iter().map(Self::len).sum();
        let num_threads = if distinct < threads::WORTH_A_THREAD { 1 } else { num_threads };
        threads::for_each(
            num_threads,
            self.shards.iter_mut().enumerate().collect(),
            || (),
            |(), (index, shard)| {
                for (word, count) in counted.iter().flat_map(|counts| counts.shards[index].iter()) {
                    shard.add(word, hash_of(word), count);
                }
                Ok(())
            },
        )
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(Tally::len).sum()
    }

    /// Whether no word has been counted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The words and their counts, in an order that is the same for the same words in the same order of text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.shards.iter().flat_map(Tally::iter)
    }

    /// The words and their counts, the most frequent first and equally frequent ones in the order of their bytes.
    pub fn sorted(&self) -> Vec<(&str, u64)> {
        let mut words: Vec<_> = self.iter().collect();
        words.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        words
    }
}

/// Cuts `texts` into runs of about `PIECE_BYTES`. A text is never cut: only its owner knows where words end.
fn pieces<Text: AsRef<str>>(texts: &[Text]) -> Vec<&[Text]> {
    let mut pieces = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        bytes += text.as_ref().len();
        if bytes >= PIECE_BYTES || index + 1 == texts.len() {
            pieces.push(&texts[start..=index]);
            (start, bytes) = (index + 1, 0);
        }
    }
    pieces
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
            let pieces = pieces(&texts);
            assert_eq!(pieces.iter().map(|piece| piece.len()).sum::<usize>(), number);
            assert!(pieces.iter().all(|piece| piece.len() <= 3));
        }
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
            prop_assert_eq!(whole.iter().collect::<Vec<_>>(), parts.iter().collect::<Vec<_>>());
            let words = texts.iter().flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()).count();
            prop_assert_eq!(whole.iter().map(|(_, count)| count).sum::<u64>(), words as u64);
        }
    }
}
