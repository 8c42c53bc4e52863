//! Reads the files from before `tokenizer.json`: `vocab.txt` (BERT), `vocab.json` with `merges.txt` (GPT-2).

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{contents, of_file};
use crate::text::byte_level;
use crate::tokens::tokenizer::Tokenizer;
use crate::{Error, Result};

/// What BERT's files call their special tokens.
const BERT_SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
/// What the files of GPT-2, RoBERTa and BART call theirs.
const BYTE_LEVEL_SPECIAL: [&str; 6] = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>"];

impl Tokenizer {
    /// Reads BERT's `vocab.txt`: a token a line, its number the id. The pipeline is that of BERT's own tokenizer
    /// (Devlin et al. 2019); `lowercase` also strips accents, as in the uncased models.
    pub fn from_vocab_txt(path: &Path, lowercase: bool) -> Result<Self> {
        of_file(path, text(contents(path)?).and_then(|text| of_lines(&text, lowercase)))
    }

    /// Reads a byte-level BPE from GPT-2's `vocab.json` and `merges.txt`.
    pub fn from_vocab_and_merges(vocab: &Path, merges: &Path) -> Result<Self> {
        let tokens: Map<String, Value> = of_file(
            vocab,
            serde_json::from_slice(&contents(vocab)?).map_err(|error| {
                Error::new(format!("not a JSON object of tokens and ids: {error}"))
                    .advise("give GPT-2's vocab.json, or a tokenizer.json under that name")
            }),
        )?;
        if let Some(byte) =
            (0..=255).find(|&byte| !tokens.contains_key(&byte_level::char_of(byte).to_string()))
        {
            return of_file(vocab, Err(not_byte_level(byte)));
        }
        let lines = of_file(merges, text(contents(merges)?))?;
        let merges = of_file(merges, merges_of_lines(&lines))?;
        of_file(vocab, Self::from_value(byte_level_file(&tokens, &merges)))
    }
}

fn not_byte_level(byte: u8) -> Error {
    Error::new(format!("the vocabulary has no token for byte {byte}, so it is not byte-level"))
        .advise("these files do not say how the text is split: use the tokenizer.json of this model")
}

fn text(content: Vec<u8>) -> Result<String> {
    String::from_utf8(content).map_err(|error| {
        Error::new(format!("not UTF-8: byte {} cannot stand there", error.utf8_error().valid_up_to()))
            .advise("the file is damaged or of another kind")
    })
}

fn of_lines(text: &str, lowercase: bool) -> Result<Tokenizer> {
    let mut vocab = Map::new();
    for (number, line) in text.lines().enumerate() {
        // Of a token that is there twice the later line counts, as for BERT's own tokenizer.
        vocab.insert(line.trim_end().to_owned(), number.into());
    }
    if !vocab.contains_key("[UNK]") {
        return Err(Error::new("there is no line [UNK]").advise("give the vocab.txt of a BERT model"));
    }
    Tokenizer::from_value(bert_file(&vocab, lowercase))
}

fn special(vocab: &Map<String, Value>, names: &[&str]) -> Vec<Value> {
    let mut tokens: Vec<(&str, &Value)> =
        names.iter().filter_map(|name| Some((*name, vocab.get(*name)?))).collect();
    tokens.sort_by_key(|(_, id)| id.as_u64());
    let token = |(content, id): (&str, &Value)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": content == "<mask>", "rstrip": false,
               "normalized": false, "special": true})
    };
    tokens.into_iter().map(token).collect()
}

fn bert_file(vocab: &Map<String, Value>, lowercase: bool) -> Value {
    let frame = match (vocab.get("[CLS]"), vocab.get("[SEP]")) {
        (Some(cls), Some(sep)) => {
            json!({"type": "BertProcessing", "sep": ["[SEP]", sep], "cls": ["[CLS]", cls]})
        }
        _ => Value::Null,
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special(vocab, &BERT_SPECIAL),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": frame,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab},
    })
}

fn merges_of_lines(text: &str) -> Result<Vec<(&str, &str)>> {
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with("#version"));
    lines
        .map(|(number, line)| {
            line.split_once(' ').filter(|(_, right)| !right.contains(' ')).ok_or_else(|| {
                Error::new(format!("{line:?} is not two tokens"))
                    .at(format!("line {}", number + 1))
                    .advise("a merge is two tokens with one space between them")
            })
        })
        .collect()
}

fn byte_level_file(vocab: &Map<String, Value>, merges: &[(&str, &str)]) -> Value {
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special(vocab, &BYTE_LEVEL_SPECIAL),
        "normalizer": null,
        "pre_tokenizer": byte_level,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocab, "merges": merges},
    })
}
