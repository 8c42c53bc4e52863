//! Ids to bytes.

use crate::text::byte_level;
use super::vocab::Vocab;

/// The bytes of every token, one after the other.
#[derive(Debug, Clone)]
pub(super) struct DecodeTable {
    bytes: Vec<u8>,
    /// Where each token begins, and at last the number of bytes.
    starts: Vec<usize>,
    present: Vec<bool>,
}

impl DecodeTable {
    pub(super) fn new(vocab: &Vocab) -> Self {
        let mut table = Self { bytes: Vec::new(), starts: vec![0], present: Vec::new() };
        for id in 0..vocab.size() as u32 {
            let token = vocab.token(id);
            table.bytes.extend(token.map(byte_level::bytes_of).unwrap_or_default());
            table.starts.push(table.bytes.len());
            table.present.push(token.is_some());
        }
        table
    }

    /// The bytes of the token; None where there is no token with this id.
    pub(super) fn bytes(&self, id: u32) -> Option<&[u8]> {
        let id = id as usize;
        (*self.present.get(id)?).then(|| &self.bytes[self.starts[id]..self.starts[id + 1]])
    }
}
