//! Texts from Python: `str`, `bytes`, or columns of Arrow, borrowed without a copy where they are UTF-8.
//!
//! A `str` that is not ASCII holds code points. Python would spell it as UTF-8 and keep that for as long as the `str`
//! lives, which doubles the memory of a corpus; here it is spelled for the time of a call, and faster.
//!
//! Reading is two steps, so that nothing borrows from itself: [`Texts`] keeps what Python gave alive, and
//! [`Texts::view`] looks at it as `str`, by one of the policies of [`Errors`].

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use fastmask_core::text::push_code_points;
use fastmask_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};
use pyo3::{ffi, intern};

use crate::arrow::{Chunk, chunks, strings};
use crate::error::to_python;

/// What to do with text that is no Unicode: lone surrogates in `str`, bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// Refuse it.
    Strict,
    /// Read it as U+FFFD. Two surrogates that are halves of one character become that character.
    Replace,
    /// As `Replace`, and the bytes themselves stay at hand in [`Text::as_bytes`]: for models that read bytes.
    Bytes,
}

impl Errors {
    /// Reads the policy's name.
    pub(crate) fn new(name: &str) -> PyResult<Self> {
        match name {
            "strict" => Ok(Self::Strict),
            "replace" => Ok(Self::Replace),
            "bytes" => Ok(Self::Bytes),
            _ => Err(to_python(
                Error::new(format!("errors is {name:?}"))
                    .advise("give \"strict\" or \"replace\", or \"bytes\" where the model reads bytes"),
            )),
        }
    }
}

/// A text that can be read.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    text: Cow<'a, str>,
    bytes: Option<&'a [u8]>,
}

impl Text<'_> {
    /// What was given: differs from the text where that was mended.
    #[allow(dead_code, reason = "for byte-level models, which take errors=\"bytes\"")]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.unwrap_or(self.text.as_bytes())
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), bytes: None }
    }
}

/// What one text of Python is read from, kept alive and readable without the GIL.
pub(crate) enum Source {
    Str(PyBackedStr),
    /// Where in [`Spelled`] it is: a `str` that is not ASCII.
    Spelled(Range<usize>),
    Bytes(PyBackedBytes),
    /// A `str` with lone surrogates, spelled as UTF-8 would spell them if it could.
    Surrogates(PyBackedBytes),
}

/// Texts one after the other, spelled as UTF-8.
pub(crate) struct Spelled {
    room: Room,
}

#[derive(Default)]
struct Room {
    text: String,
    /// The code points of a part of a text.
    code_points: Vec<u32>,
}

thread_local! {
    /// What the texts of the last call were in: memory that was written before is written in half the time.
    static ROOM: Cell<Room> = Cell::default();
}

/// Room for longer texts is given back.
const KEPT: usize = 1 << 24;

impl Drop for Spelled {
    fn drop(&mut self) {
        let mut room = std::mem::take(&mut self.room);
        if room.text.capacity() <= KEPT {
            room.text.clear();
            // At the end of a thread there is nothing to keep it in.
            let _ = ROOM.try_with(|kept| kept.set(room));
        }
    }
}

impl Spelled {
    fn new() -> Self {
        Self { room: ROOM.take() }
    }

    /// So many characters are taken at a time: their code points stay in a cache.
    const PART: usize = 1 << 15;

    /// Appends a `str` and returns where it is; None where it has surrogates.
    fn append(&mut self, text: &Bound<'_, PyString>) -> PyResult<Option<Range<usize>>> {
        let start = self.room.text.len();
        let is_text = self.append_parts(text, length(text))?;
        if !is_text {
            self.room.text.truncate(start);
        }
        Ok(is_text.then_some(start..self.room.text.len()))
    }

    /// Appends a `str` up to where it has surrogates; whether it has none.
    fn append_parts(&mut self, text: &Bound<'_, PyString>, length: usize) -> PyResult<bool> {
        if length <= Self::PART {
            return self.append_part(text);
        }
        for from in (0..length).step_by(Self::PART) {
            if !self.append_part(&part(text, from, length.min(from + Self::PART))?)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends a `str`; false where it has surrogates.
    #[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
    fn append_part(&mut self, text: &Bound<'_, PyString>) -> PyResult<bool> {
        let length = length(text);
        let Room { text: spelled, code_points } = &mut self.room;
        code_points.clear();
        code_points.reserve(length);
        let start = code_points.as_mut_ptr();
        // SAFETY: there is room for `length` numbers, and that many are written, without a zero after them.
        let written = unsafe { ffi::PyUnicode_AsUCS4(text.as_ptr(), start, length.cast_signed(), 0) };
        if written.is_null() {
            return Err(PyErr::fetch(text.py()));
        }
        // SAFETY: as above.
        unsafe { code_points.set_len(length) };
        Ok(push_code_points(spelled, code_points))
    }
}

/// The number of characters. `len` would ask the class, which may be one of the user's, as a slice would.
#[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
fn length(text: &Bound<'_, PyString>) -> usize {
    // SAFETY: it is a `str`, of which it tells the length.
    unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) }.unsigned_abs()
}

/// Some characters of a `str`.
#[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
fn part<'py>(text: &Bound<'py, PyString>, from: usize, to: usize) -> PyResult<Bound<'py, PyString>> {
    // SAFETY: it gives a new `str`, or null where there is no memory.
    let part = unsafe {
        let part = ffi::PyUnicode_Substring(text.as_ptr(), from.cast_signed(), to.cast_signed());
        Bound::from_owned_ptr_or_err(text.py(), part)?
    };
    Ok(part.cast_into()?)
}

impl Source {
    /// Borrows a text from Python, or spells it.
    fn read(object: &Bound<'_, PyAny>, spelled: &mut Spelled) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            let is_ascii = text.call_method0(intern!(text.py(), "isascii"))?.is_truthy()?;
            if !is_ascii && let Some(range) = spelled.append(text)? {
                return Ok(Self::Spelled(range));
            }
            if let Ok(text) = PyBackedStr::try_from(text.clone()) {
                return Ok(Self::Str(text));
            }
            let bytes = object.call_method1("encode", ("utf-8", "surrogatepass"))?;
            return Ok(Self::Surrogates(PyBackedBytes::from(bytes.cast_into::<PyBytes>()?)));
        }
        match object.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Bytes(PyBackedBytes::from(bytes.clone()))),
            Err(_) => Err(to_python(not_text(object))),
        }
    }

    fn view<'a>(&'a self, spelled: &'a str, errors: Errors) -> Result<Text<'a>> {
        match self {
            Self::Str(text) => Ok(Text::from(&**text)),
            Self::Spelled(range) => Ok(Text::from(spelled.get(range.clone()).unwrap_or_default())),
            Self::Bytes(bytes) => view_bytes(bytes, errors),
            Self::Surrogates(spelled) => view_surrogates(spelled, errors),
        }
    }
}

/// One text of Python, kept alive and readable without the GIL.
pub(crate) struct OneText {
    source: Source,
    spelled: Spelled,
}

impl OneText {
    /// Borrows a text from Python, or spells it.
    pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut spelled = Spelled::new();
        Ok(Self { source: Source::read(object, &mut spelled)?, spelled })
    }

    /// The text.
    pub(crate) fn view(&self, errors: Errors) -> Result<Text<'_>> {
        self.source.view(&self.spelled.room.text, errors)
    }
}

fn not_text(object: &Bound<'_, PyAny>) -> Error {
    Error::new(format!("a text is of {}", object.get_type())).advise("give str, or bytes of UTF-8")
}

fn view_bytes(bytes: &[u8], errors: Errors) -> Result<Text<'_>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Text::from(text)),
        Err(error) if errors == Errors::Strict => {
            Err(Error::new(format!("the text is not UTF-8: byte {} cannot stand there", error.valid_up_to()))
                .advise("pass errors=\"replace\" to read it as U+FFFD"))
        }
        Err(_) => {
            let kept = (errors == Errors::Bytes).then_some(bytes);
            Ok(Text { text: String::from_utf8_lossy(bytes), bytes: kept })
        }
    }
}

fn view_surrogates(spelled: &[u8], errors: Errors) -> Result<Text<'_>> {
    let (text, first) = mend_surrogates(spelled);
    match first {
        Some((character, byte)) if errors == Errors::Strict => {
            Err(Error::new(format!("the text holds a lone surrogate, character {character} (byte {byte})"))
                .advise("pass errors=\"replace\" to read it as U+FFFD"))
        }
        _ => Ok(Text { text: Cow::Owned(text), bytes: None }),
    }
}

/// The text without surrogates, and where the first one stood: its number among the characters, and its byte.
fn mend_surrogates(spelled: &[u8]) -> (String, Option<(usize, usize)>) {
    let mut text = String::with_capacity(spelled.len());
    let (mut rest, mut first) = (spelled, None);
    loop {
        // A surrogate's spelling is what is not UTF-8 here, and only that.
        let stop = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
        let (good, after) = rest.split_at_checked(stop).unwrap_or((rest, &[]));
        text.push_str(std::str::from_utf8(good).unwrap_or_default());
        let Some((high, after)) = surrogate(after) else {
            return (text, first);
        };
        first = first.or_else(|| Some((text.chars().count(), spelled.len() - rest.len() + stop)));
        let pair = surrogate(after).and_then(|(low, after)| Some((joined(high, low)?, after)));
        let (character, after) = pair.unwrap_or((char::REPLACEMENT_CHARACTER, after));
        text.push(character);
        rest = after;
    }
}

/// The surrogate that begins here (ED A0 80 to ED BF BF), and what follows it.
fn surrogate(spelled: &[u8]) -> Option<(u32, &[u8])> {
    let (&[lead, middle, last], rest) = spelled.split_first_chunk()?;
    let bits = |byte: u8| u32::from(byte & 0x3F);
    (lead == 0xED).then(|| (0xD000 | bits(middle) << 6 | bits(last), rest))
}

fn joined(high: u32, low: u32) -> Option<char> {
    let halves = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
    halves.then(|| 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).and_then(char::from_u32)
}

/// Many texts, kept alive and readable without the GIL.
pub(crate) enum Texts {
    /// And those that are spelled here, one after the other.
    Objects(Vec<Source>, Spelled),
    Columns(Vec<Chunk>),
}

impl Texts {
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
        let mut spelled = Spelled::new();
        let one = |(index, object): (usize, PyResult<Bound<'_, PyAny>>)| {
            let object = object?;
            Source::read(&object, &mut spelled).map_err(|error| {
                to_python(Error::new(error.value(object.py()).to_string()).at(format!("text {index}")))
            })
        };
        let sources = objects.try_iter()?.enumerate().map(one).collect::<PyResult<_>>()?;
        Ok(Self::Objects(sources, spelled))
    }

    /// The texts; an error names the one that is at fault. Needs no GIL.
    pub(crate) fn view(&self, errors: Errors) -> Result<Vec<Text<'_>>> {
        let mut texts = Vec::new();
        match self {
            Self::Objects(sources, spelled) => {
                texts.reserve_exact(sources.len());
                for (index, source) in sources.iter().enumerate() {
                    texts.push(
                        source
                            .view(&spelled.room.text, errors)
                            .map_err(|error| error.at(format!("text {index}")))?,
                    );
                }
            }
            Self::Columns(columns) => {
                for column in columns {
                    view_column(column, errors, &mut texts)?;
                }
            }
        }
        Ok(texts)
    }
}

fn view_column<'a>(column: &'a Chunk, errors: Errors, texts: &mut Vec<Text<'a>>) -> Result<()> {
    let values = strings(&column.values()?)?;
    texts.reserve(values.len());
    for value in values {
        let text = match value {
            Some(bytes) => view_bytes(bytes, errors),
            None => Err(Error::new("the text is null").advise("leave nulls out, or fill them")),
        };
        texts.push(text.map_err(|error| error.at(format!("text {}", texts.len())))?);
    }
    Ok(())
}
