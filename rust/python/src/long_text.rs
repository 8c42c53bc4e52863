//! A long `str` that is not ASCII, spelled a portion at a time: the first are encoded before the last are spelled.

use fastmask_core::Result;
use fastmask_core::tokens::{Extent, IdBatch};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::spelling::{Room, length, part};
use crate::texts::{Raw, at_text, surrogates};
use crate::unicode::Errors;

/// So many characters are spelled between two looks for a place to cut.
const STEP: usize = 1 << 13;

/// What is still to be spelled of a text.
pub(crate) struct LongText<'a> {
    text: &'a Py<PyString>,
    /// Its number in the batch.
    index: usize,
    /// So many of its characters are spelled.
    done: usize,
    /// The spelled ones behind the last cut.
    rest: String,
    begins: bool,
    errors: Errors,
}

/// A portion, and the room that it is in.
pub(crate) struct Portion {
    pub(crate) text: Raw<'static>,
    pub(crate) room: Room,
    pub(crate) extent: Extent,
}

impl<'a> LongText<'a> {
    pub(crate) fn new(text: &'a Py<PyString>, index: usize, errors: Errors) -> Self {
        Self { text, index, done: 0, rest: String::new(), begins: true, errors }
    }

    /// The next portion, of about `size` bytes. There is one as long as none was the end of the text.
    pub(crate) fn next(&mut self, batch: &IdBatch<'_>, size: usize) -> Result<Portion> {
        let portion = Python::attach(|py| self.next_of(self.text.bind(py), batch, size));
        portion.map_err(|error| at_text(&error, self.index))
    }

    fn next_of(&mut self, text: &Bound<'_, PyString>, batch: &IdBatch<'_>, size: usize) -> PyResult<Portion> {
        // Behind the size comes what is looked at for a cut.
        let mut room = Room::new(size + size / 2);
        room.push(&std::mem::take(&mut self.rest));
        let (length, mut wanted, mut searched) = (length(text), size, 0);
        loop {
            while room.text().len() <= wanted && self.done < length {
                let end = length.min(self.done + STEP);
                if !room.append_range(text, self.done..end)? {
                    return self.with_surrogates(text, room);
                }
                self.done = end;
            }
            if self.done == length {
                break;
            }
            if let Some(end) = batch.cut(room.text(), searched) {
                self.rest = room.split_off(end);
                return Ok(self.portion(room, false));
            }
            // What cannot be cut for long is not searched again for each step.
            searched = wanted;
            wanted *= 2;
        }
        Ok(self.portion(room, true))
    }

    fn portion(&mut self, room: Room, ends: bool) -> Portion {
        let extent = Extent { begins: std::mem::take(&mut self.begins), ends };
        Portion { text: Raw::Spelled(0..room.text().len()), room, extent }
    }

    /// All that is left of a text that has a surrogate there. If that is an error, it tells where in the text it is.
    fn with_surrogates(&mut self, text: &Bound<'_, PyString>, room: Room) -> PyResult<Portion> {
        let rest = if self.errors == Errors::Strict {
            surrogates(text)?
        } else {
            let from = self.done - room.text().chars().count();
            surrogates(&part(text, from, length(text))?)?
        };
        Ok(Portion { text: rest, ..self.portion(room, true) })
    }
}
