//! Writes a `tokenizer.json` that this crate and the `tokenizers` library read back.

use serde_json::{Map, Value, json};

use super::tokenizer::Tokenizer;
use crate::text::Split;

impl Tokenizer {
    /// The content of a `tokenizer.json`: the same tokenizer gives the same text.
    pub fn to_json(&self) -> String {
        let byte_level = json!({
            "type": "ByteLevel",
            "add_prefix_space": self.add_prefix_space,
            "trim_offsets": true,
            "use_regex": self.split == Split::Gpt2,
        });
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": self.added_tokens(),
            "normalizer": null,
            "pre_tokenizer": byte_level,
            "post_processor": null,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": self.model.ignores_merges(),
                "vocab": self.model_vocab(),
                "merges": self.merges_as_text(),
            },
        })
        .to_string()
    }

    fn model_vocab(&self) -> Map<String, Value> {
        let of_the_model = self.vocab.iter().filter(|(id, _)| !self.only_added.contains(id));
        of_the_model.map(|(id, token)| (token.to_owned(), id.into())).collect()
    }

    /// Pairs, not `"a b"`: a token may hold a space where the whole text is one word.
    fn merges_as_text(&self) -> Vec<[&str; 2]> {
        let token = |id| self.vocab.token(id).unwrap_or_default();
        self.model.merges().iter().map(|&(left, right)| [token(left), token(right)]).collect()
    }
}
