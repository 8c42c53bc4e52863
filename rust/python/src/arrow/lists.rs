//! Lists of another library as numpy arrays, without a copy.

#![allow(unsafe_code, reason = "numpy is shown memory that another object keeps")]

use std::sync::Arc;

use fastmask_core::{Error, Result};
use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray1};
use pyo3::prelude::*;

use super::array::{Chunk, Plain, Values, chunks, size};
use super::strings::type_name;
use crate::error::to_python;

/// Keeps the memory of a chunk for the arrays that show it.
#[pyclass(frozen, module = "fastmask._rust")]
struct ArrowMemory {
    _chunk: Arc<Chunk>,
}

/// Lists: the name of the column, where each list begins and the last one ends, their values, how many values an item
/// of a list has.
type Lists<'py> = (String, Bound<'py, PyAny>, Bound<'py, PyAny>, usize);

/// The columns of each chunk of a list array, or of a struct of list arrays.
#[pyfunction]
pub(crate) fn arrow_lists<'py>(object: &Bound<'py, PyAny>) -> PyResult<Vec<Vec<Lists<'py>>>> {
    let Some(chunks) = chunks(object)? else {
        let kind = object.get_type();
        return Err(to_python(
            Error::new(format!("{kind} has no Arrow interface"))
                .advise("give an array of pyarrow, polars or another library that speaks Arrow"),
        ));
    };
    let mut first_row = 0;
    let mut read = Vec::new();
    for chunk in chunks {
        let chunk = Arc::new(chunk);
        let reader = Reader::new(object.py(), &chunk, first_row)?;
        read.push(reader.columns()?);
        first_row += chunk.values().map_err(to_python)?.length;
    }
    Ok(read)
}

struct Reader<'a, 'py> {
    chunk: &'a Chunk,
    memory: Bound<'py, ArrowMemory>,
    first_row: usize,
}

impl<'a, 'py> Reader<'a, 'py> {
    fn new(py: Python<'py>, chunk: &'a Arc<Chunk>, first_row: usize) -> PyResult<Self> {
        let memory = Bound::new(py, ArrowMemory { _chunk: Arc::clone(chunk) })?;
        Ok(Self { chunk, memory, first_row })
    }

    fn columns(&self) -> PyResult<Vec<Lists<'py>>> {
        let values = self.chunk.values().map_err(to_python)?;
        if values.format() != "+s" {
            return Ok(vec![self.lists(&values, "ids")?]);
        }
        self.refuse_null(&values).map_err(to_python)?;
        let columns = 0..values.children().map_err(to_python)?;
        columns
            .map(|index| {
                let column = values.child(index).and_then(|child| child.part(values.offset, values.length));
                let column = column.map_err(to_python)?;
                self.lists(&column, column.name())
            })
            .collect()
    }

    fn refuse_null(&self, rows: &Values<'a>) -> Result<()> {
        rows.first_null()?.map_or(Ok(()), |row| {
            Err(Error::new("the row is null")
                .at(format!("row {}", self.first_row + row))
                .advise("leave nulls out, or fill them"))
        })
    }

    fn lists(&self, rows: &Values<'a>, name: &str) -> PyResult<Lists<'py>> {
        self.lists_of(rows, name).map_err(|error| {
            to_python(if name == "ids" { error } else { error.at(format!("column {name:?}")) })
        })
    }

    fn lists_of(&self, rows: &Values<'a>, name: &str) -> Result<Lists<'py>> {
        self.refuse_null(rows)?;
        match (rows.format(), fixed_size(rows.format())) {
            ("+l", _) => self.by_offsets::<i32>(rows, name),
            ("+L", _) => self.by_offsets::<i64>(rows, name),
            (_, Some(width)) => {
                let items = parts_of(rows, width)?;
                let ends: Vec<i64> = (0..=rows.length).map(|row| (row * width) as i64).collect();
                let offsets = PyArray1::from_vec(self.memory.py(), ends).into_any();
                self.with_items(name, offsets, &items, &|item| item / width.max(1))
            }
            (other, _) => Err(Error::new(format!("the rows are {}", type_name(other)))
                .advise("give lists of whole numbers")),
        }
    }

    fn by_offsets<Offset>(&self, rows: &Values<'a>, name: &str) -> Result<Lists<'py>>
    where
        Offset: Plain + Element + Default + TryInto<usize> + std::fmt::Display,
    {
        let starts: &[Offset] = match rows.length {
            0 => &[],
            length => rows.buffer::<Offset>(1, rows.offset, length + 1)?,
        };
        let (first, last) =
            (starts.first().map_or(Ok(0), |&at| size(at))?, starts.last().map_or(Ok(0), |&at| size(at))?);
        // The values before the first row and after the last one are of no interest, nulls in them neither.
        let items = rows.child(0)?.part(first, last.checked_sub(first).ok_or_else(falling)?)?;
        let offsets = match starts {
            [] => PyArray1::from_vec(self.memory.py(), vec![Offset::default()]).into_any(),
            starts => self.shown(starts)?,
        };
        let row_of = |item: usize| {
            starts.partition_point(|&at| size(at).is_ok_and(|at| at <= first + item)).saturating_sub(1)
        };
        self.with_items(name, offsets, &items, &row_of)
    }

    fn with_items(
        &self,
        name: &str,
        offsets: Bound<'py, PyAny>,
        items: &Values<'a>,
        row_of: &dyn Fn(usize) -> usize,
    ) -> Result<Lists<'py>> {
        let null_in = |item: usize| {
            let row = self.first_row + row_of(item);
            Error::new("the row holds a null")
                .at(format!("row {row}"))
                .advise("leave nulls out, or fill them")
        };
        if let Some(item) = items.first_null()? {
            return Err(null_in(item));
        }
        let Some(width) = fixed_size(items.format()) else {
            return Ok((name.to_owned(), offsets, self.numbers(items)?, 1));
        };
        let parts = parts_of(items, width)?;
        match parts.first_null()? {
            Some(part) => Err(null_in(part / width.max(1))),
            None => Ok((name.to_owned(), offsets, self.numbers(&parts)?, width)),
        }
    }

    fn numbers(&self, values: &Values<'a>) -> Result<Bound<'py, PyAny>> {
        match values.format() {
            "c" => self.shown_values::<i8>(values),
            "C" => self.shown_values::<u8>(values),
            "s" => self.shown_values::<i16>(values),
            "S" => self.shown_values::<u16>(values),
            "i" => self.shown_values::<i32>(values),
            "I" => self.shown_values::<u32>(values),
            "l" => self.shown_values::<i64>(values),
            "L" => self.shown_values::<u64>(values),
            // A list without any value may have no type.
            "n" => self.shown::<u32>(&[]),
            other => {
                Err(Error::new(format!("the rows hold {}", type_name(other))).advise("give whole numbers"))
            }
        }
    }

    fn shown_values<T: Plain + Element>(&self, values: &Values<'a>) -> Result<Bound<'py, PyAny>> {
        self.shown(values.buffer::<T>(1, values.offset, values.length)?)
    }

    /// The memory as an array of numpy, which can be read only and keeps the chunk.
    fn shown<T: Element>(&self, values: &'a [T]) -> Result<Bound<'py, PyAny>> {
        let py = self.memory.py();
        if values.is_empty() {
            return Ok(PyArray1::<T>::from_vec(py, Vec::new()).into_any());
        }
        let keeper = self.memory.clone().into_any();
        // SAFETY: the values are the chunk's, which `keeper` keeps; nobody is given a way to write to them.
        let array = unsafe { PyArray1::borrow_from_array(&ArrayView1::from(values), keeper) };
        array.call_method1("setflags", (false,)).map_err(|error| Error::new(error.to_string()))?;
        Ok(array.into_any())
    }
}

/// What lists of a fixed size hold.
fn parts_of<'a>(lists: &Values<'a>, width: usize) -> Result<Values<'a>> {
    let range = lists.offset.checked_mul(width).zip(lists.length.checked_mul(width));
    let (start, length) = range.ok_or_else(|| Error::new("the Arrow lists are too long"))?;
    lists.child(0)?.part(start, length)
}

fn falling() -> Error {
    Error::new("the offsets of the Arrow lists do not rise")
}

/// The size of the lists of a type that fixes it.
fn fixed_size(format: &str) -> Option<usize> {
    format.strip_prefix("+w:")?.parse().ok()
}
