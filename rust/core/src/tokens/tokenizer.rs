//! A tokenizer: what it is made of, and what can be asked of its vocabulary.

use std::sync::{Arc, Mutex};

use super::added::{AddedToken, AddedTokens};
use super::assembly::Assembly;
use super::decode::{Decoder, Detokenizer};
use super::density::Density;
use super::encode::EncodeOptions;
use super::pipeline::{Pipeline, SpecialText, Workspace};
use super::sentencepiece::SentencePiece;
use super::vocab::Vocab;
use super::word_starts::WordMarks;
use crate::Result;
use crate::text::Normalizer;

/// A tokenizer of any kind. It never changes, and any number of threads may share it.
///
/// ```
/// use fastmask_core::tokens::Tokenizer;
/// let json = br#"{
///     "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": {"type": "Lowercase"},
///     "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
///     "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "hello": 1, "world": 2}, "unk_token": "[UNK]"}
/// }"#;
/// let tokenizer = Tokenizer::from_json(json)?;
/// assert_eq!(tokenizer.encode_ids("Hello, world", None, &tokenizer.options())?, [1, 0, 2]);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Tokenizer {
    pub(super) algorithm: Algorithm,
    pub(super) added: AddedTokens,
    pub(super) assembly: Assembly,
    pub(super) special_text: SpecialText,
    pub(super) vocab: Vocab,
    pub(super) detokenizer: Arc<Detokenizer>,
    /// The ids before and after a single text, where that is all that the post-processor does to ids.
    pub(super) frame: Option<(Vec<u32>, Vec<u32>)>,
    word_starts: Vec<bool>,
    /// What threads keep between calls: a call takes one for each of its threads and gives it back.
    pub(super) workspaces: Mutex<Vec<Workspace>>,
    pub(super) density: Density,
}

/// What makes tokens of text.
#[derive(Debug)]
pub(super) enum Algorithm {
    Pipeline(Box<Pipeline>),
    SentencePiece(Arc<SentencePiece>),
}

/// Everything that makes a tokenizer, before it is checked and indexed.
pub(super) struct Parts {
    pub(super) algorithm: Algorithm,
    pub(super) added: Vec<AddedToken>,
    pub(super) assembly: Assembly,
    pub(super) decoder: Option<Decoder>,
    pub(super) special_text: SpecialText,
}

impl Algorithm {
    fn vocab(&self) -> Result<Vocab> {
        match self {
            Self::Pipeline(pipeline) => Ok(pipeline.model.vocab().clone()),
            Self::SentencePiece(model) => {
                let mut vocab = Vocab::default();
                model.pieces().iter().try_for_each(|piece| vocab.append(&piece.text).map(drop))?;
                Ok(vocab)
            }
        }
    }

    fn normalizer(&self) -> Option<&Normalizer> {
        match self {
            Self::Pipeline(pipeline) => pipeline.normalizer.as_ref(),
            Self::SentencePiece(_) => None,
        }
    }
}

impl Tokenizer {
    pub(super) fn new(parts: Parts) -> Result<Self> {
        let mut vocab = parts.algorithm.vocab()?;
        for (index, token) in parts.added.iter().enumerate() {
            vocab
                .insert(&token.content, token.id)
                .map_err(|error| error.at(format!("added_tokens[{index}]")))?;
        }
        let added = AddedTokens::new(parts.added, parts.algorithm.normalizer())?;
        parts.assembly.check()?;
        let frame = match &parts.assembly.post_processor {
            Some(processor) => processor.frame(),
            None => Some((Vec::new(), Vec::new())),
        };
        let marks = match (&parts.algorithm, &parts.decoder) {
            (Algorithm::SentencePiece(_), _) => WordMarks::Space('\u{2581}'),
            (_, Some(decoder)) => WordMarks::of(decoder),
            (_, None) => WordMarks::Unknown,
        };
        let spelled = added.all().iter().map(|token| (token.id, added.spelled(token)));
        let special = added.all().iter().filter(|token| token.special).map(|token| &*token.content);
        let detokenizer = Detokenizer::new(vocab.iter().chain(spelled), special, parts.decoder);
        Ok(Self {
            word_starts: marks.word_starts(&vocab, added.all().iter().map(|token| token.id)),
            detokenizer: Arc::new(detokenizer),
            algorithm: parts.algorithm,
            added,
            assembly: parts.assembly,
            special_text: parts.special_text,
            vocab,
            frame,
            workspaces: Mutex::default(),
            density: Density::default(),
        })
    }

    /// The tokens, added ones included.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// The added tokens, special or not.
    pub fn added_tokens(&self) -> &[AddedToken] {
        self.added.all()
    }

    /// For each id whether its token begins a word.
    pub fn word_starts(&self) -> &[bool] {
        &self.word_starts
    }

    pub(super) fn begins_word(&self, id: u32) -> bool {
        self.word_starts.get(id as usize).is_some_and(|&begins| begins)
    }

    /// How its file says to encode, with special tokens and without spans.
    pub fn options(&self) -> EncodeOptions<'_> {
        EncodeOptions {
            assembly: &self.assembly,
            add_special_tokens: true,
            special_text: self.special_text,
            with_spans: false,
        }
    }
}
