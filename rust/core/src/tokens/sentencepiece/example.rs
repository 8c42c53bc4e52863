//! Small `.model` files for tests, written as the `sentencepiece` library reads them.

use super::SentencePiece;

/// A message of protocol buffers.
#[derive(Debug, Clone, Default)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    pub(super) fn varint(mut self, number: u32, value: u64) -> Self {
        self.push(u64::from(number << 3));
        self.push(value);
        self
    }

    pub(super) fn bytes(mut self, number: u32, bytes: &[u8]) -> Self {
        self.push(u64::from(number << 3 | 2));
        self.push(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    pub(super) fn float(mut self, number: u32, value: f32) -> Self {
        self.push(u64::from(number << 3 | 5));
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn piece(self, text: &str, score: f32, kind: u64) -> Self {
        let piece = Self::default().bytes(1, text.as_bytes()).float(2, score).varint(3, kind);
        self.bytes(1, &piece.0)
    }

    fn varints(self, fields: &[(u32, u64)]) -> Self {
        fields.iter().fold(self, |message, (number, value)| message.varint(*number, *value))
    }

    fn push(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// Text, score, type.
pub(super) type Row = (&'static str, f32, u64);

/// Numbers and booleans of a spec by their field numbers.
pub(super) type Fields<'a> = &'a [(u32, u64)];

pub(super) const BPE: Fields = &[(3, 2)];

pub(super) const PIECES: &[Row] = &[
    ("<unk>", 0.0, 2),
    ("<s>", 0.0, 3),
    ("</s>", 0.0, 3),
    ("▁", -2.0, 1),
    ("▁a", -3.0, 1),
    ("a", -3.5, 1),
    ("b", -3.5, 1),
    ("ab", -4.0, 1),
    ("▁ab", -5.5, 1),
    ("c", -4.0, 1),
    ("<sep>", 0.0, 4),
    ("aba", -1.0, 5),
    ("é", -5.0, 1),
    ("bc", -4.5, 1),
    ("<s", 0.0, 4),
];

/// The id of byte 0 in [`with_bytes`].
pub(super) const FIRST_BYTE: u32 = PIECES.len() as u32;

pub(super) fn pieces(rows: &[Row]) -> Message {
    rows.iter().fold(Message::default(), |message, (text, score, kind)| message.piece(text, *score, *kind))
}

/// The pieces, and one for each byte.
pub(super) fn with_bytes(rows: &[Row]) -> Message {
    (0..256).fold(pieces(rows), |message, byte| message.piece(&format!("<0x{byte:02X}>"), 0.0, 6))
}

/// The file of a model: its pieces, `trainer_spec`, `normalizer_spec`, and the blob of its rewrite rules.
pub(super) fn file(pieces: Message, trainer: Fields, normalizer: Fields, rules: &[u8]) -> Vec<u8> {
    let trainer = Message::default().varints(trainer);
    let normalizer = Message::default().varints(normalizer).bytes(2, rules);
    pieces.bytes(2, &trainer.0).bytes(3, &normalizer.0).0
}

pub(super) fn model(rows: &[Row], trainer: Fields, normalizer: Fields) -> SentencePiece {
    SentencePiece::from_bytes(&file(pieces(rows), trainer, normalizer, &[])).unwrap()
}
