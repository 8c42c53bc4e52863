//! What a text is searched for: a string, or a regular expression in one of two dialects.

use std::ops::Range;

use serde::{Deserialize, Serialize, Serializer};

use super::regex::Regex;
use crate::{Error, Result};

/// A string or a regular expression, as `{"String": ...}` and `{"Regex": ...}` in a `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PatternFile")]
pub struct Pattern {
    /// What stands in a file; None for a regular expression that Oniguruma has no words for.
    file: Option<PatternFile>,
    matcher: Matcher,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum PatternFile {
    String(String),
    Regex(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Matcher {
    Literal(String),
    Regex(Regex),
}

impl TryFrom<PatternFile> for Pattern {
    type Error = Error;

    fn try_from(file: PatternFile) -> Result<Self> {
        match file {
            PatternFile::String(text) => Ok(Self::literal(&text)),
            PatternFile::Regex(pattern) => Self::oniguruma(&pattern),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let unsaid = || serde::ser::Error::custom("the pattern means what a tokenizer.json cannot say");
        self.file.as_ref().ok_or_else(unsaid)?.serialize(serializer)
    }
}

impl Pattern {
    /// A string that stands for itself.
    pub fn literal(text: &str) -> Self {
        Self { file: Some(PatternFile::String(text.to_owned())), matcher: Matcher::Literal(text.to_owned()) }
    }

    /// A regular expression in Oniguruma's syntax, which is that of every `tokenizer.json`.
    ///
    /// ```
    /// use fastmask_core::text::Pattern;
    /// // Three digits or fewer, again and again: in this syntax a plus after an interval is no possessive.
    /// let digits = Pattern::oniguruma(r"\p{N}{1,3}+").unwrap();
    /// let mut found = Vec::new();
    /// digits.matches("12345", &mut found).unwrap();
    /// assert_eq!(found, [0..5]);
    /// ```
    pub fn oniguruma(pattern: &str) -> Result<Self> {
        let matcher = Matcher::Regex(Regex::oniguruma(pattern)?);
        Ok(Self { file: Some(PatternFile::Regex(pattern.to_owned())), matcher })
    }

    /// A regular expression in the syntax of the crates regex and fancy-regex, which is tiktoken's.
    ///
    /// In a `tokenizer.json` it is written as Oniguruma has to read it.
    ///
    /// ```
    /// use fastmask_core::text::Pattern;
    /// let digits = Pattern::rust(r"\p{N}{1,3}+").unwrap();
    /// let mut found = Vec::new();
    /// digits.matches("12345", &mut found).unwrap();
    /// assert_eq!(found, [0..3, 3..5]);
    /// ```
    pub fn rust(pattern: &str) -> Result<Self> {
        let (regex, spelling) = Regex::rust(pattern)?;
        Ok(Self { file: spelling.map(PatternFile::Regex), matcher: Matcher::Regex(regex) })
    }

    /// The string that is searched for, if it is one.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &self.matcher {
            Matcher::Literal(literal) => Some(literal),
            Matcher::Regex(_) => None,
        }
    }

    /// The regular expression that is searched for, as a `tokenizer.json` has it.
    pub(crate) fn as_regex(&self) -> Option<&str> {
        match &self.file {
            Some(PatternFile::Regex(regex)) => Some(regex),
            _ => None,
        }
    }

    /// Appends the ranges of all matches in `text`, from the left, without overlaps. Nothing matches in an empty
    /// text.
    pub fn matches(&self, text: &str, found: &mut Vec<Range<usize>>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        match &self.matcher {
            Matcher::Regex(regex) => regex.matches(text, found),
            Matcher::Literal(literal) => {
                found.extend(
                    text.match_indices(literal.as_str()).map(|(place, part)| place..place + part.len()),
                );
                Ok(())
            }
        }
    }
}
