//! From a stretch of text to tokens: normalizer, added tokens, pre-tokenizer, model.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::added::{AddedToken, AddedTokens, Search, Stretch};
use super::cache::WordCache;
use super::models::{Model, Scratch, Token};
use super::portions::Extent;
use super::post_process::white_space_ends;
use super::route::{self, Route};
use super::sentencepiece;
use crate::rows::Ragged;
use crate::text::{Aligned, Normalizer, Origin, Pieces, PreTokenizer};
use crate::{Error, Result};

/// What to do with text that spells a special token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpecialText {
    /// It is the special token.
    Parse,
    /// It is ordinary text.
    Text,
    /// It is an error: the text is not to be trusted.
    Error,
}

impl SpecialText {
    pub(super) fn parses(self) -> bool {
        self != Self::Text
    }

    pub(super) fn check(self, token: &AddedToken) -> Result<()> {
        if self == Self::Error && token.special {
            return Err(Error::new(format!("the text spells the special token {:?}", token.content))
                .advise("pass special_text=\"text\" to take it as text, \"parse\" to take it as the token"));
        }
        Ok(())
    }
}

/// The parts of a Hugging Face tokenizer that make tokens of text.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) normalizer: Option<Normalizer>,
    pub(super) pre_tokenizer: Option<PreTokenizer>,
    pub(super) model: Model,
    /// The hand-written way through all three, where there is one.
    pub(super) route: Option<Route>,
    /// Whether the model is given raw bytes, not characters that spell them.
    reads_bytes: bool,
    /// Whether a step asks where its text came from.
    needs_origins: bool,
}

/// What a thread keeps between words: the words it has seen, and room for tokens.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) cache: WordCache,
    /// Parts of pieces: with other ids than a piece of that text, where pieces that are tokens are not merged.
    pub(super) parts: WordCache,
    /// Room for the places of words.
    pub(super) places: Vec<(u32, u32)>,
    pub(super) scratch: Scratch,
    /// Room for the rows of a thread that is one of several.
    pub(super) rows: Ragged,
    /// Made for the first text that needs it.
    pub(super) bert: Option<Box<route::bert::Buffers>>,
    pub(super) metaspace: route::MetaspaceBuffers,
    pub(super) sentencepiece: sentencepiece::Buffers,
}

impl Workspace {
    /// How many bytes the caches of words take.
    pub(super) fn cache_bytes(&self) -> usize {
        self.cache.bytes()
            + self.parts.bytes()
            + self.bert.as_ref().map_or(0, |buffers| buffers.cache_bytes())
            + self.metaspace.cache_bytes()
            + self.sentencepiece.cache_bytes()
    }
}

/// A part of a text on its way to the model: an added token and where it stood, or pieces for the model.
#[derive(Debug)]
pub(super) enum Part {
    Added {
        id: u32,
        origin: Origin,
        /// The white space that it took with it, on its left and on its right.
        white_space: (u32, u32),
    },
    Pieces(Pieces<'static>),
}

impl Pipeline {
    pub(super) fn new(
        normalizer: Option<Normalizer>,
        mut pre_tokenizer: Option<PreTokenizer>,
        mut model: Model,
    ) -> Self {
        let reads_bytes =
            model.can_read_bytes() && pre_tokenizer.as_mut().is_some_and(PreTokenizer::leave_bytes);
        if reads_bytes {
            model.read_bytes();
        }
        let route = Route::new(normalizer.as_ref(), pre_tokenizer.as_ref(), &model);
        let needs_origins = pre_tokenizer
            .as_ref()
            .is_some_and(|steps| steps.needs_origins() || (normalizer.is_some() && steps.has_first()));
        Self { normalizer, pre_tokenizer, model, route, reads_bytes, needs_origins }
    }

    pub(super) fn reads_bytes(&self) -> bool {
        self.reads_bytes
    }

    #[cfg(test)]
    pub(super) fn has_route(&self) -> bool {
        self.route.is_some()
    }

    /// Appends the ids of a text, or of a portion of one.
    pub(super) fn encode_ids(
        &self,
        added: &AddedTokens,
        (text, extent): (&str, Extent),
        policy: SpecialText,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        added.stretches(Search::Raw, text, policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, _) => {
                ids.push(token.id);
                policy.check(token)
            }
            Stretch::Text(range) => match &self.route {
                Some(route) if route.normalizes() && added.is_empty(Search::Normalized) => {
                    let stretch = route::Stretch {
                        is_first: range.start == 0 && extent.begins,
                        is_normalized: false,
                        extent: extent.of_stretch(&range, text.len()),
                        text: &text[range],
                    };
                    route.encode(self, stretch, workspace, ids)
                }
                _ => {
                    let extent = extent.of_stretch(&range, text.len());
                    let aligned = Aligned::new(&text[range.clone()], range.start as u32, self.needs_origins);
                    self.encode_aligned(added, (aligned, extent), policy, workspace, ids)
                }
            },
        })
    }

    /// The same for text in which no special token is looked for; returns how many ids the last word has.
    pub(super) fn encode_but_last(
        &self,
        added: &AddedTokens,
        text: &str,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<usize> {
        let mut last = 0;
        for part in self.parts(added, text, SpecialText::Text, false)? {
            match part {
                Part::Added { id, .. } => {
                    ids.push(id);
                    last = 0;
                }
                Part::Pieces(pieces) => {
                    for piece in pieces.iter() {
                        let before = ids.len();
                        self.encode_piece(piece, workspace, ids)?;
                        last = ids.len() - before;
                    }
                }
            }
        }
        Ok(last)
    }

    fn encode_aligned(
        &self,
        added: &AddedTokens,
        (mut text, extent): (Aligned<'_>, Extent),
        policy: SpecialText,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        if let Some(normalizer) = self.normalizer.as_ref().filter(|one| !one.leaves(text.as_str())) {
            normalizer.apply(&mut text)?;
        }
        added.stretches(Search::Normalized, text.as_str(), policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, _) => {
                ids.push(token.id);
                policy.check(token)
            }
            Stretch::Text(range) => {
                if let Some(route) = self.route.as_ref().filter(|route| route.takes_normalized()) {
                    let stretch = route::Stretch {
                        is_first: text.start() == 0 && range.start == 0 && extent.begins,
                        is_normalized: true,
                        extent: extent.of_stretch(&range, text.as_str().len()),
                        text: &text.as_str()[range],
                    };
                    return route.encode(self, stretch, workspace, ids);
                }
                let pieces = self.pieces(text.part(range))?;
                pieces.iter().try_for_each(|piece| self.encode_piece(piece, workspace, ids))
            }
        })
    }

    /// What the pre-tokenizer makes of a text.
    pub(super) fn pieces<'t>(&self, text: Aligned<'t>) -> Result<Pieces<'t>> {
        let mut pieces = Pieces::new(text);
        if let Some(steps) = &self.pre_tokenizer {
            steps.apply(&mut pieces)?;
        }
        Ok(pieces)
    }

    /// Appends the ids of one piece.
    pub(super) fn encode_piece(
        &self,
        piece: &str,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        if let Some(known) = workspace.cache.get(piece.as_bytes()) {
            ids.extend_from_slice(known);
            return Ok(());
        }
        let start = ids.len();
        self.model.encode_ids(piece.as_bytes(), &mut workspace.scratch, ids)?;
        workspace.cache.insert(piece.as_bytes(), &ids[start..]);
        Ok(())
    }

    /// Appends the tokens of one piece.
    pub(super) fn tokens_of(&self, piece: &str, tokens: &mut Vec<Token>) -> Result<()> {
        if self.reads_bytes {
            self.model.encode_bytes(piece.as_bytes(), tokens)
        } else {
            self.model.encode_word(piece, tokens)
        }
    }

    /// How the original spells a token of a piece: as the vocabulary does, except that Unigram's are cut out of the
    /// piece, which shows where it is unknown.
    pub(super) fn spelled<'a>(&'a self, id: u32, piece: &'a str, range: Range<usize>) -> &'a str {
        let token = self.model.vocab().token(id).unwrap_or_default();
        match (&self.model, piece.get(range)) {
            (Model::Unigram(_), Some(cut)) if !token.starts_with("<0x") => cut,
            _ => token,
        }
    }

    /// The parts of a text, with the origins of every byte where `with_origins`.
    pub(super) fn parts(
        &self,
        added: &AddedTokens,
        text: &str,
        policy: SpecialText,
        with_origins: bool,
    ) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        added.stretches(Search::Raw, text, policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, range) => {
                let origin = (range.start as u32, range.end as u32);
                parts.push(Part::Added { id: token.id, origin, white_space: white_space_ends(&text[range]) });
                policy.check(token)
            }
            Stretch::Text(range) => {
                let mut aligned = Aligned::new(
                    &text[range.clone()],
                    range.start as u32,
                    with_origins || self.needs_origins,
                );
                if let Some(normalizer) = &self.normalizer {
                    normalizer.apply(&mut aligned)?;
                }
                self.normalized_parts(added, &aligned, policy, &mut parts)
            }
        })?;
        Ok(parts)
    }

    fn normalized_parts(
        &self,
        added: &AddedTokens,
        text: &Aligned<'_>,
        policy: SpecialText,
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        added.stretches(Search::Normalized, text.as_str(), policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, range) => {
                let white_space = white_space_ends(&text.as_str()[range.clone()]);
                let origin = text.origin_of(range).unwrap_or_default();
                parts.push(Part::Added { id: token.id, origin, white_space });
                policy.check(token)
            }
            Stretch::Text(range) => {
                parts.push(Part::Pieces(self.pieces(text.part(range).into_owned())?));
                Ok(())
            }
        })
    }
}
