//! The file of a BPE: a vocabulary, merges, and settings.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Bpe, BpeSettings};
use crate::tokens::models::file::{self, shown};
use crate::{Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BpeFile {
    #[serde(rename = "type")]
    _kind: Option<String>,
    dropout: Option<f32>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    fuse_unk: Option<bool>,
    byte_fallback: Option<bool>,
    ignore_merges: Option<bool>,
    vocab: Map<String, Value>,
    merges: Vec<Value>,
}

impl Bpe {
    pub(in crate::tokens::models) fn from_json(model: Value) -> Result<Self> {
        let fields: BpeFile = file::fields(model)?;
        if let Some(dropout) = fields.dropout.filter(|&dropout| dropout != 0.0) {
            return Err(Error::new(format!("it is {dropout}")).at("model.dropout").advise(
                "fastmask gives one text the same ids every time: set it to null to encode without dropout",
            ));
        }
        let settings = BpeSettings {
            unk_token: fields.unk_token,
            fuse_unk: fields.fuse_unk.unwrap_or_default(),
            continuing_subword_prefix: fields.continuing_subword_prefix,
            end_of_word_suffix: fields.end_of_word_suffix,
            byte_fallback: fields.byte_fallback.unwrap_or_default(),
            ignore_merges: fields.ignore_merges.unwrap_or_default(),
        };
        let mut merges: Vec<(&str, &str)> = Vec::with_capacity(fields.merges.len());
        for (place, merge) in fields.merges.iter().enumerate() {
            // A list of texts may be the lines of a merges.txt with its header.
            if !merge.as_str().is_some_and(|text| text.starts_with("#version")) {
                merges.push(pair(merge).map_err(|error| error.at(format!("model.merges[{place}]")))?);
            }
        }
        if let [first, rest @ ..] = fields.merges.as_slice()
            && let Some(place) = rest.iter().position(|merge| merge.is_string() != first.is_string())
        {
            return Err(Error::new("merges are texts and pairs")
                .at(format!("model.merges[{}]", place + 1))
                .advise("write all of them in one way"));
        }
        Self::new(file::vocab(&fields.vocab)?, merges, settings)
    }

    pub(in crate::tokens::models) fn to_json(&self) -> Value {
        let token = |id| self.vocab.token(id).unwrap_or_default();
        // Pairs, not "a b": a token may hold a space.
        let merges = self.merges().into_iter().map(|(left, right)| [token(left), token(right)]);
        json!({
            "type": "BPE",
            "dropout": null,
            "unk_token": self.settings.unk_token,
            "continuing_subword_prefix": self.settings.continuing_subword_prefix,
            "end_of_word_suffix": self.settings.end_of_word_suffix,
            "fuse_unk": self.settings.fuse_unk,
            "byte_fallback": self.settings.byte_fallback,
            "ignore_merges": self.settings.ignore_merges,
            "vocab": file::vocab_to_json(&self.vocab),
            "merges": merges.collect::<Vec<_>>(),
        })
    }
}

/// A merge is written as `"a b"` by older files and as `["a", "b"]` by newer ones.
fn pair(merge: &Value) -> Result<(&str, &str)> {
    let tokens = match merge {
        Value::String(text) => text.split_once(' ').filter(|(_, right)| !right.contains(' ')),
        Value::Array(tokens) => match tokens.as_slice() {
            [Value::String(left), Value::String(right)] => Some((left.as_str(), right.as_str())),
            _ => None,
        },
        _ => None,
    };
    tokens.ok_or_else(|| {
        Error::new(format!("{} is not two tokens", shown(merge)))
            .advise("a merge is [\"a\", \"b\"], or \"a b\" with one space between them")
    })
}
