//! Byte-level BPE: the words of a split pattern, as they stand in the text.

use super::Stretch;
use crate::Result;
use crate::text::{Aligned, LEAST_ROOM, PreTokenizer, Scan, Scanner, safe_cut};
use crate::tokens::models::Model;
use crate::tokens::pipeline::{Pipeline, Workspace};

/// So many words are found before they are looked up.
const ROOM: usize = LEAST_ROOM.next_multiple_of(512);

#[derive(Debug)]
pub(in crate::tokens) struct ByteLevel {
    cut: Cut,
    add_prefix_space: bool,
}

/// How words are found.
#[derive(Debug)]
enum Cut {
    /// The whole text is one.
    Whole,
    /// By a known pattern.
    Scanner(Scanner),
    /// By the pre-tokenizer, which leaves the text as it is.
    Steps,
}

impl ByteLevel {
    pub(super) fn new(pre_tokenizer: Option<&PreTokenizer>, model: &Model) -> Option<Self> {
        let steps = pre_tokenizer.filter(|_| model.reads_bytes())?;
        let (cut, add_prefix_space) = match steps {
            PreTokenizer::ByteLevel(step) if step.use_regex => {
                (Cut::Scanner(Scanner::Gpt2), step.add_prefix_space)
            }
            PreTokenizer::ByteLevel(step) => (Cut::Whole, step.add_prefix_space),
            steps => match steps.scanner() {
                Some(scanner) => (Cut::Scanner(scanner), false),
                None if steps.only_cuts() => (Cut::Steps, false),
                None => return None,
            },
        };
        Some(Self { cut, add_prefix_space })
    }

    /// The first place from `from` on where a letter is followed by white space: no known pattern has a word with both,
    /// and none looks behind.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        matches!(self.cut, Cut::Scanner(_)).then(|| safe_cut(text, from)).flatten()
    }

    pub(super) fn encode(
        &self,
        pipeline: &Pipeline,
        stretch: Stretch<'_>,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let text = stretch.text;
        // The space joins the first word, which only a text of its own can show.
        let wants_space = self.add_prefix_space && stretch.extent.begins && !text.starts_with(' ');
        let prefixed = wants_space.then(|| format!(" {text}"));
        let text = prefixed.as_deref().unwrap_or(text);
        match &self.cut {
            Cut::Whole => pipeline.encode_piece(text, workspace, ids),
            Cut::Scanner(scanner) => {
                workspace.places.resize(ROOM, (0, 0));
                let mut scan = Scan::new(*scanner, text);
                loop {
                    let count = scan.fill(&mut workspace.places);
                    if count == 0 {
                        return Ok(());
                    }
                    encode_words(&pipeline.model, text, count, workspace, ids)?;
                }
            }
            Cut::Steps => {
                let pieces = pipeline.pieces(Aligned::new(text, 0, false))?;
                let mut ranges = pieces.ranges().map(|range| (range.start as u32, range.end as u32));
                loop {
                    workspace.places.clear();
                    workspace.places.extend(ranges.by_ref().take(ROOM));
                    match workspace.places.len() {
                        0 => return Ok(()),
                        count => encode_words(&pipeline.model, text, count, workspace, ids)?,
                    }
                }
            }
        }
    }
}

/// Appends the ids of the first words of `workspace.places`.
fn encode_words(
    model: &Model,
    text: &str,
    count: usize,
    workspace: &mut Workspace,
    ids: &mut Vec<u32>,
) -> Result<()> {
    let Workspace { cache, places, scratch, .. } = workspace;
    cache.encode(text.as_bytes(), &places[..count], ids, |word, ids| model.encode_ids(word, scratch, ids))
}
