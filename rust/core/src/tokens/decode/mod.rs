//! Tokens to text: the field `decoder` of a `tokenizer.json`.
//!
//! Decoding a text at once and decoding it as it comes are the same code: every decoder is a [`Step`] that takes
//! portions of the tokens and gives what is certain by then, so the two cannot differ.

mod bpe;
mod bytes;
mod ctc;
mod join;
mod literal;
mod metaspace;
mod pipeline;
mod portion;
mod replace;
mod strip;
mod table;
mod word_piece;

use serde::{Deserialize, Serialize};

use crate::Result;
use pipeline::Pipeline;

pub(super) use bytes::{Utf8Stream, byte_of};
pub use metaspace::Metaspace;
pub(super) use pipeline::Pipeline as DecodePipeline;
pub use replace::Replace;
pub use table::Detokenizer;

/// How tokens become text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Decoder {
    /// A suffix ends words.
    #[serde(rename = "BPEDecoder")]
    Bpe {
        /// The suffix.
        suffix: String,
    },
    /// Tokens spell bytes; the settings are those of the pre-tokenizer of the same name, of no use here.
    ByteLevel {
        /// Of no use here.
        add_prefix_space: bool,
        /// Of no use here.
        trim_offsets: bool,
        /// Of no use here.
        #[serde(default = "yes")]
        use_regex: bool,
    },
    /// A prefix continues words.
    WordPiece {
        /// The prefix.
        prefix: String,
        /// Whether white space before English punctuation goes.
        cleanup: bool,
    },
    /// A character begins words.
    Metaspace(Metaspace),
    /// The output of models for speech: repetitions are one.
    #[serde(rename = "CTC")]
    Ctc {
        /// What stands between two equal tokens that are meant.
        pad_token: String,
        /// What stands between words.
        word_delimiter_token: String,
        /// Whether white space before English punctuation goes.
        cleanup: bool,
    },
    /// One after the other.
    Sequence {
        /// The parts.
        decoders: Vec<Decoder>,
    },
    /// A string or pattern in each token is replaced.
    Replace(Replace),
    /// All tokens become one.
    Fuse {},
    /// A character at the ends of each token goes.
    Strip {
        /// The character.
        content: char,
        /// How many at the beginning.
        start: usize,
        /// How many at the end.
        stop: usize,
    },
    /// Tokens such as `<0x0A>` are bytes.
    ByteFallback {},
}

fn yes() -> bool {
    true
}

impl Decoder {
    /// The decoder of byte-level vocabularies.
    pub fn byte_level() -> Self {
        Self::ByteLevel { add_prefix_space: true, trim_offsets: true, use_regex: true }
    }

    /// The text of `tokens`.
    ///
    /// ```
    /// use fastmask_core::tokens::Decoder;
    /// let decoder = Decoder::WordPiece { prefix: "##".into(), cleanup: true };
    /// assert_eq!(decoder.decode(["go", "##ing", ",", "they", "said"])?, "going, they said");
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn decode<Token: AsRef<str>>(&self, tokens: impl IntoIterator<Item = Token>) -> Result<String> {
        let mut text = String::new();
        let mut pipeline = Pipeline::new(Some(self));
        pipeline.feed(tokens, &mut text)?;
        pipeline.finish(&mut text)?;
        Ok(text)
    }

    /// The decoders of which this one consists, in order.
    fn flattened(&self) -> Vec<&Self> {
        match self {
            Self::Sequence { decoders } => decoders.iter().flat_map(Self::flattened).collect(),
            decoder => vec![decoder],
        }
    }

    /// Whether tokens are no more than bytes, so that the bytes of a text are those of its tokens.
    fn only_spells_bytes(&self) -> bool {
        let steps = self.flattened();
        let mut steps = steps.iter();
        matches!(steps.next(), Some(Self::ByteLevel { .. }))
            && steps.all(|step| matches!(step, Self::Fuse {}))
    }
}

#[cfg(test)]
mod tests;
