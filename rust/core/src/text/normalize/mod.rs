//! What is done to a text before it is cut into words: the normalizers of the `tokenizers` library, exactly.

mod bert;
mod by_word;
mod characters;
pub mod charsmap;
mod charsmap_keys;
mod composed;
mod precompiled;
mod unicode;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

pub use bert::BertNormalizer;
pub(crate) use by_word::ByWord;
pub use characters::{Changed, CharacterSteps};
pub use charsmap::Charsmap;
pub(crate) use charsmap_keys::{LongKeys, holds};
pub use precompiled::Precompiled;

use super::aligned::Aligned;
use super::byte_level::char_of;
use super::pattern::Pattern;
use crate::Result;

/// A change to the whole text, as the field `normalizer` of a `tokenizer.json` has it.
///
/// Variants without settings have braces because serde would let unknown fields of a unit variant pass.
///
/// ```
/// use fastmask_core::text::Aligned;
/// use fastmask_core::text::normalize::Normalizer;
/// let normalizer: Normalizer = serde_json::from_str(r#"{"type": "NFKC"}"#)?;
/// let mut text = Aligned::new("ﬁn", 0, true);
/// normalizer.apply(&mut text).unwrap();
/// assert_eq!((text.as_str(), text.origin_of(0..2)), ("fin", Some((0, 3))));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields, remote = "Self")]
#[non_exhaustive]
pub enum Normalizer {
    /// What BERT's own tokenizer did.
    #[serde(alias = "Bert")]
    BertNormalizer(BertNormalizer),
    /// Removes white space from the ends.
    Strip {
        /// From the beginning.
        strip_left: bool,
        /// From the end.
        strip_right: bool,
    },
    /// Removes combining marks.
    StripAccents {},
    /// Canonical composition.
    #[serde(rename = "NFC")]
    Nfc {},
    /// Canonical decomposition.
    #[serde(rename = "NFD")]
    Nfd {},
    /// Compatibility composition.
    #[serde(rename = "NFKC")]
    Nfkc {},
    /// Compatibility decomposition.
    #[serde(rename = "NFKD")]
    Nfkd {},
    /// One after the other.
    Sequence {
        /// The first is applied first.
        normalizers: Vec<Normalizer>,
    },
    /// Unicode's small letters, character by character.
    Lowercase {},
    /// Removes control characters and unifies white space, as NMT systems do.
    Nmt {},
    /// The rewrite rules of a `SentencePiece` model.
    Precompiled(Precompiled),
    /// Replaces every match.
    Replace {
        /// What is searched.
        pattern: Pattern,
        /// What takes its place, literally.
        content: String,
    },
    /// Puts a text before every text that is not empty.
    Prepend {
        /// The text.
        prepend: String,
    },
    /// Spells every byte as a printable character.
    ByteLevel {},
}

impl Normalizer {
    /// Whether it would leave `text` as it is; false where that cannot be said quickly.
    pub fn leaves(&self, text: &str) -> bool {
        match self {
            Self::Nfc {} => composed::is_composed(text),
            Self::Sequence { normalizers } => normalizers.iter().all(|one| one.leaves(text)),
            _ => false,
        }
    }

    /// Whether what it makes of a text that is cut before any ASCII character is what it makes of both halves.
    ///
    /// No form of Unicode moves or joins an ASCII character to what stands before it.
    pub fn cuts_before_ascii(&self) -> bool {
        match self {
            Self::Nfc {} | Self::Nfd {} | Self::Nfkc {} | Self::Nfkd {} | Self::Lowercase {} => true,
            Self::Sequence { normalizers } => normalizers.iter().all(Self::cuts_before_ascii),
            _ => false,
        }
    }

    /// What becomes of a text.
    pub fn normalized(&self, text: &str) -> Result<String> {
        let mut text = Aligned::new(text, 0, false);
        self.apply(&mut text)?;
        Ok(text.as_str().to_owned())
    }

    /// Changes `text`, and its origins with it. A text that is normal already is not copied if it is ASCII.
    ///
    /// In one case this is not what the original does. After a `Replace` has put something before the first character
    /// (its expression matched nothing there, as `^` does) or a `Prepend` has prepended nothing, the original applies
    /// all changes but those of `Replace` and `Prepend` to a text shifted by that: it panics on almost any text, and
    /// doubles the beginning of the rest. Here the whole text is changed.
    pub fn apply(&self, text: &mut Aligned<'_>) -> Result<()> {
        match self {
            Self::BertNormalizer(bert) => bert.apply(text),
            Self::Strip { strip_left, strip_right } => text.strip(*strip_left, *strip_right),
            Self::StripAccents {} => unicode::strip_accents(text),
            Self::Nfc {} => unicode::nfc(text),
            Self::Nfd {} => unicode::nfd(text),
            Self::Nfkc {} => unicode::nfkc(text),
            Self::Nfkd {} => unicode::nfkd(text),
            Self::Sequence { normalizers } => return normalizers.iter().try_for_each(|one| one.apply(text)),
            Self::Lowercase {} => unicode::lowercase(text),
            Self::Nmt {} => unicode::nmt(text),
            Self::Precompiled(precompiled) => precompiled.apply(text),
            Self::Replace { pattern, content } => return replace(text, pattern, content),
            Self::Prepend { prepend } => prepend_text(text, prepend),
            Self::ByteLevel {} => spell_bytes(text),
        }
        Ok(())
    }
}

/// An empty text has no matches, not even empty ones.
fn replace(text: &mut Aligned<'_>, pattern: &Pattern, content: &str) -> Result<()> {
    let mut found = Vec::new();
    if !text.as_str().is_empty() {
        pattern.matches(text.as_str(), &mut found)?;
    }
    text.replace(&found, content);
    Ok(())
}

/// Where there is nothing to prepend the original inserts the first character instead of replacing it, so that it
/// comes from nowhere.
fn prepend_text(text: &mut Aligned<'_>, prepend: &str) {
    let first = text.as_str().chars().next().filter(|_| prepend.is_empty() && text.origins().is_some());
    let Some(first) = first else {
        return text.prepend(prepend);
    };
    text.rewrite(|old, new| {
        new.insert(first);
        new.remove(1);
        new.keep(&old[first.len_utf8()..]);
    });
}

fn spell_bytes(text: &mut Aligned<'_>) {
    if text.as_str().bytes().all(|byte| byte.is_ascii_graphic()) {
        return;
    }
    text.rewrite(|old, new| {
        for (place, byte) in old.bytes().enumerate() {
            if old.is_char_boundary(place) {
                new.replace(char_of(byte));
            } else {
                new.insert(char_of(byte));
            }
        }
    });
}

impl Serialize for Normalizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Early versions of `tokenizers` wrote no type; theirs are told by a field that no other normalizer has.
const FIELDS_OF_UNTYPED: [(&str, &str); 5] = [
    ("clean_text", "BertNormalizer"),
    ("strip_left", "Strip"),
    ("normalizers", "Sequence"),
    ("pattern", "Replace"),
    ("prepend", "Prepend"),
];

impl<'de> Deserialize<'de> for Normalizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        if !fields.contains_key("type") {
            let told = FIELDS_OF_UNTYPED.iter().find(|(field, _)| fields.contains_key(*field));
            fields.extend(told.map(|(_, name)| ("type".to_owned(), Value::from(*name))));
        }
        let name = fields.get("type").and_then(Value::as_str).unwrap_or("normalizer").to_owned();
        Self::deserialize(Value::Object(fields)).map_err(|error| D::Error::custom(format!("{name}: {error}")))
    }
}

#[cfg(test)]
mod tests;
