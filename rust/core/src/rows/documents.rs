//! Documents that are made of sentences.

use std::ops::Range;

use super::{RaggedView, all_below};
use crate::{Error, Result};

/// Sentences, and which of them make up which document.
#[derive(Debug, Clone, Copy)]
pub struct Documents<'a> {
    sentences: RaggedView<'a>,
    starts: &'a [i64],
}

impl<'a> Documents<'a> {
    /// Document `i` is the sentences `starts[i]..starts[i + 1]`.
    pub fn new(sentences: RaggedView<'a>, starts: &'a [i64]) -> Result<Self> {
        let count = sentences.len();
        let whole = starts.first() == Some(&0) && starts.last() == Some(&(count as i64));
        if !whole {
            let [first, last] = [starts.first(), starts.last()];
            return Err(Error::new(format!(
                "documents run from {first:?} to {last:?} over {count} sentences"
            ))
            .at("document_offsets")
            .advise("they begin at 0 and end at the number of sentences"));
        }
        if let Some(document) = starts.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(Error::new("offsets fall")
                .at(format!("document_offsets, document {document}"))
                .advise("a document never ends before it begins"));
        }
        Ok(Self { sentences, starts })
    }

    /// The ids of all sentences, one after the other.
    pub fn ids(&self) -> &'a [u32] {
        self.sentences.ids()
    }

    /// The number of documents, empty ones among them.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn sentences_of(&self, document: usize) -> Range<usize> {
        self.starts[document] as usize..self.starts[document + 1] as usize
    }

    /// Where the ids of a document that has sentences begin.
    pub(super) fn begin(&self, document: usize) -> usize {
        self.sentences.range(self.sentences_of(document).start).start
    }

    /// Refuses ids outside the vocabulary.
    pub(super) fn check(&self, vocab_size: u32) -> Result<()> {
        if all_below(self.ids(), vocab_size) { Ok(()) } else { Err(self.foreign_id(vocab_size)) }
    }

    fn foreign_id(&self, vocab_size: u32) -> Error {
        let mut places = (0..self.len()).flat_map(|document| {
            self.sentences_of(document)
                .enumerate()
                .map(move |(number, sentence)| (document, number, sentence))
        });
        let (document, sentence, id) = places
            .find_map(|(document, number, sentence)| {
                let id = self.sentences.row(sentence).iter().copied().find(|&id| id >= vocab_size)?;
                Some((document, number, id))
            })
            .unwrap_or_default();
        Error::new(format!("token id {id} is outside the vocabulary of {vocab_size}"))
            .at(format!("document {document}, sentence {sentence}"))
            .advise("use the tokenizer that made the ids, or give the right vocab_size")
    }
}

/// Documents without what has no token: empty sentences, and documents of nothing else.
#[derive(Debug)]
pub(super) struct Filled {
    /// Where each sentence begins in the ids, and at last where the last one ends.
    offsets: Vec<usize>,
    documents: Vec<Document>,
}

/// A document with its number among all of them, and its sentences.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) number: usize,
    pub(super) sentences: Range<usize>,
}

impl Filled {
    pub(super) fn of(all: &Documents<'_>) -> Self {
        let mut filled = Self { offsets: vec![0], documents: Vec::new() };
        for number in 0..all.len() {
            let first = filled.sentences();
            let ranges = all.sentences_of(number).map(|sentence| all.sentences.range(sentence));
            filled.offsets.extend(ranges.filter(|range| !range.is_empty()).map(|range| range.end));
            let sentences = first..filled.sentences();
            if !sentences.is_empty() {
                filled.documents.push(Document { number, sentences });
            }
        }
        filled
    }

    fn sentences(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The ids of sentences that follow each other.
    pub(super) fn ids(&self, sentences: Range<usize>) -> Range<usize> {
        self.offsets[sentences.start]..self.offsets[sentences.end]
    }

    /// Where sentences from `begin` on reach `length` ids: at least one is taken, and none from `end` on.
    pub(super) fn reach(&self, begin: usize, end: usize, length: usize) -> usize {
        (begin + 1..end).find(|&here| self.ids(begin..here).len() >= length).unwrap_or(end)
    }

    /// Runs of documents that have at least `ids` ids together, but for the last one.
    pub(super) fn runs(&self, ids: usize) -> Vec<Range<usize>> {
        let (mut begin, mut seen) = (0, 0);
        let mut runs = Vec::new();
        for (index, document) in self.documents.iter().enumerate() {
            seen += self.ids(document.sentences.clone()).len();
            if seen >= ids || index + 1 == self.documents.len() {
                runs.push(begin..index + 1);
                (begin, seen) = (index + 1, 0);
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Ragged;

    fn sentences(lengths: &[usize]) -> Ragged {
        let mut rows = Ragged::new();
        for &length in lengths {
            rows.push(&vec![5; length]);
        }
        rows
    }

    #[test]
    fn offsets_that_do_not_fit_are_refused() {
        let rows = sentences(&[1, 2]);
        for (starts, fine) in [
            (&[0, 2][..], true),
            (&[0, 0, 1, 2], true),
            (&[], false),
            (&[0], false),
            (&[1, 2], false),
            (&[0, 3], false),
            (&[0, 2, 1, 2], false),
        ] {
            assert_eq!(Documents::new(rows.view(), starts).is_ok(), fine, "{starts:?}");
        }
    }

    #[test]
    fn what_is_empty_is_left_out_and_numbers_stay() {
        let rows = sentences(&[0, 2, 0, 3, 0, 1]);
        let documents = Documents::new(rows.view(), &[0, 1, 4, 4, 5, 6]).unwrap();
        let filled = Filled::of(&documents);
        let seen: Vec<_> =
            filled.documents().iter().map(|one| (one.number, filled.ids(one.sentences.clone()))).collect();
        assert_eq!(seen, [(1, 0..5), (4, 5..6)]);
        assert_eq!(filled.offsets, [0, 2, 5, 6]);
        assert_eq!([1, 4].map(|document| documents.begin(document)), [0, 5]);
        for (ids, want) in [(1, vec![(0, 1), (1, 2)]), (5, vec![(0, 1), (1, 2)]), (6, vec![(0, 2)])] {
            let runs: Vec<_> = filled.runs(ids).into_iter().map(|run| (run.start, run.end)).collect();
            assert_eq!(runs, want);
        }
    }

    #[test]
    fn sentences_are_taken_until_they_reach_a_length() {
        let rows = sentences(&[2, 3, 4]);
        let filled = Filled::of(&Documents::new(rows.view(), &[0, 3]).unwrap());
        for (begin, length, want) in [(0, 0, 1), (0, 2, 1), (0, 3, 2), (0, 5, 2), (0, 99, 3), (2, 99, 3)] {
            assert_eq!(filled.reach(begin, 3, length), want, "{begin} {length}");
        }
    }

    #[test]
    fn a_foreign_id_is_named() {
        let mut rows = sentences(&[2, 2]);
        rows.push(&[1, 70]);
        let documents = Documents::new(rows.view(), &[0, 1, 3]).unwrap();
        assert!(documents.check(71).is_ok());
        let message = documents.check(70).unwrap_err().to_string();
        assert!(message.starts_with("document 1, sentence 1: token id 70 is outside"), "{message}");
    }
}
