//! The ids of a text, word by word.

use super::bpe_ids::Parts;
use super::by_word::ByWord;
use super::paths::{self, Maker, Path};
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
    /// By words as they stand in the text.
    paths: WordCache,
    making: Making,
    taking: Taking,
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
        let Buffers { words, paths, making, taking, .. } = buffers;
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
            way.take_all(text, places, paths, making, taking)
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
        cache: &mut WordCache,
        making: &mut Making,
        taking: &mut Taking,
    ) -> Result<()> {
        let (model, by_word, unigram) = (self.model, self.by_word, self.unigram);
        let mut make = |word: &str, kept: &mut Vec<u32>| {
            making.make(model, by_word, unigram, word, kept);
            Ok(())
        };
        let is_empty = |place: &Place| place.0 == place.1;
        for group in places.chunk_by(|one, other| is_empty(one) == is_empty(other)) {
            if group.first().is_some_and(is_empty) {
                group.iter().try_for_each(|_| self.take("", true, taking))?;
            } else {
                cache.look_up(text, group, &mut make, |word, kept| self.go(word, kept, taking))?;
            }
        }
        Ok(())
    }

    /// Goes the path of a word, if it is certain here.
    #[inline]
    fn go(&mut self, word: &str, kept: &[u32], taking: &mut Taking) -> Result<()> {
        let Some(path) = Path::read(kept, self.sum) else { return self.take(word, true, taking) };
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
    fn make(
        &mut self,
        model: &SentencePiece,
        by_word: &ByWord,
        unigram: &Unigram,
        word: &str,
        kept: &mut Vec<u32>,
    ) {
        let Self { maker, word: normalized } = self;
        normalized.clear();
        if word.len() > WordCache::LONGEST {
            return kept.push(paths::NEVER.to_bits());
        }
        by_word.normalize(&model.normalizer, &model.vocabulary.symbols, word, true, normalized);
        let write = |segments: &[(u32, u32)], kept: &mut Vec<u32>| {
            let segments = segments.iter().map(|&(id, length)| Segment { id, length });
            model.append_ids(segments, normalized, false, kept);
        };
        let joins_unknown = model.vocabulary.bytes.is_none();
        maker.make(unigram, normalized, joins_unknown, write, kept);
    }
}
