//! What a text is searched for: a string, or a regular expression in one of two dialects.

use std::ops::Range;

use fancy_regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A string or a regular expression, as `{"String": ...}` and `{"Regex": ...}` in a `tokenizer.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "PatternFile", into = "PatternFile")]
pub struct Pattern {
    file: PatternFile,
    matcher: Matcher,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum PatternFile {
    String(String),
    Regex(String),
}

#[derive(Debug, Clone)]
enum Matcher {
    Literal(String),
    Regex(Regex),
}

impl TryFrom<PatternFile> for Pattern {
    type Error = Error;

    fn try_from(file: PatternFile) -> Result<Self> {
        let matcher = match &file {
            PatternFile::String(text) => Matcher::Literal(text.clone()),
            PatternFile::Regex(pattern) => Matcher::Regex(compiled(pattern)?),
        };
        Ok(Self { file, matcher })
    }
}

impl From<Pattern> for PatternFile {
    fn from(pattern: Pattern) -> Self {
        pattern.file
    }
}

fn compiled(pattern: &str) -> Result<Regex> {
    RegexBuilder::new(pattern).backtrack_limit(usize::MAX).build().map_err(|error| {
        Error::new(format!("the pattern {pattern:?} does not compile: {error}"))
            .advise("correct the regular expression")
    })
}

impl Pattern {
    /// Appends the ranges of all matches in `text`, from the left, without overlaps.
    pub fn matches(&self, text: &str, found: &mut Vec<Range<usize>>) -> Result<()> {
        match &self.matcher {
            Matcher::Literal(literal) => {
                found.extend(text.match_indices(literal.as_str()).map(|(place, part)| place..place + part.len()));
            }
            Matcher::Regex(regex) => {
                for one in regex.find_iter(text) {
                    let one = one.map_err(|error| Error::new(format!("the pattern gave up: {error}")))?;
                    found.push(one.range());
                }
            }
        }
        Ok(())
    }
}
