//! Fill in the middle: a document's middle is moved to its end, so that a decoder learns to write it last.
//!
//! Bavarian et al., *Efficient training of language models to fill in the middle* (2022). With PRE, SUF and MID for the
//! three special tokens a document that is cut becomes PRE prefix SUF suffix MID middle (PSM), or, what serves those
//! who extend the prefix again and again, PRE SUF suffix MID prefix middle (SPM, its second variant). Labels are those
//! of causal language modelling.

use std::ops::Range;

use super::causal_lm::label;
use super::documents::{AlongDocuments, Documents, stretches};
use super::grid::{ByRow, for_each_row};
use super::{Batch, Columns, Labelled, Samples, check_id, check_probability};
use crate::random::{Draws, Stream, bounded, threshold};
use crate::{Error, Result};

/// How many ids a document grows by that is cut.
const GROWTH: usize = 3;

/// What becomes of a document; the numbers are those of the noise arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// It stays as it is.
    None = 0,
    /// Prefix, suffix, middle.
    Psm = 1,
    /// Suffix, prefix, middle.
    Spm = 2,
}

/// The settings of [`FillInTheMiddle`].
#[derive(Debug, Clone, PartialEq)]
pub struct FillInTheMiddleSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// What padding holds in `input_ids`.
    pub pad_id: u32,
    /// What may begin a document, and then stays before it.
    pub bos_id: Option<u32>,
    /// What may end a document, and then stays behind it.
    pub eos_id: Option<u32>,
    /// PRE.
    pub prefix_id: u32,
    /// MID.
    pub middle_id: u32,
    /// SUF.
    pub suffix_id: u32,
    /// How likely a document is cut.
    pub fim_rate: f64,
    /// How likely a document that is cut has its suffix first.
    pub spm_rate: f64,
    /// At most so many documents of a packed row are cut, the first ones that the draws choose.
    pub max_cut_documents: Option<usize>,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// Noise of a batch along its documents, or of texts: see [`Order`]; the cuts count where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Cuts<'a> {
    /// An order for each document.
    pub mode: &'a [u8],
    /// Where the prefix ends, counted in tokens behind BOS (in characters of a text).
    pub cut1: &'a [u32],
    /// Where the suffix begins, likewise.
    pub cut2: &'a [u32],
}

impl<'a> Cuts<'a> {
    fn range(self, documents: Range<usize>) -> Cuts<'a> {
        let [cut1, cut2] = [self.cut1, self.cut2].map(|cuts| &cuts[documents.clone()]);
        Cuts { mode: &self.mode[documents], cut1, cut2 }
    }

    fn list(self) -> impl Iterator<Item = Cut> {
        self.mode.iter().zip(self.cut1).zip(self.cut2).map(|((&mode, &first), &second)| Cut {
            mode,
            first: first as usize,
            second: second as usize,
        })
    }
}

/// The same, to be filled.
#[derive(Debug)]
pub struct CutsOut<'a> {
    /// An order for each document.
    pub mode: AlongDocuments<'a, u8>,
    /// Where the prefix ends.
    pub cut1: AlongDocuments<'a, u32>,
    /// Where the suffix begins.
    pub cut2: AlongDocuments<'a, u32>,
}

impl ByRow for CutsOut<'_> {
    fn split_rows(self, rows: usize) -> (Self, Self) {
        let (mode, mode_rest) = self.mode.split_rows(rows);
        let (cut1, cut1_rest) = self.cut1.split_rows(rows);
        let (cut2, cut2_rest) = self.cut2.split_rows(rows);
        (Self { mode, cut1, cut2 }, Self { mode: mode_rest, cut1: cut1_rest, cut2: cut2_rest })
    }
}

/// The noise of a document.
#[derive(Debug, Clone, Copy)]
struct Cut {
    mode: u8,
    first: usize,
    second: usize,
}

const WHOLE: Cut = Cut { mode: Order::None as u8, first: 0, second: 0 };

impl Cut {
    fn is_made(self) -> bool {
        self.mode != Order::None as u8
    }
}

/// Fill in the middle.
#[derive(Debug, Clone)]
pub struct FillInTheMiddle {
    settings: FillInTheMiddleSettings,
    /// A first word below the first cuts; a second word below the second puts the suffix first.
    thresholds: [u64; 2],
}

impl FillInTheMiddle {
    /// Refuses settings that cannot work.
    pub fn new(settings: FillInTheMiddleSettings) -> Result<Self> {
        check_settings(&settings)?;
        let thresholds = [settings.fim_rate, settings.spm_rate].map(threshold);
        Ok(Self { settings, thresholds })
    }

    /// Refuses rows that this objective cannot take.
    pub fn check(&self, batch: &Batch<'_>) -> Result<()> {
        batch.check(self.settings.vocab_size, self.settings.max_length)
    }

    /// Where the text of a document lies in it: behind its BOS, before its EOS.
    fn text(&self, document: &[u32]) -> Range<usize> {
        let is = |id: Option<&u32>, role: Option<u32>| id.is_some() && id == role.as_ref();
        let begin = usize::from(is(document.first(), self.settings.bos_id));
        let has_eos = is(document[begin..].last(), self.settings.eos_id);
        begin..document.len() - usize::from(has_eos)
    }

    /// What the draws say of document `number` of a row, whose text has `length` tokens (or characters).
    fn cut(&self, draws: &Draws, number: usize, length: usize) -> Cut {
        // Draws 4 * number .. 4 * number + 4.
        let [whether, how, one, other] = draws.block(number as u32);
        let [is_cut, is_spm] = self.thresholds;
        if length == 0 || u64::from(whether) >= is_cut {
            return WHOLE;
        }
        let mode = if u64::from(how) < is_spm { Order::Spm } else { Order::Psm };
        let [one, other] = [one, other].map(|word| bounded(word, length as u32 + 1) as usize);
        Cut { mode: mode as u8, first: one.min(other), second: one.max(other) }
    }

    /// Draws the noise of `batch`.
    pub fn noise(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: CutsOut<'_>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        let limit = self.settings.max_cut_documents.unwrap_or(usize::MAX);
        let state = || ();
        for_each_row(batch.rows(), out, num_threads, state, |(), index, out| {
            let (row, draws) = (batch.rows().row(index), samples.draws(index, Stream::FillInTheMiddle));
            let mut made = 0;
            let cuts = stretches(row.len(), batch.segments(index)).enumerate().map(|(number, document)| {
                let cut = self.cut(&draws, number, self.text(&row[document]).len());
                if !cut.is_made() || made == limit {
                    return WHOLE;
                }
                made += 1;
                cut
            });
            fill(cuts, out.mode.values(), out.cut1.values(), out.cut2.values());
        })
    }

    /// Draws the noise of texts that have so many characters each.
    pub fn noise_of_texts(
        &self,
        lengths: &[i64],
        samples: Samples<'_>,
        (mode, cut1, cut2): (&mut [u8], &mut [u32], &mut [u32]),
    ) {
        let drawn = lengths.iter().enumerate().map(|(index, &length)| {
            self.cut(&samples.draws(index, Stream::FillInTheMiddle), 0, length as usize)
        });
        fill(drawn, mode, cut1, cut2);
    }

    /// The length of the longest row that comes of the noise; noise that says nothing is refused.
    pub fn longest(&self, batch: &Batch<'_>, cuts: Cuts<'_>) -> Result<usize> {
        let documents = Documents::of(batch);
        documents.check("mode", cuts.mode.len())?;
        documents.check("cut1", cuts.cut1.len())?;
        documents.check("cut2", cuts.cut2.len())?;
        let mut longest = 0;
        for index in 0..batch.rows().len() {
            let row = batch.rows().row(index);
            let mut length = row.len();
            let here = stretches(row.len(), batch.segments(index));
            for (document, cut) in here.zip(cuts.range(documents.range(index)).list()) {
                let text = self.text(&row[document]).len();
                check_cut(cut, text).map_err(|error| error.at(format!("row {index}")))?;
                length += if cut.is_made() { GROWTH } else { 0 };
            }
            longest = longest.max(length);
        }
        Ok(longest)
    }

    /// Carries out noise; nothing is written when something is refused.
    pub fn apply(
        &self,
        batch: &Batch<'_>,
        cuts: Cuts<'_>,
        out: Labelled<'_>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        out.check_lines(batch.rows().len(), self.longest(batch, cuts)?)?;
        let documents = Documents::of(batch);
        for_each_row(batch.rows(), out, num_threads, Moved::default, |moved, index, line| {
            let (row, segments) = (batch.rows().row(index), batch.segments(index));
            moved.clear();
            let here = stretches(row.len(), segments);
            for (document, cut) in here.zip(cuts.range(documents.range(index)).list()) {
                self.move_middle(&row[document], cut, moved);
                moved.close_document();
            }
            let segments = segments.and(Some(moved.segments.as_slice()));
            let input_ids = moved.ids.iter().map(|&id| i64::from(id));
            let labels = (0..moved.ids.len()).map(|position| label(&moved.ids, segments, position));
            let columns = Columns { segments, types: None };
            line.write(input_ids, labels, columns, self.settings.pad_id);
        })
    }

    fn move_middle(&self, document: &[u32], cut: Cut, moved: &mut Moved) {
        if !cut.is_made() {
            return moved.extend(&[document]);
        }
        let text = self.text(document);
        let (bos, eos) = (&document[..text.start], &document[text.end..]);
        let (rest, suffix) = document[text].split_at(cut.second);
        let (prefix, middle) = rest.split_at(cut.first);
        let FillInTheMiddleSettings { prefix_id, middle_id, suffix_id, .. } = self.settings;
        if cut.mode == Order::Psm as u8 {
            moved.extend(&[bos, &[prefix_id], prefix, &[suffix_id], suffix, &[middle_id], middle, eos]);
        } else {
            moved.extend(&[bos, &[prefix_id, suffix_id], suffix, &[middle_id], prefix, middle, eos]);
        }
    }
}

fn fill(drawn: impl Iterator<Item = Cut>, mode: &mut [u8], cut1: &mut [u32], cut2: &mut [u32]) {
    for (((cut, mode), cut1), cut2) in drawn.zip(mode).zip(cut1).zip(cut2) {
        (*mode, *cut1, *cut2) = (cut.mode, cut.first as u32, cut.second as u32);
    }
}

fn check_cut(cut: Cut, tokens: usize) -> Result<()> {
    let Cut { mode, first, second } = cut;
    if !cut.is_made() || (mode <= Order::Spm as u8 && first <= second && second <= tokens) {
        return Ok(());
    }
    Err(Error::new(format!("mode {mode} with cuts {first} and {second} in a document of {tokens} tokens"))
        .advise("modes are 0 none, 1 PSM, 2 SPM; the first cut is not behind the second, nor that behind the text"))
}

fn check_settings(settings: &FillInTheMiddleSettings) -> Result<()> {
    let FillInTheMiddleSettings { vocab_size, prefix_id, middle_id, suffix_id, .. } = *settings;
    check_id("pad_id", settings.pad_id, vocab_size)?;
    check_id("prefix_id", prefix_id, vocab_size)?;
    check_id("middle_id", middle_id, vocab_size)?;
    check_id("suffix_id", suffix_id, vocab_size)?;
    check_probability("fim_rate", settings.fim_rate)?;
    check_probability("spm_rate", settings.spm_rate)?;
    if prefix_id == middle_id || middle_id == suffix_id || suffix_id == prefix_id {
        return Err(Error::new(format!(
            "prefix_id, middle_id and suffix_id are {prefix_id}, {middle_id} and {suffix_id}"
        ))
        .advise("each needs an id of its own"));
    }
    if settings.max_cut_documents == Some(0) {
        return Err(Error::new("max_cut_documents is 0").advise("give at least 1, or a fim_rate of 0"));
    }
    Ok(())
}

/// A row whose middles have been moved: what a thread keeps between rows.
#[derive(Default)]
struct Moved {
    ids: Vec<u32>,
    segments: Vec<i32>,
    documents: i32,
}

impl Moved {
    fn clear(&mut self) {
        self.ids.clear();
        self.segments.clear();
        self.documents = 0;
    }

    fn extend(&mut self, parts: &[&[u32]]) {
        for part in parts {
            self.ids.extend_from_slice(part);
        }
    }

    /// Numbers the ids that came since the last document.
    fn close_document(&mut self) {
        self.documents += 1;
        self.segments.resize(self.ids.len(), self.documents);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Grid, Places};
    use super::*;
    use crate::random::Key;
    use crate::rows::Ragged;

    fn settings() -> FillInTheMiddleSettings {
        FillInTheMiddleSettings {
            vocab_size: 40,
            pad_id: 0,
            bos_id: Some(2),
            eos_id: Some(1),
            prefix_id: 31,
            middle_id: 32,
            suffix_id: 33,
            fim_rate: 0.5,
            spm_rate: 0.5,
            max_cut_documents: None,
            max_length: None,
        }
    }

    fn apply(row: &[u32], segments: Option<&[i32]>, cuts: Cuts<'_>) -> Result<[Vec<i64>; 3]> {
        let mut rows = Ragged::new();
        rows.push(row);
        let batch = Batch::new(rows.view(), segments)?;
        let objective = FillInTheMiddle::new(settings())?;
        let width = objective.longest(&batch, cuts)?;
        let [mut input_ids, mut labels, mut position_ids] = [vec![7; width], vec![7; width], vec![7; width]];
        let places =
            Places { position_ids: Some(Grid::new(&mut position_ids, 1, width)?), ..Places::default() };
        let out = Labelled {
            input_ids: Grid::new(&mut input_ids, 1, width)?,
            labels: Grid::new(&mut labels, 1, width)?,
            original_ids: None,
            places,
        };
        objective.apply(&batch, cuts, out, 1)?;
        Ok([input_ids, labels, position_ids])
    }

    #[test]
    fn the_middle_comes_last_and_bos_and_eos_stay() {
        for (mode, cut1, cut2, want) in [
            (0, 0, 0, vec![2, 5, 6, 7, 8, 1]),
            (1, 1, 3, vec![2, 31, 5, 33, 8, 32, 6, 7, 1]),
            (2, 1, 3, vec![2, 31, 33, 8, 32, 5, 6, 7, 1]),
            (1, 0, 4, vec![2, 31, 33, 32, 5, 6, 7, 8, 1]),
            (1, 2, 2, vec![2, 31, 5, 6, 33, 7, 8, 32, 1]),
        ] {
            let cuts = Cuts { mode: &[mode], cut1: &[cut1], cut2: &[cut2] };
            let [input_ids, labels, _] = apply(&[2, 5, 6, 7, 8, 1], None, cuts).unwrap();
            assert_eq!(input_ids, want);
            assert_eq!(labels, want);
        }
    }

    #[test]
    fn documents_of_a_packed_row_are_cut_each_for_itself() {
        let cuts = Cuts { mode: &[1, 0, 2], cut1: &[1, 0, 0], cut2: &[1, 0, 1] };
        let [input_ids, labels, position_ids] =
            apply(&[5, 6, 1, 7, 8, 9, 1], Some(&[1, 1, 1, 2, 3, 3, 3]), cuts).unwrap();
        assert_eq!(input_ids, [31, 5, 33, 6, 32, 1, 7, 31, 33, 9, 32, 8, 1]);
        assert_eq!(labels, [-100, 5, 33, 6, 32, 1, -100, -100, 33, 9, 32, 8, 1]);
        assert_eq!(position_ids, [0, 1, 2, 3, 4, 5, 0, 0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn noise_that_says_nothing_is_refused() {
        for (mode, cut1, cut2) in [(3, 0, 0), (1, 2, 1), (1, 0, 3), (2, 3, 3)] {
            let cuts = Cuts { mode: &[mode], cut1: &[cut1], cut2: &[cut2] };
            assert!(apply(&[5, 6, 1], None, cuts).is_err(), "{mode} {cut1} {cut2}");
        }
        assert!(apply(&[5], None, Cuts { mode: &[0, 0], cut1: &[0], cut2: &[0] }).is_err());
        assert!(apply(&[5], None, Cuts { mode: &[0], cut1: &[0], cut2: &[] }).is_err());
    }

    #[test]
    fn no_more_documents_are_cut_than_there_is_room_for() {
        let (row, segments): (Vec<u32>, Vec<i32>) = (vec![5; 12], (0..12).map(|n| n / 2 + 1).collect());
        let mut rows = Ragged::new();
        (0..50).for_each(|_| rows.push(&row));
        let segments = segments.repeat(50);
        let batch = Batch::new(rows.view(), Some(&segments)).unwrap();
        let documents = Documents::of(&batch);
        let draw = |max_cut_documents| {
            let (mut mode, mut cut1, mut cut2) = (vec![9; 300], vec![9; 300], vec![9; 300]);
            let out = CutsOut {
                mode: AlongDocuments::new(&mut mode, &documents).unwrap(),
                cut1: AlongDocuments::new(&mut cut1, &documents).unwrap(),
                cut2: AlongDocuments::new(&mut cut2, &documents).unwrap(),
            };
            let objective =
                FillInTheMiddle::new(FillInTheMiddleSettings { max_cut_documents, ..settings() }).unwrap();
            let samples = Samples::new(Key::new(1, 0).unwrap(), None, rows.view()).unwrap();
            objective.noise(&batch, samples, out, 1).unwrap();
            mode
        };
        let (free, limited) = (draw(None), draw(Some(2)));
        for (free, limited) in free.chunks(6).zip(limited.chunks(6)) {
            let mut made = 0;
            let want: Vec<u8> = free
                .iter()
                .map(|&mode| {
                    made += usize::from(mode != 0);
                    if made > 2 { 0 } else { mode }
                })
                .collect();
            assert_eq!(limited, want);
        }
        assert_ne!(free, limited);
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        type Change = fn(&mut FillInTheMiddleSettings);
        let cases: [(&str, Change); 6] = [
            ("fim_rate", |s| s.fim_rate = 1.1),
            ("spm_rate", |s| s.spm_rate = f64::NAN),
            ("middle_id", |s| s.middle_id = 40),
            ("id of its own", |s| s.middle_id = 31),
            ("max_cut_documents", |s| s.max_cut_documents = Some(0)),
            ("pad_id", |s| s.pad_id = 40),
        ];
        for (want, change) in cases {
            let mut changed = settings();
            change(&mut changed);
            let message = FillInTheMiddle::new(changed).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
    }
}
