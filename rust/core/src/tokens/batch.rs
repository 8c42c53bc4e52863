//! Many texts on many threads.

use std::sync::{Mutex, PoisonError};

use super::encode::{EncodeOptions, Sentence};
use super::encoding::Encoding;
use super::pipeline::{SpecialText, Workspace};
use super::portions::Portion;
use super::tokenizer::{Algorithm, Tokenizer};
use super::writers::{self, Writer};
use crate::memory::reserve_large_pages;
use crate::rows::Ragged;
use crate::threads::{self, WORTH_A_THREAD};
use crate::{Error, Result};

/// For so many ids more than one for two bytes there is room at once.
const SPARE_ROOM: usize = 32 << 20;

/// A task is never larger, so that threads end together.
const LARGEST_TASK: usize = 1 << 20;

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
        let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
        // As much as any text needs that is not very long: room that is never written costs nothing, to move ids does.
        let room = bytes.min(bytes / 2 + SPARE_ROOM) + texts.len() * (frame.0.len() + frame.1.len());
        let alone = || {
            let mut rows = Ragged::new();
            reserve_large_pages(&mut rows.ids, room);
            self.append_rows((0, texts), frame, options.special_text, &mut self.workspace().own, &mut rows)?;
            Ok(rows)
        };
        if num_threads == 1 || bytes < 2 * WORTH_A_THREAD {
            return alone();
        }
        let size = (bytes / (num_threads * 16)).clamp(WORTH_A_THREAD, LARGEST_TASK);
        let tasks = self.tasks_of(texts, frame, options.special_text, size);
        if tasks.len() == 1 {
            return alone();
        }
        let writers = threads::for_each(
            num_threads,
            tasks.into_iter().enumerate().collect(),
            || Writer::new(self.workspace(), room / num_threads),
            |writer, (number, task)| {
                writer.write(number, |workspace, rows| match task {
                    Task::Texts(first, chunk) => {
                        self.append_rows((first, chunk), frame, options.special_text, workspace, rows)
                    }
                    Task::Portions(part) => self
                        .append_portions(&part, workspace, rows)
                        .map_err(|error| at_text(error, part.index)),
                })
            },
        )?;
        writers::joined(writers, num_threads)
    }

    /// Appends the rows of texts, of which the first has a number.
    fn append_rows<Text: AsRef<str>>(
        &self,
        (first, texts): (usize, &[Text]),
        frame: (&[u32], &[u32]),
        policy: SpecialText,
        workspace: &mut Workspace,
        rows: &mut Ragged,
    ) -> Result<()> {
        rows.offsets.reserve(texts.len());
        for (index, text) in texts.iter().enumerate() {
            self.encode_framed(text.as_ref(), frame, policy, workspace, &mut rows.ids)
                .map_err(|error| at_text(error, first + index))?;
            rows.close_row();
        }
        Ok(())
    }

    fn append_portions(&self, part: &Part<'_>, workspace: &mut Workspace, rows: &mut Ragged) -> Result<()> {
        rows.ids.extend_from_slice(part.before.unwrap_or_default());
        for portion in &part.portions {
            match &self.algorithm {
                Algorithm::Pipeline(pipeline) => {
                    pipeline.encode_portion(part.text, portion, workspace, &mut rows.ids)?;
                }
                Algorithm::SentencePiece(model) => {
                    model.encode_portion(part.text, portion, workspace, &mut rows.ids)?;
                }
            }
        }
        if let Some(after) = part.after {
            rows.ids.extend_from_slice(after);
            rows.close_row();
        }
        Ok(())
    }

    /// What there is to do, in tasks of about `size` bytes. Texts that are longer are cut, if they can be.
    fn tasks_of<'a, Text: AsRef<str>>(
        &self,
        texts: &'a [Text],
        frame: (&'a [u32], &'a [u32]),
        policy: SpecialText,
        size: usize,
    ) -> Vec<Task<'a, Text>> {
        let mut tasks = Vec::new();
        let mut start = 0;
        for (index, text) in texts.iter().enumerate() {
            let text = text.as_ref();
            let is_long = text.len() > 2 * size && u32::try_from(text.len()).is_ok();
            let portions = match &self.algorithm {
                _ if !is_long => Ok(None),
                Algorithm::Pipeline(pipeline) => pipeline.portions(&self.added, text, policy, size),
                Algorithm::SentencePiece(model) => model.portions(&self.added, text, policy, size),
            };
            // What is wrong with a text is said when its turn comes.
            let portions = portions.ok().flatten();
            if let Some(portions) = portions {
                tasks.extend(chunks_of(&texts[start..index], start, size));
                tasks.extend(parts_of(index, text, portions, frame, size).into_iter().map(Task::Portions));
                start = index + 1;
            }
        }
        tasks.extend(chunks_of(&texts[start..], start, size));
        tasks
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
        for (first, chunk) in runs_of(texts, Sentence::size, WORTH_A_THREAD) {
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

    /// How many bytes the caches of words take that no call is using.
    ///
    /// Each thread of a call has its own, of up to [`super::WordCache::DEFAULT_LIMIT`] each, and leaves them for the next
    /// call.
    pub fn cache_bytes(&self) -> usize {
        let workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        workspaces.iter().map(Workspace::cache_bytes).sum()
    }

    /// Gives back the memory of the word caches that no call is using. No id changes by that.
    pub fn clear_caches(&self) {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).clear();
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

/// A task of a thread: texts with the number of the first, or a part of one text.
enum Task<'a, Text> {
    Texts(usize, &'a [Text]),
    Portions(Part<'a>),
}

/// Portions of one text, and the ids before the first and after the last portion of it.
struct Part<'a> {
    index: usize,
    text: &'a str,
    portions: Vec<Portion>,
    before: Option<&'a [u32]>,
    after: Option<&'a [u32]>,
}

/// Cuts `texts` into tasks of about `size` bytes.
fn chunks_of<Text: AsRef<str>>(
    texts: &[Text],
    first: usize,
    size: usize,
) -> impl Iterator<Item = Task<'_, Text>> {
    let runs = runs_of(texts, |text| text.as_ref().len(), size);
    runs.into_iter().map(move |(start, run)| Task::Texts(first + start, run))
}

/// Collects the portions of a text into parts of about `size` bytes.
fn parts_of<'a>(
    index: usize,
    text: &'a str,
    portions: Vec<Portion>,
    frame: (&'a [u32], &'a [u32]),
    size: usize,
) -> Vec<Part<'a>> {
    let empty = || Part { index, text, portions: Vec::new(), before: None, after: None };
    let mut parts = vec![Part { before: Some(frame.0), ..empty() }];
    let mut bytes = 0;
    for portion in portions {
        if let Portion::Text(range, _) = &portion {
            bytes += range.len();
        }
        if let Some(part) = parts.last_mut() {
            part.portions.push(portion);
        }
        if bytes >= size {
            parts.push(empty());
            bytes = 0;
        }
    }
    if let Some(part) = parts.last_mut() {
        part.after = Some(frame.1);
    }
    parts
}

/// Cuts `texts` into runs of about `most` bytes, each with the index of its first text.
fn runs_of<Text>(texts: &[Text], size: impl Fn(&Text) -> usize, most: usize) -> Vec<(usize, &[Text])> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        bytes += size(text);
        if bytes >= most {
            runs.push((start, &texts[start..=index]));
            (start, bytes) = (index + 1, 0);
        }
    }
    if start < texts.len() {
        runs.push((start, &texts[start..]));
    }
    runs
}

fn sentences<Text: AsRef<str>>(texts: &[Text]) -> Vec<Sentence<'_>> {
    texts.iter().map(|text| Sentence::Text(text.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byte_level(add_prefix_space: bool) -> Tokenizer {
        let json = r#"{
            "version": "1.0", "truncation": null, "padding": null, "normalizer": {"type": "NFC"},
            "added_tokens": [
                {"id": 258, "content": "<x>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": false},
                {"id": 259, "content": "b c", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false}
            ],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": PREFIX, "trim_offsets": true, "use_regex": true},
            "post_processor": null, "decoder": null,
            "model": {"type": "BPE", "vocab": {VOCAB}, "merges": ["a b", "\u0120 a"]}
        }"#;
        let bytes = (0..=255).map(|byte| {
            format!("{}: {byte}", serde_json::json!(crate::text::byte_level::char_of(byte).to_string()))
        });
        let more = ["\"ab\": 256".to_owned(), "\"\u{120}a\": 257".to_owned()];
        let vocab = bytes.chain(more).collect::<Vec<_>>().join(",");
        let json = json.replace("VOCAB", &vocab).replace("PREFIX", &add_prefix_space.to_string());
        Tokenizer::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_long_text_has_the_same_ids_in_portions() {
        let pieces = ["ab ", "a  ", "  <x>", "b c", "don't", "!\n\n", "\u{3000}漢", " é1", "\t", "漢字 "];
        for seed in 0..4_usize {
            let tokenizer = byte_level(seed % 2 == 1);
            let long: String =
                (0..40_000).map(|number| pieces[number * number * (seed + 3) % 97 % 10]).collect();
            for text in [long, "a".repeat(200_000), " ".repeat(200_000), "<x>".repeat(50_000)] {
                let texts = ["ab", &text, "", &text, "a b"];
                let encode = |threads| {
                    tokenizer.encode_batch_ids(&texts, None, &tokenizer.options(), threads).unwrap()
                };
                let alone = encode(1);
                assert!([2, 3].into_iter().all(|threads| encode(threads) == alone), "{seed}");
            }
            assert!((1..16 << 20).contains(&tokenizer.cache_bytes()));
            tokenizer.clear_caches();
            assert_eq!(tokenizer.cache_bytes(), 0);
        }
    }
}
