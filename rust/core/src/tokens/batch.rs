//! Many texts on many threads.

use std::sync::{Mutex, PoisonError};

use super::encode::{EncodeOptions, Sentence};
use super::encoding::Encoding;
use super::pipeline::Workspace;
use super::tokenizer::Tokenizer;
use crate::rows::Ragged;
use crate::threads::{self, WORTH_A_THREAD};
use crate::{Error, Result};

impl Tokenizer {
    /// The ids of one text or pair of texts.
    pub fn encode_ids(
        &self,
        text: &str,
        pair: Option<&str>,
        options: &EncodeOptions<'_>,
    ) -> Result<Vec<u32>> {
        if let (None, Some(frame)) = (pair, self.frame_of(options)) {
            let mut ids = Vec::with_capacity(text.len() / 3);
            self.encode_framed(text, frame, options.special_text, &mut self.workspace().own, &mut ids)?;
            return Ok(ids);
        }
        let whole = |whole: &EncodeOptions<'_>| self.encode_ids(text, None, whole).map(one_row);
        if let (None, Some(rows)) = (pair, self.cut_and_padded(options, whole, |error, _| error)) {
            return rows.map(|rows| rows.ids);
        }
        let pair = pair.map(Sentence::Text);
        Ok(self.encode(&Sentence::Text(text), pair.as_ref(), options)?.ids().collect())
    }

    /// The ids of many texts, or pairs of texts, a row each; equal on any number of threads.
    pub fn encode_batch_ids<Text: AsRef<str> + Sync>(
        &self,
        texts: &[Text],
        pairs: Option<&[Text]>,
        options: &EncodeOptions<'_>,
        num_threads: usize,
    ) -> Result<Ragged> {
        let Some(frame) = self.frame_of(options).filter(|_| pairs.is_none()) else {
            let whole = |whole: &EncodeOptions<'_>| self.encode_batch_ids(texts, None, whole, num_threads);
            if let (None, Some(rows)) = (pairs, self.cut_and_padded(options, whole, at_text)) {
                return rows;
            }
            let (texts, pairs) = (sentences(texts), pairs.map(sentences));
            let encodings = self.encode_batch(&texts, pairs.as_deref(), options, num_threads)?;
            let mut rows = Ragged::new();
            for encoding in &encodings {
                rows.ids.extend(encoding.ids());
                rows.close_row();
            }
            return Ok(rows);
        };
        let chunks = chunks_of(texts, |text| text.as_ref().len());
        let mut parts = vec![Ragged::new(); chunks.len()];
        let tasks = chunks.into_iter().zip(&mut parts).collect();
        let state = || self.workspace();
        threads::for_each(num_threads, tasks, state, |workspace, ((first, chunk), rows)| {
            for (index, text) in chunk.iter().enumerate() {
                self.encode_framed(
                    text.as_ref(),
                    frame,
                    options.special_text,
                    &mut workspace.own,
                    &mut rows.ids,
                )
                .map_err(|error| at_text(error, first + index))?;
                rows.close_row();
            }
            Ok(())
        })?;
        Ok(joined(parts))
    }

    /// Many texts, or pairs of texts, with all columns.
    pub fn encode_batch(
        &self,
        texts: &[Sentence<'_>],
        pairs: Option<&[Sentence<'_>]>,
        options: &EncodeOptions<'_>,
        num_threads: usize,
    ) -> Result<Vec<Encoding>> {
        check_pairs(texts, pairs)?;
        let mut encodings = vec![Encoding::default(); texts.len()];
        let mut rest = &mut encodings[..];
        let mut tasks = Vec::new();
        for (first, chunk) in chunks_of(texts, Sentence::size) {
            let (own, others) = rest.split_at_mut(chunk.len());
            tasks.push((first, chunk, own));
            rest = others;
        }
        threads::for_each(
            num_threads,
            tasks,
            || (),
            |(), (first, chunk, own)| {
                for (index, (text, place)) in chunk.iter().zip(own).enumerate() {
                    let pair = pairs.map(|pairs| &pairs[first + index]);
                    *place =
                        self.encode(text, pair, options).map_err(|error| at_text(error, first + index))?;
                }
                Ok(())
            },
        )?;
        if let Some(padding) = &options.assembly.padding {
            padding.apply(&mut encodings)?;
        }
        Ok(encodings)
    }

    pub(super) fn workspace(&self) -> BorrowedWorkspace<'_> {
        let own = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        BorrowedWorkspace { own, home: &self.workspaces }
    }
}

fn check_pairs<Text>(texts: &[Text], pairs: Option<&[Text]>) -> Result<()> {
    match pairs {
        Some(pairs) if pairs.len() != texts.len() => {
            Err(Error::new(format!("there are {} texts and {} pairs", texts.len(), pairs.len()))
                .advise("give a second text for each text"))
        }
        _ => Ok(()),
    }
}

fn one_row(ids: Vec<u32>) -> Ragged {
    Ragged { offsets: vec![0, ids.len() as i64], ids }
}

fn at_text(error: Error, index: usize) -> Error {
    error.at(format!("text {index}"))
}

pub(super) struct BorrowedWorkspace<'a> {
    pub(super) own: Workspace,
    home: &'a Mutex<Vec<Workspace>>,
}

impl Drop for BorrowedWorkspace<'_> {
    fn drop(&mut self) {
        let own = std::mem::take(&mut self.own);
        self.home.lock().unwrap_or_else(PoisonError::into_inner).push(own);
    }
}

/// Cuts `texts` into runs of about [`WORTH_A_THREAD`] bytes, each with the index of its first text.
fn chunks_of<Text>(texts: &[Text], size: impl Fn(&Text) -> usize) -> Vec<(usize, &[Text])> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        bytes += size(text);
        if bytes >= WORTH_A_THREAD {
            chunks.push((start, &texts[start..=index]));
            (start, bytes) = (index + 1, 0);
        }
    }
    if start < texts.len() {
        chunks.push((start, &texts[start..]));
    }
    chunks
}

fn sentences<Text: AsRef<str>>(texts: &[Text]) -> Vec<Sentence<'_>> {
    texts.iter().map(|text| Sentence::Text(text.as_ref())).collect()
}

fn joined(mut parts: Vec<Ragged>) -> Ragged {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let mut rows = Ragged::new();
    rows.ids.reserve_exact(parts.iter().map(|part| part.ids.len()).sum());
    rows.offsets.reserve_exact(parts.iter().map(|part| part.offsets.len() - 1).sum());
    for part in &parts {
        rows.append(part);
    }
    rows
}
