//! Texts from Python: `str`, `bytes`, or columns of Arrow, borrowed without a copy where they are UTF-8.
//!
//! Reading is two steps, so that nothing borrows from itself: a [`Source`] keeps what Python gave alive, or was spelled
//! into a [`Room`], and [`Raw::view`] looks at it as `str`. Texts that are only kept are spelled in between.

use std::borrow::Cow;
use std::ops::Range;

use fastmask_core::{Error, Result};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};

use crate::arrow::{Chunk, chunks, strings};
use crate::error::to_python;
use crate::spelling::{Room, length};
use crate::unicode::{Errors, Text, view_bytes, view_surrogates};

/// What one text of Python is read from, kept alive if it has to be.
pub(crate) enum Source {
    Str(PyBackedStr),
    Bytes(PyBackedBytes),
    /// A `str` that is not ASCII, of so many characters.
    CodePoints(Py<PyString>, usize),
    /// One that was spelled.
    Spelled(Raw<'static>),
}

/// A text as it was read.
#[derive(Clone)]
pub(crate) enum Raw<'a> {
    Str(&'a str),
    Bytes(&'a [u8]),
    CodePoints(&'a Py<PyString>, usize),
    /// Where in a room it is.
    Spelled(Range<usize>),
    /// A `str` with lone surrogates, spelled as UTF-8 would spell them if it could.
    Surrogates(Cow<'a, [u8]>),
    /// What stands in a column where there is no text.
    Null,
}

impl Source {
    /// Borrows a text from Python; what has to be spelled is spelled now, if there is a room.
    fn read(object: &Bound<'_, PyAny>, room: Option<&mut Room>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            let is_ascii = text.call_method0(intern!(text.py(), "isascii"))?.is_truthy()?;
            if is_ascii && let Ok(text) = PyBackedStr::try_from(text.clone()) {
                return Ok(Self::Str(text));
            }
            return match room {
                Some(room) => spell(text, room).map(Self::Spelled),
                None => Ok(Self::CodePoints(text.clone().unbind(), length(text))),
            };
        }
        match object.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Bytes(PyBackedBytes::from(bytes.clone()))),
            Err(_) => Err(to_python(not_text(object))),
        }
    }

    fn raw(&self) -> Raw<'_> {
        match self {
            Self::Str(text) => Raw::Str(text),
            Self::Bytes(bytes) => Raw::Bytes(bytes),
            Self::CodePoints(text, length) => Raw::CodePoints(text, *length),
            Self::Spelled(Raw::Surrogates(bytes)) => Raw::Surrogates(Cow::Borrowed(bytes)),
            Self::Spelled(spelled) => spelled.clone(),
        }
    }
}

fn spell(text: &Bound<'_, PyString>, room: &mut Room) -> PyResult<Raw<'static>> {
    match room.append(text)? {
        Some(range) => Ok(Raw::Spelled(range)),
        None => surrogates(text),
    }
}

/// A `str` that has surrogates.
pub(crate) fn surrogates(text: &Bound<'_, PyString>) -> PyResult<Raw<'static>> {
    let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?.cast_into::<PyBytes>()?;
    Ok(Raw::Surrogates(Cow::Owned(bytes.as_bytes().to_vec())))
}

impl<'a> Raw<'a> {
    /// About how many bytes it has: a character that is not ASCII has hardly ever more than three.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::CodePoints(_, length) => 3 * length,
            Self::Spelled(range) => range.len(),
            Self::Surrogates(bytes) => bytes.len(),
            Self::Null => 0,
        }
    }

    /// The same, spelled if it has to be.
    pub(crate) fn spelled(self, room: &mut Room) -> PyResult<Self> {
        match self {
            // This costs next to nothing where the GIL is held already, as it is by everyone who spells many.
            Self::CodePoints(text, _) => Python::attach(|py| spell(text.bind(py), room)),
            other => Ok(other),
        }
    }

    /// The text, which was spelled. Needs no GIL.
    pub(crate) fn view<'b>(&self, room: &'b Room, errors: Errors) -> Result<Text<'b>>
    where
        'a: 'b,
    {
        match self {
            Self::Str(text) => Ok(Text::from(*text)),
            Self::Bytes(bytes) => view_bytes(bytes, errors),
            Self::Spelled(range) => Ok(Text::from(room.text().get(range.clone()).unwrap_or_default())),
            Self::Surrogates(bytes) => view_surrogates(bytes, errors),
            Self::Null | Self::CodePoints(..) => {
                Err(Error::new("the text is null").advise("leave nulls out, or fill them"))
            }
        }
    }
}

fn not_text(object: &Bound<'_, PyAny>) -> Error {
    Error::new(format!("a text is of {}", object.get_type())).advise("give str, or bytes of UTF-8")
}

/// One text of Python, readable without the GIL.
pub(crate) struct OneText {
    source: Source,
    room: Room,
}

impl OneText {
    /// Borrows a text from Python, or spells it.
    pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut room = Room::new(0);
        Ok(Self { source: Source::read(object, Some(&mut room))?, room })
    }

    /// The text.
    pub(crate) fn view(&self, errors: Errors) -> Result<Text<'_>> {
        self.source.raw().view(&self.room, errors)
    }
}

/// What many texts of Python are read from, kept alive.
pub(crate) enum Sources {
    Objects(Vec<Source>),
    Columns(Vec<Chunk>),
}

impl Sources {
    /// Borrows a column of Arrow, or the texts of any other iterable; an error names the one that is at fault.
    fn read(objects: &Bound<'_, PyAny>, mut room: Option<&mut Room>) -> PyResult<Self> {
        if objects.is_instance_of::<PyString>() || objects.is_instance_of::<PyBytes>() {
            return Err(to_python(
                Error::new("one text was given where many are wanted").advise("put it into a list"),
            ));
        }
        if let Some(columns) = chunks(objects)? {
            return Ok(Self::Columns(columns));
        }
        let one = |(index, object): (usize, PyResult<Bound<'_, PyAny>>)| {
            let object = object?;
            Source::read(&object, room.as_deref_mut()).map_err(|error| to_python(at_text(&error, index)))
        };
        objects.try_iter()?.enumerate().map(one).collect::<PyResult<_>>().map(Self::Objects)
    }

    /// Each text.
    pub(crate) fn raw(&self) -> Result<Vec<Raw<'_>>> {
        match self {
            Self::Objects(sources) => Ok(sources.iter().map(Source::raw).collect()),
            Self::Columns(columns) => {
                let mut texts = Vec::new();
                for column in columns {
                    let values = strings(&column.values()?)?;
                    texts.extend(values.into_iter().map(|value| value.map_or(Raw::Null, Raw::Bytes)));
                }
                Ok(texts)
            }
        }
    }
}

/// What was wrong with a text, and which it was.
pub(crate) fn at_text(error: &PyErr, index: usize) -> Error {
    Python::attach(|py| Error::new(error.value(py).to_string()).at(format!("text {index}")))
}

/// Many texts.
pub(crate) struct Texts {
    pub(crate) sources: Sources,
    pub(crate) room: Room,
}

impl Texts {
    /// Reads them: they are then readable without the GIL.
    pub(crate) fn read(objects: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut room = Room::new(0);
        Ok(Self { sources: Sources::read(objects, Some(&mut room))?, room })
    }

    /// Keeps them alive, to be spelled later.
    pub(crate) fn keep(objects: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { sources: Sources::read(objects, None)?, room: Room::new(0) })
    }

    /// The texts; an error names the one that is at fault. Needs no GIL. They were read, not only kept.
    pub(crate) fn view<'a>(&'a self, errors: Errors) -> Result<Vec<Text<'a>>> {
        let view = |(index, raw): (usize, Raw<'a>)| {
            raw.view(&self.room, errors).map_err(|error| error.at(format!("text {index}")))
        };
        self.sources.raw()?.into_iter().enumerate().map(view).collect()
    }
}
