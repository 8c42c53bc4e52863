//! Arrays in memory that was written before.
//!
//! The first write to a fresh page costs the system more than all that an objective does with it: filling fresh arrays
//! takes several times as long as filling warm ones. So the memory of an array comes back here when its last view is
//! dropped, and the next array of about its size gets it.

use std::sync::{Mutex, MutexGuard};

use numpy::ndarray::ArrayView2;
use numpy::{Element, PyArray2};
use pyo3::prelude::*;

/// Memory that waits for its next use.
static WAITING: Mutex<Waiting> = Mutex::new(Waiting { blocks: Vec::new(), words: 0 });

/// No more than this waits, in words of eight bytes: 256 MiB.
const MOST_WORDS: usize = 1 << 25;
/// A smaller array comes from pages that the allocator has warm already.
const WORTH_KEEPING: usize = 1 << 12;

struct Waiting {
    blocks: Vec<Vec<i64>>,
    words: usize,
}

impl Waiting {
    /// The smallest block that has room, unless it is twice as large as asked for.
    fn take(&mut self, words: usize) -> Option<Vec<i64>> {
        let fits = |block: &Vec<i64>| (words..=2 * words).contains(&block.len());
        let blocks = self.blocks.iter().enumerate().filter(|(_, block)| fits(block));
        let (index, _) = blocks.min_by_key(|(_, block)| block.len())?;
        let block = self.blocks.swap_remove(index);
        self.words -= block.len();
        Some(block)
    }

    fn give_back(&mut self, block: Vec<i64>) {
        if self.words + block.len() <= MOST_WORDS {
            self.words += block.len();
            self.blocks.push(block);
        }
    }
}

/// The lock is asked for once: a process that was forked while another thread held it would wait for ever.
fn waiting() -> Option<MutexGuard<'static, Waiting>> {
    WAITING.try_lock().ok()
}

/// Keeps the memory of an array, and gives it back when no view of it is left.
#[pyclass(frozen)]
struct Keeper(Vec<i64>);

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(mut waiting) = waiting() {
            waiting.give_back(std::mem::take(&mut self.0));
        }
    }
}

/// An array to be filled, of int64 or, with `narrow`, of int32; it holds anything.
#[pyfunction]
pub(crate) fn warm_array(
    py: Python<'_>,
    rows: usize,
    width: usize,
    narrow: bool,
) -> PyResult<Bound<'_, PyAny>> {
    let cells = rows.saturating_mul(width);
    let words = if narrow { cells.div_ceil(2) } else { cells };
    Ok(if words < WORTH_KEEPING {
        if narrow { fresh::<i32>(py, rows, width) } else { fresh::<i64>(py, rows, width) }
    } else {
        let block = waiting().and_then(|mut waiting| waiting.take(words)).map_or_else(|| zeros(words), Ok)?;
        if narrow { kept::<i32>(py, block, rows, width)? } else { kept::<i64>(py, block, rows, width)? }
    })
}

fn fresh<T: Element>(py: Python<'_>, rows: usize, width: usize) -> Bound<'_, PyAny> {
    PyArray2::<T>::zeros(py, [rows, width], false).into_any()
}

/// Memory that the system gives with zeros in it when it is first written.
fn zeros(words: usize) -> PyResult<Vec<i64>> {
    let mut block = Vec::new();
    block
        .try_reserve_exact(words)
        .map_err(|error| pyo3::exceptions::PyMemoryError::new_err(error.to_string()))?;
    block.resize(words, 0);
    Ok(block)
}

#[expect(unsafe_code, reason = "numpy is shown memory that another object keeps")]
fn kept<T: Element>(
    py: Python<'_>,
    mut block: Vec<i64>,
    rows: usize,
    width: usize,
) -> PyResult<Bound<'_, PyAny>> {
    let start = block.as_mut_ptr().cast::<T>();
    let keeper = Bound::new(py, Keeper(block))?.into_any();
    // SAFETY: the block has room for so many cells, aligned for eight bytes, each of which may hold anything; nobody but
    // the array uses it until the keeper, which the array holds, is dropped, and a vector that is moved keeps its place.
    unsafe {
        let cells = ArrayView2::from_shape_ptr([rows, width], start.cast_const());
        Ok(PyArray2::borrow_from_array(&cells, keeper).into_any())
    }
}
