//! Words that are told by the kinds of their characters alone: BERT's pipeline and those like it.
//!
//! Normalizer and pre-tokenizer become a table: what becomes of each character, and whether it is in a word, a word of
//! its own, or between words. The text is cut into raw words ([`raw_words`]), 64 bytes at a time ([`ascii`]), and the
//! cache knows them by what they are before they are normalized, but for ASCII, which is changed in passing. Only those
//! that it does not know are normalized by the table ([`table`]) and go to the model ([`pieces`]).
//!
//! The table says nothing of characters whose change depends on their neighbours, such as marks that are put in order.
//! Runs of those go through the normalizer itself; what is a run, and why that is exact, is told where the table's steps
//! are: `text/normalize/characters.rs`. A normalizer with steps that do not go by characters is applied to the whole
//! text, and the table is of what comes after.

mod ascii;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod novelty;
mod pieces;
mod raw_words;
mod scan;
mod sorts;
mod table;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::Stretch;
use crate::Result;
use crate::text::normalize::CharacterSteps;
use crate::text::{Kinds, Normalizer, PreTokenizer};
use crate::tokens::cache::WordCache;
use crate::tokens::models::Model;
use crate::tokens::pipeline::{Pipeline, Workspace};

use novelty::Novelty;
use pieces::Pieces;
use raw_words::RawWords;
use sorts::Known;

/// What a thread keeps between texts.
#[derive(Debug, Default)]
pub(in crate::tokens) struct Buffers {
    words: RawWords,
    pieces: Pieces,
    /// Of text as it stands in the document, and of text that is normalized: one word may be another in the other.
    raw: Seen,
    normalized: Seen,
}

/// What was seen of texts that are all to be changed in one way.
#[derive(Debug, Default)]
struct Seen {
    known: Known,
    cache: WordCache,
    novelty: Novelty,
}

impl Buffers {
    /// How many bytes the caches of words take.
    pub(in crate::tokens) fn cache_bytes(&self) -> usize {
        self.raw.cache.bytes() + self.normalized.cache.bytes()
    }
}

#[derive(Debug)]
pub(in crate::tokens) struct Bert {
    /// For text as it stands in the document, unless the normalizer has steps that do not go by characters.
    raw: Option<Way>,
    /// For text that is normalized already.
    normalized: Way,
}

/// What is to be done to each character.
#[derive(Debug)]
struct Way {
    rules: table::Rules,
    ascii: ascii::Ascii,
    /// A word that begins with so many bytes is too long for the model, whatever follows.
    longest: usize,
}

impl Bert {
    pub(super) fn new(
        normalizer: Option<&Normalizer>,
        pre_tokenizer: Option<&PreTokenizer>,
        model: &Model,
    ) -> Option<Self> {
        if model.reads_bytes() {
            return None;
        }
        let kinds = pre_tokenizer?.kinds()?;
        let mut bert = Self::of(normalizer, &kinds, ascii::Width::of_machine());
        if let Some(characters) = model.longest_word() {
            let bytes = characters.saturating_add(1).saturating_mul(size_of::<char>());
            bert.normalized.longest = bytes;
            bert.raw.iter_mut().for_each(|way| way.longest = bytes);
        }
        Some(bert)
    }

    fn of(normalizer: Option<&Normalizer>, kinds: &Kinds, width: ascii::Width) -> Self {
        let way = |normalizer: Option<&Normalizer>, steps| {
            let rules = table::Rules::new(steps, kinds.clone(), normalizer.cloned());
            Way { ascii: ascii::Ascii::new(&rules, width), rules, longest: usize::MAX }
        };
        let steps = normalizer.map_or(Some(CharacterSteps::default()), CharacterSteps::of);
        Self {
            raw: steps.map(|steps| way(normalizer, steps)),
            normalized: way(None, CharacterSteps::default()),
        }
    }

    /// Whether it takes text that is not normalized.
    pub(super) fn normalizes(&self) -> bool {
        self.raw.is_some()
    }

    /// The first place from `from` on where a text can be cut, and its words are those of the parts: before a gap.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        let way = self.raw.as_ref().unwrap_or(&self.normalized);
        let rest = text.as_bytes().get(from..)?;
        rest.iter().position(|&byte| way.ascii.is_gap(byte)).map(|place| from + place)
    }

    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let Workspace { scratch, bert, .. } = workspace;
        // Most tokens are longer.
        ids.reserve(stretch.text.len() / 4);
        let (way, seen, words, pieces) = self.parts(stretch, bert.get_or_insert_default());
        let Seen { known, cache, novelty } = seen;
        let text = stretch.text;
        words.begin();
        loop {
            let is_done = way.fill(text, words, known);
            let (buffer, places) = words.words();
            let mut encode = |word: &[u8], ids: &mut Vec<u32>| {
                let mut encode = |word: &[u8]| pipeline.model.encode_ids(word, scratch, ids);
                way.each_piece(word, known, pieces, &mut encode)
            };
            if novelty.is_new(places.len()) {
                for &(begin, end) in places {
                    encode(&buffer[begin as usize..end as usize], ids)?;
                }
            } else {
                let misses = cache.misses();
                cache.encode(buffer, places, ids, encode)?;
                novelty.note(places.len(), cache.misses() - misses);
            }
            if let Some(long) = way.long(text, words, known) {
                let mut encode = |word: &[u8]| pipeline.model.encode_ids(word, scratch, ids);
                way.scan_pieces(&text[long], known, pieces, &mut encode)?;
            }
            if is_done {
                return Ok(());
            }
        }
    }

    /// What a stretch of text needs.
    fn parts<'a>(
        &'a self,
        stretch: Stretch<'_>,
        buffers: &'a mut Buffers,
    ) -> (&'a Way, &'a mut Seen, &'a mut RawWords, &'a mut Pieces) {
        let Buffers { words, pieces, raw, normalized } = buffers;
        match &self.raw {
            Some(way) if !stretch.is_normalized => (way, raw, words, pieces),
            _ => (&self.normalized, normalized, words, pieces),
        }
    }

    /// Calls `visit` with the words of a text, each normalized.
    #[cfg(test)]
    fn words(
        &self,
        stretch: Stretch<'_>,
        buffers: &mut Buffers,
        mut visit: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let (way, seen, words, pieces) = self.parts(stretch, buffers);
        let known = &mut seen.known;
        words.begin();
        loop {
            let is_done = way.fill(stretch.text, words, known);
            let (buffer, places) = words.words();
            for &(begin, end) in places {
                way.each_piece(&buffer[begin as usize..end as usize], known, pieces, &mut visit)?;
            }
            if let Some(long) = way.long(stretch.text, words, known) {
                way.scan_pieces(&stretch.text[long], known, pieces, &mut visit)?;
            }
            if is_done {
                return Ok(());
            }
        }
    }
}

impl Way {
    /// [`RawWords::fill`].
    fn fill(&self, text: &str, words: &mut RawWords, known: &mut Known) -> bool {
        match self.ascii.width {
            ascii::Width::Portable => {
                words.fill(text, known, &self.rules, |block, out| self.ascii.sort(block, out))
            }
            #[cfg(target_arch = "x86_64")]
            ascii::Width::Avx2 => avx2::fill(&self.ascii, &self.rules, text, words, known),
        }
    }

    /// [`RawWords::long`].
    fn long(&self, text: &str, words: &mut RawWords, known: &mut Known) -> Option<Range<usize>> {
        match self.ascii.width {
            ascii::Width::Portable => {
                words.long(text, known, &self.rules, |block, out| self.ascii.sort(block, out))
            }
            #[cfg(target_arch = "x86_64")]
            ascii::Width::Avx2 => avx2::long(&self.ascii, &self.rules, text, words, known),
        }
    }

    /// Sorts a block as a scan does.
    #[cfg(test)]
    fn sort(&self, block: &[u8; ascii::BLOCK], out: &mut [u8; ascii::BLOCK]) -> ascii::Marks {
        match self.ascii.width {
            ascii::Width::Portable => self.ascii.sort(block, out),
            #[cfg(target_arch = "x86_64")]
            ascii::Width::Avx2 => avx2::sort(&self.ascii, block, out),
        }
    }
}
