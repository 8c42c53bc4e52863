//! Filling encodings up to one length.

use serde::{Deserialize, Serialize};

use super::encoding::{EncodedToken, Encoding};
use super::truncate::Side;
use crate::{Error, Result};

/// Rows longer than this are a mistake in a file, not a wish.
const LONGEST: usize = 1 << 24;

/// To which length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaddingStrategy {
    /// That of the longest of the batch.
    BatchLongest,
    /// This one; what is longer stays so.
    Fixed(usize),
}

/// The field `padding` of a `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Padding {
    /// To which length.
    pub strategy: PaddingStrategy,
    /// The end where the padding goes.
    pub direction: Side,
    /// Of which number the length is a multiple; 0 and None: any.
    pub pad_to_multiple_of: Option<usize>,
    /// The id of the padding.
    pub pad_id: u32,
    /// Its type.
    pub pad_type_id: u32,
    /// Its text, which encodings do not need.
    pub pad_token: String,
}

impl Padding {
    /// Fills up the encodings of a batch and what overflowed from them, all to the same length.
    pub fn apply(&self, batch: &mut [Encoding]) -> Result<()> {
        let length = self.length(batch.iter().map(Encoding::len).max().unwrap_or(0))?;
        for encoding in batch {
            encoding.pad(length, self.direction, self.pad_id, self.pad_type_id);
        }
        Ok(())
    }

    /// Fills up the row of ids that begins at `start` and is the last of `ids`.
    pub(super) fn pad_ids(&self, ids: &mut Vec<u32>, start: usize, width: usize) {
        let missing = (start + width).saturating_sub(ids.len());
        match self.direction {
            Side::Right => ids.resize(ids.len() + missing, self.pad_id),
            Side::Left => drop(ids.splice(start..start, std::iter::repeat_n(self.pad_id, missing))),
        }
    }

    /// The length of the rows of a batch whose longest has `longest` tokens (longer rows stay as they are).
    pub fn length(&self, longest: usize) -> Result<usize> {
        let length = match self.strategy {
            PaddingStrategy::BatchLongest => longest,
            PaddingStrategy::Fixed(length) => length,
        };
        let multiple = self.pad_to_multiple_of.unwrap_or(0).max(1);
        let padded = length.checked_next_multiple_of(multiple);
        padded.filter(|&padded| padded <= longest.max(LONGEST)).ok_or_else(|| {
            Error::new(format!("rows of {length} tokens, padded to a multiple of {multiple}"))
                .advise(format!("rows are padded to at most {LONGEST} tokens: is the file damaged?"))
        })
    }
}

impl Encoding {
    /// Fills this encoding and all that overflowed from it up to `length`.
    pub fn pad(&mut self, length: usize, direction: Side, pad_id: u32, pad_type_id: u32) {
        for overflowing in &mut self.overflowing {
            overflowing.pad(length, direction, pad_id, pad_type_id);
        }
        let missing = length.saturating_sub(self.len());
        let padding = std::iter::repeat_n(EncodedToken::padding(pad_id, pad_type_id), missing);
        match direction {
            Side::Right => self.tokens.extend(padding),
            Side::Left => {
                self.tokens.splice(0..0, padding);
                for range in self.ranges.values_mut() {
                    *range = range.start + missing..range.end + missing;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: u32) -> Encoding {
        let mut encoding: Encoding =
            (0..length).map(|id| EncodedToken::new(id, 1, (id, id + 1), 0)).collect::<Vec<_>>().into();
        encoding.set_sequence_id(0);
        encoding
    }

    fn padding(strategy: PaddingStrategy, pad_to_multiple_of: Option<usize>) -> Padding {
        let (direction, pad_token) = (Side::Right, "[PAD]".to_owned());
        Padding { strategy, direction, pad_to_multiple_of, pad_id: 9, pad_type_id: 2, pad_token }
    }

    #[test]
    fn lengths() {
        for (strategy, multiple, want) in [
            (PaddingStrategy::BatchLongest, None, [5, 5]),
            (PaddingStrategy::BatchLongest, Some(0), [5, 5]),
            (PaddingStrategy::BatchLongest, Some(6), [6, 6]),
            (PaddingStrategy::Fixed(4), None, [5, 4]),
            (PaddingStrategy::Fixed(7), Some(8), [8, 8]),
            (PaddingStrategy::Fixed(0), Some(8), [5, 3]),
        ] {
            let mut batch = [text(5), text(3)];
            padding(strategy, multiple).apply(&mut batch).unwrap();
            assert_eq!(batch.map(|row| row.len()), want, "{strategy:?} {multiple:?}");
        }
        padding(PaddingStrategy::BatchLongest, None).apply(&mut []).unwrap();
        for broken in [
            padding(PaddingStrategy::Fixed(usize::MAX), None),
            padding(PaddingStrategy::Fixed(9), Some(usize::MAX)),
        ] {
            assert!(broken.apply(&mut [text(5)]).is_err());
        }
    }

    #[test]
    fn both_ends() {
        for (direction, ids, sequences) in
            [(Side::Right, [0, 1, 9], [0, 0, -1]), (Side::Left, [9, 0, 1], [-1, 0, 0])]
        {
            let mut row = text(2);
            row.overflowing.push(text(1));
            row.pad(3, direction, 9, 2);
            assert_eq!(row.ids().collect::<Vec<_>>(), ids);
            assert_eq!(row.sequence_ids(), sequences);
            assert_eq!(row.overflowing[0].len(), 3);
            let padded = row.tokens.iter().find(|token| token.id == 9);
            assert_eq!(padded, Some(&EncodedToken::padding(9, 2)));
        }
    }

    #[test]
    fn the_field_of_the_file() {
        let file = r#"{"strategy":{"Fixed":8},"direction":"Left","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"}"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Padding>(file).unwrap()).unwrap(), file);
        assert!(serde_json::from_str::<Padding>(&file.replace("pad_token", "pad")).is_err());
    }
}
