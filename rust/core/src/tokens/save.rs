//! Writes a `tokenizer.json` that this crate and the `tokenizers` library read back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::added::AddedToken;
use super::pipeline::{Pipeline, SpecialText};
use super::sentencepiece::SentencePiece;
use super::tokenizer::{Algorithm, Tokenizer};
use crate::{Error, Result};

impl Tokenizer {
    /// The content of a `tokenizer.json`: the same tokenizer gives the same text.
    ///
    /// What the format cannot say exactly (SentencePiece's ways, the pattern of a tiktoken encoding) stands in the model's field `fastmask`, which [`Tokenizer::from_json`] reads and the `tokenizers` library passes
    /// over.
    pub fn to_json(&self) -> Result<String> {
        self.to_value().map(|value| value.to_string())
    }

    fn to_value(&self) -> Result<Value> {
        let mut file = match &self.algorithm {
            Algorithm::Pipeline(pipeline) => self.pipeline_value(pipeline)?,
            Algorithm::SentencePiece(model) => sentencepiece_value(model),
        };
        file["added_tokens"] = value(&by_id(self.added_tokens()))?;
        Ok(file)
    }

    fn pipeline_value(&self, pipeline: &Pipeline) -> Result<Value> {
        let mut file = json!({
            "version": "1.0",
            "truncation": value(&self.assembly.truncation)?,
            "padding": value(&self.assembly.padding)?,
            "added_tokens": [],
            "normalizer": value(&pipeline.normalizer)?,
            "pre_tokenizer": value(&pipeline.pre_tokenizer)?,
            "post_processor": value(&self.assembly.post_processor)?,
            "decoder": value(&self.detokenizer.decoder())?,
            "model": pipeline.model.to_json(),
        });
        if self.special_text != SpecialText::Parse {
            // tiktoken's ids of special tokens may have gaps, which only the model's vocabulary can say.
            if let Some(vocab) = file["model"]["vocab"].as_object_mut() {
                vocab
                    .extend(self.added_tokens().iter().map(|token| (token.content.clone(), token.id.into())));
            }
            file["model"]["fastmask"] = json!({"special_text": self.special_text});
        }
        Ok(file)
    }

    /// The same tokenizer with more special tokens.
    ///
    /// A token that is in the vocabulary keeps its id, another gets the next one. An id that is given is checked
    /// against that.
    pub fn with_special_tokens(&self, tokens: &[(String, Option<u32>)]) -> Result<Self> {
        let mut added = self.added_tokens().to_vec();
        let mut next = self.vocab.size() as u32;
        for (content, wanted) in tokens {
            let id = self.vocab.id(content).unwrap_or(next);
            let known = added.iter_mut().find(|token| token.content == *content);
            let id = known.as_ref().map_or(id, |token| token.id);
            if wanted.is_some_and(|wanted| wanted != id) {
                return Err(Error::new(format!(
                    "token {content:?} gets id {id}, not {}",
                    wanted.unwrap_or(id)
                ))
                .advise("new tokens get the ids after the highest one, in their order"));
            }
            match known {
                Some(token) => token.special = true,
                None => added.push(AddedToken::special(content, id)),
            }
            next += u32::from(id == next);
        }
        let mut file = self.to_value()?;
        file["added_tokens"] = value(&by_id(&added))?;
        Self::from_value(file)
    }
}

/// The version of a file that the `tokenizers` library shall refuse, because it has no model of this kind.
pub(super) const ONLY_FASTMASK: &str = "1.0-fastmask";

fn sentencepiece_value(model: &SentencePiece) -> Value {
    let converted = model.to_tokenizer_json();
    let mut file = converted.unwrap_or_else(|_| json!({"version": ONLY_FASTMASK, "model": {}}));
    file["model"]["fastmask"] = json!({"sentencepiece": STANDARD.encode(model.to_bytes())});
    file
}

fn value<T: serde::Serialize>(part: &T) -> Result<Value> {
    serde_json::to_value(part)
        .map_err(|error| Error::new(format!("the tokenizer cannot be written: {error}")))
}

/// The `tokenizers` library gives ids to added tokens in the order of the file.
fn by_id(added: &[AddedToken]) -> Vec<&AddedToken> {
    let mut sorted: Vec<_> = added.iter().collect();
    sorted.sort_by_key(|token| token.id);
    sorted
}
