//! Many texts of which nothing but ids is asked for: while some are spelled, others are encoded.

use std::borrow::{Borrow, Cow};

use fastmask_core::Result;
use fastmask_core::rows::Ragged;
use fastmask_core::tokens::{self as core, Block as _, Fed, IdBatch};
use pyo3::prelude::*;

use crate::spelling::{KEPT, Room};
use crate::texts::{Raw, Texts, at_text};
use crate::unicode::Errors;

/// Texts that one thread encodes, and the room of those that were spelled.
struct Block<'a, Where> {
    texts: Vec<Raw<'a>>,
    bytes: usize,
    room: Where,
    errors: Errors,
}

impl<'a> Block<'a, Room> {
    /// No texts, and room for so many bytes once one has to be spelled.
    fn new(errors: Errors, bytes: usize) -> Self {
        Self { texts: Vec::new(), bytes: 0, room: Room::new(bytes), errors }
    }

    /// Appends the text with a number.
    fn push(&mut self, index: usize, text: &Raw<'a>) -> Result<()> {
        let text = text.clone().spelled(&mut self.room).map_err(|error| at_text(&error, index))?;
        self.bytes += text.size();
        self.texts.push(text);
        Ok(())
    }
}

impl<Where: Borrow<Room> + Send> core::Block for Block<'_, Where> {
    fn count(&self) -> usize {
        self.texts.len()
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        self.texts[index].view(self.room.borrow(), self.errors).map(|text| text.text)
    }
}

/// The ids of texts that were read or kept, a row each.
pub(crate) fn encode(
    py: Python<'_>,
    batch: IdBatch<'_>,
    Texts { sources, room }: &mut Texts,
    errors: Errors,
) -> Result<Ragged> {
    let texts = sources.raw()?;
    let batch = batch.of(texts.len(), texts.iter().map(Raw::size).sum());
    if let Some(size) = batch.block_size() {
        return encode_blocks(py, &batch, &texts, size, errors);
    }
    let texts = spelled(texts, room)?;
    let all = Block { texts, bytes: 0, room: &*room, errors };
    py.detach(|| batch.encode(&all))
}

fn spelled<'a>(texts: Vec<Raw<'a>>, room: &mut Room) -> Result<Vec<Raw<'a>>> {
    let one = |(index, text): (usize, Raw<'a>)| text.spelled(room).map_err(|error| at_text(&error, index));
    texts.into_iter().enumerate().map(one).collect()
}

fn encode_blocks(
    py: Python<'_>,
    batch: &IdBatch<'_>,
    texts: &[Raw<'_>],
    size: usize,
    errors: Errors,
) -> Result<Ragged> {
    let long = long_ones(batch, texts, errors)?;
    py.detach(|| {
        let long = readable(&long);
        let mut feeder = Feeder { texts, next: 0, long: &long, size, errors };
        // The GIL is taken once for many: each time it is, a thread that computes may keep it for a while.
        let is_spelled = |text: &Raw<'_>| matches!(text, Raw::CodePoints(..)) && !batch.is_long(text.size());
        let is_spelled = texts.iter().any(is_spelled);
        batch.encode_fed(
            |push| if is_spelled { Python::attach(|_| feeder.feed(push)) } else { feeder.feed(push) },
        )
    })
}

/// The texts that are cut, which needs all of them at once, each in a block of its own with its number.
fn long_ones<'a>(
    batch: &IdBatch<'_>,
    texts: &[Raw<'a>],
    errors: Errors,
) -> Result<Vec<(usize, Block<'a, Room>)>> {
    let is_long = |(_, text): &(usize, &Raw<'_>)| batch.is_long(text.size());
    let long = texts.iter().enumerate().filter(is_long).map(|(index, text)| {
        let mut block = Block::new(errors, 0);
        block.push(index, text)?;
        Ok((index, block))
    });
    long.collect()
}

/// Those that can be read. What is wrong with the others is said when their turn comes.
fn readable<'a>(long: &'a [(usize, Block<'_, Room>)]) -> Vec<(usize, Cow<'a, str>)> {
    long.iter().filter_map(|(index, block)| Some((*index, block.text(0).ok()?))).collect()
}

/// Makes blocks.
struct Feeder<'a> {
    texts: &'a [Raw<'a>],
    next: usize,
    /// Those that are not yet pushed.
    long: &'a [(usize, Cow<'a, str>)],
    size: usize,
    errors: Errors,
}

impl<'a> Feeder<'a> {
    /// Pushes texts until there are no more, or until they take as much memory as is kept for the next; whether there
    /// are more.
    fn feed(&mut self, push: &mut dyn FnMut(Fed<'a, Block<'a, Room>>)) -> Result<bool> {
        let mut memory = 0;
        while self.next < self.texts.len() && memory < KEPT {
            if let [(number, text), rest @ ..] = self.long
                && *number == self.next
            {
                push(Fed::Long(text));
                (self.next, self.long) = (self.next + 1, rest);
                continue;
            }
            let block = self.block()?;
            memory += block.room.bytes();
            push(Fed::Block(block));
        }
        Ok(self.next < self.texts.len())
    }

    /// The next texts, spelled, of about `size` bytes, up to one that is long.
    fn block(&mut self) -> Result<Block<'a, Room>> {
        // The last text goes beyond the size.
        let mut block = Block::new(self.errors, self.size + self.size / 4);
        let end = self.long.first().map_or(self.texts.len(), |(number, _)| *number);
        while self.next < end && block.bytes < self.size {
            block.push(self.next, &self.texts[self.next])?;
            self.next += 1;
        }
        Ok(block)
    }
}
