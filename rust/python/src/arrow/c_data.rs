//! The structs of Arrow's C data and C stream interfaces, and who releases them.
//!
//! They are 100 lines of an interface that is frozen for good
//! (<https://arrow.apache.org/docs/format/CDataInterface.html>); the arrow crates that declare it too would bring
//! thirty others along. Whoever holds a struct releases it: here that is `Drop`, once, and a struct that was moved
//! out of its capsule leaves a released one behind.

#![allow(unsafe_code, reason = "the structs come from another library: their pointers have to be followed")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use fastmask_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::to_python;

type Release<T> = unsafe extern "C" fn(*mut T);

/// What the values of an array are.
#[repr(C)]
pub(super) struct ArrowSchema {
    pub(super) format: *const c_char,
    pub(super) name: *const c_char,
    pub(super) metadata: *const c_char,
    pub(super) flags: i64,
    pub(super) n_children: i64,
    pub(super) children: *mut *mut Self,
    pub(super) dictionary: *mut Self,
    pub(super) release: Option<Release<Self>>,
    pub(super) private_data: *mut c_void,
}

/// The values.
#[repr(C)]
pub(super) struct ArrowArray {
    pub(super) length: i64,
    pub(super) null_count: i64,
    pub(super) offset: i64,
    pub(super) n_buffers: i64,
    pub(super) n_children: i64,
    pub(super) buffers: *mut *const c_void,
    pub(super) children: *mut *mut Self,
    pub(super) dictionary: *mut Self,
    pub(super) release: Option<Release<Self>>,
    pub(super) private_data: *mut c_void,
}

/// Arrays of one schema, one after the other.
#[repr(C)]
pub(super) struct ArrowArrayStream {
    pub(super) get_schema: Option<unsafe extern "C" fn(*mut Self, *mut ArrowSchema) -> c_int>,
    pub(super) get_next: Option<unsafe extern "C" fn(*mut Self, *mut ArrowArray) -> c_int>,
    pub(super) get_last_error: Option<unsafe extern "C" fn(*mut Self) -> *const c_char>,
    pub(super) release: Option<Release<Self>>,
    pub(super) private_data: *mut c_void,
}

// SAFETY: what the structs point to does not change until they are released, and the interface lets any thread do
// that, once.
unsafe impl Send for ArrowSchema {}
// SAFETY: as above; nothing here writes through a shared reference.
unsafe impl Sync for ArrowSchema {}
// SAFETY: as for the schema.
unsafe impl Send for ArrowArray {}
// SAFETY: as for the schema.
unsafe impl Sync for ArrowArray {}
// SAFETY: a stream may be used by any thread, by one at a time: its functions take `&mut self` here.
unsafe impl Send for ArrowArrayStream {}

/// A struct of the interface, as it travels in a capsule.
pub(super) trait Carried: Sized + Send + 'static {
    /// The name of its capsule.
    const CAPSULE: &'static CStr;

    /// One that holds nothing.
    fn released() -> Self;

    /// Whether it holds nothing.
    fn is_released(&self) -> bool;
}

macro_rules! carried {
    ($type:ident, $capsule:literal, { $($field:ident: $empty:expr),* $(,)? }) => {
        impl Carried for $type {
            const CAPSULE: &'static CStr = $capsule;

            fn released() -> Self {
                Self { $($field: $empty,)* release: None, private_data: ptr::null_mut() }
            }

            fn is_released(&self) -> bool {
                self.release.is_none()
            }
        }

        impl Drop for $type {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: the struct is this one's own and was not released; it is not used any more.
                    unsafe { release(self) };
                }
            }
        }
    };
}

carried!(ArrowSchema, c"arrow_schema", {
    format: ptr::null(), name: ptr::null(), metadata: ptr::null(), flags: 0, n_children: 0,
    children: ptr::null_mut(), dictionary: ptr::null_mut(),
});
carried!(ArrowArray, c"arrow_array", {
    length: 0, null_count: 0, offset: 0, n_buffers: 0, n_children: 0, buffers: ptr::null_mut(),
    children: ptr::null_mut(), dictionary: ptr::null_mut(),
});
carried!(ArrowArrayStream, c"arrow_array_stream", { get_schema: None, get_next: None, get_last_error: None });

/// Moves a struct out of its capsule, which holds a released one afterwards.
pub(super) fn take<T: Carried>(capsule: &Bound<'_, PyAny>) -> PyResult<T> {
    let pointer = capsule.cast::<PyCapsule>()?.pointer_checked(Some(T::CAPSULE))?.cast::<T>();
    // SAFETY: a capsule of this name points to such a struct, and whoever is attached to Python may take it.
    let taken = unsafe { pointer.replace(T::released()) };
    if taken.is_released() {
        return Err(to_python(Error::new("the Arrow capsule was used before").advise("ask for a new one")));
    }
    Ok(taken)
}

/// Puts a struct into a capsule, for another library to take.
pub(super) fn capsule<T: Carried>(py: Python<'_>, carried: T) -> PyResult<Bound<'_, PyAny>> {
    PyCapsule::new_with_value(py, carried, T::CAPSULE).map(Bound::into_any)
}

impl ArrowArrayStream {
    /// The schema of its arrays.
    pub(super) fn schema(&mut self) -> Result<ArrowSchema> {
        let get = self.get_schema.ok_or_else(|| Error::new("the Arrow stream has no schema"))?;
        let mut schema = ArrowSchema::released();
        // SAFETY: the stream is not released, and `schema` is room for what it writes.
        let code = unsafe { get(self, &raw mut schema) };
        self.check(code).map(|()| schema)
    }

    /// The next array; None at the end.
    pub(super) fn next(&mut self) -> Result<Option<ArrowArray>> {
        let get = self.get_next.ok_or_else(|| Error::new("the Arrow stream has no arrays"))?;
        let mut array = ArrowArray::released();
        // SAFETY: the stream is not released, and `array` is room for what it writes.
        let code = unsafe { get(self, &raw mut array) };
        self.check(code).map(|()| (!array.is_released()).then_some(array))
    }

    fn check(&mut self, code: c_int) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the stream is not released; it may ask for its last error after a call that failed.
        let message = self.get_last_error.map_or(ptr::null(), |get| unsafe { get(self) });
        Err(Error::new(format!(
            "the Arrow stream failed with code {code}: {}",
            text(message).unwrap_or("no reason")
        )))
    }
}

/// The text that a pointer of the interface points to; None for null, and for what is not UTF-8.
pub(super) fn text<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: strings of the interface end in NUL and live as long as their struct, which the callers hold.
    unsafe { CStr::from_ptr(pointer) }.to_str().ok()
}
