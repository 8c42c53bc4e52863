//! Where the tokens of a word go.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use crate::tokens::models::Token;

/// A list of tokens.
pub(super) trait Out {
    /// Appends a token that was made of so many symbols.
    fn push(&mut self, id: u32, count: usize);

    /// Takes back so many of the last tokens.
    fn take_back(&mut self, count: usize);
}

/// Ids alone.
impl Out for Vec<u32> {
    #[inline(always)]
    fn push(&mut self, id: u32, _: usize) {
        self.push(id);
    }

    fn take_back(&mut self, count: usize) {
        self.truncate(self.len().saturating_sub(count));
    }
}

/// Symbols of one byte.
impl Out for Vec<Token> {
    #[inline(always)]
    fn push(&mut self, id: u32, count: usize) {
        self.push(Token { id, length: count as u32 });
    }

    fn take_back(&mut self, count: usize) {
        self.truncate(self.len().saturating_sub(count));
    }
}

impl Out for Vec<(u32, u32)> {
    #[inline(always)]
    fn push(&mut self, id: u32, count: usize) {
        self.push((id, count as u32));
    }

    fn take_back(&mut self, count: usize) {
        self.truncate(self.len().saturating_sub(count));
    }
}
