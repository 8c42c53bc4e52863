//! A string or a pattern in each token is replaced.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::literal::Literal;
use super::pipeline::Step;
use super::portion::{Portion, WholeTokens};
use crate::text::Pattern;
use crate::{Error, Result};

/// What is replaced, by what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "ReplaceFile", into = "ReplaceFile")]
pub struct Replace {
    file: ReplaceFile,
    /// None: a string, which is not empty.
    pattern: Option<Pattern>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceFile {
    pattern: Searched,
    content: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Searched {
    String(String),
    Regex(String),
}

impl TryFrom<ReplaceFile> for Replace {
    type Error = Error;

    fn try_from(file: ReplaceFile) -> Result<Self> {
        // An empty string is found between all characters, as the empty pattern is.
        let pattern = match &file.pattern {
            Searched::String(text) => text.is_empty().then(String::new),
            Searched::Regex(pattern) => Some(pattern.clone()),
        };
        let compiled = |pattern| {
            serde_json::from_value(json!({ "Regex": pattern })).map_err(|error| Error::new(error.to_string()))
        };
        Ok(Self { pattern: pattern.map(compiled).transpose()?, file })
    }
}

impl From<Replace> for ReplaceFile {
    fn from(replace: Replace) -> Self {
        replace.file
    }
}

impl Replace {
    /// A string that is replaced.
    pub fn string(text: &str, content: &str) -> Result<Self> {
        let pattern = Searched::String(text.to_owned());
        ReplaceFile { pattern, content: content.to_owned() }.try_into()
    }

    /// The string that is replaced, if it is no pattern, and what replaces it.
    pub(in super::super) fn as_strings(&self) -> Option<(&str, &str)> {
        match &self.file.pattern {
            Searched::String(text) => Some((text, &self.file.content)),
            Searched::Regex(_) => None,
        }
    }
}

pub(super) fn step(replace: &Replace) -> Box<dyn Step> {
    let content = replace.file.content.clone();
    match (&replace.pattern, &replace.file.pattern) {
        (Some(pattern), _) => {
            Box::new(ReplacePattern { pattern: pattern.clone(), content, tokens: WholeTokens::default() })
        }
        (None, Searched::String(text) | Searched::Regex(text)) => Box::new(Literal::new(text, content)),
    }
}

#[derive(Debug)]
struct ReplacePattern {
    pattern: Pattern,
    content: String,
    tokens: WholeTokens,
}

impl Step for ReplacePattern {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        let Self { pattern, content, tokens } = self;
        let mut found = Vec::new();
        let mut result = Ok(());
        tokens.each(input, |token| {
            found.clear();
            // Nothing is found in nothing: the library does not even look.
            if result.is_ok() && !token.is_empty() {
                result = pattern.matches(token, &mut found);
            }
            let mut done = 0;
            for range in &found {
                output.extend(token.get(done..range.start).unwrap_or_default());
                output.extend(content);
                done = range.end;
            }
            output.push(token.get(done..).unwrap_or_default());
        });
        result
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
