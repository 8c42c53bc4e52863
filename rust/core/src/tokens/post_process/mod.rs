//! The field `post_processor` of a `tokenizer.json`: special tokens put around and between texts, and spans without
//! white space.

mod frame;
mod template;
mod trim;

use serde::{Deserialize, Serialize};

use super::encoding::{EncodedToken, Encoding};
use crate::Result;

pub use template::{Piece, PieceText, SpecialPiece, Template};
pub use trim::white_space_ends;

/// What is done to the encodings of a text, or of a pair of texts, before they are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum PostProcessor {
    /// Texts and special tokens in the order of a template.
    TemplateProcessing(Template),
    /// `[CLS] first [SEP]`, `[CLS] first [SEP] second [SEP]`.
    BertProcessing {
        /// The separator and its id.
        sep: (String, u32),
        /// What begins the row and its id.
        cls: (String, u32),
    },
    /// `<s> first </s>`, `<s> first </s></s> second </s>`, every type 0.
    RobertaProcessing {
        /// The separator and its id.
        sep: (String, u32),
        /// What begins the row and its id.
        cls: (String, u32),
        /// Whether spans leave out white space.
        trim_offsets: bool,
        /// Whether the first word got a space that is not in the text.
        add_prefix_space: bool,
    },
    /// No special tokens; spans without white space.
    ByteLevel {
        /// Whether the first word got a space that is not in the text.
        add_prefix_space: bool,
        /// Whether spans leave out white space.
        trim_offsets: bool,
        /// Of no use here: the pre-tokenizer of the same name has it.
        #[serde(default = "yes")]
        use_regex: bool,
    },
    /// One after the other.
    Sequence {
        /// The parts.
        processors: Vec<PostProcessor>,
    },
}

fn yes() -> bool {
    true
}

impl PostProcessor {
    /// How many special tokens are put in.
    pub fn added_tokens(&self, is_pair: bool) -> usize {
        match self {
            Self::TemplateProcessing(template) => template.added_tokens(is_pair),
            Self::BertProcessing { .. } => 2 + usize::from(is_pair),
            Self::RobertaProcessing { .. } => 2 + 2 * usize::from(is_pair),
            Self::ByteLevel { .. } => 0,
            Self::Sequence { processors } => processors.iter().map(|part| part.added_tokens(is_pair)).sum(),
        }
    }

    /// Whether spans are trimmed, so that [`EncodedToken::white_space`] is read.
    pub fn trims(&self) -> bool {
        match self {
            Self::RobertaProcessing { trim_offsets, .. } | Self::ByteLevel { trim_offsets, .. } => {
                *trim_offsets
            }
            Self::Sequence { processors } => processors.iter().any(Self::trims),
            Self::TemplateProcessing(_) | Self::BertProcessing { .. } => false,
        }
    }

    /// One encoding of a text, or of a pair, with the special tokens that models expect.
    pub fn process(
        &self,
        mut first: Encoding,
        pair: Option<Encoding>,
        add_special_tokens: bool,
    ) -> Result<Encoding> {
        number(&mut first, 0);
        let mut parts = vec![first];
        if let Some(mut pair) = pair {
            number(&mut pair, 1);
            parts.push(pair);
        }
        Encoding::merge(self.process_parts(parts, add_special_tokens)?, false)
    }

    /// Each step may give more or fewer parts than it was given; the next sees what came out.
    fn process_parts(&self, mut parts: Vec<Encoding>, add_special_tokens: bool) -> Result<Vec<Encoding>> {
        match self {
            Self::TemplateProcessing(template) => return template.process(parts, add_special_tokens),
            Self::BertProcessing { sep, cls } => {
                if add_special_tokens {
                    bert(&mut parts, cls.1, sep.1);
                }
            }
            Self::RobertaProcessing { sep, cls, trim_offsets, add_prefix_space } => {
                if *trim_offsets {
                    trim::trim_all(&mut parts, *add_prefix_space);
                }
                roberta(&mut parts, cls.1, sep.1, add_special_tokens);
            }
            Self::ByteLevel { add_prefix_space, trim_offsets, .. } => {
                if *trim_offsets {
                    trim::trim_all(&mut parts, *add_prefix_space);
                }
                for (number, part) in parts.iter_mut().enumerate() {
                    part.set_sequence_id(number);
                }
            }
            Self::Sequence { processors } => {
                for processor in processors {
                    parts = processor.process_parts(parts, add_special_tokens)?;
                }
            }
        }
        Ok(parts)
    }
}

/// What the `tokenizers` library does with the number of a text before any processor sees it. (The types of what
/// overflowed stay as they were.)
fn number(encoding: &mut Encoding, number: usize) {
    encoding.set_sequence_id(number);
    encoding.set_type_id(number as u32);
    for overflowing in &mut encoding.overflowing {
        overflowing.set_sequence_id(number);
    }
}

/// A text, or a pair, where there is no post-processor: nothing is put in, and types stay as they were.
pub(super) fn join(mut first: Encoding, pair: Option<Encoding>) -> Result<Encoding> {
    let Some(mut pair) = pair else { return Ok(first) };
    first.set_sequence_id(0);
    pair.set_sequence_id(1);
    Encoding::merge(vec![first, pair], false)
}

fn bert(parts: &mut [Encoding], cls: u32, sep: u32) {
    for (number, part) in parts.iter_mut().enumerate() {
        let type_id = u32::from(number > 0);
        let before = (number == 0).then(|| EncodedToken::special(cls, 0));
        wrap_all(part, before, EncodedToken::special(sep, type_id), type_id as usize);
    }
}

/// A `RoBERTa` row has no types; those of what overflowed stay where no special tokens are put in.
fn roberta(parts: &mut [Encoding], cls: u32, sep: u32, add_special_tokens: bool) {
    for (number, part) in parts.iter_mut().enumerate() {
        part.set_type_id(0);
        if add_special_tokens {
            for overflowing in &mut part.overflowing {
                overflowing.set_type_id(0);
            }
            let before = EncodedToken::special(if number == 0 { cls } else { sep }, 0);
            wrap_all(part, Some(before), EncodedToken::special(sep, 0), usize::from(number > 0));
        }
    }
}

/// Wraps `encoding` and what overflowed from it (what overflowed from that is dropped).
fn wrap_all(encoding: &mut Encoding, before: Option<EncodedToken>, after: EncodedToken, sequence: usize) {
    wrap(encoding, before, after, sequence);
    for overflowing in &mut encoding.overflowing {
        wrap(overflowing, before, after, sequence);
        overflowing.overflowing.clear();
    }
}

/// Puts special tokens around a text. They belong to no text, and what was special or padding before is not any more.
fn wrap(encoding: &mut Encoding, before: Option<EncodedToken>, after: EncodedToken, sequence: usize) {
    let inner = encoding.tokens.iter().map(|&token| EncodedToken { special: false, attended: true, ..token });
    let start = usize::from(before.is_some());
    encoding.tokens = before.into_iter().chain(inner).chain([after]).collect();
    encoding.set_only_range(sequence, start..encoding.len() - 1);
}

#[cfg(test)]
mod tests;
