//! BPE without a pre-tokenizer: the whole text is one word (Llama, Mistral, Gemma).
//!
//! It is cut where no merge can cross, and the parts are looked up as they stand in the text, a space standing for its
//! mark: nothing is normalized, and nothing long is merged.

use super::Stretch;
use crate::text::{Metaspace, Normalizer, PreTokenizer, PrependScheme};
use crate::tokens::cuts::Cuts;
use crate::tokens::models::{Bpe, Model};
use crate::tokens::pipeline::{Pipeline, Workspace};
use crate::tokens::portions::Extent;
use crate::{Error, Result};

/// So many words are found before they are looked up.
const ROOM: usize = 512;

#[derive(Debug)]
pub(in crate::tokens) struct WholeText {
    cuts: Cuts,
    marks: Marks,
    /// The length of the longest token, where a text that is a token is that token.
    longest_whole: Option<usize>,
}

/// What is done to a text before it is a word.
#[derive(Debug, PartialEq, Eq)]
struct Marks {
    /// What spaces become.
    space: Option<char>,
    prefix: String,
    scheme: Scheme,
}

/// Which texts get the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// All, whatever they begin with.
    All,
    /// Those that do not begin with it, and begin the document where the step says so.
    Metaspace(PrependScheme),
}

impl WholeText {
    pub(super) fn new(
        normalizer: Option<&Normalizer>,
        pre_tokenizer: Option<&PreTokenizer>,
        model: &Model,
    ) -> Option<Self> {
        let Model::Bpe(bpe) = model else { return None };
        let marks = Marks::of(normalizer, pre_tokenizer)?;
        let lengths = bpe.vocab().iter().map(|(_, token)| token.len());
        let longest = lengths.max().unwrap_or_default();
        let longest_whole = bpe.settings().ignore_merges.then_some(longest);
        Some(Self { cuts: bpe.cuts(marks.space)?, marks, longest_whole })
    }

    /// The first place from `from` on where no merge crosses.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        self.cuts.cut(text, from)
    }

    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let Model::Bpe(bpe) = &pipeline.model else {
            return Err(Error::new("a route for BPE was given another model"));
        };
        let text = stretch.text;
        let prefix = self.marks.prefix_of(stretch);
        if stretch.extent == Extent::WHOLE
            && let Some(id) = self.whole(bpe, prefix, text)
        {
            ids.push(id);
            return Ok(());
        }
        let Workspace { parts, places, scratch, .. } = workspace;
        if u32::try_from(text.len()).is_err() {
            // Places are of 32 bits: the model says so.
            return pipeline.model.encode_word(text, &mut scratch.tokens);
        }
        let mut encode = |word: &[u8], ids: &mut Vec<u32>| {
            let word = std::str::from_utf8(word)
                .map_err(|error| Error::new(format!("a word is cut in a character: {error}")))?;
            bpe.encode_part(word, self.cuts.space(), &mut scratch.tokens, ids)
        };
        places.resize(ROOM, (0, 0));
        let mut words = self.cuts.words(text);
        let mut is_first = !prefix.is_empty();
        loop {
            let count = words.fill(places);
            let mut found = &places[..count];
            if let (true, Some(&(begin, end))) = (is_first, found.first()) {
                let word = format!("{prefix}{}", &text[begin as usize..end as usize]);
                parts.encode(word.as_bytes(), &[(0, word.len() as u32)], ids, &mut encode)?;
                found = &found[1..];
                is_first = false;
            }
            if count == 0 {
                return Ok(());
            }
            parts.encode(text.as_bytes(), found, ids, &mut encode)?;
        }
    }

    /// The id of a text that is a token.
    fn whole(&self, bpe: &Bpe, prefix: &str, text: &str) -> Option<u32> {
        // A mark is at least as long as a space.
        self.longest_whole.filter(|&longest| prefix.len() + text.len() <= longest)?;
        let mut word = format!("{prefix}{text}");
        if let Some(mark) = self.marks.space {
            word = word.replace(' ', mark.encode_utf8(&mut [0; 4]));
        }
        bpe.vocab().id(&word)
    }
}

impl Marks {
    /// None where another thing is done to a text.
    fn of(normalizer: Option<&Normalizer>, pre_tokenizer: Option<&PreTokenizer>) -> Option<Self> {
        let marks = match normalizer {
            None => Self { space: None, prefix: String::new(), scheme: Scheme::All },
            Some(normalizer) => Self::of_normalizer(normalizer)?,
        };
        match pre_tokenizer {
            None => Some(marks),
            Some(PreTokenizer::Metaspace(step)) if normalizer.is_none() => Self::of_metaspace(step),
            // Of the spaces that it would split at none is left.
            Some(PreTokenizer::Split { pattern, invert: false, .. })
                if pattern.as_literal() == Some(" ") && marks.space.is_some_and(|mark| mark != ' ') =>
            {
                Some(marks)
            }
            Some(_) => None,
        }
    }

    fn of_normalizer(normalizer: &Normalizer) -> Option<Self> {
        let replaces = |step: &Normalizer| match step {
            Normalizer::Replace { pattern, content } if pattern.as_literal() == Some(" ") => {
                let mut characters = content.chars();
                characters.next().filter(|_| characters.next().is_none())
            }
            _ => None,
        };
        let (prefix, replace) = match normalizer {
            Normalizer::Sequence { normalizers } => match normalizers.as_slice() {
                [Normalizer::Prepend { prepend }, replace] if !prepend.is_empty() => {
                    (prepend.clone(), replace)
                }
                [replace] => (String::new(), replace),
                _ => return None,
            },
            replace => (String::new(), replace),
        };
        Some(Self { space: Some(replaces(replace)?), prefix, scheme: Scheme::All })
    }

    fn of_metaspace(step: &Metaspace) -> Option<Self> {
        let mark = step.replacement();
        let scheme = Scheme::Metaspace(step.prepend_scheme());
        (!step.splits()).then(|| Self { space: Some(mark), prefix: mark.to_string(), scheme })
    }

    /// What is put before a stretch of text.
    fn prefix_of(&self, stretch: Stretch<'_>) -> &str {
        let begins_marked =
            || stretch.text.starts_with(' ') || stretch.text.starts_with(self.prefix.as_str());
        let is_wanted = match self.scheme {
            Scheme::All => true,
            Scheme::Metaspace(PrependScheme::Never) => false,
            Scheme::Metaspace(PrependScheme::Always) => !begins_marked(),
            Scheme::Metaspace(PrependScheme::First) => stretch.is_first && !begins_marked(),
        };
        if is_wanted && stretch.extent.begins { &self.prefix } else { "" }
    }
}

#[cfg(test)]
#[path = "whole_text_tests.rs"]
mod tests;
