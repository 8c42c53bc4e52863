//! Text to ids: find added tokens, split the rest into words, encode each word.

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashSet;

use super::added::{AddedToken, AddedTokens, Stretch};
use super::cache::WordCache;
use super::decode::DecodeTable;
use super::models::{Model, Token};
use super::vocab::Vocab;
use crate::rows::Ragged;
use crate::text::{Split, byte_level};
use crate::threads::{self, WORTH_A_THREAD};
use crate::{Error, Result};

/// What to do with text that spells a special token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialText {
    /// It is the special token.
    Parse,
    /// It is ordinary text.
    Text,
    /// It is an error: the text is not to be trusted.
    Error,
}

/// A byte-level BPE tokenizer.
///
/// ```
/// use fastmask_core::tokens::{ByteBpeTrainer, SpecialText, TrainSettings};
/// let mut trainer = ByteBpeTrainer::new(TrainSettings { vocab_size: 260, ..TrainSettings::default() })?;
/// trainer.feed(&["low lower lowest"], 1)?;
/// let tokenizer = trainer.train(|_, _| Ok(()))?;
/// let ids = tokenizer.encode("lower", SpecialText::Parse)?;
/// assert_eq!(tokenizer.decode(&ids, false)?, b"lower");
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Tokenizer {
    pub(super) vocab: Vocab,
    pub(super) added: AddedTokens,
    pub(super) split: Split,
    pub(super) add_prefix_space: bool,
    pub(super) model: Model,
    reads_bytes: bool,
    decode_table: DecodeTable,
    /// Caches between calls: a call takes one for each of its threads and gives it back.
    caches: Mutex<Vec<WordCache>>,
}

/// Everything that makes a tokenizer, before it is checked and indexed.
pub(super) struct Parts {
    pub(super) added: Vec<AddedToken>,
    pub(super) split: Split,
    pub(super) add_prefix_space: bool,
    pub(super) model: Model,
}

impl Tokenizer {
    pub(super) fn new(parts: Parts) -> Result<Self> {
        let (mut model, mut vocab) = (parts.model, Vocab::default());
        for (id, token) in model.vocab().iter() {
            vocab.insert(token, id)?;
        }
        let reads_bytes = model.can_read_bytes();
        model.read_bytes();
        for (index, token) in parts.added.iter().enumerate() {
            vocab
                .insert(&token.content, token.id)
                .map_err(|error| error.at(format!("added_tokens[{index}]")))?;
        }
        Ok(Self {
            decode_table: DecodeTable::new(&vocab),
            vocab,
            added: AddedTokens::new(parts.added)?,
            split: parts.split,
            add_prefix_space: parts.add_prefix_space,
            model,
            reads_bytes,
            caches: Mutex::default(),
        })
    }

    /// The tokens, added ones included.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// The added tokens, special or not.
    pub fn added_tokens(&self) -> &[AddedToken] {
        self.added.all()
    }

    /// The ids of one text.
    pub fn encode(&self, text: &str, special_text: SpecialText) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.encode_into(text, special_text, &mut self.borrow_cache().cache, &mut ids)?;
        Ok(ids)
    }

    /// The ids of many texts, one row a text, equal on any number of threads.
    pub fn encode_batch<Text: AsRef<str> + Sync>(
        &self,
        texts: &[Text],
        special_text: SpecialText,
        num_threads: usize,
    ) -> Result<Ragged> {
        let chunks = chunks_by_bytes(texts);
        let mut parts = vec![Ragged::new(); chunks.len()];
        let tasks = chunks.into_iter().zip(&mut parts).collect();
        let state = || self.borrow_cache();
        threads::for_each(num_threads, tasks, state, |cache, ((first, chunk), rows)| {
            for (index, text) in chunk.iter().enumerate() {
                self.encode_into(text.as_ref(), special_text, &mut cache.cache, &mut rows.ids)
                    .map_err(|error| error.at(format!("text {}", first + index)))?;
                rows.close_row();
            }
            Ok(())
        })?;
        Ok(joined(parts))
    }

    /// The bytes of `ids`: UTF-8 except where ids end, begin or join in the middle of a character.
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<Vec<u8>> {
        let special = self.added_tokens().iter().filter(|token| token.special && skip_special_tokens);
        let skipped: FxHashSet<u32> = special.map(|token| token.id).collect();
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for (place, &id) in ids.iter().enumerate() {
            let token = self.decode_table.bytes(id).ok_or_else(|| self.no_such_id(id, place))?;
            if !skipped.contains(&id) {
                bytes.extend_from_slice(token);
            }
        }
        Ok(bytes)
    }

    fn no_such_id(&self, id: u32, place: usize) -> Error {
        Error::new(format!("id {id} at position {place} is not in the vocabulary")).advise(format!(
            "ids run from 0 to {}: was this encoded by another tokenizer?",
            self.vocab.size() - 1
        ))
    }

    fn encode_into(
        &self,
        text: &str,
        special_text: SpecialText,
        cache: &mut WordCache,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        self.added.stretches(text, special_text != SpecialText::Text, &mut |stretch| {
            match stretch {
                Stretch::Token(token) if token.special && special_text == SpecialText::Error => {
                    return Err(Error::new(format!("the text spells the special token {:?}", token.content))
                        .advise("pass special_text=\"text\" to take it as text, \"parse\" to take it as the token"));
                }
                Stretch::Token(token) => ids.push(token.id),
                Stretch::Text(text) => self.encode_text(text, cache, ids)?,
            }
            Ok(())
        })
    }

    fn encode_text(&self, text: &str, cache: &mut WordCache, ids: &mut Vec<u32>) -> Result<()> {
        if self.add_prefix_space && !text.starts_with(' ') {
            // The space joins the first word, which only a text of its own can show.
            let prefixed = format!(" {text}");
            for word in self.split.words(&prefixed) {
                self.encode_word(word, cache, ids)?;
            }
        } else {
            for word in self.split.words(text) {
                self.encode_word(word, cache, ids)?;
            }
        }
        Ok(())
    }

    fn encode_word(&self, word: &str, cache: &mut WordCache, ids: &mut Vec<u32>) -> Result<()> {
        if let Some(known) = cache.get(word.as_bytes()) {
            ids.extend_from_slice(known);
            return Ok(());
        }
        let (start, mut tokens) = (ids.len(), Vec::<Token>::new());
        if self.reads_bytes {
            self.model.encode_bytes(word.as_bytes(), &mut tokens)?;
        } else {
            let spelled: String = word.bytes().map(byte_level::char_of).collect();
            self.model.encode_word(&spelled, &mut tokens)?;
        }
        ids.extend(tokens.iter().map(|token| token.id));
        cache.insert(word.as_bytes(), &ids[start..]);
        Ok(())
    }

    fn borrow_cache(&self) -> BorrowedCache<'_> {
        let cache = self.caches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        BorrowedCache { cache, home: &self.caches }
    }
}

struct BorrowedCache<'a> {
    cache: WordCache,
    home: &'a Mutex<Vec<WordCache>>,
}

impl Drop for BorrowedCache<'_> {
    fn drop(&mut self) {
        let cache = std::mem::take(&mut self.cache);
        self.home.lock().unwrap_or_else(PoisonError::into_inner).push(cache);
    }
}

/// Cuts `texts` into runs of about [`WORTH_A_THREAD`] bytes, each with the index of its first text.
fn chunks_by_bytes<Text: AsRef<str>>(texts: &[Text]) -> Vec<(usize, &[Text])> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        bytes += text.as_ref().len();
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
