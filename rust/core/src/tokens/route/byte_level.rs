//! Byte-level BPE: the words of a split pattern, as they stand in the text.

use super::Stretch;
use crate::Result;
use crate::text::{Normalizer, PreTokenizer, Split};
use crate::tokens::models::Model;
use crate::tokens::pipeline::{Pipeline, Workspace};

#[derive(Debug)]
pub(in crate::tokens) struct ByteLevel {
    split: Split,
    add_prefix_space: bool,
}

impl ByteLevel {
    pub(super) fn new(
        normalizer: Option<&Normalizer>,
        pre_tokenizer: Option<&PreTokenizer>,
        model: &Model,
    ) -> Option<Self> {
        match (normalizer, pre_tokenizer) {
            (None, Some(PreTokenizer::ByteLevel(step))) if model.reads_bytes() => Some(Self {
                split: if step.use_regex { Split::Gpt2 } else { Split::Whole },
                add_prefix_space: step.add_prefix_space,
            }),
            _ => None,
        }
    }

    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let text = stretch.text;
        // The space joins the first word, which only a text of its own can show.
        let prefixed = (self.add_prefix_space && !text.starts_with(' ')).then(|| format!(" {text}"));
        self.split
            .words(prefixed.as_deref().unwrap_or(text))
            .try_for_each(|word| pipeline.encode_piece(word, workspace, ids))
    }
}
