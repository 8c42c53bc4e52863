//! The documents of rows: where they lie, and values along them, as the noise of some objectives is.

use std::ops::Range;

use super::Batch;
use super::grid::ByRow;
use crate::{Error, Result};

/// How many documents there are before each row; a row that is not packed is one document, even without a token.
#[derive(Debug, Clone)]
pub struct Documents {
    /// One for each row, and at last the number of all documents.
    before: Vec<usize>,
}

impl Documents {
    /// Counts the documents of a batch.
    pub fn of(batch: &Batch<'_>) -> Self {
        // Documents are numbered 1, 2, 3, ..., so the last number of a row is how many it has.
        let count = |segments: &[i32]| segments.last().map_or(0, |&last| last as usize);
        let mut all = 0;
        let before = (0..batch.rows().len()).map(|row| {
            all += batch.segments(row).map_or(1, count);
            all
        });
        Self { before: std::iter::once(0).chain(before).collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.before.last().copied().unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The documents of row `row` among all.
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        self.before[row]..self.before[row + 1]
    }

    /// Refuses an array that does not have a value for each document.
    pub(super) fn check(&self, name: &str, length: usize) -> Result<()> {
        if length == self.len() {
            return Ok(());
        }
        Err(Error::new(format!("{length} values for {} documents", self.len()))
            .at(name)
            .advise("give one value for each row; of packed rows one for each document, in their order"))
    }
}

/// Where the documents of a row of `tokens` lie in it.
pub(super) fn stretches(tokens: usize, segments: Option<&[i32]>) -> impl Iterator<Item = Range<usize>> {
    let whole = segments.is_none().then_some(0..tokens);
    let parts = segments.unwrap_or_default().chunk_by(|one, next| one == next);
    whole.into_iter().chain(parts.scan(0, |end, part| {
        let begin = *end;
        *end += part.len();
        Some(begin..*end)
    }))
}

/// Values along the documents of rows.
#[derive(Debug)]
pub struct AlongDocuments<'a, T> {
    values: &'a mut [T],
    documents: &'a Documents,
    first_row: usize,
}

impl<'a, T> AlongDocuments<'a, T> {
    /// One value for each document.
    pub fn new(values: &'a mut [T], documents: &'a Documents) -> Result<Self> {
        documents.check("noise", values.len())?;
        Ok(Self { values, documents, first_row: 0 })
    }

    /// All values that are here.
    pub(super) fn values(self) -> &'a mut [T] {
        self.values
    }
}

impl<T: Send> ByRow for AlongDocuments<'_, T> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let next_row = self.first_row + rows;
        let count = self.documents.before[next_row] - self.documents.before[self.first_row];
        let (first, rest) = self.values.split_at_mut(count);
        (
            Self { values: first, documents: self.documents, first_row: self.first_row },
            Self { values: rest, documents: self.documents, first_row: next_row },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::RaggedView;

    #[test]
    fn documents_are_counted_and_found() {
        let offsets = [0, 4, 4, 5];
        let rows = RaggedView::new(&[9; 5], &offsets).unwrap();
        let packed = Batch::new(rows, Some(&[1, 1, 2, 3, 1])).unwrap();
        let documents = Documents::of(&packed);
        assert_eq!((documents.len(), documents.range(0), documents.range(1)), (4, 0..3, 3..3));
        assert_eq!(stretches(4, packed.segments(0)).collect::<Vec<_>>(), [0..2, 2..3, 3..4]);
        assert_eq!(stretches(0, packed.segments(1)).count(), 0);
        let alone = Batch::new(rows, None).unwrap();
        assert_eq!(Documents::of(&alone).len(), 3);
        assert!(stretches(4, None).eq(std::iter::once(0..4)));
        assert!(stretches(0, None).eq(std::iter::once(0..0)));
    }

    #[test]
    fn values_are_cut_between_rows() {
        let offsets = [0, 2, 2, 4];
        let rows = RaggedView::new(&[9; 4], &offsets).unwrap();
        let documents = Documents::of(&Batch::new(rows, Some(&[1, 2, 1, 1])).unwrap());
        let mut values = [1, 2, 3];
        assert!(AlongDocuments::new(&mut values[..2], &documents).is_err());
        let (first, rest) = AlongDocuments::new(&mut values, &documents).unwrap().split_rows(1);
        let (second, third) = rest.split_rows(1);
        assert_eq!(
            (first.values(), second.values(), third.values()),
            (&mut [1, 2][..], &mut [][..], &mut [3][..])
        );
    }
}
