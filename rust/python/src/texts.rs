//! Texts from Python: `str`, `bytes`, or columns of Arrow, borrowed without a copy where they are UTF-8.
//!
//! Reading is three steps, so that nothing borrows from itself: [`Sources`] keep what Python gave alive, [`Spelled`] says
//! where a text stands in a room if it had to be spelled, and [`Raw::view`] looks at it as `str`. The first two need the
//! GIL.

use std::iter::repeat;
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

/// What one text of Python is read from, kept alive.
pub(crate) enum Source {
    Str(PyBackedStr),
    /// A `str` that is not ASCII, of so many characters.
    CodePoints(Py<PyString>, usize),
    Bytes(PyBackedBytes),
}

/// A text as Python gave it.
#[derive(Clone, Copy)]
pub(crate) enum Raw<'a> {
    Str(&'a str),
    CodePoints(&'a Py<PyString>, usize),
    Bytes(&'a [u8]),
    Null,
}

/// Where a text is that may have had to be spelled.
pub(crate) enum Spelled {
    /// It had not.
    AsGiven,
    /// In a room.
    At(Range<usize>),
    /// It has lone surrogates: as UTF-8 would spell them if it could.
    Surrogates(Box<[u8]>),
}

impl Source {
    fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            let is_ascii = text.call_method0(intern!(text.py(), "isascii"))?.is_truthy()?;
            if is_ascii && let Ok(text) = PyBackedStr::try_from(text.clone()) {
                return Ok(Self::Str(text));
            }
            return Ok(Self::CodePoints(text.clone().unbind(), length(text)));
        }
        match object.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Bytes(PyBackedBytes::from(bytes.clone()))),
            Err(_) => Err(to_python(not_text(object))),
        }
    }

    fn raw(&self) -> Raw<'_> {
        match self {
            Self::Str(text) => Raw::Str(text),
            Self::CodePoints(text, length) => Raw::CodePoints(text, *length),
            Self::Bytes(bytes) => Raw::Bytes(bytes),
        }
    }
}

impl<'a> Raw<'a> {
    /// About how many bytes it has: a character that is not ASCII has hardly ever more than three.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::CodePoints(_, length) => 3 * length,
            Self::Bytes(bytes) => bytes.len(),
            Self::Null => 0,
        }
    }

    /// Spells it, if it has to be.
    pub(crate) fn spell(self, room: &mut Room) -> PyResult<Spelled> {
        let Self::CodePoints(text, _) = self else { return Ok(Spelled::AsGiven) };
        // This costs nothing where the GIL is held already, as it is by everyone who spells many.
        Python::attach(|py| {
            let text = text.bind(py);
            if let Some(range) = room.append(text)? {
                return Ok(Spelled::At(range));
            }
            let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
            Ok(Spelled::Surrogates(bytes.cast_into::<PyBytes>()?.as_bytes().into()))
        })
    }

    /// The text. Needs no GIL.
    pub(crate) fn view(self, spelled: &'a Spelled, room: &'a Room, errors: Errors) -> Result<Text<'a>> {
        match (self, spelled) {
            (_, Spelled::At(range)) => Ok(Text::from(room.text().get(range.clone()).unwrap_or_default())),
            (_, Spelled::Surrogates(bytes)) => view_surrogates(bytes, errors),
            (Self::Str(text), _) => Ok(Text::from(text)),
            (Self::Bytes(bytes), _) => view_bytes(bytes, errors),
            // A `str` that is not ASCII was spelled.
            (Self::Null | Self::CodePoints(..), _) => {
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
    spelled: Spelled,
    room: Room,
}

impl OneText {
    /// Borrows a text from Python, or spells it.
    pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (source, mut room) = (Source::read(object)?, Room::new(0));
        let spelled = source.raw().spell(&mut room)?;
        Ok(Self { source, spelled, room })
    }

    /// The text.
    pub(crate) fn view(&self, errors: Errors) -> Result<Text<'_>> {
        self.source.raw().view(&self.spelled, &self.room, errors)
    }
}

/// What many texts of Python are read from, kept alive.
pub(crate) enum Sources {
    Objects(Vec<Source>),
    Columns(Vec<Chunk>),
}

impl Sources {
    /// Borrows a column of Arrow, or the texts of any other iterable; an error names the one that is at fault.
    pub(crate) fn read(objects: &Bound<'_, PyAny>) -> PyResult<Self> {
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
            Source::read(&object).map_err(|error| to_python(at_text(&error, index)))
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

/// Many texts, readable without the GIL.
pub(crate) struct Texts {
    sources: Sources,
    /// Of each text that is no column's.
    spelled: Vec<Spelled>,
    room: Room,
}

impl Texts {
    /// Reads what [`Sources::read`] does.
    pub(crate) fn read(objects: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::spell(Sources::read(objects)?)
    }

    /// Spells what has to be.
    pub(crate) fn spell(sources: Sources) -> PyResult<Self> {
        let mut room = Room::new(0);
        let mut spelled = Vec::new();
        if let Sources::Objects(objects) = &sources {
            spelled.reserve_exact(objects.len());
            for (index, object) in objects.iter().enumerate() {
                let one = object.raw().spell(&mut room);
                spelled.push(one.map_err(|error| to_python(at_text(&error, index)))?);
            }
        }
        Ok(Self { sources, spelled, room })
    }

    /// The texts; an error names the one that is at fault. Needs no GIL.
    pub(crate) fn view(&self, errors: Errors) -> Result<Vec<Text<'_>>> {
        let raw = self.sources.raw()?.into_iter().enumerate();
        raw.zip(self.spelled.iter().chain(repeat(&Spelled::AsGiven)))
            .map(|((index, raw), spelled)| {
                raw.view(spelled, &self.room, errors).map_err(|error| error.at(format!("text {index}")))
            })
            .collect()
    }
}
