//! Causal language modelling: each token is predicted from those before it.
//!
//! Radford et al., *Language models are unsupervised multitask learners* (2019). Labels are not shifted here: label
//! `i` is token `i`, and the model compares it with what it said at `i - 1`, as Hugging Face's models do.

use super::grid::for_each_row;
use super::{Batch, IGNORED, Labelled};
use crate::Result;

/// The settings of [`CausalLm`].
#[derive(Debug, Clone, PartialEq)]
pub struct CausalLmSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// What padding holds in `input_ids`.
    pub pad_id: u32,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// Causal language modelling.
#[derive(Debug, Clone)]
pub struct CausalLm {
    settings: CausalLmSettings,
}

impl CausalLm {
    /// Refuses settings that cannot work.
    pub fn new(settings: CausalLmSettings) -> Result<Self> {
        super::check_id("pad_id", settings.pad_id, settings.vocab_size)?;
        Ok(Self { settings })
    }

    /// Refuses rows that this objective cannot take.
    pub fn check(&self, batch: &Batch<'_>) -> Result<()> {
        batch.check(self.settings.vocab_size, self.settings.max_length)
    }

    /// Writes the inputs and labels of `batch`; nothing is written when something is refused.
    pub fn apply(&self, batch: &Batch<'_>, out: Labelled<'_>, num_threads: usize) -> Result<()> {
        self.check(batch)?;
        out.check(batch)?;
        let state = || ();
        for_each_row(batch.rows(), out, num_threads, state, |(), index, line| {
            let (row, columns) = (batch.rows().row(index), batch.columns(index));
            let input_ids = row.iter().map(|&id| i64::from(id));
            let labels = (0..row.len()).map(|position| label(row, columns.segments, position));
            line.write(input_ids, labels, columns, self.settings.pad_id);
        })
    }
}

/// The token itself. The first token of a packed document has none: after the model's shift it would be predicted
/// from the document before.
pub(super) fn label(row: &[u32], segments: Option<&[i32]>, position: usize) -> i64 {
    let begins_document =
        segments.is_some_and(|segments| position == 0 || segments[position] != segments[position - 1]);
    if begins_document { IGNORED } else { i64::from(row[position]) }
}

#[cfg(test)]
mod tests {
    use super::super::{Grid, Places};
    use super::*;
    use crate::rows::Ragged;

    fn corrupt(row: &[u32], segments: Option<&[i32]>) -> Result<([i64; 6], [i64; 6])> {
        let settings = CausalLmSettings { vocab_size: 10, pad_id: 0, max_length: Some(5) };
        let mut rows = Ragged::new();
        rows.push(row);
        let (mut input_ids, mut labels) = ([7; 6], [7; 6]);
        let out = Labelled {
            input_ids: Grid::new(&mut input_ids, 1, 6)?,
            labels: Grid::new(&mut labels, 1, 6)?,
            original_ids: None,
            places: Places::default(),
        };
        CausalLm::new(settings)?.apply(&Batch::new(rows.view(), segments)?, out, 1)?;
        Ok((input_ids, labels))
    }

    #[test]
    fn labels_are_the_inputs_but_for_the_first_token_of_packed_documents() {
        let inputs = [3, 4, 5, 6, 0, 0];
        assert_eq!(corrupt(&[3, 4, 5, 6], None), Ok((inputs, [3, 4, 5, 6, -100, -100])));
        assert_eq!(corrupt(&[3, 4, 5, 6], Some(&[1, 1, 1, 1])), Ok((inputs, [-100, 4, 5, 6, -100, -100])));
        assert_eq!(corrupt(&[3, 4, 5, 6], Some(&[1, 1, 2, 2])), Ok((inputs, [-100, 4, -100, 6, -100, -100])));
        assert_eq!(corrupt(&[], None), Ok(([0; 6], [-100; 6])));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert!(CausalLm::new(CausalLmSettings { vocab_size: 10, pad_id: 10, max_length: None }).is_err());
        assert!(corrupt(&[10], None).is_err());
        assert!(corrupt(&[1; 6], None).is_err());
    }
}
