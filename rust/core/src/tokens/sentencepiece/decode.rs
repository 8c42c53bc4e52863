//! Ids to text.

use super::SentencePiece;
use super::normalizer::MARK;
use super::vocabulary::{PieceKind, Symbols, VocabularyPiece, byte_of};
use crate::{Error, Result};

/// Where a text that is decoded id by id stands.
#[derive(Debug, Clone, Default)]
pub struct DecodeState {
    /// Whether anything was written, or the space left out that was put before the text.
    begun: bool,
    /// The first bytes of a character of which the last ones are still to come.
    bytes: Vec<u8>,
    /// The text so far, if the model has a denormalizer: its rules may reach from any place to any other.
    whole: String,
}

impl SentencePiece {
    /// The text of these ids.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let (mut state, mut text) = (DecodeState::default(), String::new());
        for (place, id) in ids.iter().enumerate() {
            self.decode_next(&mut state, *id, &mut text)
                .map_err(|error| error.at(format!("ids[{place}]")))?;
        }
        self.decode_end(&mut state, &mut text)?;
        Ok(text)
    }

    /// Appends to `out` what an id adds to a text. All that `decode_next` and then `decode_end` append is what
    /// [`decode`](Self::decode) gives. A character spelled in bytes comes with its last byte; where the model has a
    /// denormalizer, everything comes at the end.
    pub fn decode_next(&self, state: &mut DecodeState, id: u32, out: &mut String) -> Result<()> {
        let piece = self.piece(id).ok_or_else(|| {
            Error::new(format!("there is no id {id}"))
                .advise(format!("ids are below {}", self.pieces().len()))
        })?;
        if self.denormalizer.is_none() {
            self.append(state, piece, out);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut state.whole);
        self.append(state, piece, &mut whole);
        state.whole = whole;
        Ok(())
    }

    /// Appends what is still to come when no more ids follow, and makes `state` ready for another text.
    pub fn decode_end(&self, state: &mut DecodeState, out: &mut String) -> Result<()> {
        let mut state = std::mem::take(state);
        let Some(denormalizer) = &self.denormalizer else {
            state.append_broken_bytes(out);
            return Ok(());
        };
        let mut whole = std::mem::take(&mut state.whole);
        state.append_broken_bytes(&mut whole);
        let text = denormalizer.normalize(&Symbols::default(), &whole, false)?.text;
        out.push_str(&String::from_utf8(text).map_err(|_| {
            Error::new("the denormalizer's rules make text that is not UTF-8")
                .advise("take the original file")
        })?);
        Ok(())
    }

    fn append(&self, state: &mut DecodeState, piece: &VocabularyPiece, out: &mut String) {
        if let (PieceKind::Byte, Some(byte)) = (piece.kind, byte_of(&piece.text)) {
            state.append_byte(byte, out);
            return;
        }
        state.append_broken_bytes(out);
        if piece.kind == PieceKind::Control {
            return;
        }
        let before = out.len();
        let text = self.without_prefix(state, &piece.text);
        if piece.kind == PieceKind::Unknown {
            out.push_str(&self.unk_surface);
        } else {
            for (place, part) in text.split(MARK).enumerate() {
                out.push_str(if place > 0 { " " } else { "" });
                out.push_str(part);
            }
        }
        state.begun |= out.len() > before;
    }

    /// The piece without the space that the normalizer put before the text. Where it takes spaces away, those of all
    /// pieces are left out until there is any text.
    fn without_prefix<'a>(&self, state: &mut DecodeState, text: &'a str) -> &'a str {
        let rules = &self.normalizer;
        match text.strip_prefix(MARK) {
            Some(rest) if !state.begun && (rules.add_dummy_prefix || rules.remove_extra_whitespaces) => {
                state.begun |= !rules.remove_extra_whitespaces;
                rest
            }
            _ => text,
        }
    }
}

impl DecodeState {
    /// Appends the character that this byte completes, if any. Of bytes that make none, each becomes U+FFFD.
    fn append_byte(&mut self, byte: u8, out: &mut String) {
        self.bytes.push(byte);
        loop {
            match std::str::from_utf8(&self.bytes) {
                Ok(text) => {
                    self.begun |= !text.is_empty();
                    out.push_str(text);
                    self.bytes.clear();
                    return;
                }
                // At most the one byte that came last is a character after what is broken.
                Err(error) if error.error_len().is_some() => self.append_broken_byte(out),
                Err(_) => return,
            }
        }
    }

    fn append_broken_bytes(&mut self, out: &mut String) {
        while !self.bytes.is_empty() {
            self.append_broken_byte(out);
        }
    }

    fn append_broken_byte(&mut self, out: &mut String) {
        self.bytes.remove(0);
        self.begun = true;
        out.push(char::REPLACEMENT_CHARACTER);
    }
}
