//! What is done to a text before it is cut into pieces: rewrite rules, spaces, and the mark for them.
//!
//! Kudo, Richardson: *`SentencePiece`: A simple and language independent subword tokenizer* (EMNLP 2018).

use super::proto::NormalizerSpec;
use super::vocabulary::{Symbols, character_length};
use crate::text::normalize::Charsmap;
use crate::{Error, Result};

/// Stands for a space: U+2581.
pub(super) const MARK: &str = "\u{2581}";

const REPLACEMENT: &str = "\u{FFFD}";

#[derive(Debug, Clone)]
pub(super) struct Normalizer {
    pub(super) charsmap: Option<Charsmap>,
    /// What a space becomes.
    pub(super) space: &'static str,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    pub(super) treat_whitespace_as_suffix: bool,
}

/// A normalized text. A rewrite rule may leave anything in it, so it is bytes.
#[derive(Debug, Default)]
pub(super) struct Normalized {
    pub(super) text: Vec<u8>,
    /// Where each byte came from in the original text, and one more for the end. Where they are not wanted: empty.
    pub(super) origins: Vec<u32>,
    with_origins: bool,
}

impl Normalized {
    fn push(&mut self, bytes: &[u8], origin: usize) {
        self.text.extend_from_slice(bytes);
        if self.with_origins {
            self.origins.resize(self.text.len(), origin as u32);
        }
    }

    /// Cuts off what stands behind `length`, and tells where that came from.
    fn truncate(&mut self, length: usize) -> Option<usize> {
        self.text.truncate(length);
        let origin = self.origins.get(length).map(|origin| *origin as usize);
        self.origins.truncate(length);
        origin
    }
}

impl Normalizer {
    pub(super) fn new(spec: &NormalizerSpec<'_>, treat_whitespace_as_suffix: bool) -> Result<Self> {
        let blob = spec.precompiled_charsmap;
        let charsmap = if blob.is_empty() { None } else { Some(Charsmap::parse(blob)?) };
        Ok(Self {
            charsmap,
            add_dummy_prefix: spec.add_dummy_prefix,
            remove_extra_whitespaces: spec.remove_extra_whitespaces,
            space: if spec.escape_whitespaces { MARK } else { " " },
            treat_whitespace_as_suffix,
        })
    }

    pub(super) fn normalize(&self, symbols: &Symbols, text: &str, with_origins: bool) -> Result<Normalized> {
        let (text, space) = (text.as_bytes(), self.space.as_bytes());
        let mut out = Normalized { with_origins, ..Normalized::default() };
        let mut consumed = self.spaces_at_begin(symbols, text);
        // Of spaces alone nothing is left, not even the prefix.
        if consumed == text.len() {
            return Ok(out);
        }
        out.text.reserve(text.len() + text.len() / 2);
        if self.add_dummy_prefix && !self.treat_whitespace_as_suffix {
            out.push(space, consumed);
        }
        consumed = self.rewrite(symbols, text, consumed, &mut out);
        if self.remove_extra_whitespaces {
            while out.text.ends_with(space) {
                consumed = out.truncate(out.text.len() - space.len()).unwrap_or(consumed);
            }
        }
        if self.add_dummy_prefix && self.treat_whitespace_as_suffix {
            out.push(space, consumed);
        }
        if with_origins {
            out.origins.push(consumed as u32);
        }
        // Places in either text are of 32 bits.
        if text.len().max(out.text.len()) >= u32::MAX as usize {
            return Err(Error::new("the text has 4 GiB or more").advise("cut it into documents"));
        }
        Ok(out)
    }

    /// Appends what a word becomes that a space stands before, without that.
    pub(super) fn append_word(&self, symbols: &Symbols, word: &[u8], out: &mut Vec<u8>) {
        let mut normalized = Normalized { text: std::mem::take(out), ..Normalized::default() };
        self.rewrite(symbols, word, 0, &mut normalized);
        *out = normalized.text;
    }

    /// How many bytes of spaces are to be left out at the begin of the text.
    fn spaces_at_begin(&self, symbols: &Symbols, text: &[u8]) -> usize {
        let mut consumed = 0;
        while self.remove_extra_whitespaces && consumed < text.len() {
            let (becomes, length) = self.rewrite_prefix(symbols, &text[consumed..]);
            if becomes != b" " {
                break;
            }
            consumed += length;
        }
        consumed
    }

    /// Rewrites the text from `consumed` to its end, and tells where that is.
    fn rewrite(&self, symbols: &Symbols, text: &[u8], mut consumed: usize, out: &mut Normalized) -> usize {
        let mut after_space = self.remove_extra_whitespaces;
        while consumed < text.len() {
            let (mut becomes, length) = self.rewrite_prefix(symbols, &text[consumed..]);
            while let (true, Some(rest)) = (after_space, becomes.strip_prefix(b" ")) {
                becomes = rest;
            }
            if let Some(last) = becomes.last() {
                for part in becomes.split_inclusive(|byte| *byte == b' ') {
                    let (part, ends_in_space) =
                        part.strip_suffix(b" ").map_or((part, false), |part| (part, true));
                    out.push(part, consumed);
                    if ends_in_space {
                        out.push(self.space.as_bytes(), consumed);
                    }
                }
                after_space = self.remove_extra_whitespaces && *last == b' ';
            }
            consumed += length;
        }
        consumed
    }

    /// What the begin of `text` becomes, and the length of that begin. `text` is not empty.
    fn rewrite_prefix<'a>(&'a self, symbols: &Symbols, text: &'a [u8]) -> (&'a [u8], usize) {
        if let Some(length) = symbols.longest_prefix(text) {
            return (&text[..length], length);
        }
        if let Some((length, becomes)) = self.charsmap.as_ref().and_then(|rules| rules.longest_prefix(text)) {
            return (becomes.as_bytes(), length);
        }
        // Only a rule that ends within a character can lead here.
        if text.first().is_some_and(|byte| matches!(byte, 0x80..0xC0)) {
            return (REPLACEMENT.as_bytes(), 1);
        }
        let length = character_length(text);
        (&text[..length], length)
    }
}
