//! Many texts on many threads.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::encode::{EncodeOptions, Sentence};
use super::encoding::Encoding;
use super::id_batch::{Block, Fed, at_text};
use super::pipeline::Workspace;
use super::portions::Extent;
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
            self.encode_framed(
                (text, Extent::WHOLE),
                frame,
                options.special_text,
                &mut self.workspace().own,
                &mut ids,
            )?;
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
        let batch = self.id_batch(options, num_threads);
        let Some(batch) = batch.filter(|_| pairs.is_none()) else {
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
        let batch = batch.of(texts.len(), texts.iter().map(|text| text.as_ref().len()).sum());
        let Some(size) = batch.block_size() else { return batch.encode(&texts) };
        let is_long = |text: &Text| batch.is_long(text.as_ref().len());
        batch.encode_fed(|push| {
            for group in texts.chunk_by(|one, next| !is_long(one) && !is_long(next)) {
                match group {
                    [text] if is_long(text) => batch
                        .portions(text.as_ref())
                        .for_each(|(portion, extent)| push(Fed::Portion(Run::Portion(portion), extent))),
                    _ => runs_of(group, |text| text.as_ref().len(), size)
                        .into_iter()
                        .for_each(|(_, run)| push(Fed::Block(Run::Texts(run)))),
                }
            }
            Ok(false)
        })
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

/// What one thread encodes at a time.
enum Run<'a, Text> {
    Texts(&'a [Text]),
    Portion(&'a str),
}

impl<Text: AsRef<str> + Sync> Block for Run<'_, Text> {
    fn count(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Portion(_) => 1,
        }
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        match self {
            Self::Texts(texts) => texts.text(index),
            Self::Portion(text) => Ok(Cow::Borrowed(text)),
        }
    }
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
