//! Writes a `tokenizer.json` that this crate and the `tokenizers` library read back.

use serde_json::json;

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
            "model": self.model.to_json(),
        })
        .to_string()
    }
}
