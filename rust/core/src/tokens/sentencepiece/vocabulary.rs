//! The pieces of a model, and the ways to find them.

use rustc_hash::FxHashMap;

use super::super::trie::Trie;
use super::proto::ModelType;
use crate::{Error, Result};

/// The original's limit, in bytes.
const LONGEST_PIECE: usize = 7999;

/// The original looks at so many of the user-defined symbols that a text begins with, the shortest first.
const SYMBOLS_AT_ONE_PLACE: usize = 64;

/// A piece of the vocabulary. Its id is its place among the pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct VocabularyPiece {
    /// The piece as it is written, with `▁` for a space.
    pub text: Box<str>,
    /// The logarithm of its probability, or for BPE the order of merges: higher is earlier.
    pub score: f32,
    /// What it stands for.
    pub kind: PieceKind,
}

/// What a piece stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// Text.
    Normal,
    /// Text that no piece spells.
    Unknown,
    /// Nothing in the text: beginnings, ends, padding, languages.
    Control,
    /// Text that is never cut and never merged.
    UserDefined,
    /// Nothing: it is never given out.
    Unused,
    /// A byte of text that no piece spells.
    Byte,
}

#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    pub(super) pieces: Vec<VocabularyPiece>,
    /// The pieces that text can turn into; for BPE also those that are unused, which merges lead through.
    pub(super) spelled: Trie,
    /// All others by their text.
    others: FxHashMap<Box<str>, u32>,
    pub(super) symbols: Symbols,
    pub(super) unknown: Option<u32>,
    /// The ids of the 256 bytes, where unknown text falls back to them.
    pub(super) bytes: Option<Box<[u32; 256]>>,
}

impl Vocabulary {
    pub(super) fn new(
        mut pieces: Vec<VocabularyPiece>,
        model_type: ModelType,
        byte_fallback: bool,
    ) -> Result<Self> {
        for (id, piece) in pieces.iter_mut().enumerate() {
            disable_null(piece, byte_fallback);
            check_piece(piece, byte_fallback).map_err(|error| error.at(format!("pieces[{id}]")))?;
        }
        check_names(&pieces, model_type)?;
        let unknown = unknown_of(&pieces, byte_fallback)?;
        let bytes = byte_fallback.then(|| bytes_of(&pieces)).transpose()?;
        check_text(&pieces, model_type)?;
        let real = || numbered(&pieces).filter(|(_, piece)| !is_null(piece));
        let trie_of = |tables, keep: &dyn Fn(PieceKind) -> bool| {
            let kept = real().filter(|(_, piece)| keep(piece.kind));
            Trie::new(kept.map(|(id, piece)| (piece.text.as_bytes(), id)).collect(), tables)
        };
        let is_spelled = |kind| match kind {
            PieceKind::Normal | PieceKind::UserDefined => true,
            PieceKind::Unused => model_type == ModelType::Bpe,
            _ => false,
        };
        let symbols = trie_of(0, &|kind| kind == PieceKind::UserDefined);
        let spelled = trie_of(1, &is_spelled);
        // Of an unused piece and a reserved one with one text, the reserved one counts: it is inserted last.
        let (unused, reserved): (Vec<_>, Vec<_>) = real()
            .filter(|(_, piece)| !is_spelled(piece.kind))
            .partition(|(_, piece)| piece.kind == PieceKind::Unused);
        let others = unused.into_iter().chain(reserved).map(|(id, piece)| (piece.text.clone(), id)).collect();
        Ok(Self { spelled, others, symbols: Symbols { trie: symbols }, unknown, bytes, pieces })
    }

    pub(super) fn get(&self, id: u32) -> Option<&VocabularyPiece> {
        self.pieces.get(id as usize)
    }

    /// The id of the piece with this text.
    pub(super) fn id_of(&self, text: &str) -> Option<u32> {
        self.others.get(text).copied().or_else(|| self.spelled.get(text.as_bytes()))
    }

    /// The id of the piece with this text, if it is of this kind.
    pub(super) fn id_of_kind(&self, text: &str, kind: PieceKind) -> Option<u32> {
        self.id_of(text).filter(|id| self.get(*id).is_some_and(|piece| piece.kind == kind))
    }
}

/// The user-defined symbols: neither the normalizer nor the model may touch them.
#[derive(Debug, Clone)]
pub(super) struct Symbols {
    trie: Trie,
}

impl Default for Symbols {
    fn default() -> Self {
        Self { trie: Trie::new(Vec::<(&[u8], u32)>::new(), 0) }
    }
}

impl Symbols {
    /// The length of the longest symbol that `text` begins with.
    pub(super) fn longest_prefix(&self, text: &[u8]) -> Option<usize> {
        let prefixes = self.trie.prefixes(text);
        prefixes.take(SYMBOLS_AT_ONE_PLACE).last().map(|(length, _)| length)
    }

    /// The length of what `text` begins with: a symbol, or a character. True says that it is a symbol.
    pub(super) fn longest_prefix_or_character(&self, text: &[u8]) -> (usize, bool) {
        match self.longest_prefix(text) {
            Some(length) => (length, true),
            None => (character_length(text), false),
        }
    }
}

/// The length of the character that `text` begins with, as its first byte has it. Never more than there is.
pub(super) fn character_length(text: &[u8]) -> usize {
    let length = match text.first() {
        None => 0,
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xFF) => 4,
        Some(_) => 1,
    };
    length.min(text.len())
}

/// The byte that a piece like `<0x0A>` stands for.
pub(super) fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let upper = |digit: u8| matches!(digit, b'0'..=b'9' | b'A'..=b'F');
    let two_upper = digits.len() == 2 && digits.bytes().all(upper);
    two_upper.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn numbered(pieces: &[VocabularyPiece]) -> impl Iterator<Item = (u32, &VocabularyPiece)> + Clone {
    (0..).zip(pieces)
}

/// Conversion scripts leave a NUL in the vocabulary of models with bytes; the original takes it for unused, and for
/// no piece at all (google/sentencepiece issue 1308).
fn disable_null(piece: &mut VocabularyPiece, byte_fallback: bool) {
    if byte_fallback && &*piece.text == "\0" {
        piece.kind = PieceKind::Unused;
    }
}

fn is_null(piece: &VocabularyPiece) -> bool {
    &*piece.text == "\0" && piece.kind == PieceKind::Unused
}

fn check_piece(piece: &VocabularyPiece, byte_fallback: bool) -> Result<()> {
    if piece.text.is_empty() {
        return Err(broken("piece is empty"));
    }
    if piece.text.len() > LONGEST_PIECE {
        return Err(broken(&format!("piece has {} bytes, more than {LONGEST_PIECE}", piece.text.len())));
    }
    if piece.text.contains('\0') && !is_null(piece) {
        return Err(broken(&format!("piece {:?} holds a NUL", piece.text)));
    }
    if piece.kind == PieceKind::Byte && !byte_fallback {
        return Err(broken(&format!("piece {:?} is a byte, but byte_fallback is false", piece.text)));
    }
    if piece.kind == PieceKind::Byte && byte_of(&piece.text).is_none() {
        return Err(broken(&format!("piece {:?} is no byte such as <0x0A>", piece.text)));
    }
    Ok(())
}

/// No text may stand for two ids. Only BPE holds reserved pieces and those of text to the same rule.
fn check_names(pieces: &[VocabularyPiece], model_type: ModelType) -> Result<()> {
    let mut seen = FxHashMap::default();
    for (id, piece) in numbered(pieces).filter(|(_, piece)| !is_null(piece)) {
        let reserved = matches!(piece.kind, PieceKind::Unknown | PieceKind::Control | PieceKind::Byte);
        let shelf = reserved && model_type != ModelType::Bpe;
        if let Some(first) = seen.insert((shelf, &*piece.text), id) {
            let what = format!("piece {:?} is also pieces[{first}]", piece.text);
            return Err(broken(&what).at(format!("pieces[{id}]")));
        }
    }
    Ok(())
}

/// The most probable pieces cannot be found where there are none.
fn check_text(pieces: &[VocabularyPiece], model_type: ModelType) -> Result<()> {
    let is_text = |kind| matches!(kind, PieceKind::Normal | PieceKind::UserDefined | PieceKind::Unused);
    if model_type == ModelType::Unigram && !pieces.iter().any(|piece| is_text(piece.kind) && !is_null(piece))
    {
        return Err(broken("no piece spells text"));
    }
    Ok(())
}

fn unknown_of(pieces: &[VocabularyPiece], byte_fallback: bool) -> Result<Option<u32>> {
    let mut unknown = numbered(pieces).filter(|(_, piece)| piece.kind == PieceKind::Unknown);
    let first = unknown.next().map(|(id, _)| id);
    if let (Some(first), Some((second, _))) = (first, unknown.next()) {
        return Err(broken(&format!("pieces[{first}] and pieces[{second}] both stand for unknown text")));
    }
    if first.is_none() && !byte_fallback {
        return Err(broken("no piece stands for unknown text"));
    }
    Ok(first)
}

fn bytes_of(pieces: &[VocabularyPiece]) -> Result<Box<[u32; 256]>> {
    let mut ids = [None; 256];
    for (id, piece) in numbered(pieces).filter(|(_, piece)| piece.kind == PieceKind::Byte) {
        if let Some(byte) = byte_of(&piece.text) {
            ids[usize::from(byte)] = Some(id);
        }
    }
    let mut all = Box::new([0; 256]);
    for ((byte, id), place) in (0..256).zip(ids).zip(all.iter_mut()) {
        *place = id.ok_or_else(|| {
            broken(&format!("byte_fallback is true, but there is no piece for the byte <0x{byte:02X}>"))
        })?;
    }
    Ok(all)
}

fn broken(what: &str) -> Error {
    Error::new(what).advise("sentencepiece does not read such a model either: take the original file")
}

#[cfg(test)]
mod tests {
    use super::super::SentencePiece;
    use super::super::example::{BPE, Fields, Row, file, model, pieces, with_bytes};
    use super::*;

    const UNK: Row = ("<unk>", 0.0, 2);

    #[test]
    fn what_the_original_refuses_is_refused() {
        let long: &str = Box::leak("x".repeat(8000).into_boxed_str());
        let cases: &[(&[Row], Fields, &str)] = &[
            (&[UNK, ("", 0.0, 1)], &[], "pieces[1]: piece is empty"),
            (&[UNK, (long, 0.0, 1)], &[], "pieces[1]: piece has 8000 bytes"),
            (&[UNK, ("a\0", 0.0, 1)], &[], "pieces[1]: piece \"a\\0\" holds a NUL"),
            (&[UNK, ("\0", 0.0, 1)], &[], "pieces[1]: piece \"\\0\" holds a NUL"),
            (&[UNK, ("a", 0.0, 1), ("a", 0.0, 5)], &[], "pieces[2]: piece \"a\" is also pieces[1]"),
            (&[UNK, ("a", 0.0, 1), ("a", 0.0, 3)], BPE, "pieces[2]: piece \"a\" is also pieces[1]"),
            (&[UNK, ("a", 0.0, 1), ("b", 0.0, 2)], &[], "pieces[0] and pieces[2] both stand for unknown"),
            (&[("a", 0.0, 1)], &[], "no piece stands for unknown text"),
            (
                &[UNK, ("<0x41>", 0.0, 6)],
                &[],
                "pieces[1]: piece \"<0x41>\" is a byte, but byte_fallback is false",
            ),
            (&[UNK, ("<0x4a>", 0.0, 6)], &[(35, 1)], "pieces[1]: piece \"<0x4a>\" is no byte"),
            (
                &[UNK, ("<0x00>", 0.0, 6)],
                &[(35, 1)],
                "byte_fallback is true, but there is no piece for the byte <0x01>",
            ),
            (&[UNK, ("a", f32::NAN, 1)], &[], "pieces[1]: score is NaN"),
            (&[UNK, ("a", f32::INFINITY, 3), ("b", 0.0, 1)], &[], "pieces[1]: score is inf"),
            (&[UNK, ("<s>", 0.0, 3)], &[], "no piece spells text"),
        ];
        for (rows, trainer, expected) in cases {
            let error =
                SentencePiece::from_bytes(&file(pieces(rows), trainer, &[], &[])).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        model(&[UNK, ("a", f32::NAN, 1)], BPE, &[]);
        model(&[UNK, ("a", 0.0, 1), ("a", 0.0, 3), ("\0", 0.0, 5), ("\0", 0.0, 5)], &[], &[]);
    }

    #[test]
    fn without_a_piece_for_unknown_text_there_are_bytes() {
        let rows: &[Row] = &[("a", 0.0, 1), ("\0", 0.0, 1), ("\0", 0.0, 4)];
        let model = SentencePiece::from_bytes(&file(with_bytes(rows), &[(35, 1)], &[(3, 0)], &[])).unwrap();
        let mut ids = Vec::new();
        model.encode_ids("a\0", &mut ids).unwrap();
        assert_eq!((ids, model.special_ids().unk, model.id_of("\0")), (vec![0, 3], None, None));
    }

    #[test]
    fn bytes() {
        for (text, byte) in [
            ("<0x0A>", Some(10)),
            ("<0xFF>", Some(255)),
            ("<0xff>", None),
            ("<0x+A>", None),
            ("<0x0A", None),
            ("<0x00A>", None),
            ("0x0A", None),
        ] {
            assert_eq!(byte_of(text), byte, "{text}");
        }
    }
}
