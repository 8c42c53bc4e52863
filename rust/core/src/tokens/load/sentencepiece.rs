//! Reads SentencePiece's `.model` files.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{contents, of_file};
use crate::tokens::added::AddedToken;
use crate::tokens::assembly::Assembly;
use crate::tokens::pipeline::SpecialText;
use crate::tokens::sentencepiece::{PieceKind, SentencePiece};
use crate::tokens::tokenizer::{Algorithm, Parts, Tokenizer};
use crate::{Error, Result};

impl Tokenizer {
    /// Reads the content of a SentencePiece model: exact to the sentencepiece library. Its control symbols and its
    /// unknown piece are special tokens; text that spells them is text, unless the caller says otherwise.
    pub fn from_sentencepiece(model: &[u8]) -> Result<Self> {
        let model = SentencePiece::from_bytes(model)?;
        let added = special_tokens(&model);
        Self::of_sentencepiece(model, added)
    }

    /// Reads a SentencePiece `.model` file.
    pub fn from_sentencepiece_file(path: &Path) -> Result<Self> {
        of_file(path, Self::from_sentencepiece(&contents(path)?))
    }

    /// One that was saved, with the tokens that were added to it.
    pub(super) fn from_saved_sentencepiece(model: &str, added: Vec<AddedToken>) -> Result<Self> {
        let bytes = STANDARD.decode(model).map_err(|error| {
            Error::new(format!("the SentencePiece model is not base64: {error}"))
                .at("model.fastmask.sentencepiece")
                .advise("the file is damaged")
        })?;
        Self::of_sentencepiece(SentencePiece::from_bytes(&bytes)?, added)
    }

    fn of_sentencepiece(model: SentencePiece, added: Vec<AddedToken>) -> Result<Self> {
        Self::new(Parts {
            algorithm: Algorithm::SentencePiece(Arc::new(model)),
            added,
            assembly: Assembly::default(),
            decoder: None,
            special_text: SpecialText::Text,
        })
    }
}

fn special_tokens(model: &SentencePiece) -> Vec<AddedToken> {
    let is_special = |kind| matches!(kind, PieceKind::Control | PieceKind::Unknown);
    let special = model.pieces().iter().enumerate().filter(|(_, piece)| is_special(piece.kind));
    special.map(|(id, piece)| AddedToken::special(&piece.text, id as u32)).collect()
}
