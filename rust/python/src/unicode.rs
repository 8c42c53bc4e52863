//! Text that is no Unicode: lone surrogates in `str`, bytes that are not UTF-8.

use std::borrow::Cow;

use fastmask_core::{Error, Result};
use pyo3::PyResult;

use crate::error::to_python;

/// What to do with text that is no Unicode: lone surrogates in `str`, bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// Refuse it.
    Strict,
    /// Read it as U+FFFD. Two surrogates that are halves of one character become that character.
    Replace,
    /// As `Replace`, and the bytes themselves stay at hand in [`Text::as_bytes`]: for models that read bytes.
    Bytes,
}

impl Errors {
    /// Reads the policy's name.
    pub(crate) fn new(name: &str) -> PyResult<Self> {
        match name {
            "strict" => Ok(Self::Strict),
            "replace" => Ok(Self::Replace),
            "bytes" => Ok(Self::Bytes),
            _ => Err(to_python(
                Error::new(format!("errors is {name:?}"))
                    .advise("give \"strict\" or \"replace\", or \"bytes\" where the model reads bytes"),
            )),
        }
    }
}

/// A text that can be read.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub(crate) text: Cow<'a, str>,
    bytes: Option<&'a [u8]>,
}

impl Text<'_> {
    /// What was given: differs from the text where that was mended.
    #[allow(dead_code, reason = "for byte-level models, which take errors=\"bytes\"")]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.unwrap_or(self.text.as_bytes())
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), bytes: None }
    }
}

/// Reads bytes.
pub(crate) fn view_bytes(bytes: &[u8], errors: Errors) -> Result<Text<'_>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Text::from(text)),
        Err(error) if errors == Errors::Strict => {
            Err(Error::new(format!("the text is not UTF-8: byte {} cannot stand there", error.valid_up_to()))
                .advise("pass errors=\"replace\" to read it as U+FFFD"))
        }
        Err(_) => {
            let kept = (errors == Errors::Bytes).then_some(bytes);
            Ok(Text { text: String::from_utf8_lossy(bytes), bytes: kept })
        }
    }
}

/// Reads a `str` with lone surrogates, spelled as UTF-8 would spell them if it could.
pub(crate) fn view_surrogates<'a>(spelled: &[u8], errors: Errors) -> Result<Text<'a>> {
    let (text, first) = mend_surrogates(spelled);
    match first {
        Some((character, byte)) if errors == Errors::Strict => {
            Err(Error::new(format!("the text holds a lone surrogate, character {character} (byte {byte})"))
                .advise("pass errors=\"replace\" to read it as U+FFFD"))
        }
        _ => Ok(Text { text: Cow::Owned(text), bytes: None }),
    }
}

/// The text without surrogates, and where the first one stood: its number among the characters, and its byte.
fn mend_surrogates(spelled: &[u8]) -> (String, Option<(usize, usize)>) {
    let mut text = String::with_capacity(spelled.len());
    let (mut rest, mut first) = (spelled, None);
    loop {
        // A surrogate's spelling is what is not UTF-8 here, and only that.
        let stop = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
        let (good, after) = rest.split_at_checked(stop).unwrap_or((rest, &[]));
        text.push_str(std::str::from_utf8(good).unwrap_or_default());
        let Some((high, after)) = surrogate(after) else {
            return (text, first);
        };
        first = first.or_else(|| Some((text.chars().count(), spelled.len() - rest.len() + stop)));
        let pair = surrogate(after).and_then(|(low, after)| Some((joined(high, low)?, after)));
        let (character, after) = pair.unwrap_or((char::REPLACEMENT_CHARACTER, after));
        text.push(character);
        rest = after;
    }
}

/// The surrogate that begins here (ED A0 80 to ED BF BF), and what follows it.
fn surrogate(spelled: &[u8]) -> Option<(u32, &[u8])> {
    let (&[lead, middle, last], rest) = spelled.split_first_chunk()?;
    let bits = |byte: u8| u32::from(byte & 0x3F);
    (lead == 0xED).then(|| (0xD000 | bits(middle) << 6 | bits(last), rest))
}

fn joined(high: u32, low: u32) -> Option<char> {
    let halves = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
    halves.then(|| 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).and_then(char::from_u32)
}
