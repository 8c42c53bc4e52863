//! Spaces as a visible mark, as `SentencePiece` writes them.

use serde::{Deserialize, Serialize};

use super::Behavior;
use crate::text::Pieces;
use crate::{Error, Result};

/// Where a mark is put before a text that does not begin with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrependScheme {
    /// At the begin of the document.
    First,
    /// Nowhere.
    Never,
    /// Before every piece.
    Always,
}

/// Puts a mark in place of each space, and cuts before each mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MetaspaceFile")]
pub struct Metaspace {
    replacement: char,
    pub(super) prepend_scheme: PrependScheme,
    split: bool,
}

/// The fields of the file; older ones say `add_prefix_space`, and spell the mark a second time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetaspaceFile {
    replacement: char,
    add_prefix_space: Option<bool>,
    #[serde(default = "always")]
    prepend_scheme: PrependScheme,
    split: Option<bool>,
    #[serde(rename = "str_rep")]
    _str_rep: Option<String>,
}

fn always() -> PrependScheme {
    PrependScheme::Always
}

impl TryFrom<MetaspaceFile> for Metaspace {
    type Error = Error;

    fn try_from(file: MetaspaceFile) -> Result<Self> {
        // A file that says false has to name the scheme: left out, it is "always", and the original refuses that too.
        if file.add_prefix_space == Some(false) && file.prepend_scheme != PrependScheme::Never {
            return Err(Error::new("add_prefix_space is false, and prepend_scheme is not \"never\"")
                .advise("set prepend_scheme to \"never\", or leave add_prefix_space out"));
        }
        let MetaspaceFile { replacement, prepend_scheme, split, .. } = file;
        Ok(Self { replacement, prepend_scheme, split: split.unwrap_or(true) })
    }
}

impl Metaspace {
    /// The mark.
    pub fn replacement(&self) -> char {
        self.replacement
    }

    /// Whether text is cut before each mark.
    pub fn splits(&self) -> bool {
        self.split
    }

    /// Where a mark is put before a text that does not begin with one.
    pub fn prepend_scheme(&self) -> PrependScheme {
        self.prepend_scheme
    }

    pub(super) fn apply(&self, pieces: &mut Pieces<'_>) -> Result<()> {
        let mut buffer = [0; 4];
        let mark: &str = self.replacement.encode_utf8(&mut buffer);
        let mut spaces = Vec::new();
        pieces.rewrite(|piece| {
            spaces.clear();
            spaces.extend(piece.as_str().match_indices(' ').map(|(place, _)| place..place + 1));
            piece.replace(&spaces, mark);
            let prepends = match self.prepend_scheme {
                PrependScheme::Always => true,
                PrependScheme::First => piece.start() == 0,
                PrependScheme::Never => false,
            };
            if prepends && !piece.as_str().starts_with(self.replacement) {
                piece.prepend(mark);
            }
            Ok(())
        })?;
        if !self.split {
            return Ok(());
        }
        let mut marks = Vec::new();
        pieces.split(|piece, ranges| {
            marks.clear();
            marks.extend(piece.match_indices(mark).map(|(place, _)| place..place + mark.len()));
            Behavior::MergedWithNext.cut(piece.len(), &marks, false, ranges);
            Ok(())
        })
    }
}
