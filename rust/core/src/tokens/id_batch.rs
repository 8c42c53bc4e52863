//! Many texts of which nothing but ids is asked for: in blocks, of which some may be encoded while others are made.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::encode::EncodeOptions;
use super::pipeline::{SpecialText, Workspace};
use super::portions::Extent;
use super::tokenizer::Tokenizer;
use super::writers::{self, Writer};
use crate::memory::reserve_large_pages;
use crate::rows::Ragged;
use crate::threads::{self, WORTH_A_THREAD};
use crate::{Error, Result};

/// A block is never larger: many are made while others are encoded.
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
pub enum Fed<Texts> {
    /// Texts that one thread encodes.
    Block(Texts),
    /// The next portion of a text that is cut, alone in its block.
    Portion(Texts, Extent),
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
        let room = self.tokenizer.density.room(bytes) + texts * (self.frame.0.len() + self.frame.1.len());
        Self { bytes, room, ..self }
    }

    /// Of how many bytes a block should be; None where one thread is best given all texts in one.
    ///
    /// The first blocks are waited for, and the last are not done at the same time, so they are small.
    pub fn block_size(&self) -> Option<usize> {
        let is_shared = self.num_threads > 1 && self.bytes >= 2 * WORTH_A_THREAD;
        is_shared.then(|| (self.bytes / (64 * self.num_threads)).clamp(WORTH_A_THREAD, LARGEST_BLOCK))
    }

    /// Whether a text of so many bytes is to be cut. What is too long for one text stays whole, and is refused.
    pub fn is_long(&self, bytes: usize) -> bool {
        let is_larger = |size| bytes > 2 * size && u32::try_from(bytes).is_ok();
        self.block_size().is_some_and(is_larger) && self.tokenizer.can_cut()
    }

    /// The first place where a text may be cut that leaves about as much as a block before it; None where `text`, which
    /// may be the begin of it only, shows none from `from` on.
    pub fn cut(&self, text: &str, from: usize) -> Option<usize> {
        self.tokenizer.cut(text, from.max(self.block_size()?))
    }

    /// The portions of a text that is cut.
    pub fn portions<'t>(&self, text: &'t str) -> impl Iterator<Item = (&'t str, Extent)> + use<'_, 't> {
        self.tokenizer.portions(text, self.block_size().unwrap_or(usize::MAX))
    }

    /// The ids of all texts, a row each.
    pub fn encode(&self, texts: &impl Block) -> Result<Ragged> {
        let mut rows = Ragged::new();
        reserve_large_pages(&mut rows.ids, self.room);
        self.append_rows((0, texts), &mut self.tokenizer.workspace().own, &mut rows)?;
        self.tokenizer.density.note(self.bytes, rows.ids.len());
        Ok(rows)
    }

    /// The same for texts that `feed` pushes in their order, on the calling thread, while others encode them.
    ///
    /// It is called again as long as it says that there is more, which it may do to have the memory of its blocks back.
    pub fn encode_fed<Texts: Block>(
        &self,
        mut feed: impl FnMut(&mut dyn FnMut(Fed<Texts>)) -> Result<bool>,
    ) -> Result<Ragged> {
        let rows = writers::rows_of(self.room, |sequence| {
            let idle = Mutex::new(Vec::new());
            let writers = || idle.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut texts, mut tasks, mut has_more) = (0, 0, true);
            while has_more {
                let feed_tasks = |push: &mut dyn FnMut(_)| {
                    let mut push = |task| {
                        push((tasks, task));
                        tasks += 1;
                    };
                    has_more = feed(&mut |fed| texts += push_task(texts, fed, &mut push))?;
                    Ok(())
                };
                let done = threads::for_each_fed(
                    self.num_threads,
                    feed_tasks,
                    || writers().pop().unwrap_or_else(|| Writer::new(self.tokenizer.workspace())),
                    |writer: &mut Writer<'_>, (number, task)| {
                        writer.write(number, sequence, |workspace, rows| {
                            self.append_task(&task, workspace, rows)
                        })
                    },
                )?;
                writers().extend(done);
            }
            Ok(idle.into_inner().unwrap_or_else(PoisonError::into_inner))
        })?;
        self.tokenizer.density.note(self.bytes, rows.ids.len());
        Ok(rows)
    }

    fn append_task(
        &self,
        (first, fed): &(usize, Fed<impl Block>),
        workspace: &mut Workspace,
        rows: &mut Ragged,
    ) -> Result<()> {
        match fed {
            Fed::Block(block) => self.append_rows((*first, block), workspace, rows),
            Fed::Portion(block, extent) => {
                let portion = block.text(0);
                portion
                    .and_then(|text| self.append_text((&text, *extent), workspace, rows))
                    .map_err(|error| at_text(error, *first))
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
                .and_then(|text| self.append_text((&text, Extent::WHOLE), workspace, rows))
                .map_err(|error| at_text(error, first + index))?;
        }
        Ok(())
    }

    fn append_text(
        &self,
        (text, extent): (&str, Extent),
        workspace: &mut Workspace,
        rows: &mut Ragged,
    ) -> Result<()> {
        self.tokenizer.encode_framed((text, extent), self.frame, self.policy, workspace, &mut rows.ids)?;
        if extent.ends {
            rows.close_row();
        }
        Ok(())
    }
}

/// Pushes what comes next with the number of its first text, and says how many texts end with it.
fn push_task<Texts: Block>(
    first: usize,
    fed: Fed<Texts>,
    push: &mut impl FnMut((usize, Fed<Texts>)),
) -> usize {
    let count = match &fed {
        Fed::Block(block) => block.count(),
        Fed::Portion(_, extent) => usize::from(extent.ends),
    };
    push((first, fed));
    count
}

pub(super) fn at_text(error: Error, index: usize) -> Error {
    error.at(format!("text {index}"))
}
