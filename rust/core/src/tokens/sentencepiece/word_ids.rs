//! The ids of a text, word by word.

use super::bpe_ids::Parts;
use super::by_word::ByWord;
use super::paths::{ANYWHERE, MARK, Maker, Paths, RUN};
use super::unigram::{Unigram, segment_from};
use super::{Segment, SentencePiece, UNKNOWN};
use crate::text::characters::SEPARATOR;
use crate::tokens::cache::WordCache;
use crate::tokens::lattice::Lattice;
use crate::tokens::words::{Place, Words};
use crate::{Error, Result};

/// What a thread keeps between texts.
#[derive(Debug, Default)]
pub(in crate::tokens) struct Buffers {
    pub(super) parts: Parts,
    words: Words,
    known: Known,
    waiting: Waiting,
    taking: Taking,
}

impl Buffers {
    pub(in crate::tokens) fn cache_bytes(&self) -> usize {
        self.parts.cache_bytes() + self.known.cache.bytes() + self.known.paths.bytes()
    }
}

/// The words that were seen.
#[derive(Debug, Default)]
struct Known {
    /// The ids and runs of words as they stand in the text, or marks of their paths.
    cache: WordCache,
    paths: Paths,
    making: Making,
    /// The ids, runs and marks of a block of words with marks.
    marked: Vec<u32>,
}

/// Ids and runs whose scores are not added yet: that is done one after the other, and only where the sum is asked for.
#[derive(Debug, Default)]
struct Waiting {
    numbers: Vec<u32>,
    /// Those before this one are added.
    added: usize,
    /// The number of scores of the others.
    scores: usize,
}

/// What making the path of a word needs.
#[derive(Debug, Default)]
struct Making {
    maker: Maker,
    word: Vec<u8>,
}

/// What a word needs that has no path.
#[derive(Debug, Default)]
struct Taking {
    lattice: Lattice<f32>,
    word: Vec<u8>,
    segments: Vec<Segment>,
}

/// Room for more bytes is given back after use.
const KEPT: usize = 1 << 18;

/// Up to so many scores are added only where their sum is asked for.
const FEW: usize = 1 << 13;

/// A text on its way to ids.
struct Way<'a> {
    model: &'a SentencePiece,
    by_word: &'a ByWord,
    unigram: &'a Unigram,
    /// The sum of all scores but those that wait.
    sum: f32,
    waiting: &'a mut Waiting,
    after_unknown: bool,
    out: &'a mut Vec<u32>,
}

impl ByWord {
    /// Whether a text can be taken word by word: not if it begins or ends with what does not stay.
    pub(super) fn takes(&self, text: &str) -> bool {
        let is_in_word = |byte: &u8| self.characters.of_byte(*byte) & SEPARATOR == 0;
        let bytes = text.as_bytes();
        let Some(begin) = bytes.iter().position(is_in_word) else {
            // Nothing is left of it, not even the mark of a first word, unless spaces count.
            return self.runs;
        };
        let end = bytes.iter().rposition(is_in_word).map_or(begin, |last| last + 1);
        self.characters.may_begin(text, begin) && self.characters.may_end(text, begin, end)
    }
}

impl SentencePiece {
    pub(super) fn encode_words(
        &self,
        by_word: &ByWord,
        unigram: &Unigram,
        text: &str,
        buffers: &mut Buffers,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let Buffers { words, known, waiting, taking, .. } = buffers;
        waiting.go_back([0; 3]);
        let mut way = Way { model: self, by_word, unigram, sum: 0.0, waiting, after_unknown: false, out };
        // Where spaces count, those at the begin stand before what would else be the first word.
        let mut is_first = true;
        words.read(&by_word.characters, text, by_word.runs, |mut places| {
            if let (true, Some((&(begin, end), rest))) = (is_first, places.split_first()) {
                is_first = false;
                let is_after_space = begin > 0 && !by_word.runs;
                if by_word.marks_first && is_after_space {
                    way.take(b"", true, taking)?;
                } else if !by_word.marks_first && !is_after_space {
                    way.take(&text.as_bytes()[begin as usize..end as usize], false, taking)?;
                    places = rest;
                }
            }
            way.take_all(text, places, known, taking)
        })?;
        let Some(end) = words.end.filter(|_| !by_word.runs) else { return Ok(()) };
        (end..text.len()).try_for_each(|_| way.take(b"", true, taking))
    }
}

impl Way<'_> {
    /// Goes through words with marks.
    fn take_all(
        &mut self,
        text: &str,
        places: &[Place],
        known: &mut Known,
        taking: &mut Taking,
    ) -> Result<()> {
        let is_kept = |place: &Place| (1..=WordCache::LONGEST as u32).contains(&(place.1 - place.0));
        for group in places.chunk_by(|one, other| is_kept(one) == is_kept(other)) {
            if group.first().is_some_and(is_kept) {
                self.go(text, group, known, taking)?;
            } else {
                self.take_each(text, group, taking)?;
            }
        }
        Ok(())
    }

    fn take_each(&mut self, text: &str, places: &[Place], taking: &mut Taking) -> Result<()> {
        let text = text.as_bytes();
        let mut words = places.iter().map(|&(begin, end)| &text[begin as usize..end as usize]);
        words.try_for_each(|word| self.take(word, true, taking))
    }

    /// Goes through words that are kept.
    fn go(&mut self, text: &str, places: &[Place], known: &mut Known, taking: &mut Taking) -> Result<()> {
        let Known { cache, paths, making, marked } = known;
        if paths.are_full() {
            // Marks are of no use without their paths.
            cache.clear();
            paths.clear();
        }
        let (model, by_word, unigram) = (self.model, self.by_word, self.unigram);
        self.waiting.forget_added();
        let (sum, after_unknown, waiting) = (self.sum, self.after_unknown, self.waiting.state());
        let count = self.out.len();
        cache.encode(text.as_bytes(), places, self.out, |word, ids| {
            making.make((model, by_word, unigram), word, paths, ids);
            Ok(())
        })?;
        let is_certain = if all_bits(&self.out[count..]) & MARK == 0 {
            self.settle(count);
            self.stays_near()
        } else {
            marked.clear();
            marked.extend(self.out.drain(count..));
            self.follow(marked, paths, taking)?
        };
        if !is_certain {
            (self.sum, self.after_unknown) = (sum, after_unknown);
            self.waiting.go_back(waiting);
            self.out.truncate(count);
            self.take_each(text, places, taking)?;
        }
        Ok(())
    }

    /// Makes ids of what was appended, ids and runs: an unknown character that follows another has none.
    fn settle(&mut self, from: usize) {
        let numbers = &mut self.out[from..];
        self.waiting.add(numbers);
        if all_bits(numbers) & RUN == 0 {
            self.after_unknown &= numbers.is_empty();
            return;
        }
        let unknown = self.model.vocabulary.unknown.unwrap_or_default();
        let mut count = 0;
        for place in 0..numbers.len() {
            let is_run = numbers[place] >= RUN;
            numbers[count] = if is_run { unknown } else { numbers[place] };
            count += usize::from(!(is_run & self.after_unknown));
            self.after_unknown = is_run;
        }
        self.out.truncate(from + count);
    }

    /// Whether no sum went so far that the ids need not be right.
    fn stays_near(&mut self) -> bool {
        let scores = self.waiting.scores;
        let farthest = f64::from(self.sum.abs()) + scores as f64 * self.unigram.greatest_score;
        // Rounding makes the sum of so few not greater by a thousandth.
        (scores <= FEW && farthest * 1.001 <= f64::from(ANYWHERE)) || self.add_up() <= ANYWHERE
    }

    /// Adds the scores that wait. Returns how far from zero the sum was.
    fn add_up(&mut self) -> f32 {
        let mut farthest = self.sum.abs();
        let mut add = |score: f32| {
            self.sum += score;
            farthest = farthest.max(self.sum.abs());
        };
        for &number in &self.waiting.numbers[self.waiting.added..] {
            if number < RUN {
                add(self.unigram.score_of(number));
            } else {
                (RUN..number).for_each(|_| add(self.unigram.score_of(UNKNOWN)));
            }
        }
        self.waiting.added = self.waiting.numbers.len();
        self.waiting.scores = 0;
        farthest
    }

    /// Appends ids, and those that runs and marks stand for; false if the sum went so far that the ids need not be right.
    fn follow(&mut self, numbers: &[u32], paths: &Paths, taking: &mut Taking) -> Result<bool> {
        for stretch in numbers.split_inclusive(|&number| number >= MARK) {
            let (numbers, mark) = match stretch.split_last() {
                Some((&mark, numbers)) if mark >= MARK => (numbers, Some(mark)),
                _ => (stretch, None),
            };
            let from = self.out.len();
            self.out.extend_from_slice(numbers);
            self.settle(from);
            if !self.stays_near() {
                return Ok(false);
            }
            if let Some(mark) = mark {
                self.follow_mark(mark, paths, taking)?;
            }
        }
        Ok(self.stays_near())
    }

    /// Goes the path of a word, if it is certain here.
    #[inline]
    fn follow_mark(&mut self, mark: u32, paths: &Paths, taking: &mut Taking) -> Result<()> {
        self.add_up();
        let Some(path) = paths.path(mark, self.sum) else {
            return self.take(paths.word(mark), true, taking);
        };
        self.sum = path.carry_on(self.sum);
        let is_continued = self.after_unknown && path.begins_unknown;
        self.out.extend_from_slice(&path.ids[usize::from(is_continued)..]);
        self.after_unknown = path.ends_unknown;
        Ok(())
    }

    /// Finds the way through a word.
    fn take(&mut self, word: &[u8], is_marked: bool, taking: &mut Taking) -> Result<()> {
        self.add_up();
        let Taking { lattice, word: normalized, segments } = taking;
        normalized.clear();
        let model = self.model;
        self.by_word.normalize(&model.normalizer, &model.vocabulary.symbols, word, is_marked, normalized);
        let no_lattice = || Error::new("a model without a lattice takes no words");
        let tokens = self.unigram.tokens.as_ref().ok_or_else(no_lattice)?;
        self.sum = segment_from(tokens, self.sum, normalized, lattice, segments, |segments, stretch| {
            let segments = segments.iter().copied();
            self.after_unknown =
                model.append_ids(segments, &normalized[stretch], self.after_unknown, self.out);
        });
        if normalized.capacity() > KEPT {
            *taking = Taking::default();
        }
        Ok(())
    }
}

impl Waiting {
    /// Appends ids and runs.
    fn add(&mut self, numbers: &[u32]) {
        self.numbers.extend_from_slice(numbers);
        let scores = |&number: &u32| if number < RUN { 1 } else { number - RUN };
        self.scores += numbers.iter().map(scores).sum::<u32>() as usize;
    }

    fn forget_added(&mut self) {
        if self.added == self.numbers.len() {
            self.numbers.clear();
            self.added = 0;
        }
    }

    /// How many there are, how many are added, and how many scores wait.
    fn state(&self) -> [usize; 3] {
        [self.numbers.len(), self.added, self.scores]
    }

    /// Forgets what was appended since a state, and what was added.
    fn go_back(&mut self, [count, added, scores]: [usize; 3]) {
        self.numbers.truncate(count);
        (self.added, self.scores) = (added, scores);
    }
}

fn all_bits(numbers: &[u32]) -> u32 {
    numbers.iter().fold(0, |bits, number| bits | number)
}

impl Making {
    /// Appends the ids of a word or its mark.
    fn make(
        &mut self,
        (model, by_word, unigram): (&SentencePiece, &ByWord, &Unigram),
        word: &[u8],
        paths: &mut Paths,
        ids: &mut Vec<u32>,
    ) {
        let Self { maker, word: normalized } = self;
        normalized.clear();
        by_word.normalize(&model.normalizer, &model.vocabulary.symbols, word, true, normalized);
        let write = |segments: &[(u32, u32)], ids: &mut Vec<u32>| {
            let segments = segments.iter().map(|&(id, length)| Segment { id, length });
            model.append_ids(segments, normalized, false, ids);
        };
        let joins_unknown = model.vocabulary.bytes.is_none();
        maker.make(unigram, (word, normalized), joins_unknown, write, paths, ids);
    }
}
