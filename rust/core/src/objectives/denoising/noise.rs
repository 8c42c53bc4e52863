//! Noise of denoising: what it is made of, and what of it can be carried out.

use std::ops::Range;

use super::Denoising;
use super::places::{COVERED, Places};
use crate::objectives::grid::{ByRow, check_along_ids};
use crate::objectives::words::SPECIAL;
use crate::objectives::{AlongIds, Batch, Grid};
use crate::rows::{RaggedView, all_below};
use crate::{Error, Result};

/// Noise of a batch, along the ids of all rows but for `rotate`.
///
/// Places are those of the reordered row for spans and deletions, and those of the result, before it turns, for
/// insertions. The result is never longer than the row.
#[derive(Debug, Clone, Copy)]
pub struct DenoisingNoise<'a> {
    /// Where in its row the token comes from that stands at a place.
    pub sentence_order: &'a [u32],
    /// 1 where a span begins.
    pub span_start: &'a [u8],
    /// How many words a span has that begins there, else 0.
    pub span_words: &'a [u32],
    /// What stands for a span: at its first place, or at each of its places where each token is replaced.
    pub span_ids: &'a [u32],
    /// 1 where a token is deleted.
    pub delete: &'a [u8],
    /// 1 where a token of the result is an insertion.
    pub insert_at: &'a [u8],
    /// What is inserted there.
    pub insert_ids: &'a [u32],
    /// For each row, which token of the result's body comes to stand first.
    pub rotate: &'a [u32],
}

/// The same, to be filled; `rotate` is one column.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of `DenoisingNoise`")]
pub struct DenoisingNoiseOut<'a> {
    pub sentence_order: AlongIds<'a, u32>,
    pub span_start: AlongIds<'a, u8>,
    pub span_words: AlongIds<'a, u32>,
    pub span_ids: AlongIds<'a, u32>,
    pub delete: AlongIds<'a, u8>,
    pub insert_at: AlongIds<'a, u8>,
    pub insert_ids: AlongIds<'a, u32>,
    pub rotate: Grid<'a, u32>,
}

/// Noise of one row.
#[derive(Clone, Copy)]
pub(super) struct RowNoise<'a> {
    pub(super) sentence_order: &'a [u32],
    pub(super) span_start: &'a [u8],
    pub(super) span_words: &'a [u32],
    pub(super) span_ids: &'a [u32],
    pub(super) delete: &'a [u8],
    pub(super) insert_at: &'a [u8],
    pub(super) insert_ids: &'a [u32],
    pub(super) rotate: u32,
}

/// Noise of one row along its ids, to be filled.
pub(super) struct RowNoiseMut<'a> {
    pub(super) sentence_order: &'a mut [u32],
    pub(super) span_start: &'a mut [u8],
    pub(super) span_words: &'a mut [u32],
    pub(super) span_ids: &'a mut [u32],
    pub(super) delete: &'a mut [u8],
    pub(super) insert_at: &'a mut [u8],
    pub(super) insert_ids: &'a mut [u32],
}

impl<'a> DenoisingNoise<'a> {
    /// The noise of row `index`, whose ids lie at `range`.
    pub(super) fn row(&self, index: usize, range: Range<usize>) -> RowNoise<'a> {
        RowNoise {
            sentence_order: &self.sentence_order[range.clone()],
            span_start: &self.span_start[range.clone()],
            span_words: &self.span_words[range.clone()],
            span_ids: &self.span_ids[range.clone()],
            delete: &self.delete[range.clone()],
            insert_at: &self.insert_at[range.clone()],
            insert_ids: &self.insert_ids[range],
            rotate: self.rotate[index],
        }
    }

    fn check_lengths(&self, rows: RaggedView<'_>) -> Result<()> {
        for (name, length) in [
            ("sentence_order", self.sentence_order.len()),
            ("span_start", self.span_start.len()),
            ("span_words", self.span_words.len()),
            ("span_ids", self.span_ids.len()),
            ("delete", self.delete.len()),
            ("insert_at", self.insert_at.len()),
            ("insert_ids", self.insert_ids.len()),
        ] {
            check_along_ids(name, length, rows)?;
        }
        if self.rotate.len() == rows.len() {
            return Ok(());
        }
        Err(Error::new(format!("{} values for {} rows", self.rotate.len(), rows.len())).at("rotate"))
    }
}

impl<'a> DenoisingNoiseOut<'a> {
    /// The one row that is here, and where its rotation is written.
    pub(super) fn row(self) -> (RowNoiseMut<'a>, Grid<'a, u32>) {
        let along_ids = RowNoiseMut {
            sentence_order: self.sentence_order.values(),
            span_start: self.span_start.values(),
            span_words: self.span_words.values(),
            span_ids: self.span_ids.values(),
            delete: self.delete.values(),
            insert_at: self.insert_at.values(),
            insert_ids: self.insert_ids.values(),
        };
        (along_ids, self.rotate)
    }
}

impl ByRow for DenoisingNoiseOut<'_> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let (sentence_order, later_order) = self.sentence_order.split_rows(rows);
        let (span_start, later_start) = self.span_start.split_rows(rows);
        let (span_words, later_words) = self.span_words.split_rows(rows);
        let (span_ids, later_span_ids) = self.span_ids.split_rows(rows);
        let (delete, later_delete) = self.delete.split_rows(rows);
        let (insert_at, later_insert_at) = self.insert_at.split_rows(rows);
        let (insert_ids, later_insert_ids) = self.insert_ids.split_rows(rows);
        let (rotate, later_rotate) = self.rotate.split_rows(rows);
        let first =
            Self { sentence_order, span_start, span_words, span_ids, delete, insert_at, insert_ids, rotate };
        let later = Self {
            sentence_order: later_order,
            span_start: later_start,
            span_words: later_words,
            span_ids: later_span_ids,
            delete: later_delete,
            insert_at: later_insert_at,
            insert_ids: later_insert_ids,
            rotate: later_rotate,
        };
        (first, later)
    }
}

/// Room for the noise of one row, kept between rows.
pub(super) struct NoiseBuffers {
    words: [Vec<u32>; 4],
    flags: [Vec<u8>; 3],
}

impl NoiseBuffers {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            words: std::array::from_fn(|_| vec![0; longest]),
            flags: std::array::from_fn(|_| vec![0; longest]),
        }
    }

    pub(super) fn row_mut(&mut self, length: usize) -> RowNoiseMut<'_> {
        let [sentence_order, span_words, span_ids, insert_ids] =
            self.words.each_mut().map(|values| &mut values[..length]);
        let [span_start, delete, insert_at] = self.flags.each_mut().map(|values| &mut values[..length]);
        RowNoiseMut { sentence_order, span_start, span_words, span_ids, delete, insert_at, insert_ids }
    }

    pub(super) fn row(&self, length: usize, rotate: u32) -> RowNoise<'_> {
        let [sentence_order, span_words, span_ids, insert_ids] =
            self.words.each_ref().map(|values| &values[..length]);
        let [span_start, delete, insert_at] = self.flags.each_ref().map(|values| &values[..length]);
        RowNoise { sentence_order, span_start, span_words, span_ids, delete, insert_at, insert_ids, rotate }
    }
}

impl Denoising {
    /// Refuses noise that cannot be carried out on these rows.
    pub(super) fn check_noise(&self, batch: &Batch<'_>, noise: &DenoisingNoise<'_>) -> Result<()> {
        noise.check_lengths(batch.rows())?;
        self.check_ids("span_ids", noise.span_ids)?;
        self.check_ids("insert_ids", noise.insert_ids)?;
        let (mut places, mut seen) = (Places::default(), vec![]);
        for index in 0..batch.rows().len() {
            let given = noise.row(index, batch.rows().range(index));
            self.check_row_noise(batch.rows().row(index), given, &mut places, &mut seen)
                .map_err(|error| error.at(format!("row {index}")))?;
        }
        Ok(())
    }

    fn check_ids(&self, name: &str, ids: &[u32]) -> Result<()> {
        let vocab_size = self.settings.vocab_size;
        if all_below(ids, vocab_size) {
            return Ok(());
        }
        let at = ids.iter().position(|&id| id >= vocab_size).unwrap_or_default();
        Err(Error::new(format!("id {} is outside the vocabulary of {vocab_size}", ids[at]))
            .at(format!("{name} at id {at}"))
            .advise("give 0 where nothing is replaced or inserted"))
    }

    fn check_row_noise(
        &self,
        row: &[u32],
        noise: RowNoise<'_>,
        places: &mut Places,
        seen: &mut Vec<bool>,
    ) -> Result<()> {
        let body = self.body(row);
        check_order(noise.sentence_order, &body, seen)?;
        places.read(row, &self.id_marks);
        places.fill(row, noise.sentence_order);
        check_spans(places, noise)?;
        places.cover(noise.span_words, self.settings.replace_length);
        check_deletions(places, noise)?;
        let left = places.delete(noise.delete);
        let result_body = check_insertions(noise.insert_at, left, &body)?;
        if (noise.rotate as usize) < result_body.max(1) {
            return Ok(());
        }
        Err(Error::new(format!("rotate is {} and the result has a body of {result_body}", noise.rotate))
            .advise("give the number of a token of the body, or 0"))
    }
}

/// An order holds each position once, and the frame where it is.
fn check_order(order: &[u32], body: &Range<usize>, seen: &mut Vec<bool>) -> Result<()> {
    seen.clear();
    seen.resize(order.len(), false);
    for (place, &source) in order.iter().enumerate() {
        let is_new = seen.get_mut(source as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        if !is_new || (!body.contains(&place) && source as usize != place) {
            return Err(Error::new(format!("sentence_order is {source}"))
                .at(format!("position {place}"))
                .advise("give each position of the row once; the tokens of the frame stay"));
        }
    }
    Ok(())
}

fn check_spans(places: &Places, noise: RowNoise<'_>) -> Result<()> {
    let bad = places.marks().iter().zip(noise.span_start).zip(noise.span_words).position(
        |((&mark, &start), &words)| (start != 0) != (words > 0) || (start != 0 && mark & SPECIAL != 0),
    );
    bad.map_or(Ok(()), |place| {
        let (start, words) = (noise.span_start[place] != 0, noise.span_words[place]);
        Err(Error::new(format!("span_start is {start} with {words} span_words"))
            .at(format!("position {place}"))
            .advise("a span begins at a token that is not special and has at least 1 word; elsewhere give 0"))
    })
}

/// `places` have their spans already.
fn check_deletions(places: &Places, noise: RowNoise<'_>) -> Result<()> {
    let bad = places
        .marks()
        .iter()
        .zip(noise.delete)
        .position(|(&mark, &deleted)| deleted != 0 && mark & (SPECIAL | COVERED) != 0);
    bad.map_or(Ok(()), |place| {
        Err(Error::new("a token that is special or in a span is deleted")
            .at(format!("position {place}"))
            .advise("delete tokens between the spans alone"))
    })
}

/// Gives back the length of the result's body.
fn check_insertions(insert_at: &[u8], left: usize, body: &Range<usize>) -> Result<usize> {
    let (length, count) = (insert_at.len(), insert_at.iter().filter(|&&inserted| inserted != 0).count());
    if left + count > length {
        return Err(Error::new(format!(
            "{count} insertions into the {left} tokens that are left of {length}"
        ))
        .advise("the result may not be longer than the row"));
    }
    let result_body = left + count - (length - body.len());
    let inside = body.start..body.start + result_body;
    match (0..length).find(|place| insert_at[*place] != 0 && !inside.contains(place)) {
        None => Ok(result_body),
        Some(place) => Err(Error::new(format!("an insertion into a result whose body is {inside:?}"))
            .at(format!("position {place}"))
            .advise("insert_at names places of the result, between the tokens of its frame")),
    }
}
