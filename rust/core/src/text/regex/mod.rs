//! Regular expressions exactly as the libraries that wrote a tokenizer read them.
//!
//! A `tokenizer.json` holds Oniguruma's (the C library behind `tokenizers`), tiktoken those of the crate
//! `fancy-regex`. Each dialect is read into the same tree, in which nothing is left to interpret: sets of characters
//! are spelled out, `$` has become what it looks for. One machine matches it. What the tree cannot say is refused by
//! name.

mod fold;
mod machine;
mod oniguruma;
mod program;
mod rust;
pub(super) mod set;
mod spelling;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::Range;

use machine::Machine;
use program::Program;

use crate::{Error, Result};

/// A compiled regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Regex {
    program: Program,
}

impl Regex {
    /// Reads Oniguruma's syntax.
    pub(super) fn oniguruma(pattern: &str) -> Result<Self> {
        let program = oniguruma::parse(pattern).and_then(|tree| Program::new(&tree));
        program.map(|program| Self { program }).map_err(|error| error.at(shown(pattern)))
    }

    /// Reads the syntax of the crates regex and fancy-regex; also what Oniguruma would write, if it can.
    pub(super) fn rust(pattern: &str) -> Result<(Self, Option<String>)> {
        let tree = rust::parse(pattern).map_err(|error| error.at(shown(pattern)))?;
        let program = Program::new(&tree).map_err(|error| error.at(shown(pattern)))?;
        let spelling = spelling::oniguruma(&tree);
        let is_understood = oniguruma::parse(&spelling).is_ok_and(|read| read == tree);
        Ok((Self { program }, is_understood.then_some(spelling)))
    }

    /// Appends the ranges of all matches in `text`, from the left. As in both libraries, an empty match does not
    /// follow a match directly.
    pub(super) fn matches(&self, text: &str, found: &mut Vec<Range<usize>>) -> Result<()> {
        let mut machine = Machine::new(&self.program, text);
        let (mut from, mut last_end) = (0, None);
        while from <= text.len() {
            let Some(range) = machine.find(from)? else { break };
            if range.is_empty() && last_end == Some(range.end) {
                from += text[from..].chars().next().map_or(1, char::len_utf8);
            } else {
                (from, last_end) = (range.end, Some(range.end));
                found.push(range);
            }
        }
        Ok(())
    }
}

fn shown(pattern: &str) -> String {
    format!("pattern {pattern:?}")
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(format!("{what} is not supported")).advise("write the pattern without it")
}
