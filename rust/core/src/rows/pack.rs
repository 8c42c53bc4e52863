//! Documents to rows: which stretch of which document makes up which row.
//!
//! Nothing is stored but what the offsets of the documents do not say themselves, so any row of any corpus is
//! found in O(log documents), in any order, on any rank.

use crate::{Error, Result};

/// How documents become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// All documents, one after the other, are cut into rows of equal length: no padding but in the last row.
    Concat,
    /// A row holds one document; a longer one is cut into several rows.
    None,
}

/// A stretch of a document. Positions behind its last token are its separator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Which document.
    pub document: usize,
    /// Where the stretch begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// The rows of a corpus.
///
/// ```
/// use fastmask_core::rows::{Packing, RowPlan};
/// // Documents of 3 and 4 tokens, each followed by one separator, in rows of 5.
/// let plan = RowPlan::new(vec![0, 3, 7], 1, 5, Packing::Concat)?;
/// let rows: Vec<_> = (0..plan.len()).map(|row| plan.pieces(row).map(|p| (p.document, p.start, p.end)).collect::<Vec<_>>()).collect();
/// assert_eq!(rows, [vec![(0, 0, 4), (1, 0, 1)], vec![(1, 1, 5)]]);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RowPlan {
    offsets: Vec<i64>,
    separator_length: usize,
    row_length: usize,
    /// Without packing: the first row of each document, and at last the number of rows.
    first_rows: Option<Vec<usize>>,
}

impl RowPlan {
    /// Plans rows of at most `row_length` tokens over documents that lie at `offsets[i]..offsets[i + 1]`, each
    /// followed by `separator_length` tokens more.
    pub fn new(
        offsets: Vec<i64>,
        separator_length: usize,
        row_length: usize,
        packing: Packing,
    ) -> Result<Self> {
        if row_length == 0 {
            return Err(Error::new("there is no room for a token in a row")
                .advise("give a seq_length above the number of tokens that frame a row"));
        }
        let mut plan = Self { offsets, separator_length, row_length, first_rows: None };
        plan.first_rows = (packing == Packing::None).then(|| plan.count_rows());
        Ok(plan)
    }

    fn count_rows(&self) -> Vec<usize> {
        let mut rows = 0;
        let counts = (0..self.documents()).map(|document| self.length(document).div_ceil(self.row_length));
        let starts = counts.map(|count| {
            rows += count;
            rows
        });
        std::iter::once(0).chain(starts).collect()
    }

    /// The offsets of the documents.
    pub fn offsets(&self) -> &[i64] {
        &self.offsets
    }

    fn documents(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Where a document begins in the stream of all of them with their separators.
    fn stream_start(&self, document: usize) -> usize {
        self.offsets[document] as usize + document * self.separator_length
    }

    fn length(&self, document: usize) -> usize {
        self.stream_start(document + 1) - self.stream_start(document)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.first_rows {
            Some(first_rows) => first_rows.last().copied().unwrap_or(0),
            None => self.stream_length().div_ceil(self.row_length),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn stream_length(&self) -> usize {
        if self.offsets.is_empty() { 0 } else { self.stream_start(self.documents()) }
    }

    /// The pieces of row `row`, which is below [`Self::len`], none of them empty.
    pub fn pieces(&self, row: usize) -> impl Iterator<Item = Piece> {
        let (first, start, end) = if let Some(first_rows) = &self.first_rows {
            let document = first_rows.partition_point(|&first| first <= row) - 1;
            let start = self.stream_start(document) + (row - first_rows[document]) * self.row_length;
            (document, start, self.stream_start(document + 1))
        } else {
            let start = row * self.row_length;
            (self.document_at(start), start, self.stream_length())
        };
        let end = end.min(start + self.row_length);
        (first..self.documents())
            .map_while(move |document| {
                let here = self.stream_start(document);
                (here < end).then(|| Piece {
                    document,
                    start: start.saturating_sub(here),
                    end: (end - here).min(self.length(document)),
                })
            })
            .filter(|piece| piece.start < piece.end)
    }

    /// The last document that begins at or before a place in the stream.
    fn document_at(&self, place: usize) -> usize {
        let (mut low, mut high) = (0, self.documents());
        while low < high {
            let middle = low.midpoint(high);
            if self.stream_start(middle) <= place { low = middle + 1 } else { high = middle }
        }
        low.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(plan: &RowPlan) -> Vec<Vec<Piece>> {
        (0..plan.len()).map(|row| plan.pieces(row).collect()).collect()
    }

    #[test]
    fn no_document_is_no_row() {
        for packing in [Packing::Concat, Packing::None] {
            assert!(RowPlan::new(vec![0], 1, 4, packing).unwrap().is_empty());
            assert!(RowPlan::new(vec![], 1, 4, packing).unwrap().is_empty());
            assert!(RowPlan::new(vec![0, 1], 1, 0, packing).is_err());
        }
    }

    #[test]
    fn without_packing_a_row_never_holds_two_documents() {
        let plan = RowPlan::new(vec![0, 3, 3, 7], 0, 3, Packing::None).unwrap();
        let piece = |document, start, end| vec![Piece { document, start, end }];
        assert_eq!(rows(&plan), [piece(0, 0, 3), piece(2, 0, 3), piece(2, 3, 4)]);
    }

    proptest! {
        #[test]
        fn rows_hold_every_token_once_and_in_order(
            lengths in proptest::collection::vec(0_i64..9, 0..12),
            separator in 0_usize..3,
            row_length in 1_usize..8,
            concat in any::<bool>(),
        ) {
            let mut offsets = vec![0];
            for length in &lengths {
                offsets.push(offsets.last().unwrap() + length);
            }
            let packing = if concat { Packing::Concat } else { Packing::None };
            let plan = RowPlan::new(offsets, separator, row_length, packing).unwrap();
            let all = rows(&plan);
            let tokens: Vec<(usize, usize)> =
                all.iter().flatten().flat_map(|piece| (piece.start..piece.end).map(|at| (piece.document, at))).collect();
            let want: Vec<(usize, usize)> = lengths.iter().enumerate()
                .flat_map(|(document, &length)| (0..length as usize + separator).map(move |at| (document, at))).collect();
            prop_assert_eq!(tokens, want);
            for (number, row) in all.iter().enumerate() {
                let length: usize = row.iter().map(|piece| piece.end - piece.start).sum();
                prop_assert!(length > 0 && length <= row_length);
                prop_assert!(!concat || number + 1 == all.len() || length == row_length);
                prop_assert!(concat || row.len() == 1);
            }
        }
    }
}
