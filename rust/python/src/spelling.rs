//! A `str` that is not ASCII, spelled as UTF-8.
//!
//! It holds code points. Python would spell it and keep that for as long as the `str` lives, which doubles the memory of
//! a corpus; here it is spelled for the time of a call, and faster.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use fastmask_core::text::push_code_points;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

thread_local! {
    /// The rooms of a thread that calls, of which those that encode for it know, too.
    static ROOMS: Arc<Rooms> = Arc::default();

    /// The code points of a part of a text.
    static CODE_POINTS: RefCell<Vec<u32>> = RefCell::default();
}

/// Rooms that nobody needs now: memory that was written before is written in half the time.
#[derive(Default)]
struct Rooms(Mutex<Vec<String>>);

/// Rooms of more bytes than that are given back, those first that were not used for longest.
pub(crate) const KEPT: usize = 1 << 24;

impl Rooms {
    fn take(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn put(&self, mut room: String) {
        room.clear();
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.push(room);
        let mut bytes = 0;
        let is_kept = |room: &&String| {
            bytes += room.capacity();
            bytes <= KEPT
        };
        let kept = rooms.iter().rev().take_while(is_kept).count();
        let given_back = rooms.len() - kept;
        rooms.drain(..given_back);
    }
}

/// Texts one after the other, spelled as UTF-8. Other threads may read and drop it.
pub(crate) struct Room {
    text: String,
    wanted: usize,
    home: Arc<Rooms>,
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.text.capacity() > 0 {
            self.home.put(std::mem::take(&mut self.text));
        }
    }
}

impl Room {
    /// An empty one, which takes memory with its first text, for so many bytes at once.
    pub(crate) fn new(wanted: usize) -> Self {
        Self { text: String::new(), wanted, home: ROOMS.with(Arc::clone) }
    }

    /// How much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity()
    }

    /// All texts.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn take_room(&mut self) {
        if self.text.capacity() == 0 {
            self.text = self.home.take();
            self.text.reserve(self.wanted);
        }
    }

    /// Appends what is spelled already.
    pub(crate) fn push(&mut self, text: &str) {
        self.take_room();
        self.text.push_str(text);
    }

    /// Cuts off and returns what stands behind a place.
    pub(crate) fn split_off(&mut self, place: usize) -> String {
        self.text.split_off(place)
    }

    /// So many characters are taken at a time: their code points stay in a cache.
    const PART: usize = 1 << 15;

    /// Appends a `str` and returns where it is; None where it has surrogates.
    pub(crate) fn append(&mut self, text: &Bound<'_, PyString>) -> PyResult<Option<Range<usize>>> {
        let start = self.text.len();
        let is_text = self.append_range(text, 0..length(text))?;
        Ok(is_text.then_some(start..self.text.len()))
    }

    /// Appends some characters of a `str`; false, and none of them, where they have surrogates.
    pub(crate) fn append_range(&mut self, text: &Bound<'_, PyString>, range: Range<usize>) -> PyResult<bool> {
        self.take_room();
        let start = self.text.len();
        for from in range.clone().step_by(Self::PART) {
            let part = part(text, from, range.end.min(from + Self::PART))?;
            if !self.append_part(&part)? {
                self.text.truncate(start);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends a `str`; false where it has surrogates.
    #[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
    fn append_part(&mut self, text: &Bound<'_, PyString>) -> PyResult<bool> {
        let length = length(text);
        CODE_POINTS.with_borrow_mut(|code_points| {
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
            Ok(push_code_points(&mut self.text, code_points))
        })
    }
}

/// The number of characters. `len` would ask the class, which may be one of the user's, as a slice would.
#[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
pub(crate) fn length(text: &Bound<'_, PyString>) -> usize {
    // SAFETY: it is a `str`, of which it tells the length.
    unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) }.unsigned_abs()
}

/// Some characters of a `str`.
#[expect(unsafe_code, reason = "PyO3 has no safe function for it")]
pub(crate) fn part<'py>(
    text: &Bound<'py, PyString>,
    from: usize,
    to: usize,
) -> PyResult<Bound<'py, PyString>> {
    // SAFETY: it gives a new `str`, or null where there is no memory.
    let part = unsafe {
        let part = ffi::PyUnicode_Substring(text.as_ptr(), from.cast_signed(), to.cast_signed());
        Bound::from_owned_ptr_or_err(text.py(), part)?
    };
    Ok(part.cast_into()?)
}
