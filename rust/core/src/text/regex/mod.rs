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
mod tree;

use std::ops::Range;

use machine::Machine;
use program::Program;
use tree::Node;

use crate::{Error, Result};

/// A compiled regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Regex {
    program: Program,
}

impl Regex {
    /// Reads Oniguruma's syntax.
    pub(super) fn oniguruma(pattern: &str) -> Result<Self> {
        Self::compiled(pattern, oniguruma::parse(pattern))
    }

    /// Reads the syntax of the crates regex and fancy-regex.
    pub(super) fn rust(pattern: &str) -> Result<Self> {
        Self::compiled(pattern, rust::parse(pattern))
    }

    fn compiled(pattern: &str, tree: Result<Node>) -> Result<Self> {
        let program = tree.and_then(|tree| Program::new(&tree));
        program.map(|program| Self { program }).map_err(|error| error.at(format!("pattern {pattern:?}")))
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

/// A Rust pattern as Oniguruma writes it.
pub(super) fn rust_as_oniguruma(pattern: &str) -> Result<String> {
    rust::parse(pattern).map(|tree| spelling::oniguruma(&tree))
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(format!("{what} is not supported")).advise("write the pattern without it")
}
