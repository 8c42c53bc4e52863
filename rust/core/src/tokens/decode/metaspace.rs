//! A character that stands for the space before a word.

use serde::{Deserialize, Serialize};

use super::pipeline::Step;
use super::portion::Portion;
use crate::{Error, Result};

/// The settings, which are those of the pre-tokenizer of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MetaspaceFile")]
pub struct Metaspace {
    replacement: char,
    prepend_scheme: PrependScheme,
    split: bool,
}

/// Where encoding puts a space that is not in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PrependScheme {
    /// Before the first piece.
    First,
    /// Nowhere.
    Never,
    /// Before every piece.
    #[default]
    Always,
}

/// With the fields of older versions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetaspaceFile {
    replacement: char,
    #[serde(default)]
    prepend_scheme: PrependScheme,
    split: Option<bool>,
    add_prefix_space: Option<bool>,
    #[serde(rename = "str_rep")]
    _replacement_as_text: Option<String>,
}

impl TryFrom<MetaspaceFile> for Metaspace {
    type Error = Error;

    fn try_from(file: MetaspaceFile) -> Result<Self> {
        if file.add_prefix_space == Some(false) && file.prepend_scheme != PrependScheme::Never {
            return Err(Error::new("add_prefix_space is false, but prepend_scheme is not \"never\"")
                .advise("take add_prefix_space out, and set prepend_scheme"));
        }
        Ok(Self {
            replacement: file.replacement,
            prepend_scheme: file.prepend_scheme,
            split: file.split.unwrap_or(true),
        })
    }
}

impl Metaspace {
    /// The character that stands for a space.
    pub fn replacement(self) -> char {
        self.replacement
    }
}

/// The decoder at work: the character becomes a space again, but in the first token it goes, because encoding put it
/// there.
#[derive(Debug)]
pub(super) struct Spaces {
    replacement: char,
    is_first_stripped: bool,
    is_first: bool,
}

impl Spaces {
    pub(super) fn new(metaspace: Metaspace) -> Self {
        let is_first_stripped = metaspace.prepend_scheme != PrependScheme::Never;
        Self { replacement: metaspace.replacement, is_first_stripped, is_first: true }
    }
}

impl Step for Spaces {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        for (piece, ends) in input.pieces() {
            let space = if self.is_first && self.is_first_stripped { "" } else { " " };
            let mut parts = piece.split(self.replacement);
            output.extend(parts.next().unwrap_or_default());
            for part in parts {
                output.extend(space);
                output.extend(part);
            }
            if ends {
                output.end();
                self.is_first = false;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
