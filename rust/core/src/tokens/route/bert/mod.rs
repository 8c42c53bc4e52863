//! Words that are told by the kinds of their characters alone: BERT's pipeline and those like it.
//!
//! Normalizer and pre-tokenizer become a table: what becomes of each character, and whether it is in a word, a word of
//! its own, or between words. One pass writes the normalized text to a buffer and notes where words begin and end:
//! ASCII 64 bytes at a time ([`ascii`]), other characters by the table ([`table`]). Every few hundred words go to the
//! cache and, those that it does not know, to the model. The buffer holds no more than those, so it stays near.
//!
//! The table says nothing of characters whose change depends on their neighbours, such as marks that are put in order.
//! Runs of those go through the normalizer itself; what is a run, and why that is exact, is told where the table's steps
//! are: `text/normalize/characters.rs`. A normalizer with steps that do not go by characters is applied to the whole
//! text, and the table is of what comes after.

mod ascii;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod scan;
mod table;
#[cfg(test)]
mod tests;

use super::Stretch;
use crate::Result;
use crate::text::normalize::CharacterSteps;
use crate::text::{Kinds, Normalizer, PreTokenizer};
use crate::tokens::models::{Model, check_length};
use crate::tokens::pipeline::{Pipeline, Workspace};

pub(in crate::tokens) use scan::Scan;

/// After so many words that it did not know, a cache is told all of the vocabulary that are one token. It takes as long
/// as some thousand words, and most of a large text's words are among them.
const WORTH_THE_VOCABULARY: u64 = 1000;

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
        Some(Self::of(normalizer, &kinds, ascii::Width::of_machine()))
    }

    fn of(normalizer: Option<&Normalizer>, kinds: &Kinds, width: ascii::Width) -> Self {
        let way = |normalizer: Option<&Normalizer>, steps| {
            let rules = table::Rules { steps, kinds: kinds.clone(), normalizer: normalizer.cloned() };
            Way { ascii: ascii::Ascii::new(&rules, width), rules }
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

    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let Workspace { cache, scratch, bert, .. } = workspace;
        let scan = bert.get_or_insert_default();
        // Most tokens are longer.
        ids.reserve(stretch.text.len() / 4);
        self.words(stretch, scan, &mut |text, places| {
            cache.encode(text, places, ids, |word, ids| pipeline.model.encode_ids(word, scratch, ids))
        })?;
        if let Model::WordPiece(model) = &pipeline.model
            && cache.misses() > WORTH_THE_VOCABULARY
            && scan.is_new_to_vocabulary()
        {
            model.whole_words().for_each(|(id, word)| cache.insert(word.as_bytes(), &[id]));
        }
        Ok(())
    }

    /// Calls `visit` with the words of a text, many at once: the normalized text and where in it they begin and end.
    fn words(
        &self,
        stretch: Stretch<'_>,
        scan: &mut Scan,
        visit: &mut impl FnMut(&[u8], &[(u32, u32)]) -> Result<()>,
    ) -> Result<()> {
        let raw = self.raw.as_ref().filter(|_| !stretch.is_normalized);
        let way = raw.unwrap_or(&self.normalized);
        scan.begin(raw.is_some());
        loop {
            let is_done = way.scan(stretch.text, scan)?;
            let (buffer, places) = scan.words();
            check_length(scan.open_word())?;
            visit(buffer, places)?;
            if is_done {
                return Ok(());
            }
            scan.forget_words();
        }
    }
}

impl Way {
    /// Scans on; whether the text is done.
    fn scan(&self, text: &str, scan: &mut Scan) -> Result<bool> {
        match self.ascii.width {
            ascii::Width::Portable => {
                scan.advance(&self.rules, text, |block, out| self.ascii.sort(block, out))
            }
            #[cfg(target_arch = "x86_64")]
            ascii::Width::Avx2 => avx2::advance(&self.ascii, &self.rules, text, scan),
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
