//! Rectangles that the caller owns, cut into lines for the threads to fill.

use super::lanes::{fill, widen};
use crate::rows::RaggedView;
use crate::threads::{self, WORTH_A_THREAD};
use crate::{Error, Result};

/// Something with a part for each row, which can be cut between rows.
pub(super) trait ByRow: Sized + Send {
    /// The part of the first `rows` rows, and the rest.
    fn split_rows(self, rows: usize) -> (Self, Self);
}

/// A rectangle of cells, one line for each row of the batch.
#[derive(Debug)]
pub struct Grid<'a, T> {
    cells: &'a mut [T],
    rows: usize,
    width: usize,
}

impl<'a, T: Copy> Grid<'a, T> {
    /// A rectangle over `rows * width` cells in row-major order.
    pub fn new(cells: &'a mut [T], rows: usize, width: usize) -> Result<Self> {
        if rows.checked_mul(width) != Some(cells.len()) {
            return Err(Error::new(format!("{} cells are not {rows} rows of {width}", cells.len())));
        }
        Ok(Self { cells, rows, width })
    }

    /// Refuses a rectangle that does not have a line for each of `rows` rows, or whose lines are too short.
    pub(super) fn check(&self, name: &str, rows: usize, longest: usize) -> Result<()> {
        if self.rows == rows && self.width >= longest {
            return Ok(());
        }
        Err(Error::new(format!("{} rows of {} for {rows} rows of up to {longest}", self.rows, self.width))
            .at(name))
    }

    /// Writes `row` and then `rest` into the one line that this rectangle has.
    pub(super) fn write(self, row: impl ExactSizeIterator<Item = T>, rest: T) {
        let (filled, padding) = self.cells.split_at_mut(row.len());
        filled.iter_mut().zip(row).for_each(|(cell, value)| *cell = value);
        padding.fill(rest);
    }

    /// The cells of the one line that this rectangle has.
    pub(super) fn line(self) -> &'a mut [T] {
        self.cells
    }
}

impl<'a> Grid<'a, i64> {
    /// Writes so many ones and then zeros into the one line that this rectangle has.
    pub(super) fn write_ones(self, count: usize) {
        let (ones, zeros) = self.cells.split_at_mut(count);
        fill(ones, 1);
        fill(zeros, 0);
    }

    /// Writes `ids` and then `rest` into the one line that this rectangle has, and gives it back.
    pub(super) fn write_ids(self, ids: &[u32], rest: i64) -> &'a mut [i64] {
        let mut line = Writer::new(self.cells);
        line.extend(ids);
        line.finish(rest).1
    }
}

impl<T: Copy + Send> ByRow for Grid<'_, T> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let (first, rest) = self.cells.split_at_mut(rows * self.width);
        (
            Self { cells: first, rows, width: self.width },
            Self { cells: rest, rows: self.rows - rows, width: self.width },
        )
    }
}

/// Values along the ids of ragged rows, as noise is.
#[derive(Debug)]
pub struct AlongIds<'a, T> {
    values: &'a mut [T],
    rows: RaggedView<'a>,
    first_row: usize,
}

impl<'a, T> AlongIds<'a, T> {
    /// One value for each id of `rows`.
    pub fn new(values: &'a mut [T], rows: RaggedView<'a>) -> Result<Self> {
        check_along_ids("noise", values.len(), rows)?;
        Ok(Self { values, rows, first_row: 0 })
    }

    /// All values that are here.
    pub(super) fn values(self) -> &'a mut [T] {
        self.values
    }
}

impl<T: Send> ByRow for AlongIds<'_, T> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let next_row = self.first_row + rows;
        let count = (self.first_row..next_row).map(|row| self.rows.length(row)).sum();
        let (first, rest) = self.values.split_at_mut(count);
        (
            Self { values: first, rows: self.rows, first_row: self.first_row },
            Self { values: rest, rows: self.rows, first_row: next_row },
        )
    }
}

/// Refuses an array that does not have a value for each id.
pub(super) fn check_along_ids(name: &str, length: usize, rows: RaggedView<'_>) -> Result<()> {
    if length == rows.ids().len() {
        return Ok(());
    }
    Err(Error::new(format!("{length} values for {} ids", rows.ids().len()))
        .at(name)
        .advise("noise is flat: one value for each id, row after row"))
}

/// How many ids are copied at once where runs are short.
const BLOCK: usize = 8;

/// A line that is being filled.
pub(super) struct Writer<'a> {
    cells: &'a mut [i64],
    length: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(cells: &'a mut [i64]) -> Self {
        Self { cells, length: 0 }
    }

    pub(super) fn push(&mut self, id: u32) {
        self.cells[self.length] = i64::from(id);
        self.length += 1;
    }

    pub(super) fn extend(&mut self, ids: &[u32]) {
        let cells = &mut self.cells[self.length..self.length + ids.len()];
        widen(ids, cells);
        self.length += ids.len();
    }

    /// Appends the first `count` of `ids`, which may be few, in blocks of equal length: what is written behind them
    /// is written over by what comes next. So spans of any length take the same branches.
    pub(super) fn extend_in_blocks(&mut self, ids: &[u32], count: usize) {
        let blocks = count.div_ceil(BLOCK);
        let cells = &mut self.cells[self.length..];
        if blocks * BLOCK > cells.len().min(ids.len()) {
            return self.extend(&ids[..count]);
        }
        let (cells, ids) = (cells.as_chunks_mut::<BLOCK>().0, ids.as_chunks::<BLOCK>().0);
        for (cells, ids) in cells.iter_mut().zip(ids).take(blocks) {
            cells.iter_mut().zip(ids).for_each(|(cell, &id)| *cell = i64::from(id));
        }
        self.length += count;
    }

    /// Pads the line; gives back its length without padding, and the line.
    pub(super) fn finish(self, pad: i64) -> (usize, &'a mut [i64]) {
        self.cells[self.length..].fill(pad);
        (self.length, self.cells)
    }
}

impl<A: ByRow, B: ByRow> ByRow for (A, B) {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let ((a, a_rest), (b, b_rest)) = (self.0.split_rows(rows), self.1.split_rows(rows));
        ((a, b), (a_rest, b_rest))
    }
}

impl<A: ByRow> ByRow for Option<A> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        self.map(|some| some.split_rows(rows)).unzip()
    }
}

/// Calls `work` with each row's number and its part of `out`, on as many threads as the rows are worth.
pub(super) fn for_each_row<Out: ByRow, State: Send>(
    rows: RaggedView<'_>,
    out: Out,
    num_threads: usize,
    state: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, usize, Out) + Sync,
) -> Result<()> {
    threads::for_each(num_threads, chunks(rows, out), state, |state, (chunk, mut out)| {
        for index in chunk {
            let (line, rest) = out.split_rows(1);
            work(state, index, line);
            out = rest;
        }
        Ok(())
    })
    .map(drop)
}

/// Runs of rows of about the same number of ids, each worth a thread.
fn chunks<Out: ByRow>(rows: RaggedView<'_>, mut out: Out) -> Vec<(std::ops::Range<usize>, Out)> {
    let parts = (rows.ids().len() / WORTH_A_THREAD).max(1);
    let target = rows.ids().len().div_ceil(parts).max(1);
    let (mut begin, mut filled) = (0, 0);
    let mut chunks = Vec::with_capacity(parts);
    for row in 0..rows.len() {
        filled += rows.length(row);
        if filled >= target || row + 1 == rows.len() {
            let (part, rest) = out.split_rows(row + 1 - begin);
            chunks.push((begin..row + 1, part));
            (begin, filled, out) = (row + 1, 0, rest);
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Ragged;

    #[test]
    fn chunks_cover_the_rows_once_and_small_batches_are_one() {
        for (lengths, want) in [
            (vec![], 0),
            (vec![5; 10], 1),
            (vec![WORTH_A_THREAD * 3, 1], 2),
            (vec![1, 1, WORTH_A_THREAD * 2], 1),
            (vec![512; 256], 4),
        ] {
            let mut rows = Ragged::new();
            for &length in &lengths {
                rows.push(&vec![0; length]);
            }
            let mut cells = vec![0_u8; lengths.len()];
            let chunks = chunks(rows.view(), Grid::new(&mut cells, lengths.len(), 1).unwrap());
            assert_eq!(chunks.len(), want, "{lengths:?}");
            let covered: Vec<usize> = chunks.iter().flat_map(|(chunk, _)| chunk.clone()).collect();
            assert_eq!(covered, (0..lengths.len()).collect::<Vec<_>>());
            assert!(chunks.iter().all(|(chunk, grid)| grid.cells.len() == chunk.len()));
        }
    }

    #[test]
    fn padding_fills_the_rest() {
        let mut cells = [7_i64; 4];
        Grid::new(&mut cells, 1, 4).unwrap().write([1, 2].into_iter(), -100);
        assert_eq!(cells, [1, 2, -100, -100]);
    }

    #[test]
    fn rectangles_know_their_shape() {
        let mut cells = [0_i64; 6];
        assert!(Grid::new(&mut cells, 2, 4).is_err());
        let grid = Grid::new(&mut cells, 2, 3).unwrap();
        assert!(grid.check("labels", 2, 3).is_ok());
        assert!(grid.check("labels", 2, 4).is_err());
        assert!(grid.check("labels", 3, 3).is_err());
    }
}
