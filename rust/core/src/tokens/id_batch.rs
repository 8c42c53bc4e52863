//! Many texts of which nothing but ids is asked for: in blocks, of which some may be encoded while others are made.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::encode::EncodeOptions;
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

/// A part of a text is never larger, so that threads end together.
const LARGEST_PART: usize = 1 << 20;

/// Nor is a block, of which many are made while others are encoded.
const LARGEST_BLOCK: usize = 1 << 17;

/// Some texts of a batch.
pub trait Block: Send {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them, or what is wrong with it.
    fn text(&self, index: usize) -> Result<Cow<'_, str>>;
}

impl<Text: AsRef<str> + Sync> Block for &[Text] {
    fn count(&self) -> usize {
        self.len()
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(self[index].as_ref()))
    }
}

/// What comes next of a batch.
pub enum Fed<'a, Texts> {
    /// Texts that one thread encodes.
    Block(Texts),
    /// A text that is cut, if it can be, for all threads to encode.
    Long(&'a str),
}

/// How to encode a batch.
pub struct IdBatch<'a> {
    tokenizer: &'a Tokenizer,
    frame: (&'a [u32], &'a [u32]),
    policy: SpecialText,
    /// About how many bytes of text there are.
    bytes: usize,
    /// Room for so many ids.
    room: usize,
    num_threads: usize,
}

impl Tokenizer {
    /// How to encode a batch, which has no texts yet. None where more than ids has to be known.
    pub fn id_batch<'a>(&'a self, options: &EncodeOptions<'_>, num_threads: usize) -> Option<IdBatch<'a>> {
        let (frame, policy) = (self.frame_of(options)?, options.special_text);
        Some(IdBatch { tokenizer: self, frame, policy, bytes: 0, room: 0, num_threads })
    }
}

impl IdBatch<'_> {
    /// The same for so many texts, of about so many bytes in all.
    #[must_use]
    pub fn of(self, texts: usize, bytes: usize) -> Self {
        // As much as any text needs that is not very long: room that is never written costs nothing, to move ids does.
        let room = bytes.min(bytes / 2 + SPARE_ROOM) + texts * (self.frame.0.len() + self.frame.1.len());
        Self { bytes, room, ..self }
    }

    /// Of how many bytes a block should be; None where one thread is best given all texts in one.
    ///
    /// The first blocks are waited for, and the last are not done at the same time, so they are small.
    pub fn block_size(&self) -> Option<usize> {
        let is_shared = self.num_threads > 1 && self.bytes >= 2 * WORTH_A_THREAD;
        is_shared.then(|| self.share(64).min(LARGEST_BLOCK))
    }

    /// Whether a text of so many bytes is to be cut.
    pub fn is_long(&self, bytes: usize) -> bool {
        bytes > 2 * self.share(16)
    }

    /// The bytes of a task where each thread has so many.
    fn share(&self, tasks: usize) -> usize {
        (self.bytes / (self.num_threads * tasks)).clamp(WORTH_A_THREAD, LARGEST_PART)
    }

    /// The ids of all texts, a row each.
    pub fn encode(&self, texts: &impl Block) -> Result<Ragged> {
        let mut rows = Ragged::new();
        reserve_large_pages(&mut rows.ids, self.room);
        self.append_rows((0, texts), &mut self.tokenizer.workspace().own, &mut rows)?;
        Ok(rows)
    }

    /// The same for texts that `feed` pushes in their order, on the calling thread, while others encode them.
    ///
    /// It is called again as long as it says that there is more, which it may do to have the memory of its blocks back.
    pub fn encode_fed<'a, Texts: Block>(
        &self,
        mut feed: impl FnMut(&mut dyn FnMut(Fed<'a, Texts>)) -> Result<bool>,
    ) -> Result<Ragged> {
        let idle = Mutex::new(Vec::new());
        let writers = || idle.lock().unwrap_or_else(PoisonError::into_inner);
        let new_writer = || Writer::new(self.tokenizer.workspace(), self.room / self.num_threads);
        let (mut texts, mut tasks, mut has_more) = (0, 0, true);
        while has_more {
            let feed_tasks = |push: &mut dyn FnMut(_)| {
                let mut push = |task| {
                    push((tasks, task));
                    tasks += 1;
                };
                has_more = feed(&mut |fed| texts += self.push_tasks(texts, fed, &mut push))?;
                Ok(())
            };
            let done = threads::for_each_fed(
                self.num_threads,
                feed_tasks,
                || writers().pop().unwrap_or_else(new_writer),
                |writer, (number, task)| {
                    writer.write(number, |workspace, rows| self.append_task(&task, workspace, rows))
                },
            )?;
            writers().extend(done);
        }
        writers::joined(idle.into_inner().unwrap_or_else(PoisonError::into_inner), self.num_threads)
    }

    /// Pushes what there is to do, and says for how many texts.
    fn push_tasks<'a, Texts: Block>(
        &self,
        first: usize,
        fed: Fed<'a, Texts>,
        push: &mut impl FnMut(Task<'a, Texts>),
    ) -> usize {
        match fed {
            Fed::Block(block) => {
                let count = block.count();
                push(Task::Texts(first, block));
                count
            }
            Fed::Long(text) => {
                self.parts_of(first, text).into_iter().for_each(|part| push(Task::Part(part)));
                1
            }
        }
    }

    fn append_task(
        &self,
        task: &Task<'_, impl Block>,
        workspace: &mut Workspace,
        rows: &mut Ragged,
    ) -> Result<()> {
        match task {
            Task::Texts(first, block) => self.append_rows((*first, block), workspace, rows),
            Task::Part(part) => {
                self.append_part(part, workspace, rows).map_err(|error| at_text(error, part.index))
            }
        }
    }

    /// Appends the rows of texts, of which the first has a number.
    fn append_rows(
        &self,
        (first, texts): (usize, &impl Block),
        workspace: &mut Workspace,
        rows: &mut Ragged,
    ) -> Result<()> {
        rows.offsets.reserve(texts.count());
        for index in 0..texts.count() {
            texts
                .text(index)
                .and_then(|text| self.append_text(&text, workspace, rows))
                .map_err(|error| at_text(error, first + index))?;
        }
        Ok(())
    }

    fn append_text(&self, text: &str, workspace: &mut Workspace, rows: &mut Ragged) -> Result<()> {
        self.tokenizer.encode_framed(text, self.frame, self.policy, workspace, &mut rows.ids)?;
        rows.close_row();
        Ok(())
    }

    fn append_part(&self, part: &Part<'_>, workspace: &mut Workspace, rows: &mut Ragged) -> Result<()> {
        let Some(portions) = &part.portions else { return self.append_text(part.text, workspace, rows) };
        if part.is_first {
            rows.ids.extend_from_slice(self.frame.0);
        }
        for portion in portions {
            match &self.tokenizer.algorithm {
                Algorithm::Pipeline(pipeline) => {
                    pipeline.encode_portion(part.text, portion, workspace, &mut rows.ids)?;
                }
                Algorithm::SentencePiece(model) => {
                    model.encode_portion(part.text, portion, workspace, &mut rows.ids)?;
                }
            }
        }
        if part.is_last {
            rows.ids.extend_from_slice(self.frame.1);
            rows.close_row();
        }
        Ok(())
    }

    /// The parts of a text; one where it cannot be cut.
    fn parts_of<'a>(&self, index: usize, text: &'a str) -> Vec<Part<'a>> {
        let part = |portions| Part { index, text, portions, is_first: false, is_last: false };
        let size = self.share(16);
        // What is wrong with a text is said when its turn comes.
        let Some(portions) = self.portions_of(text, size).ok().flatten() else { return vec![part(None)] };
        let mut parts: Vec<_> =
            gathered(portions, size).into_iter().map(|portions| part(Some(portions))).collect();
        if let Some(first) = parts.first_mut() {
            first.is_first = true;
        }
        if let Some(last) = parts.last_mut() {
            last.is_last = true;
        }
        parts
    }

    fn portions_of(&self, text: &str, size: usize) -> Result<Option<Vec<Portion>>> {
        let added = &self.tokenizer.added;
        match &self.tokenizer.algorithm {
            _ if u32::try_from(text.len()).is_err() => Ok(None),
            Algorithm::Pipeline(pipeline) => pipeline.portions(added, text, self.policy, size),
            Algorithm::SentencePiece(model) => model.portions(added, text, self.policy, size),
        }
    }
}

/// A task of a thread: texts with the number of the first, or a part of one text.
enum Task<'a, Texts> {
    Texts(usize, Texts),
    Part(Part<'a>),
}

/// Portions of one text. None is all of it, uncut.
struct Part<'a> {
    index: usize,
    text: &'a str,
    portions: Option<Vec<Portion>>,
    is_first: bool,
    is_last: bool,
}

/// Collects portions until they have about `size` bytes, again and again.
fn gathered(portions: Vec<Portion>, size: usize) -> Vec<Vec<Portion>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for portion in portions {
        if let Portion::Text(range, _) = &portion {
            bytes += range.len();
        }
        if let Some(part) = parts.last_mut() {
            part.push(portion);
        }
        if bytes >= size {
            parts.push(Vec::new());
            bytes = 0;
        }
    }
    parts
}

pub(super) fn at_text(error: Error, index: usize) -> Error {
    error.at(format!("text {index}"))
}
