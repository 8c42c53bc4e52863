//! `SentencePiece`'s own `.model` files, exact to the `sentencepiece` library 0.2.3.
//!
//! A text is normalized as a whole, cut into pieces as a whole, and the pieces carry the places that they came from.
//! Pieces and their ids are those of its `EncodeAsIds`, places those of `EncodeAsProto`, decoded text that of
//! `DecodeIds`.

mod agenda;
mod bpe;
mod bpe_ids;
mod by_word;
mod convert;
mod decode;
mod normalizer;
mod paths;
mod proto;
mod unigram;
mod vocabulary;
mod wire;
mod word_ids;
mod words;

#[cfg(test)]
mod bpe_tests;
#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod word_tests;

use std::sync::Arc;

pub use decode::DecodeState;
pub use proto::ModelType;
pub use vocabulary::{PieceKind, VocabularyPiece};
pub(super) use word_ids::Buffers;

use super::cuts::Cuts;
use super::portions::Extent;
use super::route;
use crate::Result;
use bpe::Bpe;
use by_word::ByWord;
use normalizer::{Normalized, Normalizer};
use proto::ModelProto;
use unigram::Unigram;
use vocabulary::Vocabulary;

/// A `SentencePiece` model.
#[derive(Debug, Clone)]
pub struct SentencePiece {
    file: Arc<[u8]>,
    segmenter: Segmenter,
    vocabulary: Vocabulary,
    normalizer: Normalizer,
    /// How to take a text word by word, where that is exact.
    by_word: Option<Arc<ByWord>>,
    denormalizer: Option<Normalizer>,
    unk_surface: Box<str>,
    special: SpecialIds,
}

#[derive(Debug, Clone)]
enum Segmenter {
    Unigram(Unigram),
    Bpe(Box<Bpe>),
    Word,
    Char,
}

/// The ids with a role; None where the model has no such piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialIds {
    /// Stands for text that no piece spells.
    pub unk: Option<u32>,
    /// Begins a text.
    pub bos: Option<u32>,
    /// Ends a text.
    pub eos: Option<u32>,
    /// Fills a row.
    pub pad: Option<u32>,
}

/// A piece in a text: its id, and the bytes of the text that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The id.
    pub id: u32,
    /// Where it begins in the text, in bytes.
    pub start: u32,
    /// Where it ends in the text, in bytes.
    pub end: u32,
}

/// The id of a piece, or [`UNKNOWN`], and its length in bytes of the normalized text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    id: u32,
    length: u32,
}

/// What no piece spells. No file is long enough for so many pieces.
const UNKNOWN: u32 = u32::MAX;

impl SentencePiece {
    /// Reads a `.model` file.
    ///
    /// ```
    /// use fastmask_core::tokens::SentencePiece;
    /// let pieces = [("<unk>", 2), ("▁", 1), ("▁a", 1), ("b", 1)];
    /// let mut file = Vec::new();
    /// for (text, kind) in pieces {
    ///     file.extend([0x0A, text.len() as u8 + 4, 0x0A, text.len() as u8]);
    ///     file.extend(text.as_bytes());
    ///     file.extend([0x18, kind]);
    /// }
    /// let model = SentencePiece::from_bytes(&file)?;
    /// let mut ids = Vec::new();
    /// model.encode_ids("a b", &mut ids)?;
    /// assert_eq!((ids, model.decode(&[2, 1, 3])?), (vec![2, 1, 3], "a b".to_owned()));
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn from_bytes(file: &[u8]) -> Result<Self> {
        let proto = ModelProto::read(file)?;
        let trainer = &proto.trainer;
        let vocabulary = Vocabulary::new(proto.pieces, trainer.model_type, trainer.byte_fallback)?;
        let normalizer = Normalizer::new(&proto.normalizer, trainer.treat_whitespace_as_suffix)
            .map_err(|error| error.at("normalizer_spec"))?;
        let segmenter = match trainer.model_type {
            ModelType::Unigram => Segmenter::Unigram(Unigram::new(&vocabulary.pieces)?),
            ModelType::Bpe => Segmenter::Bpe(Box::new(Bpe::new(&vocabulary, &normalizer))),
            ModelType::Word => Segmenter::Word,
            ModelType::Char => Segmenter::Char,
        };
        let denormalizer = proto.denormalizer.filter(|spec| !spec.precompiled_charsmap.is_empty());
        let denormalizer = denormalizer
            .map(|spec| Normalizer::new(&spec, false))
            .transpose()
            .map_err(|error| error.at("denormalizer_spec"))?;
        let takes_words = matches!(&segmenter, Segmenter::Unigram(unigram) if unigram.tokens.is_some());
        let by_word =
            (takes_words && !route::are_off()).then(|| ByWord::new(&normalizer, &vocabulary)).flatten();
        let control = |text| vocabulary.id_of_kind(text, PieceKind::Control);
        let special = SpecialIds {
            // A piece for unknown text counts under any name, unless another kind of piece has the name.
            unk: vocabulary
                .id_of(trainer.unk_piece)
                .or(vocabulary.unknown)
                .filter(|id| vocabulary.unknown == Some(*id)),
            bos: control(trainer.bos_piece),
            eos: control(trainer.eos_piece),
            pad: control(trainer.pad_piece),
        };
        Ok(Self {
            file: file.into(),
            segmenter,
            normalizer,
            by_word: by_word.map(Arc::new),
            denormalizer,
            unk_surface: trainer.unk_surface.into(),
            special,
            vocabulary,
        })
    }

    /// The file that the model was read from.
    pub fn to_bytes(&self) -> &[u8] {
        &self.file
    }

    /// How the model cuts a text.
    pub fn model_type(&self) -> ModelType {
        match self.segmenter {
            Segmenter::Unigram(_) => ModelType::Unigram,
            Segmenter::Bpe(_) => ModelType::Bpe,
            Segmenter::Word => ModelType::Word,
            Segmenter::Char => ModelType::Char,
        }
    }

    /// The vocabulary by id.
    pub fn pieces(&self) -> &[VocabularyPiece] {
        &self.vocabulary.pieces
    }

    /// The piece with this id.
    pub fn piece(&self, id: u32) -> Option<&VocabularyPiece> {
        self.vocabulary.get(id)
    }

    /// The id of the piece with this text.
    pub fn id_of(&self, text: &str) -> Option<u32> {
        self.vocabulary.id_of(text)
    }

    /// The ids with a role.
    pub fn special_ids(&self) -> SpecialIds {
        self.special
    }

    /// Appends the pieces of a text, with the places that they came from.
    pub fn encode(&self, text: &str, out: &mut Vec<Piece>) -> Result<()> {
        let normalized = self.normalizer.normalize(&self.vocabulary.symbols, text, true)?;
        let mut end = 0;
        let mut after_unknown = false;
        for segment in self.segment(&normalized) {
            let begin = end;
            end += segment.length as usize;
            let place = |at: usize| normalized.origins.get(at).copied().unwrap_or_default();
            let (start, stop) = (place(begin), place(end));
            let unknown = segment.id == UNKNOWN;
            match (unknown, &self.vocabulary.bytes) {
                (true, Some(ids)) => append_bytes(ids, &normalized.text[begin..end], start, stop, out),
                // A run of unknown text is one piece.
                (true, None) if after_unknown => {
                    if let Some(last) = out.last_mut() {
                        last.end = stop;
                    }
                }
                _ => out.push(Piece { id: self.id(segment), start, end: stop }),
            }
            after_unknown = unknown;
        }
        Ok(())
    }

    /// Appends the ids of a text: those of [`encode`](Self::encode), in less time.
    pub fn encode_ids(&self, text: &str, out: &mut Vec<u32>) -> Result<()> {
        self.encode_ids_with(text, Extent::WHOLE, &mut Buffers::default(), out)
    }

    /// Where a text may be cut, if it is taken as it stands: a part gets a prefix where it is the first.
    pub(super) fn cuts(&self) -> Option<&Cuts> {
        let Segmenter::Bpe(bpe) = &self.segmenter else { return None };
        bpe.table().filter(|table| table.takes_raw_text).map(|table| &table.cuts)
    }

    /// The same with what a thread keeps between texts, for a part of a text too where it [may be cut](Self::cuts).
    pub(super) fn encode_ids_with(
        &self,
        text: &str,
        extent: Extent,
        buffers: &mut Buffers,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        if let (Some(by_word), Segmenter::Unigram(unigram)) = (&self.by_word, &self.segmenter)
            && by_word.takes(text)
        {
            return self.encode_words(by_word, unigram, text, buffers, out);
        }
        if let Segmenter::Bpe(bpe) = &self.segmenter
            && let Some(table) = bpe.table().filter(|_| u32::try_from(text.len()).is_ok())
        {
            return self.encode_parts(table, text, extent, buffers, out);
        }
        self.encode_whole(text, out)
    }

    /// The ids of a text that is normalized and cut as a whole.
    fn encode_whole(&self, text: &str, out: &mut Vec<u32>) -> Result<()> {
        let normalized = self.normalizer.normalize(&self.vocabulary.symbols, text, false)?;
        let segments = self.segment(&normalized);
        self.append_ids(segments, &normalized.text, false, out);
        Ok(())
    }

    /// Appends the ids of the segments of a normalized text; returns whether it ends with unknown text, which goes on in
    /// what follows it, as it does here if it was unknown before.
    fn append_ids(
        &self,
        segments: impl IntoIterator<Item = Segment>,
        text: &[u8],
        mut after_unknown: bool,
        out: &mut Vec<u32>,
    ) -> bool {
        let mut end = 0;
        for segment in segments {
            let begin = end;
            end += segment.length as usize;
            let unknown = segment.id == UNKNOWN;
            match (unknown, &self.vocabulary.bytes) {
                (true, Some(ids)) => out.extend(text[begin..end].iter().map(|byte| ids[usize::from(*byte)])),
                (true, None) if after_unknown => {}
                _ => out.push(self.id(segment)),
            }
            after_unknown = unknown;
        }
        after_unknown
    }

    fn segment(&self, normalized: &Normalized) -> Vec<Segment> {
        let (vocabulary, text) = (&self.vocabulary, normalized.text.as_slice());
        let mut out = Vec::with_capacity(text.len() / 4 + 1);
        match &self.segmenter {
            Segmenter::Unigram(unigram) => unigram.segment(&vocabulary.spelled, text, &mut out),
            Segmenter::Bpe(bpe) => bpe.segment(vocabulary, text, &mut out),
            Segmenter::Word => words::segment_words(vocabulary, text, &mut out),
            Segmenter::Char => words::segment_characters(vocabulary, text, &mut out),
        }
        out
    }

    /// Without bytes to fall back to, every vocabulary has a piece for what is unknown.
    #[inline]
    fn id(&self, segment: Segment) -> u32 {
        if segment.id == UNKNOWN { self.vocabulary.unknown.unwrap_or_default() } else { segment.id }
    }
}

impl PartialEq for SentencePiece {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl Eq for SentencePiece {}

/// Unknown text as bytes, of which the last one covers it all.
fn append_bytes(ids: &[u32; 256], text: &[u8], start: u32, stop: u32, out: &mut Vec<Piece>) {
    out.extend(text.iter().map(|byte| Piece { id: ids[usize::from(*byte)], start, end: start }));
    if let (Some(last), false) = (out.last_mut(), text.is_empty()) {
        last.end = stop;
    }
}
