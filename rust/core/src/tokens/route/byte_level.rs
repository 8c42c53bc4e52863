//! Byte-level BPE: the words of a split pattern, as they stand in the text.

use super::Stretch;
use crate::Result;
use crate::text::{LEAST_ROOM, PreTokenizer, Scan, Scanner};
use crate::tokens::models::Model;
use crate::tokens::pipeline::{Pipeline, Workspace};

/// So many words are found before they are looked up.
const ROOM: usize = LEAST_ROOM.next_multiple_of(512);

#[derive(Debug)]
pub(in crate::tokens) struct ByteLevel {
    /// None: the whole text is a word.
    scanner: Option<Scanner>,
    add_prefix_space: bool,
}

impl ByteLevel {
    pub(super) fn new(pre_tokenizer: Option<&PreTokenizer>, model: &Model) -> Option<Self> {
        match pre_tokenizer {
            Some(PreTokenizer::ByteLevel(step)) if model.reads_bytes() => Some(Self {
                scanner: step.use_regex.then_some(Scanner::Gpt2),
                add_prefix_space: step.add_prefix_space,
            }),
            _ => None,
        }
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
        let prefixed = (self.add_prefix_space && !text.starts_with(' ')).then(|| format!(" {text}"));
        let text = prefixed.as_deref().unwrap_or(text);
        let Some(scanner) = self.scanner else { return pipeline.encode_piece(text, workspace, ids) };
        let Workspace { cache, places, tokens, .. } = workspace;
        places.resize(ROOM, (0, 0));
        let mut scan = Scan::new(scanner, text);
        loop {
            let count = scan.fill(places);
            if count == 0 {
                return Ok(());
            }
            cache.encode(text.as_bytes(), &places[..count], ids, |word, ids| {
                tokens.clear();
                pipeline.model.encode_bytes(word, tokens)?;
                ids.extend(tokens.iter().map(|token| token.id));
                Ok(())
            })?;
        }
    }
}
