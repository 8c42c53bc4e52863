//! Files of every kind to a tokenizer.

mod json;
mod sentencepiece;
mod tiktoken;
mod vocabulary;

use std::path::Path;

pub(super) use json::typed;

use super::tokenizer::Tokenizer;
use crate::{Error, Result};

impl Tokenizer {
    /// Reads a tokenizer of the kind that the file's name says: `*.json`, `*.model`, `*.txt`.
    ///
    /// `vocab.json` takes its merges from the `merges.txt` beside it. A `.tiktoken` file does not say how it splits
    /// text: see [`Tokenizer::from_tiktoken`].
    pub fn from_file(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") if name.ends_with("vocab.json") => {
                let merges = path.with_file_name(name.replace("vocab.json", "merges.txt"));
                Self::from_vocab_and_merges(path, &merges)
            }
            Some("model") => Self::from_sentencepiece_file(path),
            Some("txt") => Self::from_vocab_txt(path, true),
            Some("tiktoken") => Err(Error::new("a .tiktoken file does not say how it splits text")
                .at(path.display().to_string())
                .advise("use from_tiktoken(path, pattern=..., special_tokens=...)")),
            _ => Self::from_json_file(path),
        }
    }
}

fn contents(path: &Path) -> Result<Vec<u8>> {
    of_file(
        path,
        std::fs::read(path).map_err(|error| {
            Error::new(format!("cannot be read: {error}")).advise("give the path of a tokenizer's file")
        }),
    )
}

fn of_file<T>(path: &Path, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.at(path.display().to_string()))
}
