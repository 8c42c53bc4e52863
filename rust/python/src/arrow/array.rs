//! Reading arrays of another library where they lie.
//!
//! The interface says how long a buffer must be, but not how long it is: that is the producer's word, as it is for
//! every reader of it. Whatever can be checked is: lengths, nesting, null pointers, alignment, offsets, UTF-8.

#![allow(unsafe_code, reason = "the buffers are another library's: their pointers have to be followed")]

use std::slice;
use std::sync::Arc;

use fastmask_core::{Error, Result};
use pyo3::prelude::*;

use super::c_data::{ArrowArray, ArrowArrayStream, ArrowSchema, take, text};
use crate::error::to_python;

/// An array and its schema, kept alive.
pub(crate) struct Chunk {
    schema: Arc<ArrowSchema>,
    array: ArrowArray,
}

/// The arrays of an object with Arrow's `PyCapsule` interface; None where it has none.
pub(crate) fn chunks(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Chunk>>> {
    if object.hasattr("__arrow_c_array__")? {
        let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
            object.call_method0("__arrow_c_array__")?.extract()?;
        return Ok(Some(vec![Chunk { schema: Arc::new(take(&schema)?), array: take(&array)? }]));
    }
    if object.hasattr("__arrow_c_stream__")? {
        let mut stream: ArrowArrayStream = take(&object.call_method0("__arrow_c_stream__")?)?;
        return read_all(&mut stream).map(Some).map_err(to_python);
    }
    Ok(None)
}

fn read_all(stream: &mut ArrowArrayStream) -> Result<Vec<Chunk>> {
    let schema = Arc::new(stream.schema()?);
    let mut chunks = Vec::new();
    while let Some(array) = stream.next()? {
        chunks.push(Chunk { schema: Arc::clone(&schema), array });
    }
    Ok(chunks)
}

impl Chunk {
    /// Its values.
    pub(crate) fn values(&self) -> Result<Values<'_>> {
        let (offset, length) = (size(self.array.offset)?, size(self.array.length)?);
        Ok(Values { schema: &self.schema, array: &self.array, offset, length })
    }
}

/// Values `offset .. offset + length` of an array.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    schema: &'a ArrowSchema,
    array: &'a ArrowArray,
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

/// Types of which every bit pattern is a value.
///
/// # Safety
/// Only for such types.
pub(crate) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($type:ty),*) => { $(
        // SAFETY: every bit pattern is a value of it.
        unsafe impl Plain for $type {}
    )* };
}

plain!(i8, u8, i16, u16, i32, u32, i64, u64, [u8; 16]);

impl<'a> Values<'a> {
    /// The letters by which the interface knows the type.
    pub(crate) fn format(&self) -> &'a str {
        text(self.schema.format).unwrap_or("?")
    }

    /// The name of the field.
    pub(crate) fn name(&self) -> &'a str {
        text(self.schema.name).unwrap_or_default()
    }

    /// What the values are numbers into, where they are.
    pub(crate) fn dictionary(&self) -> Result<Option<Self>> {
        // SAFETY: null, or structs that live as long as the ones that point to them.
        let (schema, array) = unsafe { (self.schema.dictionary.as_ref(), self.array.dictionary.as_ref()) };
        match (schema, array) {
            (None, None) => Ok(None),
            (Some(schema), Some(array)) => Self::whole(schema, array).map(Some),
            _ => Err(Error::new("the Arrow schema and array do not agree on a dictionary")),
        }
    }

    /// How many children there are.
    pub(crate) fn children(&self) -> Result<usize> {
        if self.schema.n_children != self.array.n_children {
            return Err(Error::new("the Arrow schema and array do not agree on the children"));
        }
        size(self.schema.n_children)
    }

    /// The whole of a child.
    pub(crate) fn child(&self, index: usize) -> Result<Self> {
        let missing = || Error::new(format!("the Arrow array has no child {index}"));
        if index >= self.children()? || self.schema.children.is_null() || self.array.children.is_null() {
            return Err(missing());
        }
        // SAFETY: there are that many pointers, to structs that live as long as their parents.
        let (schema, array) = unsafe {
            (self.schema.children.add(index).read().as_ref(), self.array.children.add(index).read().as_ref())
        };
        Self::whole(schema.ok_or_else(missing)?, array.ok_or_else(missing)?)
    }

    fn whole(schema: &'a ArrowSchema, array: &'a ArrowArray) -> Result<Self> {
        Ok(Self { schema, array, offset: size(array.offset)?, length: size(array.length)? })
    }

    /// `length` of these values from number `start` on.
    pub(crate) fn part(&self, start: usize, length: usize) -> Result<Self> {
        if start.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(Error::new(format!(
                "the Arrow array has {} values where {length} from {start} on are wanted",
                self.length
            )));
        }
        Ok(Self { offset: self.offset + start, length, ..*self })
    }

    /// How many buffers there are.
    pub(crate) fn buffers(&self) -> Result<usize> {
        size(self.array.n_buffers)
    }

    /// `count` items of a buffer, from item `start` on.
    pub(crate) fn buffer<T: Plain>(&self, index: usize, start: usize, count: usize) -> Result<&'a [T]> {
        if count == 0 {
            return Ok(&[]);
        }
        let pointer = self.pointer(index)?.cast::<T>();
        let bytes = start.checked_add(count).and_then(|items| items.checked_mul(size_of::<T>()));
        if pointer.is_null() || bytes.is_none_or(|bytes| bytes > isize::MAX as usize) {
            return Err(Error::new(format!("the Arrow array lacks its buffer {index}")));
        }
        if !pointer.is_aligned() {
            return Err(
                Error::new(format!("the Arrow array's buffer {index} is not aligned")).advise("copy it")
            );
        }
        // SAFETY: not null, aligned, and the producer's word is that the buffer holds what offset and length ask
        // for, unchanged until the array is released, which its owner outlives `'a` to do.
        Ok(unsafe { slice::from_raw_parts(pointer.add(start), count) })
    }

    fn pointer(&self, index: usize) -> Result<*const std::ffi::c_void> {
        if index >= self.buffers()? || self.array.buffers.is_null() {
            return Err(Error::new(format!("the Arrow array has no buffer {index}")));
        }
        // SAFETY: there are that many pointers.
        Ok(unsafe { self.array.buffers.add(index).read() })
    }

    /// The number of the first value that is null.
    pub(crate) fn first_null(&self) -> Result<Option<usize>> {
        if self.format() == "n" {
            return Ok((self.length > 0).then_some(0));
        }
        Ok(self.validity()?.and_then(|bits| (0..self.length).find(|&index| !bits.holds(index))))
    }

    /// Which values are not null; None where all are.
    pub(crate) fn validity(&self) -> Result<Option<Bits<'a>>> {
        if self.array.null_count == 0 || self.length == 0 || self.pointer(0)?.is_null() {
            return Ok(None);
        }
        let first = self.offset / 8;
        let bytes = self.buffer(0, first, (self.offset + self.length).div_ceil(8) - first)?;
        Ok(Some(Bits { bytes, skipped: self.offset % 8 }))
    }
}

/// A run of bits.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    skipped: usize,
}

impl Bits<'_> {
    /// Whether a bit is set.
    pub(crate) fn holds(&self, index: usize) -> bool {
        let bit = self.skipped + index;
        self.bytes.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }
}

/// A length or offset of the interface.
pub(crate) fn size(number: impl Copy + TryInto<usize> + std::fmt::Display) -> Result<usize> {
    number.try_into().map_err(|_| Error::new(format!("the Arrow array holds the length or offset {number}")))
}
