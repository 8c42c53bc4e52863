//! How fast a tokenizer encodes a text, without Python around it: what to profile.
//!
//! `cargo run --release --example throughput -- tokenizer.json text.txt [pattern of a tiktoken file]`

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::ffi::OsStr;
use std::path::Path;
use std::time::Instant;

use fastmask_core::tokens::Tokenizer;
use fastmask_core::{Error, Result, text};

const DOCUMENT: usize = 4096;
const WARM_PASSES: usize = 7;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, corpus, rest @ ..] = arguments.as_slice() else {
        return Err(Error::new("give a tokenizer and a text"));
    };
    let tokenizer = read_tokenizer(path, rest.first().map(String::as_str))?;
    let corpus = String::from_utf8_lossy(&read(corpus)?).into_owned();
    let documents = documents_of(&corpus);
    tokenizer.encode_batch_ids(&["warm up"], None, &tokenizer.options(), 1)?;
    for pass in 0..=WARM_PASSES {
        let started = Instant::now();
        let rows = tokenizer.encode_batch_ids(&documents, None, &tokenizer.options(), 1)?;
        let rate = corpus.len() as f64 / 1e6 / started.elapsed().as_secs_f64();
        println!("pass {pass}: {rate:.1} MB/s, {} ids", rows.ids.len());
    }
    Ok(())
}

fn read_tokenizer(path: &str, pattern: Option<&str>) -> Result<Tokenizer> {
    let file = Path::new(path);
    match file.extension().and_then(OsStr::to_str) {
        Some("model") => Tokenizer::from_sentencepiece_file(file),
        Some("tiktoken") => {
            let name = pattern.unwrap_or("gpt2");
            let known =
                text::known_pattern(name).ok_or_else(|| Error::new(format!("no pattern {name:?}")))?;
            Tokenizer::from_tiktoken_file(file, known, &[])
        }
        _ => Tokenizer::from_file(file),
    }
}

fn read(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::new(error.to_string()).at(path))
}

/// Stretches of about four kilobytes that end with a line.
fn documents_of(corpus: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    for (place, _) in corpus.match_indices('\n') {
        if place + 1 - start >= DOCUMENT {
            documents.push(&corpus[start..=place]);
            start = place + 1;
        }
    }
    documents.push(&corpus[start..]);
    documents
}
