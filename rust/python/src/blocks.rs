//! Many texts of which nothing but ids is asked for: while some are spelled, others are encoded.

use std::borrow::{Borrow, Cow};

use fastmask_core::Result;
use fastmask_core::rows::Ragged;
use fastmask_core::tokens::{self as core, Fed, IdBatch};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::long_text::{LongText, Portion};
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
    py.detach(|| {
        let room = Room::new(0);
        let whole = whole_ones(batch, texts, &room, errors);
        let mut feeder = Feeder { batch, texts, next: 0, whole: &whole, spelling: None, size, errors };
        // The GIL is taken once for many: each time it is, a thread that computes may keep it for a while.
        let is_spelled = texts.iter().any(|text| matches!(text, Raw::CodePoints(..)));
        batch.encode_fed(
            |push| if is_spelled { Python::attach(|_| feeder.feed(push)) } else { feeder.feed(push) },
        )
    })
}

/// The texts that are cut and stand in memory as UTF-8, with their numbers. What is wrong with others is said when their
/// turn comes.
fn whole_ones<'a>(
    batch: &IdBatch<'_>,
    texts: &[Raw<'a>],
    room: &'a Room,
    errors: Errors,
) -> Vec<(usize, Cow<'a, str>)> {
    let is_whole =
        |(_, text): &(usize, &Raw<'_>)| !matches!(text, Raw::CodePoints(..)) && batch.is_long(text.size());
    let long = texts.iter().enumerate().filter(is_whole);
    long.filter_map(|(index, text)| Some((index, text.view(room, errors).ok()?.text))).collect()
}

/// Makes blocks.
struct Feeder<'a> {
    batch: &'a IdBatch<'a>,
    texts: &'a [Raw<'a>],
    next: usize,
    /// Those still to come that are cut as they stand.
    whole: &'a [(usize, Cow<'a, str>)],
    /// The next text, where it is spelled in portions.
    spelling: Option<LongText<'a>>,
    size: usize,
    errors: Errors,
}

impl<'a> Feeder<'a> {
    /// Pushes texts until there are no more, or until they take as much memory as is kept for the next; whether there
    /// are more.
    fn feed(&mut self, push: &mut dyn FnMut(Fed<Block<'a, Room>>)) -> Result<bool> {
        let mut memory = 0;
        while memory < KEPT
            && let Some(text) = self.texts.get(self.next)
        {
            if let [(number, whole), rest @ ..] = self.whole
                && *number == self.next
            {
                self.push_whole(whole, push);
                (self.next, self.whole) = (self.next + 1, rest);
            } else if let Some(text) = self.spelled_in_portions(text) {
                memory += self.push_portion(text, push)?;
            } else {
                let block = self.block()?;
                memory += block.room.bytes();
                push(Fed::Block(block));
            }
        }
        Ok(self.next < self.texts.len())
    }

    /// A text that is cut while it is spelled.
    fn spelled_in_portions(&self, text: &Raw<'a>) -> Option<&'a Py<PyString>> {
        match text {
            // With four bytes for each character, so that one that may be too long is spelled whole, and refused.
            Raw::CodePoints(object, length) if self.batch.is_long(4 * length) => Some(object),
            _ => None,
        }
    }

    fn push_whole(&self, text: &'a str, push: &mut dyn FnMut(Fed<Block<'a, Room>>)) {
        for (portion, extent) in self.batch.portions(text) {
            let block = Block { texts: vec![Raw::Str(portion)], ..Block::new(self.errors, 0) };
            push(Fed::Portion(block, extent));
        }
    }

    /// Pushes one portion of the next text, and says how much memory it takes.
    fn push_portion(
        &mut self,
        text: &'a Py<PyString>,
        push: &mut dyn FnMut(Fed<Block<'a, Room>>),
    ) -> Result<usize> {
        let spelling = self.spelling.get_or_insert_with(|| LongText::new(text, self.next, self.errors));
        let Portion { text, room, extent } = spelling.next(self.batch, self.size)?;
        if extent.ends {
            self.spelling = None;
            self.next += 1;
        }
        let memory = room.bytes();
        push(Fed::Portion(Block { texts: vec![text], bytes: 0, room, errors: self.errors }, extent));
        Ok(memory)
    }

    /// The next texts, spelled, of about `size` bytes, up to one that is cut.
    fn block(&mut self) -> Result<Block<'a, Room>> {
        // The last text goes beyond the size.
        let mut block = Block::new(self.errors, self.size + self.size / 4);
        let end = self.whole.first().map_or(self.texts.len(), |(number, _)| *number);
        while self.next < end && block.bytes < self.size {
            let text = &self.texts[self.next];
            if self.spelled_in_portions(text).is_some() {
                break;
            }
            block.push(self.next, text)?;
            self.next += 1;
        }
        Ok(block)
    }
}
