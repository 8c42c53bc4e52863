//! Rows of different lengths in two flat arrays: the currency between stages.

use crate::{Error, Result};

/// Owned rows: `ids` one after the other, row `i` at `offsets[i]..offsets[i + 1]`.
///
/// ```
/// use fastmask_core::rows::Ragged;
/// let mut rows = Ragged::new();
/// rows.push(&[1, 2]);
/// rows.push(&[]);
/// rows.push(&[3]);
/// assert_eq!(rows.offsets, [0, 2, 2, 3]);
/// assert_eq!(rows.view().row(0), [1, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ragged {
    /// The ids of all rows.
    pub ids: Vec<u32>,
    /// Where each row begins, and at last the number of ids.
    pub offsets: Vec<i64>,
}

impl Default for Ragged {
    fn default() -> Self {
        Self::new()
    }
}

impl Ragged {
    /// No rows.
    pub fn new() -> Self {
        Self { ids: Vec::new(), offsets: vec![0] }
    }

    /// Appends a row.
    pub fn push(&mut self, row: &[u32]) {
        self.ids.extend_from_slice(row);
        self.close_row();
    }

    /// Ends a row whose ids were appended to `ids` already.
    pub fn close_row(&mut self) {
        self.offsets.push(self.ids.len() as i64);
    }

    /// Appends all rows of `other`.
    pub fn append(&mut self, other: &Self) {
        let base = self.ids.len() as i64;
        self.ids.extend_from_slice(&other.ids);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
    }

    /// Borrows the rows.
    pub fn view(&self) -> RaggedView<'_> {
        RaggedView { ids: &self.ids, offsets: &self.offsets }
    }
}

/// Whether all ids are below `vocab_size`.
///
/// One pass that compilers vectorise, as they do not `max`; who must name the culprit looks for it only when there is one.
pub(crate) fn all_below(ids: &[u32], vocab_size: u32) -> bool {
    ids.is_empty() || ids.iter().fold(0, |highest, &id| highest.max(id)) < vocab_size
}

/// Borrowed rows, checked: offsets begin at 0, never fall, and end at the number of ids.
#[derive(Debug, Clone, Copy)]
pub struct RaggedView<'a> {
    ids: &'a [u32],
    offsets: &'a [i64],
}

impl<'a> RaggedView<'a> {
    /// Borrows rows from flat arrays.
    pub fn new(ids: &'a [u32], offsets: &'a [i64]) -> Result<Self> {
        let whole = offsets.first() == Some(&0) && offsets.last() == Some(&(ids.len() as i64));
        if !whole {
            return Err(Error::new(format!(
                "offsets run from {:?} to {:?} over {} ids",
                offsets.first(),
                offsets.last(),
                ids.len()
            ))
            .advise("offsets begin at 0 and end at the number of ids"));
        }
        if let Some(row) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(Error::new("offsets fall").at(format!("row {row}")).advise("offsets never decrease"));
        }
        Ok(Self { ids, offsets })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ids, row after row.
    pub fn ids(&self) -> &'a [u32] {
        self.ids
    }

    /// Where row `index` lies in `ids`.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        self.offsets[index] as usize..self.offsets[index + 1] as usize
    }

    /// The ids of row `index`.
    pub fn row(&self, index: usize) -> &'a [u32] {
        &self.ids[self.range(index)]
    }

    /// The length of row `index`.
    pub fn length(&self, index: usize) -> usize {
        self.range(index).len()
    }

    /// The rows of these numbers, in this order; `along` is what lies along the ids, in the same order.
    pub fn in_order(&self, numbers: &[i64], along: Option<&[i32]>) -> Result<(Ragged, Option<Vec<i32>>)> {
        let count = self.len();
        if let Some(number) = numbers.iter().find(|&&number| number < 0 || number as usize >= count) {
            return Err(Error::new(format!("there is no row {number} among {count}")));
        }
        let ranges = || numbers.iter().map(|&number| self.range(number as usize));
        let length = ranges().map(|range| range.len()).sum();
        let mut rows =
            Ragged { ids: Vec::with_capacity(length), offsets: Vec::with_capacity(numbers.len() + 1) };
        rows.offsets.push(0);
        ranges().for_each(|range| rows.push(&self.ids[range]));
        let along = along.map(|along| ranges().flat_map(|range| along[range].iter().copied()).collect());
        Ok((rows, along))
    }

    /// The length of the longest row; 0 without rows.
    pub fn longest(&self) -> usize {
        (0..self.len()).map(|index| self.length(index)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_check_their_offsets() {
        let cases: [(&[u32], &[i64], bool); 6] = [
            (&[], &[0], true),
            (&[5], &[0, 0, 1], true),
            (&[5], &[], false),
            (&[5], &[0], false),
            (&[5], &[1, 1], false),
            (&[5, 6], &[0, 2, 1, 2], false),
        ];
        for (ids, offsets, fine) in cases {
            assert_eq!(RaggedView::new(ids, offsets).is_ok(), fine, "{ids:?} {offsets:?}");
        }
    }

    #[test]
    fn rows_come_in_any_order() {
        let offsets = [0, 2, 2, 3];
        let rows = RaggedView::new(&[5, 6, 7], &offsets).unwrap();
        let (chosen, along) = rows.in_order(&[2, 0, 1, 2], Some(&[1, 2, 1])).unwrap();
        assert_eq!((chosen.ids, chosen.offsets), (vec![7, 5, 6, 7], vec![0, 1, 3, 3, 4]));
        assert_eq!(along, Some(vec![1, 1, 2, 1]));
        assert!(rows.in_order(&[3], None).is_err());
        assert!(rows.in_order(&[-1], None).is_err());
    }

    #[test]
    fn appending_keeps_the_rows() {
        let mut rows = Ragged::new();
        rows.push(&[1]);
        let mut more = Ragged::new();
        more.push(&[2, 3]);
        more.push(&[]);
        rows.append(&more);
        assert_eq!(
            (0..3).map(|index| rows.view().row(index).to_vec()).collect::<Vec<_>>(),
            [vec![1], vec![2, 3], vec![]]
        );
    }
}
