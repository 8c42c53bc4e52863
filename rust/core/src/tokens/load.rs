//! Reads a Hugging Face `tokenizer.json`.
//!
//! Every part that could change an id is either understood or refused by name: nothing is guessed.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::added::AddedToken;
use super::models::Model;
use super::tokenizer::{Parts, Tokenizer};
use super::vocab::Vocab;
use crate::text::Split;
use crate::{Error, Result};

const ADVICE: &str = "this version reads byte-level BPE without a normalizer (GPT-2's kind)";

#[derive(Deserialize)]
struct ByteLevelFile {
    #[serde(default = "yes")]
    add_prefix_space: bool,
    #[serde(default = "yes")]
    use_regex: bool,
}

fn yes() -> bool {
    true
}

impl Tokenizer {
    /// Reads a `tokenizer.json` file.
    pub fn from_file(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| {
            Error::new(format!("cannot be read: {error}"))
                .at(&place)
                .advise("give the path of a tokenizer.json")
        })?;
        Self::from_json(&text).map_err(|error| error.at(&place))
    }

    /// Reads the content of a `tokenizer.json` file.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let mut file: Map<String, Value> = serde_json::from_slice(json).map_err(|error| {
            Error::new(format!("not the JSON object of a tokenizer: {error}")).advise("give a tokenizer.json")
        })?;
        for part in ["normalizer", "truncation", "padding"] {
            refuse_unless_null(&file, part)?;
        }
        let added = field(&mut file, "added_tokens", "added_tokens")?.unwrap_or_default();
        let split = byte_level(&mut file, "pre_tokenizer")?.ok_or_else(|| missing("pre_tokenizer"))?;
        byte_level(&mut file, "decoder")?.ok_or_else(|| missing("decoder"))?;
        byte_level(&mut file, "post_processor")?;
        let model: Map<String, Value> =
            field(&mut file, "model", "model")?.ok_or_else(|| missing("model"))?;
        check_model(&model)?;
        Self::new(Parts {
            model: Model::from_json(Value::Object(model))?,
            added: check_added(added)?,
            split: if split.use_regex { Split::Gpt2 } else { Split::Whole },
            add_prefix_space: split.add_prefix_space,
        })
    }
}

fn missing(part: &str) -> Error {
    Error::new(format!("{part} is missing")).advise(ADVICE)
}

fn typed<T: for<'de> Deserialize<'de>>(value: Value, place: &str) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Error::new(error.to_string()).at(place).advise("the file is damaged or of another kind")
    })
}

/// Takes a field out of the file; None where it is absent or null.
fn field<T: for<'de> Deserialize<'de>>(
    file: &mut Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<T>> {
    match file.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => typed(value, place).map(Some),
    }
}

fn refuse_unless_null(file: &Map<String, Value>, part: &str) -> Result<()> {
    match file.get(part) {
        None | Some(Value::Null) => Ok(()),
        Some(value) => {
            let kind =
                value.get("type").and_then(Value::as_str).map(|kind| format!(" {kind}")).unwrap_or_default();
            Err(Error::new(format!("the {part}{kind} is not supported")).advise(ADVICE))
        }
    }
}

fn byte_level(file: &mut Map<String, Value>, part: &str) -> Result<Option<ByteLevelFile>> {
    match file.get(part).and_then(|value| value.get("type")).and_then(Value::as_str) {
        Some("ByteLevel") => field(file, part, part),
        _ => refuse_unless_null(file, part).map(|()| None),
    }
}

/// Refuses every setting of the model that would change ids in a way that is not implemented.
fn check_model(model: &Map<String, Value>) -> Result<()> {
    let kind = model.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind != "BPE") || !model.contains_key("merges") {
        let kind = kind.unwrap_or("without merges");
        return Err(Error::new(format!("the model {kind} is not supported")).advise(ADVICE));
    }
    for setting in
        ["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"]
    {
        let off = match model.get(setting) {
            None | Some(Value::Null | Value::Bool(false)) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Number(number)) => number.as_f64() == Some(0.0),
            Some(_) => false,
        };
        if !off {
            return Err(Error::new(format!("model.{setting} is {}, which is not supported", model[setting]))
                .advise(ADVICE));
        }
    }
    Ok(())
}

fn check_added(added: Vec<AddedToken>) -> Result<Vec<AddedToken>> {
    let mut seen = Vocab::default();
    for (index, token) in added.iter().enumerate() {
        seen.insert(&token.content, token.id).map_err(|error| error.at(format!("added_tokens[{index}]")))?;
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::SpecialText;

    fn file(change: impl FnOnce(&mut Value)) -> Result<Tokenizer> {
        let mut file = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
            "added_tokens": [{"id": 4, "content": "<mask>", "special": true}],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
            "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": ["a b"]},
        });
        change(&mut file);
        Tokenizer::from_json(file.to_string().as_bytes())
    }

    #[test]
    fn reads_and_encodes() {
        let tokenizer = file(|_| ()).unwrap();
        assert_eq!(tokenizer.encode("ab ab<mask>a", SpecialText::Parse).unwrap(), [2, 3, 2, 4, 0]);
        assert_eq!(tokenizer.decode(&[2, 3, 4, 0], true).unwrap(), b"ab a");
        assert!(tokenizer.encode("<mask>", SpecialText::Error).is_err());
        let pairs = file(|file| file["model"]["merges"] = serde_json::json!([["a", "b"]])).unwrap();
        assert_eq!(pairs.encode("ab", SpecialText::Parse).unwrap(), [2]);
    }

    #[test]
    fn prefix_space_and_whole_text() {
        let prefixed = file(|file| file["pre_tokenizer"]["add_prefix_space"] = true.into()).unwrap();
        assert_eq!(prefixed.encode("ab", SpecialText::Parse).unwrap(), [3, 2]);
        assert_eq!(prefixed.encode(" ab", SpecialText::Parse).unwrap(), [3, 2]);
        let whole = file(|file| {
            file["pre_tokenizer"]["use_regex"] = false.into();
            file["model"]["merges"] = serde_json::json!(["a b", "Ġ ab"]);
            file["model"]["vocab"]["Ġab"] = 5.into();
        })
        .unwrap();
        assert_eq!(whole.encode("ab ab", SpecialText::Parse).unwrap(), [2, 5]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        type Case = (fn(&mut Value), &'static str);
        let cases: [Case; 11] = [
            (
                |file| file["normalizer"] = serde_json::json!({"type": "NFC"}),
                "the normalizer NFC is not supported",
            ),
            (|file| file["pre_tokenizer"]["type"] = "Metaspace".into(), "the pre_tokenizer Metaspace is not"),
            (|file| file["pre_tokenizer"] = Value::Null, "pre_tokenizer is missing"),
            (
                |file| file["truncation"] = serde_json::json!({"max_length": 3}),
                "the truncation is not supported",
            ),
            (|file| file["model"]["type"] = "Unigram".into(), "the model Unigram is not supported"),
            (|file| file["model"]["byte_fallback"] = true.into(), "model.byte_fallback is true"),
            (
                |file| file["model"]["merges"][0] = "a b a".into(),
                "model.merges[0]: \"a b a\" is not two tokens",
            ),
            (|file| file["model"]["merges"][0] = "a x".into(), "model.merges[0]: \"a\" + \"x\" needs"),
            (
                |file| file["model"]["vocab"]["b"] = 0.into(),
                "model.vocab[\"b\"]: tokens \"a\" and \"b\" both have id 0",
            ),
            (|file| file["model"]["vocab"]["b"] = (-1).into(), "model.vocab[\"b\"]: the id is -1"),
            (
                |file| file["added_tokens"][0]["id"] = 1.into(),
                "added_tokens[0]: tokens \"b\" and \"<mask>\" both",
            ),
        ];
        for (change, want) in cases {
            let error = file(change).unwrap_err().to_string();
            assert!(error.contains(want), "{error:?} should contain {want:?}");
        }
        for garbage in ["", "{", "[]", "\u{feff}{}", "{\"model\": 3}"] {
            assert!(Tokenizer::from_json(garbage.as_bytes()).is_err(), "{garbage}");
        }
    }
}
