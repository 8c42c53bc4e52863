//! What the models' files have in common: their kind, their vocabulary, and errors that name the field.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::tokens::Vocab;
use crate::{Error, Result};

const DAMAGED: &str = "the file is damaged or of another kind";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bpe,
    WordPiece,
    Unigram,
    WordLevel,
}

/// Which model a file describes.
///
/// Older files do not say. The `tokenizers` library tries BPE, `WordPiece`, `WordLevel`, Unigram and takes the first
/// that has all its fields; since fields that are not a model's own are errors here, one field is enough to tell.
pub(super) fn kind(model: &Value) -> Result<Kind> {
    let Value::Object(fields) = model else {
        return Err(Error::new("it is not a JSON object").at("model").advise(DAMAGED));
    };
    let has = |field: &str| fields.contains_key(field);
    match fields.get("type") {
        Some(Value::String(kind)) if kind == "BPE" => Ok(Kind::Bpe),
        Some(Value::String(kind)) if kind == "WordPiece" => Ok(Kind::WordPiece),
        Some(Value::String(kind)) if kind == "Unigram" => Ok(Kind::Unigram),
        Some(Value::String(kind)) if kind == "WordLevel" => Ok(Kind::WordLevel),
        Some(other) => Err(Error::new(format!("there is no model {}", shown(other)))
            .at("model.type")
            .advise("BPE, WordPiece, Unigram and WordLevel are read")),
        None if has("merges") => Ok(Kind::Bpe),
        None if has("continuing_subword_prefix") || has("max_input_chars_per_word") => Ok(Kind::WordPiece),
        None if has("unk_token") => Ok(Kind::WordLevel),
        None if has("vocab") => Ok(Kind::Unigram),
        None => Err(Error::new("type and vocab are missing").at("model").advise(DAMAGED)),
    }
}

/// Reads the fields of a model; an error names the one that is wrong.
pub(super) fn fields<T: for<'de> Deserialize<'de>>(model: Value) -> Result<T> {
    serde_path_to_error::deserialize(model).map_err(|error| {
        let place = match error.path().to_string().as_str() {
            "." => "model".to_owned(),
            path => format!("model.{path}"),
        };
        Error::new(error.into_inner().to_string()).at(place).advise(DAMAGED)
    })
}

/// The tokens of `model.vocab`; ids may have gaps.
pub(super) fn vocab(tokens: &Map<String, Value>) -> Result<Vocab> {
    let mut vocab = Vocab::default();
    for (token, id) in tokens {
        let place = || format!("model.vocab[{}]", quoted(token));
        let number = id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
            Error::new(format!("the id is {}", shown(id))).at(place()).advise("ids are whole numbers from 0")
        })?;
        vocab.insert(token, number).map_err(|error| error.at(place()))?;
    }
    Ok(vocab)
}

/// The same as it is written: by rising id, so that equal models are written equally.
pub(super) fn vocab_to_json(vocab: &Vocab) -> Map<String, Value> {
    vocab.iter().map(|(id, token)| (token.to_owned(), id.into())).collect()
}

/// A text in quotation marks, cut short: a damaged file's "token" may be all the rest of it.
pub(super) fn quoted(text: &str) -> String {
    let start = beginning(text);
    if start.len() < text.len() { format!("{start:?}...") } else { format!("{text:?}") }
}

/// A value as the file has it, cut short.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    let start = beginning(&text);
    if start.len() < text.len() { format!("{start}...") } else { text }
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}

/// The ids of `<0x00>` to `<0xFF>`: the tokens of single bytes that `SentencePiece` has.
pub(super) fn byte_fallback_ids(vocab: &Vocab) -> Box<[Option<u32>; 256]> {
    Box::new(std::array::from_fn(|byte| vocab.id(&format!("<0x{byte:02X}>"))))
}
