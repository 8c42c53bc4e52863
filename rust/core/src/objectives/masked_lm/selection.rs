//! Which tokens of a row are chosen, where they are chosen by groups or in an exact number.

use super::{Count, Grouping};
use crate::objectives::Samples;
use crate::objectives::lengths::LengthTable;
use crate::objectives::words::{IdMarks, Word, find_words, for_each_token, is_free};
use crate::random::{Draws, Shuffle, Stream, choose_without_replacement, threshold};

/// A token that is chosen.
const CHOSEN: u8 = 1;
/// A token that begins a group, chosen or not.
const BEGINS_GROUP: u8 = 2;
/// A token of a word that is chosen, though it may be one that never is.
const COVERED: u8 = 4;

/// How tokens are chosen.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    marks: IdMarks,
    grouping: Grouping,
    count: Count,
    probability: f64,
    /// Of n-grams and spans, in words.
    lengths: Option<LengthTable>,
    /// A word below it chooses a token or a word, or begins an n-gram or a span.
    chosen: u64,
}

/// What a thread keeps between rows.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    words: Vec<Word>,
    order: Vec<u32>,
    select: Vec<u32>,
    /// [`CHOSEN`] and [`BEGINS_GROUP`], for each token.
    flags: Vec<u8>,
    chosen: Vec<(u32, u32)>,
}

impl Scratch {
    /// The positions that are chosen, each with the first position of its group.
    pub(super) fn chosen(&mut self) -> &[(u32, u32)] {
        self.chosen.resize(self.flags.len(), (0, 0));
        let (mut count, mut group) = (0, 0);
        // Without a branch, since no one knows what comes next.
        for (position, &flags) in (0..).zip(&self.flags) {
            group = if flags & BEGINS_GROUP == 0 { group } else { position };
            self.chosen[count] = (position, group);
            count += usize::from(flags & CHOSEN);
        }
        &self.chosen[..count]
    }
}

/// The draws of a row.
struct RowDraws {
    select: Draws,
    lengths: Draws,
    starts: Draws,
}

impl Selection {
    pub(super) fn new(marks: IdMarks, grouping: Grouping, count: Count, probability: f64) -> Self {
        let lengths = match grouping {
            Grouping::Token | Grouping::Word => None,
            Grouping::Ngram { longest } => Some(LengthTable::harmonic(longest)),
            Grouping::Span { p, longest, clipped } => Some(LengthTable::geometric(p, longest, clipped)),
        };
        let mean = lengths.as_ref().map_or(1.0, LengthTable::mean);
        Self {
            marks,
            grouping,
            count,
            probability,
            lengths,
            chosen: threshold(begin_probability(probability, mean)),
        }
    }

    /// Chooses tokens of a row: see [`Scratch::chosen`].
    pub(super) fn choose(
        &self,
        row: &[u32],
        segments: Option<&[i32]>,
        samples: Samples<'_>,
        index: usize,
        scratch: &mut Scratch,
    ) {
        scratch.flags.clear();
        scratch.flags.resize(row.len(), 0);
        let draws = RowDraws {
            select: samples.draws(index, Stream::Select),
            lengths: samples.draws(index, Stream::SpanLengths),
            starts: samples.draws(index, Stream::SpanStarts),
        };
        match self.count {
            Count::Bernoulli => self.choose_by_coins(row, segments, &draws, scratch),
            Count::Exact { .. } => self.choose_in_number(row, segments, &draws, scratch),
        }
        if matches!(self.grouping, Grouping::Span { .. }) {
            merge_touching(&mut scratch.flags, segments);
        }
    }

    fn choose_by_coins(
        &self,
        row: &[u32],
        segments: Option<&[i32]>,
        draws: &RowDraws,
        scratch: &mut Scratch,
    ) {
        let Scratch { words, select, flags, .. } = scratch;
        select.resize(row.len(), 0);
        draws.select.fill(select);
        if let Some(lengths) = &self.lengths {
            let words = find_words(row, segments, &self.marks, words);
            let mut choice = Choice { row, marks: &self.marks, flags, room: usize::MAX };
            self.runs_each(words, select, lengths, draws, &mut choice);
        } else {
            self.words_each(row, segments, select, flags);
        }
    }

    fn choose_in_number(
        &self,
        row: &[u32],
        segments: Option<&[i32]>,
        draws: &RowDraws,
        scratch: &mut Scratch,
    ) {
        let Scratch { words, order, flags, .. } = scratch;
        let mut choice = Choice { row, marks: &self.marks, flags, room: self.budget(row.len()) };
        if self.grouping == Grouping::Token {
            return exact_tokens(draws, order, &mut choice);
        }
        let words = find_words(row, segments, &self.marks, words);
        match (&self.lengths, self.grouping) {
            (Some(lengths), Grouping::Span { .. }) => exact_spans(words, lengths, draws, order, &mut choice),
            (Some(lengths), _) => exact_ngrams(words, lengths, draws, order, &mut choice),
            (None, _) => exact_words(words, draws, order, &mut choice),
        }
    }

    /// How many tokens of a row are chosen where the number is exact: BERT's rule, which counts special tokens too.
    fn budget(&self, length: usize) -> usize {
        match self.count {
            Count::Bernoulli => usize::MAX,
            Count::Exact { .. } if self.probability == 0.0 => 0,
            Count::Exact { max_predictions } => {
                let wanted = (length as f64 * self.probability).round_ties_even() as usize;
                wanted.max(1).min(max_predictions.unwrap_or(usize::MAX))
            }
        }
    }

    /// Each word by a coin, which is that of its first token.
    fn words_each(&self, row: &[u32], segments: Option<&[i32]>, select: &[u32], flags: &mut [u8]) {
        let mut is_chosen = false;
        for_each_token(self.marks.along(row), segments, |position, token| {
            let coin = u64::from(select[position]) < self.chosen;
            is_chosen = if token.begins { coin } else { is_chosen };
            let chosen = CHOSEN * u8::from(is_chosen & is_free(token.marks));
            flags[position] = chosen | (BEGINS_GROUP * u8::from(token.begins));
        });
    }

    /// From left to right each word that no run has reached begins one or not; a run ends with its document, and before
    /// a special token.
    fn runs_each(
        &self,
        words: &[Word],
        select: &[u32],
        lengths: &LengthTable,
        draws: &RowDraws,
        choice: &mut Choice<'_>,
    ) {
        let mut rest = words;
        while let [word, ..] = rest {
            let begins = u64::from(select[word.begin]) < self.chosen;
            let length =
                if begins { run(rest, lengths.draw(draws.lengths.draw(word.begin))).len() } else { 1 };
            let (run, after) = rest.split_at(length);
            if begins {
                choice.take(run);
            }
            rest = after;
        }
    }
}

/// How likely a word that no run has reached begins one, so that a share `probability` of all words are in runs of
/// `mean` words: a run and the free words before it are `mean + (1 - q) / q` words, of which `mean` are chosen.
fn begin_probability(probability: f64, mean: f64) -> f64 {
    probability / (probability + mean * (1.0 - probability))
}

/// At most `length` words from the first on, each following the one before.
fn run(words: &[Word], length: usize) -> &[Word] {
    let follow = words.iter().skip(1).take_while(|word| word.follows).count();
    &words[..length.min(1 + follow)]
}

fn exact_tokens(draws: &RowDraws, candidates: &mut Vec<u32>, choice: &mut Choice<'_>) {
    choice.candidates(candidates);
    let count = choice.room.min(candidates.len());
    choose_without_replacement(&draws.select, count, candidates.len(), |candidate| {
        let flags = &mut choice.flags[candidates[candidate] as usize];
        std::mem::replace(flags, CHOSEN | BEGINS_GROUP) == 0
    });
}

/// BERT's whole words: in a random order, each that still fits.
fn exact_words(words: &[Word], draws: &RowDraws, order: &mut Vec<u32>, choice: &mut Choice<'_>) {
    let mut shuffle = Shuffle::of_numbers(&draws.select, words.len(), order);
    while let Some(index) = choice.next(&mut shuffle) {
        let word = &words[index..=index];
        if word[0].size <= choice.room {
            choice.take(word);
        }
    }
}

/// ALBERT's n-grams: words in a random order begin them, the text's end cuts them, and one that does not fit is cut by
/// whole words.
fn exact_ngrams(
    words: &[Word],
    lengths: &LengthTable,
    draws: &RowDraws,
    order: &mut Vec<u32>,
    choice: &mut Choice<'_>,
) {
    let mut shuffle = Shuffle::of_numbers(&draws.select, words.len(), order);
    while let Some(index) = choice.next(&mut shuffle) {
        let length = lengths.draw(draws.lengths.draw(words[index].begin));
        let fits = fitting(run(&words[index..], length), choice.room, |word| word.size);
        if !fits.iter().any(|word| choice.is_taken(word)) {
            choice.take(fits);
        }
    }
}

/// SpanBERT's spans: each begins with the word of a random token that is not chosen yet, and may run into others.
fn exact_spans(
    words: &[Word],
    lengths: &LengthTable,
    draws: &RowDraws,
    anchors: &mut Vec<u32>,
    choice: &mut Choice<'_>,
) {
    choice.candidates(anchors);
    let mut shuffle = Shuffle::new(&draws.starts, anchors);
    while let Some(anchor) = choice.next(&mut shuffle) {
        if choice.flags[anchor] & CHOSEN != 0 {
            continue;
        }
        // A token that may be chosen is part of a word. // invariant
        let first = words.partition_point(|word| word.begin <= anchor) - 1;
        let length = lengths.draw(draws.lengths.draw(words[first].begin));
        let span = run(&words[first..], length);
        let span = fitting(span, choice.room, |word| if choice.is_taken(word) { 0 } else { word.size });
        choice.take(span);
    }
}

/// As many of the words as there is room for.
fn fitting(words: &[Word], room: usize, size: impl Fn(&Word) -> usize) -> &[Word] {
    let mut sum = 0;
    let fits = words.iter().take_while(|word| {
        sum += size(word);
        sum <= room
    });
    &words[..fits.count()]
}

/// Spans of a document that touch are one, whatever the tokens at their ends are.
fn merge_touching(flags: &mut [u8], segments: Option<&[i32]>) {
    for position in 1..flags.len() {
        let same_document = segments.is_none_or(|segments| segments[position] == segments[position - 1]);
        if flags[position - 1] & flags[position] & COVERED != 0 && same_document {
            flags[position] &= !BEGINS_GROUP;
        }
    }
}

/// What is chosen of a row so far.
struct Choice<'a> {
    row: &'a [u32],
    marks: &'a IdMarks,
    flags: &'a mut [u8],
    /// How many tokens more may be chosen.
    room: usize,
}

impl Choice<'_> {
    fn is_free(&self, position: usize) -> bool {
        is_free(self.marks.of(self.row[position]))
    }

    /// The positions that may be chosen.
    fn candidates(&self, positions: &mut Vec<u32>) {
        positions.clear();
        positions.extend((0..self.row.len()).filter(|&position| self.is_free(position)).map(|p| p as u32));
    }

    /// The next of a random order, while there is room.
    fn next(&self, shuffle: &mut Shuffle<'_>) -> Option<usize> {
        if self.room == 0 { None } else { shuffle.next() }
    }

    /// Whether a word is chosen: all of its tokens are, then, that can be.
    fn is_taken(&self, word: &Word) -> bool {
        self.flags[word.begin..word.end].iter().any(|flags| flags & CHOSEN != 0)
    }

    /// Chooses words as one group, of which some may be chosen already.
    fn take(&mut self, words: &[Word]) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        self.flags[first.begin] |= BEGINS_GROUP;
        for position in first.begin..last.end {
            self.flags[position] |= COVERED;
            if self.is_free(position) && self.flags[position] & CHOSEN == 0 {
                self.flags[position] |= CHOSEN;
                self.room -= 1;
            }
        }
    }
}
