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

/// What stands for a token in a list.
pub(in crate::tokens) trait Entry {
    /// A token that covers so many bytes of the word.
    fn new(id: u32, length: usize) -> Self;
}

impl<E: Entry> Out for Vec<E> {
    #[inline(always)]
    fn push(&mut self, id: u32, length: usize) {
        self.push(E::new(id, length));
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn truncate(&mut self, length: usize) {
        self.truncate(length);
    }
}

/// The id alone.
impl Entry for u32 {
    #[inline(always)]
    fn new(id: u32, _: usize) -> Self {
        id
    }
}

impl Entry for Token {
    #[inline(always)]
    fn new(id: u32, length: usize) -> Self {
        Self { id, length: length as u32 }
    }
}

impl Entry for (u32, u32) {
    #[inline(always)]
    fn new(id: u32, length: usize) -> Self {
        (id, length as u32)
    }
}
