//! Where the tokens of a word go.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use crate::tokens::models::Token;

/// A list of tokens.
pub(in crate::tokens) trait Out {
    /// Appends a token that covers so many bytes of the word.
    fn push(&mut self, id: u32, length: usize);

    /// How long it is.
    fn len(&self) -> usize;

    /// Goes back to a length that it had when the word was begun.
    fn truncate(&mut self, length: usize);
}

/// Ids alone.
impl Out for Vec<u32> {
    #[inline(always)]
    fn push(&mut self, id: u32, _: usize) {
        self.push(id);
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn truncate(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl Out for Vec<Token> {
    #[inline(always)]
    fn push(&mut self, id: u32, length: usize) {
        self.push(Token { id, length: length as u32 });
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn truncate(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl Out for Vec<(u32, u32)> {
    #[inline(always)]
    fn push(&mut self, id: u32, length: usize) {
        self.push((id, length as u32));
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn truncate(&mut self, length: usize) {
        self.truncate(length);
    }
}
