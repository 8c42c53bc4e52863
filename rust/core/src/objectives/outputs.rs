//! What comes out of objectives, by name.

use super::grid::{ByRow, Grid, Writer};
use super::{Batch, Columns, IGNORED};
use crate::Result;

/// Where tokens stand: which cells hold one, of which document, at which position of it, and of which text of a pair.
#[derive(Debug, Default)]
pub struct Places<'a> {
    /// 1 on tokens, 0 on padding.
    pub attention_mask: Option<Grid<'a, i64>>,
    /// The number of the token's document; 0 on padding.
    pub segment_ids: Option<Grid<'a, i32>>,
    /// The token's position in its document; 0 on padding.
    pub position_ids: Option<Grid<'a, i64>>,
    /// Which text of a pair the token is of; 0 on padding, and where it is not known.
    pub token_type_ids: Option<Grid<'a, i64>>,
}

impl Places<'_> {
    /// Writes the one line that this has, for a row of `length` tokens.
    pub(super) fn write(self, length: usize, Columns { segments, types }: Columns<'_>) {
        if let Some(grid) = self.attention_mask {
            grid.write_ones(length);
        }
        if let Some(grid) = self.segment_ids {
            grid.write(documents(length, segments), 0);
        }
        if let Some(grid) = self.position_ids {
            let (mut document, mut next) = (0, 0);
            let positions = documents(length, segments).map(|segment| {
                next = if segment == document { next + 1 } else { 0 };
                document = segment;
                next
            });
            grid.write(positions, 0);
        }
        if let Some(grid) = self.token_type_ids {
            grid.write(types.unwrap_or_default().iter().map(|&text| i64::from(text)), 0);
        }
    }

    fn check(&self, rows: usize, longest: usize) -> Result<()> {
        self.attention_mask.as_ref().map_or(Ok(()), |grid| grid.check("attention_mask", rows, longest))?;
        self.segment_ids.as_ref().map_or(Ok(()), |grid| grid.check("segment_ids", rows, longest))?;
        self.position_ids.as_ref().map_or(Ok(()), |grid| grid.check("position_ids", rows, longest))?;
        self.token_type_ids.as_ref().map_or(Ok(()), |grid| grid.check("token_type_ids", rows, longest))
    }
}

/// The document numbers of a row; a row that is not packed is one document.
fn documents(length: usize, segments: Option<&[i32]>) -> impl ExactSizeIterator<Item = i32> {
    (0..length).map(move |position| segments.map_or(1, |segments| segments[position]))
}

impl ByRow for Places<'_> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let (attention_mask, attention_rest) = self.attention_mask.split_rows(rows);
        let (segment_ids, segment_rest) = self.segment_ids.split_rows(rows);
        let (position_ids, position_rest) = self.position_ids.split_rows(rows);
        let (token_type_ids, type_rest) = self.token_type_ids.split_rows(rows);
        (
            Self { attention_mask, segment_ids, position_ids, token_type_ids },
            Self {
                attention_mask: attention_rest,
                segment_ids: segment_rest,
                position_ids: position_rest,
                token_type_ids: type_rest,
            },
        )
    }
}

/// The outputs of an objective whose labels lie under its inputs.
#[derive(Debug)]
pub struct Labelled<'a> {
    /// What the model sees.
    pub input_ids: Grid<'a, i64>,
    /// What it should give; [`IGNORED`] where nothing is asked.
    pub labels: Grid<'a, i64>,
    /// The row as it is, where it is asked for.
    pub original_ids: Option<Grid<'a, i64>>,
    /// Where its tokens stand.
    pub places: Places<'a>,
}

impl Labelled<'_> {
    pub(super) fn check(&self, batch: &Batch<'_>) -> Result<()> {
        self.check_lines(batch.rows().len(), batch.rows().longest())
    }

    /// Refuses arrays that do not have lines for `rows` rows, the longest of which has `longest` ids.
    pub(super) fn check_lines(&self, rows: usize, longest: usize) -> Result<()> {
        self.input_ids.check("input_ids", rows, longest)?;
        self.labels.check("labels", rows, longest)?;
        self.original_ids.as_ref().map_or(Ok(()), |grid| grid.check("original_ids", rows, longest))?;
        self.places.check(rows, longest)
    }

    /// Writes a line whose padding holds `pad_id`, no label, and no place.
    pub(super) fn write(
        self,
        input_ids: impl ExactSizeIterator<Item = i64>,
        labels: impl ExactSizeIterator<Item = i64>,
        columns: Columns<'_>,
        pad_id: u32,
    ) {
        self.places.write(input_ids.len(), columns);
        self.input_ids.write(input_ids, i64::from(pad_id));
        self.labels.write(labels, IGNORED);
    }
}

impl ByRow for Labelled<'_> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let (input_ids, input_rest) = self.input_ids.split_rows(rows);
        let (labels, label_rest) = self.labels.split_rows(rows);
        let (original_ids, original_rest) = self.original_ids.split_rows(rows);
        let (places, place_rest) = self.places.split_rows(rows);
        (
            Self { input_ids, labels, original_ids, places },
            Self {
                input_ids: input_rest,
                labels: label_rest,
                original_ids: original_rest,
                places: place_rest,
            },
        )
    }
}

/// The outputs of an objective for a model with an encoder and a decoder.
#[derive(Debug)]
pub struct EncoderDecoder<'a> {
    /// What the encoder sees.
    pub input_ids: Grid<'a, i64>,
    /// 1 on the tokens of `input_ids`, 0 on padding.
    pub attention_mask: Option<Grid<'a, i64>>,
    /// What the decoder should give; [`IGNORED`] on padding.
    pub labels: Grid<'a, i64>,
    /// What the decoder sees: the labels, one place later.
    pub decoder_input_ids: Grid<'a, i64>,
}

impl<'a> EncoderDecoder<'a> {
    /// Refuses arrays that do not have lines for `rows` rows of these longest inputs and labels.
    pub(super) fn check(&self, rows: usize, [inputs, labels]: [usize; 2]) -> Result<()> {
        self.input_ids.check("input_ids", rows, inputs)?;
        self.attention_mask.as_ref().map_or(Ok(()), |grid| grid.check("attention_mask", rows, inputs))?;
        self.labels.check("labels", rows, labels)?;
        self.decoder_input_ids.check("decoder_input_ids", rows, labels)
    }

    /// The one line that this has, to be written token by token.
    pub(super) fn writer(self) -> EncoderDecoderWriter<'a> {
        EncoderDecoderWriter {
            inputs: Writer::new(self.input_ids.line()),
            labels: Writer::new(self.labels.line()),
            attention_mask: self.attention_mask,
            decoder_input_ids: self.decoder_input_ids.line(),
        }
    }
}

/// A line of an encoder's inputs and one of labels that are being filled.
pub(super) struct EncoderDecoderWriter<'a> {
    pub(super) inputs: Writer<'a>,
    pub(super) labels: Writer<'a>,
    attention_mask: Option<Grid<'a, i64>>,
    decoder_input_ids: &'a mut [i64],
}

impl EncoderDecoderWriter<'_> {
    /// Pads both lines, and derives the attention mask and the decoder's inputs from them.
    pub(super) fn finish(self, pad_id: u32, decoder_start_id: u32) {
        let pad = i64::from(pad_id);
        let length = self.inputs.finish(pad).0;
        if let Some(grid) = self.attention_mask {
            grid.write_ones(length);
        }
        let (length, labels) = self.labels.finish(IGNORED);
        shift_right(&labels[..length], self.decoder_input_ids, decoder_start_id, pad);
    }
}

/// HF's `_shift_right`, whose padding begins one place later than that of the labels.
fn shift_right(labels: &[i64], cells: &mut [i64], start: u32, pad: i64) {
    let Some(room) = cells.len().checked_sub(1) else { return };
    let shown = labels.len().min(room);
    cells[0] = i64::from(start);
    cells[1..=shown].copy_from_slice(&labels[..shown]);
    cells[shown + 1..].fill(pad);
}

impl ByRow for EncoderDecoder<'_> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let (input_ids, input_rest) = self.input_ids.split_rows(rows);
        let (attention_mask, attention_rest) = self.attention_mask.split_rows(rows);
        let (labels, label_rest) = self.labels.split_rows(rows);
        let (decoder_input_ids, decoder_rest) = self.decoder_input_ids.split_rows(rows);
        (
            Self { input_ids, attention_mask, labels, decoder_input_ids },
            Self {
                input_ids: input_rest,
                attention_mask: attention_rest,
                labels: label_rest,
                decoder_input_ids: decoder_rest,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_restart_at_each_document() {
        let (mut segment_ids, mut position_ids, mut attention_mask) = ([9; 7], [9; 7], [9; 7]);
        let mut token_type_ids = [9; 7];
        let places = Places {
            attention_mask: Some(Grid::new(&mut attention_mask, 1, 7).unwrap()),
            segment_ids: Some(Grid::new(&mut segment_ids, 1, 7).unwrap()),
            position_ids: Some(Grid::new(&mut position_ids, 1, 7).unwrap()),
            token_type_ids: Some(Grid::new(&mut token_type_ids, 1, 7).unwrap()),
        };
        let columns = Columns { segments: Some(&[1, 1, 2, 3, 3]), types: Some(&[0, 0, 1, 0, 1]) };
        places.write(5, columns);
        assert_eq!(attention_mask, [1, 1, 1, 1, 1, 0, 0]);
        assert_eq!(segment_ids, [1, 1, 2, 3, 3, 0, 0]);
        assert_eq!(position_ids, [0, 1, 0, 0, 1, 0, 0]);
        assert_eq!(token_type_ids, [0, 0, 1, 0, 1, 0, 0]);
    }
}
