//! Rows out of memory-mapped shards of token ids.

use crate::rows::{Ragged, RowPlan};
use crate::{Error, Result};

/// The ids of a shard, in the width in which they lie on disk.
#[derive(Debug, Clone, Copy)]
pub enum Tokens<'a> {
    /// Vocabularies of at most 65,536 tokens.
    Narrow(&'a [u16]),
    /// Larger ones.
    Wide(&'a [u32]),
}

impl Tokens<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Narrow(ids) => ids.len(),
            Self::Wide(ids) => ids.len(),
        }
    }

    fn append_to(&self, range: std::ops::Range<usize>, ids: &mut Vec<u32>) {
        match self {
            Self::Narrow(all) => ids.extend(all[range].iter().map(|&id| u32::from(id))),
            Self::Wide(all) => ids.extend_from_slice(&all[range]),
        }
    }
}

/// Shards put together. No document lies in two of them.
#[derive(Debug)]
pub struct Corpus<'a> {
    shards: Vec<Tokens<'a>>,
    /// Where each shard begins, and at last the number of ids.
    starts: Vec<usize>,
}

/// What stands around and between the documents of a row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame<'a> {
    /// Before the first token of every row.
    pub prefix: &'a [u32],
    /// After the last token of every row.
    pub suffix: &'a [u32],
    /// After each document.
    pub separator: &'a [u32],
}

/// Packed rows: ids, and for each id the 1-based number of its document in its row.
#[derive(Debug, Default)]
pub struct Packed {
    /// The rows.
    pub rows: Ragged,
    /// The document numbers, along `rows.ids`.
    pub segments: Vec<i32>,
}

impl<'a> Corpus<'a> {
    /// A corpus over shards.
    pub fn new(shards: Vec<Tokens<'a>>) -> Self {
        let ends = shards.iter().scan(0, |end, shard| {
            *end += shard.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        Self { shards, starts }
    }

    /// Refuses offsets that do not fit the shards.
    pub fn check_offsets(&self, offsets: &[i64]) -> Result<()> {
        let total = self.starts.last().copied().unwrap_or(0) as i64;
        let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if rising && offsets.first() == Some(&0) && offsets.last() == Some(&total) {
            return Ok(());
        }
        Err(Error::new(format!("the offsets do not fit the {total} tokens of the shards"))
            .advise("the shards are damaged: write them again"))
    }

    /// Puts rows of a plan together, in the order asked for.
    pub fn pack(&self, plan: &RowPlan, rows: &[u64], frame: Frame<'_>) -> Result<Packed> {
        let mut packed = Packed::default();
        for &row in rows {
            let row = usize::try_from(row).ok().filter(|&row| row < plan.len()).ok_or_else(|| {
                Error::new(format!("row {row} of {} was asked for", plan.len()))
                    .advise("rows are numbered from 0")
            })?;
            self.pack_row(plan, row, frame, &mut packed);
        }
        Ok(packed)
    }

    fn pack_row(&self, plan: &RowPlan, row: usize, frame: Frame<'_>, packed: &mut Packed) {
        let Packed { rows, segments } = packed;
        rows.ids.extend_from_slice(frame.prefix);
        let mut documents = 0;
        for piece in plan.pieces(row) {
            // The prefix is of the first document of the row.
            segments.resize(rows.ids.len(), documents.max(1));
            documents += 1;
            let offset = plan.offsets()[piece.document] as usize;
            let length = plan.offsets()[piece.document + 1] as usize - offset;
            self.append(offset + piece.start.min(length)..offset + piece.end.min(length), &mut rows.ids);
            let separator = piece.start.max(length) - length..piece.end.max(length) - length;
            rows.ids.extend_from_slice(&frame.separator[separator]);
            segments.resize(rows.ids.len(), documents);
        }
        rows.ids.extend_from_slice(frame.suffix);
        segments.resize(rows.ids.len(), documents.max(1));
        rows.close_row();
    }

    fn append(&self, range: std::ops::Range<usize>, ids: &mut Vec<u32>) {
        let shard = self.starts.partition_point(|&start| start <= range.start).saturating_sub(1);
        if let Some(tokens) = self.shards.get(shard) {
            tokens.append_to(range.start - self.starts[shard]..range.end - self.starts[shard], ids);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Packing;

    #[test]
    fn rows_across_documents_and_shards() {
        let corpus = Corpus::new(vec![Tokens::Narrow(&[1, 2, 3]), Tokens::Wide(&[4, 5, 70_000, 7])]);
        let plan = RowPlan::new(vec![0, 3, 5, 5, 7], 1, 4, Packing::Concat).unwrap();
        corpus.check_offsets(plan.offsets()).unwrap();
        let frame = Frame { prefix: &[101], suffix: &[102], separator: &[0] };
        let packed = corpus.pack(&plan, &[0, 1, 2], frame).unwrap();
        let rows = packed.rows.view();
        assert_eq!(rows.row(0), [101, 1, 2, 3, 0, 102]);
        assert_eq!(rows.row(1), [101, 4, 5, 0, 0, 102]);
        assert_eq!(rows.row(2), [101, 70_000, 7, 0, 102]);
        assert_eq!(packed.segments, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1]);
        assert!(corpus.pack(&plan, &[3], frame).is_err());
    }

    #[test]
    fn offsets_that_do_not_fit_are_refused() {
        for offsets in [&[][..], &[0, 2], &[1, 3], &[0, 4, 3]] {
            assert!(
                Corpus::new(vec![Tokens::Narrow(&[1, 2, 3])]).check_offsets(offsets).is_err(),
                "{offsets:?}"
            );
        }
    }
}
