//! What a `.model` file says (`sentencepiece_model.proto`). A field given twice counts the last time, and messages
//! given twice are merged, as protocol buffers have it.

use super::vocabulary::{PieceKind, VocabularyPiece};
use super::wire::{Field, Fields};
use crate::{Error, Result};

/// Protocol buffers are never longer.
const LONGEST_FILE: usize = i32::MAX as usize;

#[derive(Debug, Default)]
pub(super) struct ModelProto<'a> {
    pub(super) pieces: Vec<VocabularyPiece>,
    pub(super) trainer: TrainerSpec<'a>,
    pub(super) normalizer: NormalizerSpec<'a>,
    pub(super) denormalizer: Option<NormalizerSpec<'a>>,
}

/// How the model cuts a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelType {
    /// The most probable pieces (Kudo 2018).
    #[default]
    Unigram,
    /// Merges (Sennrich et al. 2016) of characters.
    Bpe,
    /// Words.
    Word,
    /// Characters.
    Char,
}

#[derive(Debug)]
pub(super) struct TrainerSpec<'a> {
    pub(super) model_type: ModelType,
    pub(super) treat_whitespace_as_suffix: bool,
    pub(super) byte_fallback: bool,
    pub(super) unk_surface: &'a str,
    pub(super) unk_piece: &'a str,
    pub(super) bos_piece: &'a str,
    pub(super) eos_piece: &'a str,
    pub(super) pad_piece: &'a str,
}

#[derive(Debug)]
pub(super) struct NormalizerSpec<'a> {
    pub(super) precompiled_charsmap: &'a [u8],
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    pub(super) escape_whitespaces: bool,
}

impl Default for TrainerSpec<'_> {
    fn default() -> Self {
        Self {
            model_type: ModelType::Unigram,
            treat_whitespace_as_suffix: false,
            byte_fallback: false,
            unk_surface: " \u{2047} ",
            unk_piece: "<unk>",
            bos_piece: "<s>",
            eos_piece: "</s>",
            pad_piece: "<pad>",
        }
    }
}

impl Default for NormalizerSpec<'_> {
    fn default() -> Self {
        Self {
            precompiled_charsmap: &[],
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        }
    }
}

impl<'a> ModelProto<'a> {
    pub(super) fn read(file: &'a [u8]) -> Result<Self> {
        if file.len() > LONGEST_FILE {
            return Err(Error::new(format!("the file has {} bytes", file.len()))
                .advise("a SentencePiece model has less than 2 GiB"));
        }
        let mut proto = Self::default();
        let mut fields = Fields::of(file);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => {
                    let place = format!("pieces[{}]", proto.pieces.len());
                    proto.pieces.push(read_piece(&field).map_err(|error| error.at(place))?);
                }
                2 => proto.trainer.read(&field).map_err(|error| error.at("trainer_spec"))?,
                3 => proto.normalizer.read(&field).map_err(|error| error.at("normalizer_spec"))?,
                // self_test_data: 0.2.3 does not look at it any more.
                4 => {}
                5 => proto
                    .denormalizer
                    .get_or_insert_default()
                    .read(&field)
                    .map_err(|error| error.at("denormalizer_spec"))?,
                _ => field.unknown()?,
            }
        }
        Ok(proto)
    }
}

fn read_piece(field: &Field<'_>) -> Result<VocabularyPiece> {
    let mut fields = field.message("the piece")?;
    let (mut text, mut score, mut kind) = ("", 0.0, PieceKind::Normal);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => text = field.text("piece")?,
            2 => score = field.float("score")?,
            3 => kind = kind_of(field.integer("type")?)?,
            _ => field.unknown()?,
        }
    }
    Ok(VocabularyPiece { text: text.into(), score, kind })
}

fn kind_of(number: i32) -> Result<PieceKind> {
    Ok(match number {
        1 => PieceKind::Normal,
        2 => PieceKind::Unknown,
        3 => PieceKind::Control,
        4 => PieceKind::UserDefined,
        5 => PieceKind::Unused,
        6 => PieceKind::Byte,
        _ => return Err(Error::new(format!("type is {number}")).advise("types are 1 to 6")),
    })
}

impl<'a> TrainerSpec<'a> {
    fn read(&mut self, field: &Field<'a>) -> Result<()> {
        let mut fields = field.message("trainer_spec")?;
        while let Some(field) = fields.next()? {
            match field.number {
                3 => self.model_type = model_type_of(field.integer("model_type")?)?,
                24 => self.treat_whitespace_as_suffix = field.flag("treat_whitespace_as_suffix")?,
                35 => self.byte_fallback = field.flag("byte_fallback")?,
                44 => self.unk_surface = field.text("unk_surface")?,
                45 => self.unk_piece = named(field.text("unk_piece")?, "<unk>"),
                46 => self.bos_piece = named(field.text("bos_piece")?, "<s>"),
                47 => self.eos_piece = named(field.text("eos_piece")?, "</s>"),
                48 => self.pad_piece = named(field.text("pad_piece")?, "<pad>"),
                // What only training looks at.
                1..=7 | 10..=26 | 30..=36 | 40..=55 => {}
                _ => field.unknown()?,
            }
        }
        Ok(())
    }
}

fn model_type_of(number: i32) -> Result<ModelType> {
    Ok(match number {
        1 => ModelType::Unigram,
        2 => ModelType::Bpe,
        3 => ModelType::Word,
        4 => ModelType::Char,
        _ => {
            return Err(Error::new(format!("model_type is {number}"))
                .advise("types are 1 (unigram), 2 (bpe), 3 (word) and 4 (char)"));
        }
    })
}

fn named<'a>(name: &'a str, default: &'a str) -> &'a str {
    if name.is_empty() { default } else { name }
}

impl<'a> NormalizerSpec<'a> {
    fn read(&mut self, field: &Field<'a>) -> Result<()> {
        let mut fields = field.message("the spec")?;
        while let Some(field) = fields.next()? {
            match field.number {
                2 => self.precompiled_charsmap = field.bytes("precompiled_charsmap")?,
                3 => self.add_dummy_prefix = field.flag("add_dummy_prefix")?,
                4 => self.remove_extra_whitespaces = field.flag("remove_extra_whitespaces")?,
                5 => self.escape_whitespaces = field.flag("escape_whitespaces")?,
                // The name of the rules and the file that they came from.
                1 | 6 => {}
                _ => field.unknown()?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::Message;
    use super::*;

    #[test]
    fn a_field_given_twice_counts_the_last_time_and_messages_are_merged() {
        let trainer = |number, value| Message::default().varint(number, value).0;
        let file =
            Message::default().bytes(2, &trainer(3, 2)).bytes(2, &trainer(35, 1)).bytes(2, &trainer(3, 4));
        let proto = ModelProto::read(&file.0).unwrap();
        assert_eq!((proto.trainer.model_type, proto.trainer.byte_fallback), (ModelType::Char, true));
        assert_eq!((proto.trainer.unk_surface, proto.normalizer.add_dummy_prefix), (" ⁇ ", true));
        assert!(proto.denormalizer.is_none());
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let message = Message::default;
        for (file, expected) in [
            (message().varint(6, 1), "byte 0: field 6 is not known here"),
            (message().varint(199, 1), "byte 0: field 199 is not known here"),
            (message().varint(1, 1), "pieces[0], byte 0: the piece is not bytes"),
            (message().piece("a", 0.0, 1).piece("a", 0.0, 7), "pieces[1]: type is 7"),
            (message().bytes(1, &message().varint(2, 1).0), "pieces[0], byte 2: score is not a float"),
            (message().bytes(1, &message().bytes(1, b"\xFF").0), "pieces[0], byte 2: piece is not UTF-8"),
            (message().bytes(2, &message().varint(3, 5).0), "trainer_spec: model_type is 5"),
            (message().bytes(2, &message().varint(56, 5).0), "trainer_spec, byte 2: field 56 is not known"),
            (
                message().bytes(2, &message().bytes(35, b"").0),
                "trainer_spec, byte 2: byte_fallback is not true",
            ),
            (message().bytes(3, &message().varint(7, 1).0), "normalizer_spec, byte 2: field 7 is not known"),
            (
                message().bytes(5, &message().varint(2, 1).0),
                "denormalizer_spec, byte 2: precompiled_charsmap is not",
            ),
        ] {
            let error = ModelProto::read(&file.0).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        // Extensions, and what only training looks at.
        let trainer = message().varint(4, 99).bytes(30, b"<x>").varint(200, 1).float(52, 0.0);
        ModelProto::read(&message().varint(200, 1).bytes(4, b"junk").bytes(2, &trainer.0).0).unwrap();
    }
}
