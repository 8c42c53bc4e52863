//! Pre-tokenizers that cut between characters by their kinds alone.

use super::{Behavior, PreTokenizer, characters};
use crate::text::is_word_character;

/// What a character is to a pre-tokenizer: pieces end where the kind changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// In no piece.
    Gap = 0,
    /// In a piece with its neighbours of this kind.
    Word = 1,
    /// In a piece with its neighbours of this kind, which is another.
    Sign = 2,
    /// A piece of its own.
    Alone = 3,
}

/// The kinds of characters by which a pre-tokenizer cuts.
///
/// Each step of a sequence cuts between two characters or does not, whatever is around them, and leaves characters out
/// or does not. So what all steps do is told by what each says of a character: it is left out if one of them leaves it
/// out, alone if one of them isolates it, and else cut off from neighbours that any of them tells from it.
///
/// ```
/// use fastmask_core::text::{Kind, PreTokenizer};
/// let kinds = PreTokenizer::BertPreTokenizer {}.kinds().unwrap();
/// assert_eq!(['a', ' ', '.'].map(|character| kinds.of(character)), [Kind::Word, Kind::Gap, Kind::Alone]);
/// assert!(PreTokenizer::UnicodeScripts {}.kinds().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Kinds(Vec<(Effect, Set)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Remove,
    Isolate,
    /// Pieces are in the set or out of it.
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    WhiteSpace,
    Punctuation,
    Numbers,
    WordCharacters,
    One(char),
}

impl PreTokenizer {
    /// The kinds by which it cuts; None if it looks at more than that, or has more kinds than [`Kind`].
    pub fn kinds(&self) -> Option<Kinds> {
        let mut cuts = Vec::new();
        let divides = |cuts: &[(Effect, Set)]| cuts.iter().filter(|cut| cut.0 == Effect::Divide).count();
        (add(self, &mut cuts) && divides(&cuts) <= 1).then_some(Kinds(cuts))
    }
}

impl Kinds {
    /// What a character is.
    pub fn of(&self, character: char) -> Kind {
        let has = |effect| self.0.iter().any(|&(other, set)| other == effect && set.contains(character));
        let divides = self.0.iter().any(|&(effect, _)| effect == Effect::Divide);
        match () {
            () if has(Effect::Remove) => Kind::Gap,
            () if has(Effect::Isolate) => Kind::Alone,
            () if divides && !has(Effect::Divide) => Kind::Sign,
            () => Kind::Word,
        }
    }

    /// Whether one of the characters of which `is_among` is true is of a kind because it is that character, and not for
    /// what Unicode says of it.
    pub fn name_one(&self, is_among: impl Fn(char) -> bool) -> bool {
        self.0.iter().any(|&(_, set)| matches!(set, Set::One(one) if is_among(one)))
    }
}

/// Appends the cuts of a pre-tokenizer; false if it makes others.
fn add(pre_tokenizer: &PreTokenizer, cuts: &mut Vec<(Effect, Set)>) -> bool {
    let mut push = |effect, set| cuts.push((effect, set));
    match pre_tokenizer {
        PreTokenizer::BertPreTokenizer {} => {
            push(Effect::Remove, Set::WhiteSpace);
            push(Effect::Isolate, Set::Punctuation);
        }
        PreTokenizer::Whitespace {} => {
            push(Effect::Remove, Set::WhiteSpace);
            push(Effect::Divide, Set::WordCharacters);
        }
        PreTokenizer::WhitespaceSplit {} => push(Effect::Remove, Set::WhiteSpace),
        PreTokenizer::CharDelimiterSplit { delimiter } => push(Effect::Remove, Set::One(*delimiter)),
        PreTokenizer::Punctuation { behavior: Behavior::Isolated } => push(Effect::Isolate, Set::Punctuation),
        PreTokenizer::Punctuation { behavior: Behavior::Removed } => push(Effect::Remove, Set::Punctuation),
        PreTokenizer::Punctuation { behavior: Behavior::Contiguous } => {
            push(Effect::Divide, Set::Punctuation);
        }
        PreTokenizer::Digits { individual_digits: true } => push(Effect::Isolate, Set::Numbers),
        PreTokenizer::Digits { individual_digits: false } => push(Effect::Divide, Set::Numbers),
        PreTokenizer::Sequence { pretokenizers } => return pretokenizers.iter().all(|one| add(one, cuts)),
        _ => return false,
    }
    true
}

impl Set {
    fn contains(self, character: char) -> bool {
        match self {
            Self::WhiteSpace => character.is_whitespace(),
            Self::Punctuation => characters::is_punctuation(character),
            Self::Numbers => character.is_numeric(),
            Self::WordCharacters => is_word_character(character),
            Self::One(one) => character == one,
        }
    }
}
