//! Hand-written ways from text to ids, for the pipelines that have one.
//!
//! A route does what normalizer, pre-tokenizer and model do one after the other, in one pass and for ids alone. It is
//! chosen when a tokenizer is made, by the kinds of its parts; what has no route goes through the parts. The parts stay
//! the oracle: `FASTMASK_ROUTES=off` in the environment lets all tokenizers go through them, and the same tests hold.

pub(in crate::tokens) mod bert;
mod byte_level;
mod metaspace;
mod whole_text;

pub(super) use metaspace::Buffers as MetaspaceBuffers;

use super::models::Model;
use super::pipeline::{Pipeline, Workspace};
use super::portions::Extent;
use crate::Result;
use crate::text::{Normalizer, PreTokenizer};

/// A way from a stretch of text to its ids. What a route keeps besides is worked out once, when it is made.
#[derive(Debug)]
pub(super) enum Route {
    /// The pieces are stretches of the text itself, and the model reads bytes.
    ByteLevel(byte_level::ByteLevel),
    /// Words are told by the kinds of their characters alone.
    Bert(Box<bert::Bert>),
    /// The pieces are words with a mark for the space before them.
    Metaspace(Box<metaspace::MetaspaceRoute>),
    /// The whole text is a word of a BPE, cut where no merge crosses.
    WholeText(Box<whole_text::WholeText>),
}

/// A stretch of a document between two added tokens, or a part of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'t> {
    pub(super) text: &'t str,
    /// Whether the document begins with it.
    pub(super) is_first: bool,
    /// Whether it is normalized already.
    pub(super) is_normalized: bool,
    /// What gets something before it, or is a token, does so as a whole stretch only.
    pub(super) extent: Extent,
}

impl Route {
    /// The route of a pipeline, if it has one. `model` reads bytes already where it is to read bytes.
    pub(super) fn new(
        normalizer: Option<&Normalizer>,
        pre_tokenizer: Option<&PreTokenizer>,
        model: &Model,
    ) -> Option<Self> {
        if are_off() {
            return None;
        }
        let bert = || bert::Bert::new(normalizer, pre_tokenizer, model);
        let metaspace = || metaspace::MetaspaceRoute::new(normalizer, pre_tokenizer, model);
        let whole_text = || whole_text::WholeText::new(normalizer, pre_tokenizer, model);
        byte_level::ByteLevel::new(pre_tokenizer, model)
            .map(Self::ByteLevel)
            .or_else(|| Some(Self::Bert(Box::new(bert()?))))
            .or_else(|| Some(Self::Metaspace(Box::new(metaspace()?))))
            .or_else(|| Some(Self::WholeText(Box::new(whole_text()?))))
    }

    /// Whether it takes text as it stands in the document.
    pub(super) fn normalizes(&self) -> bool {
        match self {
            Self::ByteLevel(_) => false,
            Self::Bert(route) => route.normalizes(),
            Self::Metaspace(_) | Self::WholeText(_) => true,
        }
    }

    /// Whether it takes text that is normalized already.
    pub(super) fn takes_normalized(&self) -> bool {
        match self {
            Self::ByteLevel(_) | Self::Bert(_) => true,
            Self::Metaspace(route) => route.takes_normalized(),
            Self::WholeText(_) => false,
        }
    }

    /// The first place from `from` on where a text can be cut: its ids are those of its parts.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        match self {
            Self::ByteLevel(route) => route.cut(text, from),
            Self::Bert(route) => route.cut(text, from),
            Self::Metaspace(route) => route.cut(text, from),
            Self::WholeText(route) => route.cut(text, from),
        }
    }

    /// Appends the ids of a stretch of text.
    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        match self {
            Self::ByteLevel(route) => route.encode(pipeline, stretch, workspace, ids),
            Self::Bert(route) => route.encode(pipeline, stretch, workspace, ids),
            Self::Metaspace(route) => route.encode(pipeline, stretch, &mut workspace.metaspace, ids),
            Self::WholeText(route) => route.encode(pipeline, stretch, workspace, ids),
        }
    }
}

/// Whether all text is to go the plain way.
pub(super) fn are_off() -> bool {
    std::env::var_os("FASTMASK_ROUTES").is_some_and(|value| value == "off")
}
