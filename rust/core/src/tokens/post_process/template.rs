//! Texts and special tokens in the order of a template.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::encoding::{EncodedToken, Encoding};
use crate::{Error, Result};

/// A template for one text, one for a pair, and the special tokens that they name.
///
/// ```
/// use fastmask_core::tokens::Template;
/// let template = Template::new("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", &[("[CLS]", 101), ("[SEP]", 102)])?;
/// assert_eq!((template.added_tokens(false), template.added_tokens(true)), (2, 3));
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TemplateFile", into = "TemplateFile")]
pub struct Template(TemplateFile);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    single: Vec<Piece>,
    pair: Vec<Piece>,
    special_tokens: BTreeMap<String, SpecialPiece>,
}

/// One place of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Piece {
    /// A text.
    Sequence {
        /// Which.
        id: PieceText,
        /// The type of its tokens.
        type_id: u32,
    },
    /// A special token.
    SpecialToken {
        /// Its name in `special_tokens`.
        id: String,
        /// The type of its tokens.
        type_id: u32,
    },
}

/// One of the two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PieceText {
    /// The first.
    A,
    /// The second.
    B,
}

/// A special token of a template: one token as a rule, but there may be several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialPiece {
    /// Its name.
    pub id: String,
    /// The ids that it puts in.
    pub ids: Vec<u32>,
    /// Their texts.
    pub tokens: Vec<String>,
}

impl FromStr for Piece {
    type Err = Error;

    /// Reads `$A`, `$B:1`, `$1` (the first text, type 1), `[SEP]`, `[SEP]:1`.
    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::new(format!("{text:?} is no piece of a template"))
                .advise("write $A, $B or the name of a special token, and :0 or :1 for its type")
        };
        let (name, type_id) =
            text.split_once(':').map_or((text, None), |(name, type_id)| (name, Some(type_id)));
        let type_id = type_id.map(str::parse).transpose().map_err(|_| malformed())?;
        let Some(name) = name.strip_prefix('$') else {
            return Ok(Self::SpecialToken { id: name.to_owned(), type_id: type_id.unwrap_or(0) });
        };
        let (id, own_type) = match name {
            "" | "A" | "a" => (PieceText::A, 0),
            "B" | "b" => (PieceText::B, 0),
            number => (PieceText::A, number.parse().map_err(|_| malformed())?),
        };
        Ok(Self::Sequence { id, type_id: type_id.unwrap_or(own_type) })
    }
}

impl TryFrom<TemplateFile> for Template {
    type Error = Error;

    fn try_from(file: TemplateFile) -> Result<Self> {
        for piece in file.single.iter().chain(&file.pair) {
            if let Piece::SpecialToken { id, .. } = piece {
                let special = file.special_tokens.get(id).ok_or_else(|| {
                    Error::new(format!("the template has {id:?}, which special_tokens has not"))
                        .advise("add it to special_tokens")
                })?;
                if special.ids.len() != special.tokens.len() {
                    let counts = (special.ids.len(), special.tokens.len());
                    return Err(Error::new(format!("{id:?} has {} ids, {} tokens", counts.0, counts.1))
                        .advise("give one token for each id"));
                }
            }
        }
        if file.single.iter().any(|piece| matches!(piece, Piece::Sequence { id: PieceText::B, .. })) {
            return Err(Error::new("the template for a single text has a second one").advise("take $B out"));
        }
        Ok(Self(file))
    }
}

impl From<Template> for TemplateFile {
    fn from(template: Template) -> Self {
        template.0
    }
}

impl Template {
    /// A template from its pieces, written with a space between them, and special tokens of one id each.
    pub fn new(single: &str, pair: &str, special_tokens: &[(&str, u32)]) -> Result<Self> {
        let pieces = |template: &str| template.split(' ').map(str::parse).collect::<Result<Vec<Piece>>>();
        let special = |&(text, id): &(&str, u32)| {
            let text = text.to_owned();
            (text.clone(), SpecialPiece { id: text.clone(), ids: vec![id], tokens: vec![text] })
        };
        let special_tokens = special_tokens.iter().map(special).collect();
        TemplateFile { single: pieces(single)?, pair: pieces(pair)?, special_tokens }.try_into()
    }

    /// How many special tokens are put in.
    pub fn added_tokens(&self, is_pair: bool) -> usize {
        let pieces = if is_pair { &self.0.pair } else { &self.0.single };
        pieces.iter().map(|piece| self.ids(piece).len()).sum()
    }

    /// The pieces for one text.
    pub(super) fn single(&self) -> &[Piece] {
        &self.0.single
    }

    /// The ids that a piece puts in.
    pub(super) fn ids(&self, piece: &Piece) -> &[u32] {
        match piece {
            Piece::Sequence { .. } => &[],
            Piece::SpecialToken { id, .. } => {
                self.0.special_tokens.get(id).map_or(&[], |special| &special.ids)
            }
        }
    }

    /// One part a piece. What overflowed keeps its types.
    pub(super) fn process(
        &self,
        mut parts: Vec<Encoding>,
        add_special_tokens: bool,
    ) -> Result<Vec<Encoding>> {
        let pieces = match parts.len() {
            1 => &self.0.single,
            2 => &self.0.pair,
            count => {
                return Err(Error::new(format!("a template for one or two texts was given {count} parts"))
                    .advise("put the template last in the sequence of post-processors"));
            }
        };
        let mut filled = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Sequence { id, type_id } => {
                    let number = usize::from(*id == PieceText::B);
                    // The pieces for one text have no second one, and those for two are taken for two.
                    if let Some(part) = parts.get_mut(number) {
                        part.set_type_id(*type_id);
                        part.set_sequence_id(number);
                        filled.push(part.clone());
                    }
                }
                Piece::SpecialToken { type_id, .. } if add_special_tokens => {
                    let ids = self.ids(piece).iter();
                    filled
                        .push(ids.map(|&id| EncodedToken::special(id, *type_id)).collect::<Vec<_>>().into());
                }
                Piece::SpecialToken { .. } => {}
            }
        }
        Ok(filled)
    }
}
