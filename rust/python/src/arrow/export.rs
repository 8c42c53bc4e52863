//! Rows for other libraries: `large_list<uint32>`, or a struct of lists where there is more than ids.

#![allow(unsafe_code, reason = "another library releases what is exported, through C callbacks")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use numpy::ndarray::Dimension;
use numpy::{Element, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use super::c_data::{ArrowArray, ArrowArrayStream, ArrowSchema, Carried, capsule};
use crate::arrays::contiguous;

/// The columns of `fastmask.Ragged`: ids, spans, word ids and type ids.
type Columns<'py> = (
    PyReadonlyArray1<'py, u32>,
    Option<PyReadonlyArray2<'py, i64>>,
    Option<PyReadonlyArray1<'py, i32>>,
    Option<PyReadonlyArray1<'py, u32>>,
);

/// The type of rows with these columns.
#[pyfunction]
pub(crate) fn arrow_schema<'py>(py: Python<'py>, columns: Columns<'py>) -> PyResult<Bound<'py, PyAny>> {
    capsule(py, schema_of_rows(&kinds(&shown(&columns)?)))
}

/// Rows with these columns; numpy's memory itself, kept alive until it is released.
#[pyfunction]
pub(crate) fn arrow_array<'py>(
    py: Python<'py>,
    offsets: PyReadonlyArray1<'py, i64>,
    columns: Columns<'py>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let columns = shown(&columns)?;
    Ok((capsule(py, schema_of_rows(&kinds(&columns)))?, capsule(py, array_of_rows(py, &offsets, &columns)?)?))
}

/// The same as a stream of one array.
#[pyfunction]
pub(crate) fn arrow_stream<'py>(
    py: Python<'py>,
    offsets: PyReadonlyArray1<'py, i64>,
    columns: Columns<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let columns = shown(&columns)?;
    let left =
        Box::new(Left { columns: kinds(&columns), array: Some(array_of_rows(py, &offsets, &columns)?) });
    let stream = ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release_stream),
        private_data: Box::into_raw(left).cast(),
    };
    capsule(py, stream)
}

/// The name and type of a column.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static CStr,
    format: &'static CStr,
    /// Whether an item is two values.
    pairs: bool,
}

/// A column: where its values lie, and what keeps them there.
struct Column {
    kind: Kind,
    memory: *const c_void,
    values: usize,
    keeper: Py<PyAny>,
}

fn kinds(columns: &[Column]) -> Vec<Kind> {
    columns.iter().map(|column| column.kind).collect()
}

fn shown(columns: &Columns<'_>) -> PyResult<Vec<Column>> {
    let (ids, spans, word_ids, type_ids) = columns;
    let kind = |name, format, pairs| Kind { name, format, pairs };
    let mut shown = vec![column(kind(c"ids", c"I", false), ids)?];
    if let Some(spans) = spans {
        shown.push(column(kind(c"spans", c"l", true), spans)?);
    }
    if let Some(word_ids) = word_ids {
        shown.push(column(kind(c"word_ids", c"i", false), word_ids)?);
    }
    if let Some(type_ids) = type_ids {
        shown.push(column(kind(c"type_ids", c"I", false), type_ids)?);
    }
    Ok(shown)
}

fn column<T: Element, D: Dimension>(kind: Kind, array: &PyReadonlyArray<'_, T, D>) -> PyResult<Column> {
    let values = contiguous(array, "the array")?;
    let keeper = array.as_any().clone().unbind();
    Ok(Column { kind, memory: values.as_ptr().cast(), values: values.len(), keeper })
}

// -- schemas ---------------------------------------------------------------------------------------------------------

const NULLABLE: i64 = 2;

fn schema(format: &'static CStr, name: &'static CStr, children: Vec<ArrowSchema>) -> ArrowSchema {
    let mut children: Vec<*mut ArrowSchema> =
        children.into_iter().map(|child| Box::into_raw(Box::new(child))).collect();
    ArrowSchema {
        format: format.as_ptr(),
        name: name.as_ptr(),
        metadata: ptr::null(),
        flags: NULLABLE,
        n_children: children.len() as i64,
        children: children.as_mut_ptr(),
        dictionary: ptr::null_mut(),
        release: Some(release_schema),
        private_data: Box::into_raw(Box::new(Children(children))).cast(),
    }
}

fn schema_of_rows(columns: &[Kind]) -> ArrowSchema {
    let list = |kind: Kind, name| {
        let value = schema(kind.format, c"item", Vec::new());
        let item = if kind.pairs { schema(c"+w:2", c"item", vec![value]) } else { value };
        schema(c"+L", name, vec![item])
    };
    match *columns {
        [ids] => list(ids, c""),
        ref columns => schema(c"+s", c"", columns.iter().map(|&column| list(column, column.name)).collect()),
    }
}

/// Children in boxes of their own: a consumer may take one and leave the rest.
struct Children<T>(Vec<*mut T>);

impl<T> Drop for Children<T> {
    fn drop(&mut self) {
        for &child in &self.0 {
            // SAFETY: made by `Box::into_raw`, and freed here alone. Dropping releases what nobody took.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    // SAFETY: called once, with a schema that `schema` made, or with one that it was moved to.
    unsafe {
        drop(Box::from_raw((*schema).private_data.cast::<Children<ArrowSchema>>()));
        (*schema).release = None;
    }
}

// -- arrays ----------------------------------------------------------------------------------------------------------

/// What an exported array needs until it is released.
struct Kept {
    buffers: Vec<*const c_void>,
    _children: Children<ArrowArray>,
    keeper: Option<Py<PyAny>>,
}

fn array(
    length: usize,
    buffers: Vec<*const c_void>,
    children: Vec<ArrowArray>,
    keeper: Option<Py<PyAny>>,
) -> ArrowArray {
    let mut children: Vec<*mut ArrowArray> =
        children.into_iter().map(|child| Box::into_raw(Box::new(child))).collect();
    let child_pointers = children.as_mut_ptr();
    let n_children = children.len() as i64;
    let mut kept = Box::new(Kept { buffers, _children: Children(children), keeper });
    ArrowArray {
        length: length as i64,
        null_count: 0,
        offset: 0,
        n_buffers: kept.buffers.len() as i64,
        n_children,
        buffers: kept.buffers.as_mut_ptr(),
        children: child_pointers,
        dictionary: ptr::null_mut(),
        release: Some(release_array),
        private_data: Box::into_raw(kept).cast(),
    }
}

fn array_of_rows(
    py: Python<'_>,
    offsets: &PyReadonlyArray1<'_, i64>,
    columns: &[Column],
) -> PyResult<ArrowArray> {
    let starts = contiguous(offsets, "offsets")?;
    let rows = starts.len().saturating_sub(1);
    let list = |column: &Column| {
        let items = if column.kind.pairs { column.values / 2 } else { column.values };
        let keeper = Some(column.keeper.clone_ref(py));
        let values = array(column.values, vec![ptr::null(), column.memory], Vec::new(), keeper);
        let items =
            if column.kind.pairs { array(items, vec![ptr::null()], vec![values], None) } else { values };
        let keeper = Some(offsets.as_any().clone().unbind());
        array(rows, vec![ptr::null(), starts.as_ptr().cast()], vec![items], keeper)
    };
    Ok(match columns {
        [ids] => list(ids),
        _ => array(rows, vec![ptr::null()], columns.iter().map(list).collect(), None),
    })
}

unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    // SAFETY: called once, with an array that `array` made, or with one that it was moved to.
    let kept = unsafe {
        (*array).release = None;
        Box::from_raw((*array).private_data.cast::<Kept>())
    };
    // Any thread may release, and a `Py` that is dropped by one without the GIL lives until the next call into this
    // module; numpy's memory goes now. Where Python itself is gone, it goes with the process.
    Python::try_attach(|_| drop(kept.keeper));
}

// -- streams ---------------------------------------------------------------------------------------------------------

/// What a stream has still to give.
struct Left {
    columns: Vec<Kind>,
    array: Option<ArrowArray>,
}

unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
    // SAFETY: the stream is one of `arrow_stream` and not released; `out` is room for a schema.
    unsafe {
        let left = &*(*stream).private_data.cast::<Left>();
        out.write(schema_of_rows(&left.columns));
    }
    0
}

unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, out: *mut ArrowArray) -> c_int {
    // SAFETY: the stream is one of `arrow_stream` and not released; `out` is room for an array.
    unsafe {
        let left = &mut *(*stream).private_data.cast::<Left>();
        out.write(left.array.take().unwrap_or_else(ArrowArray::released));
    }
    0
}

unsafe extern "C" fn get_last_error(_stream: *mut ArrowArrayStream) -> *const c_char {
    ptr::null()
}

unsafe extern "C" fn release_stream(stream: *mut ArrowArrayStream) {
    // SAFETY: called once, with a stream of `arrow_stream`, or with one that it was moved to.
    unsafe {
        drop(Box::from_raw((*stream).private_data.cast::<Left>()));
        (*stream).release = None;
    }
}
