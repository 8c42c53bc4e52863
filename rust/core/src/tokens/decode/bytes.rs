//! Tokens that spell bytes, and bytes that come in pieces.

use super::pipeline::Step;
use super::portion::{Portion, WholeTokens};
use crate::Result;
use crate::text::byte_level;

/// Bytes to text, never half a character: what is no UTF-8 becomes U+FFFD as in [`String::from_utf8_lossy`].
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Utf8Stream {
    /// The beginning of a character: at most three bytes between calls.
    begun: Vec<u8>,
}

impl Utf8Stream {
    /// Adds to `text` the characters that `bytes` complete.
    pub(in super::super) fn feed(&mut self, bytes: &[u8], text: &mut String) {
        self.begun.extend_from_slice(bytes);
        let mut done = 0;
        for chunk in self.begun.utf8_chunks() {
            text.push_str(chunk.valid());
            done += chunk.valid().len();
            let broken = chunk.invalid();
            if done + broken.len() == self.begun.len() && is_unfinished(broken) {
                break;
            }
            if !broken.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            done += broken.len();
        }
        self.begun.drain(..done);
    }

    /// Adds what an unfinished character becomes.
    pub(in super::super) fn finish(&mut self, text: &mut String) {
        text.push_str(&String::from_utf8_lossy(&self.begun));
        self.begun.clear();
    }
}

fn is_unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Tokens of the byte-level alphabet; all become one.
#[derive(Debug, Default)]
pub(super) struct ByteLevel {
    tokens: WholeTokens,
    bytes: Vec<u8>,
    characters: Utf8Stream,
}

impl Step for ByteLevel {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        self.bytes.clear();
        self.tokens.each(input, |token| self.bytes.extend(byte_level::bytes_of(token)));
        self.characters.feed(&self.bytes, output.buffer());
        Ok(())
    }

    fn finish(&mut self, output: &mut Portion) -> Result<()> {
        self.characters.finish(output.buffer());
        output.end();
        Ok(())
    }
}

/// Tokens such as `<0x0A>`. Only a whole run of them says what they are: if it is no UTF-8, each is a U+FFFD.
#[derive(Debug, Default)]
pub(super) struct ByteFallback {
    tokens: WholeTokens,
    run: Vec<u8>,
}

impl Step for ByteFallback {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        let run = &mut self.run;
        self.tokens.each(input, |token| {
            if let Some(byte) = byte_of(token) {
                run.push(byte);
            } else {
                end_run(run, output);
                output.push(token);
            }
        });
        Ok(())
    }

    fn finish(&mut self, output: &mut Portion) -> Result<()> {
        end_run(&mut self.run, output);
        Ok(())
    }
}

fn end_run(run: &mut Vec<u8>, output: &mut Portion) {
    match std::str::from_utf8(run) {
        Ok("") => {}
        Ok(text) => output.push(text),
        Err(_) => run.iter().for_each(|_| output.push("\u{fffd}")),
    }
    run.clear();
}

/// The byte of a token such as `<0x0A>`. (`<0x+A>` is one too: the digits are read as any number is.)
pub(in super::super) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}
