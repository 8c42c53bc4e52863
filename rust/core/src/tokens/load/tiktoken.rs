//! Reads tiktoken's files: a token in base64 and its rank on each line. How text is split and which tokens are
//! special is not in the file, so the caller says it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::path::Path;

use super::json::typed;
use super::{contents, of_file};
use crate::text::{Behavior, Pattern, PreTokenizer, known_pattern};
use crate::tokens::added::AddedToken;
use crate::tokens::assembly::Assembly;
use crate::tokens::decode::Decoder;
use crate::tokens::models::{Bpe, Model};
use crate::tokens::pipeline::{Pipeline, SpecialText};
use crate::tokens::tokenizer::{Algorithm, Parts, Tokenizer};
use crate::{Error, Result};

impl Tokenizer {
    /// Reads a `.tiktoken` file.
    ///
    /// `pattern` is the name of a known one (`gpt2`, `r50k_base`, `p50k_base`, `cl100k_base`, `o200k_base`) or a
    /// regular expression in the syntax of the `fancy-regex` crate, which is tiktoken's. What it does not match is
    /// dropped, as in tiktoken. Text that spells a special token is an error unless the caller says otherwise.
    pub fn from_tiktoken_file(path: &Path, pattern: &str, special: &[(String, u32)]) -> Result<Self> {
        of_file(path, Self::from_tiktoken(&contents(path)?, pattern, special))
    }

    /// The same from the content of the file.
    pub fn from_tiktoken(content: &[u8], pattern: &str, special: &[(String, u32)]) -> Result<Self> {
        Self::of_ranks(ranks(content)?, pattern, special)
    }

    fn of_ranks(ranks: Vec<(Vec<u8>, u32)>, pattern: &str, special: &[(String, u32)]) -> Result<Self> {
        let model = Model::Bpe(Bpe::from_ranks(ranks)?);
        Self::new(Parts {
            algorithm: Algorithm::Pipeline(Box::new(Pipeline::new(None, Some(split(pattern)?), model))),
            added: special.iter().map(|(text, id)| AddedToken::special(text, *id)).collect(),
            assembly: Assembly::default(),
            decoder: Some(Decoder::byte_level()),
            special_text: if special.is_empty() { SpecialText::Text } else { SpecialText::Error },
        })
    }
}

/// GPT-2's pattern is the byte-level pre-tokenizer's own, which has a scanner.
fn split(pattern: &str) -> Result<PreTokenizer> {
    let is_gpt2 = matches!(pattern, "gpt2" | "r50k_base" | "p50k_base");
    let byte_level = typed(
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": is_gpt2}),
        "pre_tokenizer",
    )?;
    if is_gpt2 {
        return Ok(byte_level);
    }
    let expression = known_pattern(pattern).unwrap_or(pattern);
    let pattern = Pattern::rust(expression)?;
    let split = PreTokenizer::Split { pattern, behavior: Behavior::Removed, invert: true };
    Ok(PreTokenizer::Sequence { pretokenizers: vec![split, byte_level] })
}

fn ranks(content: &[u8]) -> Result<Vec<(Vec<u8>, u32)>> {
    let lines = content.split(|&byte| byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(number, line)| {
            rank_of(line).ok_or_else(|| {
                Error::new(format!(
                    "{:?} is not a token in base64 and its rank",
                    String::from_utf8_lossy(line)
                ))
                .at(format!("line {}", number + 1))
                .advise("give a .tiktoken file")
            })
        })
        .collect()
}

fn rank_of(line: &[u8]) -> Option<(Vec<u8>, u32)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut fields = line.split_ascii_whitespace();
    let (token, rank) = (fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    Some((STANDARD.decode(token).ok()?, rank.parse().ok()?))
}
