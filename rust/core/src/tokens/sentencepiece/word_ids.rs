//! The ids of a text, word by word.

use super::bpe_ids::Parts;
use super::by_word::ByWord;
use super::paths::{ANYWHERE, MARK, Maker, Paths};
use super::unigram::Unigram;
use super::{Segment, SentencePiece};
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
    /// The ids of words as they stand in the text, or marks of their paths.
    cache: WordCache,
    paths: Paths,
    making: Making,
    /// The ids and marks of a block of words.
    ids: Vec<u32>,
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

/// A text on its way to ids.
struct Way<'a> {
    model: &'a SentencePiece,
    by_word: &'a ByWord,
    unigram: &'a Unigram,
    /// The sum of the scores so far.
    sum: f32,
    after_unknown: bool,
    out: &'a mut Vec<u32>,
}

impl ByWord {
    /// Whether a text can be taken word by word: not if it begins or ends with what does not stay.
    pub(super) fn takes(&self, text: &str) -> bool {
        let is_separator = |character: char| {
            u8::try_from(character).is_ok_and(|byte| self.characters.of_byte(byte) & SEPARATOR != 0)
        };
        let inner = text.trim_matches(is_separator);
        !inner.is_empty()
            && self.characters.may_begin(inner, 0)
            && self.characters.may_end(inner, 0, inner.len())
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
        let mut way = Way { model: self, by_word, unigram, sum: 0.0, after_unknown: false, out };
        let Buffers { words, known, taking, .. } = buffers;
        // Where spaces count, those at the begin stand before what would else be the first word.
        let mut is_first = true;
        words.read(&by_word.characters, text, by_word.runs, |mut places| {
            if let (true, Some((&(begin, end), rest))) = (is_first, places.split_first()) {
                is_first = false;
                let is_after_space = begin > 0 && !by_word.runs;
                if by_word.marks_first && is_after_space {
                    way.take("", true, taking)?;
                } else if !by_word.marks_first && !is_after_space {
                    way.take(&text[begin as usize..end as usize], false, taking)?;
                    places = rest;
                }
            }
            way.take_all(text, places, known, taking)
        })?;
        let Some(end) = words.end.filter(|_| !by_word.runs) else { return Ok(()) };
        (end..text.len()).try_for_each(|_| way.take("", true, taking))
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
        let mut words = places.iter().map(|&(begin, end)| &text[begin as usize..end as usize]);
        words.try_for_each(|word| self.take(word, true, taking))
    }

    /// Goes through words that are kept.
    fn go(&mut self, text: &str, places: &[Place], known: &mut Known, taking: &mut Taking) -> Result<()> {
        let Known { cache, paths, making, ids } = known;
        if paths.are_full() {
            // Marks are of no use without their paths.
            cache.clear();
            paths.clear();
        }
        let (model, by_word, unigram) = (self.model, self.by_word, self.unigram);
        ids.clear();
        cache.encode(text.as_bytes(), places, ids, |word, ids| {
            making.make((model, by_word, unigram), word, paths, ids)
        })?;
        let (sum, after_unknown, count) = (self.sum, self.after_unknown, self.out.len());
        if !self.follow(ids, paths, taking)? {
            (self.sum, self.after_unknown) = (sum, after_unknown);
            self.out.truncate(count);
            self.take_each(text, places, taking)?;
        }
        Ok(())
    }

    /// Appends ids, and those that marks stand for; false if the sum went so far that the ids need not be right.
    fn follow(&mut self, ids: &[u32], paths: &Paths, taking: &mut Taking) -> Result<bool> {
        let mut rest = ids;
        let mut farthest = self.sum.abs();
        while !rest.is_empty() {
            let plain = rest.iter().position(|&id| id >= MARK).unwrap_or(rest.len());
            let (pieces, others) = rest.split_at(plain);
            for &id in pieces {
                self.sum += self.unigram.score_by_id(id);
                farthest = farthest.max(self.sum.abs());
            }
            self.out.extend_from_slice(pieces);
            if let Some(&last) = pieces.last() {
                self.after_unknown = self.unigram.is_unknown(last);
            }
            if farthest > ANYWHERE {
                return Ok(false);
            }
            let Some((&mark, others)) = others.split_first() else { break };
            self.follow_mark(mark, paths, taking)?;
            farthest = farthest.max(self.sum.abs());
            rest = others;
        }
        Ok(farthest <= ANYWHERE)
    }

    /// Goes the path of a word, if it is certain here.
    #[inline]
    fn follow_mark(&mut self, mark: u32, paths: &Paths, taking: &mut Taking) -> Result<()> {
        let Some(path) = paths.path(mark, self.sum) else {
            return self.take(str_of(paths.word(mark))?, true, taking);
        };
        self.sum = path.carry_on(self.sum);
        let is_continued = self.after_unknown && path.begins_unknown;
        self.out.extend_from_slice(&path.ids[usize::from(is_continued)..]);
        self.after_unknown = path.ends_unknown;
        Ok(())
    }

    /// Finds the way through a word.
    fn take(&mut self, word: &str, is_marked: bool, taking: &mut Taking) -> Result<()> {
        let Taking { lattice, word: normalized, segments } = taking;
        normalized.clear();
        segments.clear();
        let model = self.model;
        self.by_word.normalize(&model.normalizer, &model.vocabulary.symbols, word, is_marked, normalized);
        let sum = self.unigram.segment_from(self.sum, normalized, lattice, segments);
        self.sum = sum.ok_or_else(|| Error::new("a model without a lattice takes no words"))?;
        self.after_unknown =
            model.append_ids(segments.iter().copied(), normalized, self.after_unknown, self.out);
        if normalized.capacity() > KEPT {
            *taking = Taking::default();
        }
        Ok(())
    }
}

impl Making {
    /// Appends the ids of a word or its mark.
    fn make(
        &mut self,
        (model, by_word, unigram): (&SentencePiece, &ByWord, &Unigram),
        word: &[u8],
        paths: &mut Paths,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let Self { maker, word: normalized } = self;
        normalized.clear();
        by_word.normalize(&model.normalizer, &model.vocabulary.symbols, str_of(word)?, true, normalized);
        let write = |segments: &[(u32, u32)], ids: &mut Vec<u32>| {
            let segments = segments.iter().map(|&(id, length)| Segment { id, length });
            model.append_ids(segments, normalized, false, ids);
        };
        let joins_unknown = model.vocabulary.bytes.is_none();
        maker.make(unigram, (word, normalized), joins_unknown, write, paths, ids);
        Ok(())
    }
}

/// Words are cut out of text between characters.
fn str_of(word: &[u8]) -> Result<&str> {
    std::str::from_utf8(word).map_err(|error| Error::new(format!("a word is cut in a character: {error}")))
}
