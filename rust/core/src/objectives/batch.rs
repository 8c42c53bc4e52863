//! What goes into an objective: rows, the documents in them, and the names of their draws.

use crate::random::{Draws, Key, Stream};
use crate::rows::{RaggedView, all_below};
use crate::{Error, Result};

/// Rows, packed or not.
///
/// Packed rows carry, along the ids, the number of the document that each id belongs to: 1 for the first document
/// of a row, one more for each further one.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    rows: RaggedView<'a>,
    segments: Option<&'a [i32]>,
    types: Option<&'a [u32]>,
}

/// What is known of the tokens of a row beside their ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct Columns<'a> {
    /// The number of each token's document, where the row is packed.
    pub segments: Option<&'a [i32]>,
    /// Which text of a pair each token is of, where that is known.
    pub types: Option<&'a [u32]>,
}

impl<'a> Batch<'a> {
    /// A batch; the document numbers are checked.
    pub fn new(rows: RaggedView<'a>, segments: Option<&'a [i32]>) -> Result<Self> {
        if let Some(segments) = segments {
            check_segments(rows, segments)?;
        }
        Ok(Self { rows, segments, types: None })
    }

    /// The same batch, whose ids are of these texts of a pair.
    pub fn with_types(self, types: &'a [u32]) -> Result<Self> {
        if types.len() != self.rows.ids().len() {
            return Err(Error::new(format!("{} type ids for {} ids", types.len(), self.rows.ids().len()))
                .advise("give one type for each id"));
        }
        Ok(Self { types: Some(types), ..self })
    }

    /// The rows.
    pub fn rows(&self) -> RaggedView<'a> {
        self.rows
    }

    /// What is known of the tokens of row `index` beside their ids.
    pub fn columns(&self, index: usize) -> Columns<'a> {
        let here = self.rows.range(index);
        Columns {
            segments: self.segments.map(|segments| &segments[here.clone()]),
            types: self.types.map(|types| &types[here]),
        }
    }

    /// The document numbers of all rows, where the rows are packed.
    pub fn all_segments(&self) -> Option<&'a [i32]> {
        self.segments
    }

    /// The document numbers of row `index`, where the rows are packed.
    pub fn segments(&self, index: usize) -> Option<&'a [i32]> {
        self.columns(index).segments
    }

    /// Whether rows may hold several documents.
    pub fn is_packed(&self) -> bool {
        self.segments.is_some()
    }

    /// Refuses ids outside the vocabulary and rows longer than `max_length`.
    pub fn check(&self, vocab_size: u32, max_length: Option<usize>) -> Result<()> {
        if let Some(limit) = max_length
            && let Some(row) = (0..self.rows.len()).find(|&row| self.rows.length(row) > limit)
        {
            return Err(Error::new(format!("{} ids and max_length is {limit}", self.rows.length(row)))
                .at(format!("row {row}"))
                .advise("cut the rows to at most max_length ids first"));
        }
        if all_below(self.rows.ids(), vocab_size) { Ok(()) } else { Err(self.foreign_id(vocab_size)) }
    }

    fn foreign_id(&self, vocab_size: u32) -> Error {
        let (row, position, id) = (0..self.rows.len())
            .find_map(|row| {
                let ids = self.rows.row(row);
                let position = ids.iter().position(|&id| id >= vocab_size)?;
                Some((row, position, ids[position]))
            })
            .unwrap_or_default();
        Error::new(format!("token id {id} is outside the vocabulary of {vocab_size}"))
            .at(format!("row {row}, position {position}"))
            .advise("use the tokenizer that made the ids, or give the right vocab_size")
    }
}

fn check_segments(rows: RaggedView<'_>, segments: &[i32]) -> Result<()> {
    if segments.len() != rows.ids().len() {
        return Err(Error::new(format!("{} segments for {} ids", segments.len(), rows.ids().len()))
            .advise("give one document number for each id"));
    }
    for row in 0..rows.len() {
        let mut before = 0;
        for (position, &segment) in segments[rows.range(row)].iter().enumerate() {
            let starts_or_goes_on = segment == before + 1 || (segment == before && position > 0);
            if !starts_or_goes_on {
                return Err(Error::new(format!("segment {segment} after {before}"))
                    .at(format!("row {row}, position {position}"))
                    .advise("documents of a row are numbered 1, 2, 3, ... in their order"));
            }
            before = segment;
        }
    }
    Ok(())
}

/// Which draws belong to which row.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    key: Key,
    ids: Option<&'a [u64]>,
}

impl<'a> Samples<'a> {
    /// Rows are samples `ids[0]`, `ids[1]`, ...; without ids they are samples 0, 1, 2, ...
    pub fn new(key: Key, ids: Option<&'a [u64]>, rows: RaggedView<'_>) -> Result<Self> {
        Self::of(key, ids, rows.len())
    }

    /// The same for `count` rows, or texts.
    pub fn of(key: Key, ids: Option<&'a [u64]>, count: usize) -> Result<Self> {
        match ids {
            Some(ids) if ids.len() != count => {
                Err(Error::new(format!("{} sample_ids for {count} rows", ids.len()))
                    .advise("give one sample id for each row"))
            }
            _ => Ok(Self { key, ids }),
        }
    }

    /// The draws of a stream for row `index`.
    pub fn draws(&self, index: usize, stream: Stream) -> Draws {
        self.key.draws(self.ids.map_or(index as u64, |ids| ids[index]), stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_number_the_documents_of_each_row() {
        let offsets = [0, 3, 3, 5];
        let rows = RaggedView::new(&[9; 5], &offsets).unwrap();
        let cases: [(&[i32], bool); 8] = [
            (&[1, 1, 2, 1, 1], true),
            (&[1, 2, 3, 1, 2], true),
            (&[1, 1, 2, 1], false),
            (&[0, 1, 2, 1, 1], false),
            (&[2, 2, 2, 1, 1], false),
            (&[1, 3, 3, 1, 1], false),
            (&[1, 2, 1, 1, 1], false),
            (&[1, 1, 1, 0, 0], false),
        ];
        for (segments, fine) in cases {
            assert_eq!(Batch::new(rows, Some(segments)).is_ok(), fine, "{segments:?}");
        }
    }

    #[test]
    fn types_lie_along_the_ids() {
        let offsets = [0, 3, 3, 5];
        let batch = Batch::new(RaggedView::new(&[9; 5], &offsets).unwrap(), None).unwrap();
        assert!(batch.with_types(&[0, 1, 1, 0]).is_err());
        let batch = batch.with_types(&[0, 1, 1, 0, 1]).unwrap();
        assert_eq!([0, 1, 2].map(|row| batch.columns(row).types.unwrap()), [&[0, 1, 1][..], &[], &[0, 1]]);
    }

    #[test]
    fn bad_rows_are_named() {
        let offsets = [0, 2, 5];
        let batch = Batch::new(RaggedView::new(&[1, 2, 3, 9, 4], &offsets).unwrap(), None).unwrap();
        let message = |vocab_size, limit| batch.check(vocab_size, limit).map_err(|error| error.to_string());
        assert_eq!(message(10, None), Ok(()));
        assert_eq!(message(10, Some(3)), Ok(()));
        assert!(message(9, None).unwrap_err().starts_with("row 1, position 1: token id 9 is outside"));
        assert!(message(10, Some(2)).unwrap_err().starts_with("row 1: 3 ids and max_length is 2"));
    }
}
