//! Words with a mark for the space before them: `SentencePiece` as a `tokenizer.json` has it (T5, XLM-R, ALBERT).
//!
//! A word is looked up as it stands in the text, before it is normalized: where words may be cut, what becomes of one
//! depends on nothing else. Only what was not seen before is normalized, and most of that is plain. A text without a
//! space is one such word, so a long one is normalized in stretches, and the words that come of it are not kept.

use super::Stretch;
use crate::Result;
use crate::memory::reserve_large_pages;
use crate::text::characters::{Characters, SEPARATOR};
use crate::text::normalize::ByWord;
use crate::text::{Aligned, Metaspace, Normalizer, Pieces, PreTokenizer, PrependScheme};
use crate::tokens::cache::WordCache;
use crate::tokens::models::{Model, Scratch, str_of};
use crate::tokens::pipeline::Pipeline;
use crate::tokens::words::{Place, Words};

#[derive(Debug)]
pub(in crate::tokens) struct MetaspaceRoute {
    raw: Way,
    /// For text that is normalized already: none where a word has to know what it came from.
    normalized: Option<Way>,
}

/// What is to be done to each word.
#[derive(Debug)]
struct Way {
    normalizer: Option<Normalizer>,
    characters: Characters<ByWord>,
    /// What a word has before it.
    mark: String,
    scheme: PrependScheme,
    /// Whether white space is dropped, or becomes marks.
    drops_space: bool,
}

impl MetaspaceRoute {
    pub(super) fn new(
        normalizer: Option<&Normalizer>,
        pre_tokenizer: Option<&PreTokenizer>,
        model: &Model,
    ) -> Option<Self> {
        let (step, drops_space) = metaspace_of(pre_tokenizer?)?;
        if !step.splits() || !matches!(model, Model::Unigram(_)) || step.replacement().is_ascii() {
            return None;
        }
        let raw = Way::new(normalizer, step, drops_space)?;
        // Which word is the first of the document only the origins say, where something was left out before it.
        let asks_origins = step.prepend_scheme() == PrependScheme::First;
        let of_normalized = (!asks_origins).then(|| Way::new(None, step, drops_space)).flatten();
        Some(Self { raw, normalized: of_normalized })
    }

    /// Whether it takes text that is normalized already.
    pub(super) fn takes_normalized(&self) -> bool {
        self.normalized.is_some()
    }

    /// The first place from `from` on where a word begins, with the separators before it, whatever stands around.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        self.raw.characters.cut(text, from)
    }

    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        buffers: &mut Buffers,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let Buffers { words, raw, normalized, own } = buffers;
        match &self.normalized {
            Some(way) if stretch.is_normalized => {
                way.encode(pipeline, stretch, (words, normalized, own), ids)
            }
            _ => self.raw.encode(pipeline, stretch, (words, raw, own), ids),
        }
    }
}

impl Way {
    fn new(normalizer: Option<&Normalizer>, step: &Metaspace, drops_space: bool) -> Option<Self> {
        let (mark, scheme) = (step.replacement(), step.prepend_scheme());
        let by_word = ByWord::new(normalizer, mark, drops_space)?;
        let white_space = by_word.white_space();
        // Where spaces are stripped from the begin, no word may need its own.
        if !drops_space
            && white_space.strips_left
            && !(white_space.collapses && scheme == PrependScheme::Always)
        {
            return None;
        }
        let characters = Characters::new(by_word);
        let mark = mark.to_string();
        let normalizer = normalizer.cloned();
        (characters.of_byte(b' ') & SEPARATOR != 0).then_some(Self {
            normalizer,
            characters,
            mark,
            scheme,
            drops_space,
        })
    }

    fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        (words, cache, own): (&mut Words, &mut WordCache, &mut Own),
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let text = stretch.text;
        if text.is_empty() {
            return Ok(());
        }
        let white_space = self.characters.rule().white_space();
        let runs = self.drops_space || white_space.collapses;
        let mut is_apart = !self.first_is_like_others(stretch);
        words.read(&self.characters, text, runs, |mut places| {
            if let (true, Some((&(begin, end), rest))) = (is_apart, places.split_first()) {
                if begin == 0 {
                    self.encode_first(pipeline, stretch, end as usize, own, ids)?;
                    places = rest;
                }
                is_apart = false;
            }
            let is_empty = |place: &Place| place.0 == place.1;
            for group in places.chunk_by(|one, other| is_empty(one) == is_empty(other)) {
                if group.first().is_some_and(is_empty) {
                    group.iter().try_for_each(|_| self.encode_word(pipeline, b"", own, ids))?;
                    continue;
                }
                cache.encode(text.as_bytes(), group, ids, |word, ids| {
                    self.encode_word(pipeline, word, own, ids)
                })?;
            }
            Ok(())
        })?;
        let stripped = |end| white_space.strips_right || (end == 0 && white_space.strips_left);
        match words.end.filter(|&end| !self.drops_space && !stripped(end)) {
            Some(end) => {
                let marks = if runs { 1 } else { text.len() - end };
                (0..marks).try_for_each(|_| self.encode_word(pipeline, b"", own, ids))
            }
            None => Ok(()),
        }
    }

    /// Whether the first word, if no separator stands before it, is like those that have one.
    fn first_is_like_others(&self, stretch: Stretch<'_>) -> bool {
        let gets_mark = match self.scheme {
            PrependScheme::Always => true,
            PrependScheme::First => stretch.is_first,
            PrependScheme::Never => false,
        };
        // Not if it begins with a mark, which then is the only one, or with what does not stay.
        gets_mark == self.marks_words() && self.characters.may_begin(stretch.text, 0)
    }

    /// Whether a word that has a separator before it gets a mark.
    fn marks_words(&self) -> bool {
        !self.drops_space || self.scheme == PrependScheme::Always
    }

    /// Appends the ids of a word that a separator stands before.
    fn encode_word(&self, pipeline: &Pipeline, word: &[u8], own: &mut Own, ids: &mut Vec<u32>) -> Result<()> {
        // An error may have left something.
        own.word.clear();
        let before = if self.drops_space { "" } else { " " };
        if word.len() <= STRETCH && self.append_plain(before, word, own) {
            return own.encode(pipeline, ids);
        }
        self.encode_changing(pipeline, before, word, own, ids)
    }

    /// Appends the ids of a first word that is not like the others.
    fn encode_first(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        end: usize,
        own: &mut Own,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let word = &stretch.text[..end];
        if self.scheme == PrependScheme::First && stretch.is_first {
            // Which piece begins the document only the origins of all of it say.
            let text = self.normalized(Aligned::new(word, 0, true))?;
            return encode_pieces(pipeline, text, &mut own.scratch, ids);
        }
        own.word.clear();
        self.encode_changing(pipeline, "", word.as_bytes(), own, ids)
    }

    /// Appends the ids of a word that need not stay as it is, nor be one word then, with what stands before it.
    // Few words are such: beside the others it would be in the way.
    #[inline(never)]
    fn encode_changing(
        &self,
        pipeline: &Pipeline,
        mut before: &str,
        word: &[u8],
        own: &mut Own,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let is_long = word.len() > STRETCH;
        if is_long {
            reserve_large_pages(&mut own.word, before.len() + word.len());
        }
        let mut begin = 0;
        while begin < word.len() {
            let end = self.characters.gap(word, begin + STRETCH);
            let stretch = &word[begin..end];
            if !(is_long && self.append_plain(before, stretch, own)) {
                let text = format!("{before}{}", str_of(stretch)?);
                let text = self.normalized(Aligned::new(&text, 1, false))?;
                self.append_normalized(pipeline, text.as_str(), own, ids)?;
            }
            (before, begin) = ("", end);
        }
        own.encode(pipeline, ids)?;
        if own.word.capacity() > KEPT {
            own.word = Vec::new();
        }
        Ok(())
    }

    /// Adds a stretch to the word that is kept, if it is plain.
    #[inline]
    fn append_plain(&self, before: &str, stretch: &[u8], own: &mut Own) -> bool {
        let length = own.word.len();
        if !before.is_empty() || (length == 0 && self.scheme == PrependScheme::Always) {
            own.word.extend_from_slice(self.mark.as_bytes());
        }
        let is_plain = self.characters.append_plain(stretch, &mut own.word);
        if !is_plain {
            own.word.truncate(length);
        }
        is_plain
    }

    /// Adds what became of a stretch to the word that is kept; of words that end in it, appends the ids.
    fn append_normalized(
        &self,
        pipeline: &Pipeline,
        text: &str,
        own: &mut Own,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let divides = |character: char| self.divides(character);
        let (Some(first), Some(last)) = (text.find(divides), text.rfind(divides)) else {
            self.append_undivided(text, own);
            return Ok(());
        };
        self.append_undivided(&text[..first], own);
        own.encode(pipeline, ids)?;
        if first < last {
            encode_pieces(pipeline, Aligned::new(&text[first..last], 1, false), &mut own.scratch, ids)?;
        }
        let rest = &text[last..];
        if self.drops_space {
            self.append_undivided(rest.trim_start(), own);
        } else {
            own.word.extend_from_slice(self.mark.as_bytes());
            self.append_undivided(rest.trim_start_matches(divides), own);
        }
        Ok(())
    }

    /// Adds what has no space or mark behind its begin to the word that is kept.
    fn append_undivided(&self, text: &str, own: &mut Own) {
        let begins_word = own.word.is_empty() && !text.is_empty() && !text.starts_with(&self.mark);
        if begins_word && self.scheme == PrependScheme::Always {
            own.word.extend_from_slice(self.mark.as_bytes());
        }
        own.word.extend_from_slice(text.as_bytes());
    }

    fn normalized<'t>(&self, mut text: Aligned<'t>) -> Result<Aligned<'t>> {
        if let Some(normalizer) = &self.normalizer {
            normalizer.apply(&mut text)?;
        }
        Ok(text)
    }

    /// Whether a word of normalized text ends before a character.
    fn divides(&self, character: char) -> bool {
        character == ' '
            || self.mark.starts_with(character)
            || (self.drops_space && character.is_whitespace())
    }
}

/// Longer words are normalized in stretches of about so many bytes, which stay in a cache. Tests do it often.
const STRETCH: usize = if cfg!(test) { 6 } else { 1 << 12 };

/// Room for a word of more bytes is given back after use.
const KEPT: usize = 1 << 18;

/// What a thread keeps for words.
#[derive(Debug, Default)]
pub(in crate::tokens) struct Buffers {
    words: Words,
    /// By words as they stand in the text, and by words that are normalized: one may be another in the other.
    raw: WordCache,
    normalized: WordCache,
    own: Own,
}

impl Buffers {
    pub(in crate::tokens) fn cache_bytes(&self) -> usize {
        self.raw.bytes() + self.normalized.bytes()
    }
}

#[derive(Debug, Default)]
struct Own {
    scratch: Scratch,
    /// A word as the model is given it, while it is made.
    word: Vec<u8>,
}

impl Own {
    /// Appends the ids of the word that is kept here, which then is none.
    fn encode(&mut self, pipeline: &Pipeline, ids: &mut Vec<u32>) -> Result<()> {
        let encoded = match self.word.as_slice() {
            [] => Ok(()),
            word => pipeline.model.encode_ids(word, &mut self.scratch, ids),
        };
        self.word.clear();
        encoded
    }
}

/// The Metaspace step, if there is nothing else, and whether white space is dropped before it.
fn metaspace_of(pre_tokenizer: &PreTokenizer) -> Option<(&Metaspace, bool)> {
    match pre_tokenizer {
        PreTokenizer::Metaspace(step) => Some((step, false)),
        PreTokenizer::Sequence { pretokenizers } => match pretokenizers.as_slice() {
            [PreTokenizer::WhitespaceSplit {}, PreTokenizer::Metaspace(step)] => Some((step, true)),
            [only] => metaspace_of(only),
            _ => None,
        },
        _ => None,
    }
}

/// What comes after the normalizer.
fn encode_pieces(
    pipeline: &Pipeline,
    text: Aligned<'_>,
    scratch: &mut Scratch,
    ids: &mut Vec<u32>,
) -> Result<()> {
    let mut pieces = Pieces::new(text);
    if let Some(steps) = &pipeline.pre_tokenizer {
        steps.apply(&mut pieces)?;
    }
    pieces.iter().try_for_each(|piece| pipeline.model.encode_ids(piece.as_bytes(), scratch, ids))
}

#[cfg(test)]
#[path = "metaspace_tests.rs"]
mod metaspace_tests;
