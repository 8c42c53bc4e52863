//! Reads a Hugging Face `tokenizer.json`.
//!
//! Every part that could change an id is either understood or refused by name: nothing is guessed.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{contents, of_file};
use crate::text::{Normalizer, PreTokenizer};
use crate::tokens::added::AddedToken;
use crate::tokens::assembly::Assembly;
use crate::tokens::decode::Decoder;
use crate::tokens::models::Model;
use crate::tokens::pad::Padding;
use crate::tokens::pipeline::{Pipeline, SpecialText};
use crate::tokens::post_process::PostProcessor;
use crate::tokens::save::ONLY_FASTMASK;
use crate::tokens::tokenizer::{Algorithm, Parts, Tokenizer};
use crate::tokens::truncate::Truncation;
use crate::tokens::vocab::Vocab;
use crate::{Error, Result};

/// The fields of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::tokens) struct TokenizerFile {
    #[serde(default = "version")]
    pub(in crate::tokens) version: String,
    #[serde(default)]
    pub(in crate::tokens) truncation: Option<Truncation>,
    #[serde(default)]
    pub(in crate::tokens) padding: Option<Padding>,
    #[serde(default)]
    pub(in crate::tokens) added_tokens: Vec<AddedToken>,
    #[serde(default)]
    pub(in crate::tokens) normalizer: Option<Normalizer>,
    #[serde(default)]
    pub(in crate::tokens) pre_tokenizer: Option<PreTokenizer>,
    #[serde(default)]
    pub(in crate::tokens) post_processor: Option<PostProcessor>,
    #[serde(default)]
    pub(in crate::tokens) decoder: Option<Decoder>,
    pub(in crate::tokens) model: Value,
}

/// What the format has no room for: the field `fastmask` of the model. There, and only there, the `tokenizers` library
/// passes over what it does not know.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::tokens) struct Beyond {
    /// A SentencePiece model, in base64: it is what is read, and the rest of the file is for other libraries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::tokens) sentencepiece: Option<String>,
    /// What becomes of text that spells a special token, where that is not to be the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::tokens) special_text: Option<SpecialText>,
}

fn version() -> String {
    "1.0".to_owned()
}

impl Tokenizer {
    /// Reads a `tokenizer.json` file.
    pub fn from_json_file(path: &Path) -> Result<Self> {
        of_file(path, Self::from_json(&contents(path)?))
    }

    /// Reads the content of a `tokenizer.json` file.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let file: TokenizerFile = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let place = error.path().to_string();
            let what = Error::new(format!("not the JSON object of a tokenizer: {}", error.inner()));
            // Where the JSON itself is broken, the field that was being read says nothing.
            let is_broken = place == "." || !error.inner().is_data();
            let what = if is_broken { what } else { Error::new(error.inner().to_string()).at(place) };
            what.advise("give a whole tokenizer.json whose parts this version knows")
        })?;
        reader.end().map_err(|error| {
            Error::new(format!("something follows the tokenizer: {error}")).advise("the file is damaged")
        })?;
        check_kinds(json)?;
        Self::from_parsed(file)
    }

    /// The same of a value.
    pub(in crate::tokens) fn from_value(value: Value) -> Result<Self> {
        Self::from_parsed(typed(value, "")?)
    }

    fn from_parsed(mut file: TokenizerFile) -> Result<Self> {
        let beyond =
            file.model.as_object_mut().and_then(|model| model.remove("fastmask")).unwrap_or_default();
        let beyond: Beyond = typed::<Option<Beyond>>(beyond, "model.fastmask")?.unwrap_or_default();
        if file.version != "1.0" && !(file.version == ONLY_FASTMASK && beyond.sentencepiece.is_some()) {
            return Err(Error::new(format!("version is {:?}", file.version))
                .at("version")
                .advise("this version of fastmask reads format 1.0"));
        }
        if let Some(model) = beyond.sentencepiece {
            return Self::from_saved_sentencepiece(&model, file.added_tokens);
        }
        if beyond.special_text.is_some() {
            remove_special_tokens(&mut file.model, &file.added_tokens);
        }
        let model = Model::from_json(file.model)?;
        if beyond.special_text.is_none() {
            check_ids(model.vocab(), &file.added_tokens)?;
        }
        Self::new(Parts {
            algorithm: Algorithm::Pipeline(Box::new(Pipeline::new(
                file.normalizer,
                file.pre_tokenizer,
                model,
            ))),
            added: file.added_tokens,
            assembly: Assembly {
                truncation: file.truncation,
                post_processor: file.post_processor,
                padding: file.padding,
            },
            decoder: file.decoder,
            special_text: beyond.special_text.unwrap_or(SpecialText::Parse),
        })
    }
}

/// The parts that have kinds, as they are written.
#[derive(Deserialize)]
#[serde(default)]
struct Kinds {
    normalizer: Value,
    pre_tokenizer: Value,
    post_processor: Value,
    decoder: Value,
}

impl Default for Kinds {
    fn default() -> Self {
        let [normalizer, pre_tokenizer, post_processor, decoder] = [const { Value::Null }; 4];
        Self { normalizer, pre_tokenizer, post_processor, decoder }
    }
}

/// Refuses a number where the name of a kind has to be: serde would take it for the kind's place in our own list.
fn check_kinds(json: &[u8]) -> Result<()> {
    let kinds: Kinds = serde_json::from_slice(json).map_err(|error| Error::new(error.to_string()))?;
    let parts = [
        ("normalizer", kinds.normalizer),
        ("pre_tokenizer", kinds.pre_tokenizer),
        ("post_processor", kinds.post_processor),
        ("decoder", kinds.decoder),
    ];
    parts.iter().try_for_each(|(name, part)| check_kind(part).map_err(|error| error.at(*name)))
}

fn check_kind(part: &Value) -> Result<()> {
    match part {
        Value::Object(fields) => match fields.get("type") {
            Some(kind) if !kind.is_string() => Err(Error::new(format!("it is {kind}"))
                .at("type")
                .advise("the type of a part is its name, a text")),
            _ => fields.values().try_for_each(check_kind),
        },
        Value::Array(parts) => parts.iter().try_for_each(check_kind),
        _ => Ok(()),
    }
}

/// Takes out of the model what [`Tokenizer::to_json`] put there so that ids of special tokens may have gaps.
fn remove_special_tokens(model: &mut Value, added: &[AddedToken]) {
    if let Some(vocab) = model.get_mut("vocab").and_then(Value::as_object_mut) {
        vocab.retain(|token, _| !added.iter().any(|added| added.content == *token));
    }
}

/// A part of the file as its type; errors name the field.
pub(in crate::tokens) fn typed<T: for<'de> Deserialize<'de>>(value: Value, place: &str) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let error = Error::new(error.inner().to_string()).advise("the file is damaged or of another kind");
        let error = if inner == "." { error } else { error.at(inner) };
        if place.is_empty() { error } else { error.at(place) }
    })
}

/// Refuses added tokens whose ids are not those that the `tokenizers` library gives them, whatever the file says:
/// the model's where it has the token, else the next free one.
fn check_ids(vocab: &Vocab, added: &[AddedToken]) -> Result<()> {
    let mut next = vocab.iter().count() as u32;
    for (index, token) in added.iter().enumerate() {
        let place = || format!("added_tokens[{index}]");
        let given = vocab.id(&token.content).unwrap_or(next);
        if given != token.id {
            return Err(Error::new(format!(
                "token {:?} has id {} where {given} is next",
                token.content, token.id
            ))
            .at(place())
            .advise("ids of added tokens are the model's own, or follow the vocabulary without a gap"));
        }
        if given == next {
            next += 1;
        }
    }
    Ok(())
}
