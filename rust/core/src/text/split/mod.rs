//! Text to words: what a model may not cross. The field `pre_tokenizer` of a `tokenizer.json`.

mod behavior;
mod byte_level;
mod characters;
mod kinds;
mod known_patterns;
mod metaspace;
mod scripts;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

pub use behavior::Behavior;
pub use byte_level::ByteLevel;
pub use kinds::{Kind, Kinds};
pub use known_patterns::known_pattern;
pub use metaspace::{Metaspace, PrependScheme};

use super::{Pattern, Pieces, Scanner};
use crate::Result;

/// Cuts text into pieces, which the model then takes one by one.
///
/// ```
/// use fastmask_core::text::{Aligned, Pieces, PreTokenizer};
/// let file = r#"{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}"#;
/// let pre_tokenizer: PreTokenizer = serde_json::from_str(file)?;
/// let mut pieces = Pieces::new(Aligned::new("Hello,  world!", 0, true));
/// pre_tokenizer.apply(&mut pieces).unwrap();
/// assert_eq!(pieces.iter().collect::<Vec<_>>(), ["Hello", ",", "world", "!"]);
/// assert_eq!(pieces.origin_of(2, 0..5), Some((8, 13)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum PreTokenizer {
    /// GPT-2's split, and bytes spelled as characters.
    ByteLevel(ByteLevel),
    /// Runs of word characters, and runs of symbols.
    Whitespace {},
    /// What lies between white space.
    WhitespaceSplit {},
    /// What lies between white space, punctuation apart (Devlin et al. 2019).
    BertPreTokenizer {},
    /// Spaces become marks, which begin pieces.
    Metaspace(Metaspace),
    /// What lies between a character.
    CharDelimiterSplit {
        /// The character.
        delimiter: char,
    },
    /// At punctuation.
    Punctuation {
        /// What becomes of it.
        #[serde(default = "isolated")]
        behavior: Behavior,
    },
    /// At digits.
    Digits {
        /// Whether each is a piece, or each run.
        individual_digits: bool,
    },
    /// At what a pattern matches. `Removed` and `invert` keep the matches and drop the rest, as tiktoken does.
    Split {
        /// The pattern.
        pattern: Pattern,
        /// What becomes of the matches.
        behavior: Behavior,
        /// Whether what does not match is taken for the matches.
        invert: bool,
    },
    /// Where the script changes.
    UnicodeScripts {},
    /// Every so many characters.
    FixedLength {
        /// How many.
        #[serde(default = "five")]
        length: NonZeroUsize,
    },
    /// One after the other, each on the pieces of the last.
    Sequence {
        /// The steps.
        pretokenizers: Vec<PreTokenizer>,
    },
}

fn isolated() -> Behavior {
    Behavior::Isolated
}

fn five() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(4)
}

impl PreTokenizer {
    /// Cuts every piece further.
    pub fn apply(&self, pieces: &mut Pieces<'_>) -> Result<()> {
        match self {
            Self::ByteLevel(step) => step.apply(pieces),
            Self::Whitespace {} => characters::words_and_symbols(pieces),
            Self::WhitespaceSplit {} => characters::cut_at(pieces, char::is_whitespace, Behavior::Removed),
            Self::BertPreTokenizer {} => {
                characters::cut_at(pieces, char::is_whitespace, Behavior::Removed)?;
                characters::cut_at(pieces, characters::is_punctuation, Behavior::Isolated)
            }
            Self::Metaspace(step) => step.apply(pieces),
            Self::CharDelimiterSplit { delimiter } => {
                characters::cut_at(pieces, |character| character == *delimiter, Behavior::Removed)
            }
            Self::Punctuation { behavior } => {
                characters::cut_at(pieces, characters::is_punctuation, *behavior)
            }
            Self::Digits { individual_digits } => {
                let behavior = if *individual_digits { Behavior::Isolated } else { Behavior::Contiguous };
                characters::cut_at(pieces, char::is_numeric, behavior)
            }
            Self::Split { pattern, behavior, invert } => split(pieces, pattern, *behavior, *invert),
            Self::UnicodeScripts {} => scripts::cut_where_scripts_change(pieces),
            Self::FixedLength { length } => characters::fixed_length(pieces, length.get()),
            Self::Sequence { pretokenizers } => pretokenizers.iter().try_for_each(|step| step.apply(pieces)),
        }
    }

    /// If the last step spells bytes as characters, stops it: the model will read the bytes. Returns whether it did.
    pub fn leave_bytes(&mut self) -> bool {
        match self {
            Self::ByteLevel(step) => {
                step.leaves_bytes = true;
                true
            }
            Self::Sequence { pretokenizers } => pretokenizers.last_mut().is_some_and(Self::leave_bytes),
            _ => false,
        }
    }

    /// The scanner that cuts as it does, if there is one: a known pattern whose matches are the pieces, and nothing
    /// more, on the way to a model that reads bytes.
    pub fn scanner(&self) -> Option<Scanner> {
        match self {
            Self::ByteLevel(step) if step.use_regex && step.only_cuts() => Some(Scanner::Gpt2),
            Self::Split { pattern, behavior: Behavior::Isolated, .. }
            | Self::Split { pattern, behavior: Behavior::Removed, invert: true } => pattern.scanner(),
            Self::Sequence { pretokenizers } => {
                let mut cutters = pretokenizers.iter().filter(|step| !step.does_nothing());
                let scanner = cutters.next()?.scanner()?;
                cutters.next().is_none().then_some(scanner)
            }
            _ => None,
        }
    }

    /// Whether it changes neither text nor pieces, on the way to a model that reads bytes.
    fn does_nothing(&self) -> bool {
        match self {
            Self::ByteLevel(step) => !step.use_regex && step.only_cuts(),
            Self::Sequence { pretokenizers } => pretokenizers.iter().all(Self::does_nothing),
            _ => false,
        }
    }

    /// Whether its pieces are stretches of the text as it was.
    pub fn only_cuts(&self) -> bool {
        match self {
            Self::ByteLevel(step) => step.only_cuts(),
            Self::Metaspace(_) => false,
            Self::Sequence { pretokenizers } => pretokenizers.iter().all(Self::only_cuts),
            _ => true,
        }
    }

    /// Whether a step asks if a piece begins the document.
    pub fn has_first(&self) -> bool {
        match self {
            Self::Metaspace(step) => step.prepend_scheme == PrependScheme::First,
            Self::Sequence { pretokenizers } => pretokenizers.iter().any(Self::has_first),
            _ => false,
        }
    }

    /// Whether a step asks that after another has changed the text, so that origins must be kept to answer it.
    pub fn needs_origins(&self) -> bool {
        let changes_text =
            |step: &Self| matches!(step, Self::ByteLevel(_) | Self::Metaspace(_) | Self::Sequence { .. });
        match self {
            Self::Sequence { pretokenizers } => {
                let changed = pretokenizers.iter().position(changes_text).unwrap_or(pretokenizers.len());
                pretokenizers.iter().skip(changed + 1).any(Self::has_first)
                    || pretokenizers.iter().any(Self::needs_origins)
            }
            _ => false,
        }
    }
}

fn split(pieces: &mut Pieces<'_>, pattern: &Pattern, behavior: Behavior, invert: bool) -> Result<()> {
    let mut matches = Vec::new();
    pieces.split(|piece, ranges| {
        matches.clear();
        pattern.matches(piece, &mut matches)?;
        behavior.cut(piece.len(), &matches, invert, ranges);
        Ok(())
    })
}
