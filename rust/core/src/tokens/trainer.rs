//! A tokenizer learned from text: words are counted batch by batch, then a model is trained on the counts.

mod chunks;
mod words;

use serde::Deserialize;
use serde_json::{Value, json};

use self::words::Words;

use super::load::typed;
use super::tokenizer::Tokenizer;
use super::train::{BpeSettings, Trained, UnigramSettings, WordCounts, WordPieceSettings, byte_alphabet};
use crate::text::PreTokenizer;
use crate::{Error, Result};

/// Chunks are split into words when they take more memory than this.
const MOST_BYTES_OF_CHUNKS: usize = if cfg!(test) { 1 << 12 } else { 1 << 27 };

/// Texts are counted in runs of about this many bytes, after which the memory is looked at.
const BYTES_OF_A_RUN: usize = if cfg!(test) { 1 << 8 } else { 1 << 26 };

/// Trains a tokenizer: its pipeline is given, its vocabulary is learned.
///
/// ```
/// use fastmask_core::tokens::Trainer;
/// use serde_json::json;
/// let parts = json!({"pre_tokenizer": {"type": "Whitespace"}});
/// let mut trainer = Trainer::new("wordpiece", json!({"vocab_size": 12, "special_tokens": ["[UNK]"]}), &parts)?;
/// trainer.feed(&["low lower lowest"], 1)?;
/// let tokenizer = trainer.train(1, |_, _| Ok(()))?;
/// assert_eq!(tokenizer.vocab().size(), 12);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    words: Words,
    /// The fields of the `tokenizer.json` but for what is learned.
    file: Value,
    /// What has been counted of the text before the normalizer and the pre-tokenizer have seen it.
    chunks: WordCounts,
    counts: WordCounts,
}

#[derive(Debug)]
enum Settings {
    Bpe(BpeSettings),
    WordPiece(WordPieceSettings),
    Unigram(UnigramSettings),
}

/// What the trainers of the `tokenizers` library can be told, all in one; which of it a model knows is the caller's
/// matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    vocab_size: usize,
    #[serde(default)]
    special_tokens: Vec<String>,
    #[serde(default)]
    min_frequency: u64,
    #[serde(default)]
    limit_alphabet: Option<usize>,
    #[serde(default)]
    initial_alphabet: Vec<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    max_token_length: Option<usize>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    max_input_chars_per_word: Option<usize>,
    #[serde(default)]
    shrinking_factor: Option<f64>,
    #[serde(default)]
    max_piece_length: Option<usize>,
    #[serde(default)]
    n_sub_iterations: Option<usize>,
    #[serde(default)]
    seed_size: Option<usize>,
    #[serde(default)]
    character_coverage: Option<f64>,
    #[serde(default)]
    split_by_unicode_script: Option<bool>,
    #[serde(default)]
    byte_fallback: Option<bool>,
}

impl Trainer {
    /// `model` is `byte_bpe`, `bpe`, `wordpiece` or `unigram`; `settings` are its trainer's, and `parts` the fields
    /// `normalizer`, `pre_tokenizer`, `post_processor` and `decoder` of a `tokenizer.json`.
    pub fn new(model: &str, settings: Value, parts: &Value) -> Result<Self> {
        let settings: SettingsFile = typed(settings, "settings")?;
        check_special_tokens(&settings.special_tokens)?;
        let part = |name: &str| parts.get(name).cloned().unwrap_or_default();
        let normalizer = typed(part("normalizer"), "normalizer")?;
        let mut pre_tokenizer: Option<PreTokenizer> = typed(part("pre_tokenizer"), "pre_tokenizer")?;
        let mut model_settings = json!({"unk_token": settings.unk_token});
        if let Some(limit) = settings.max_input_chars_per_word {
            model_settings["max_input_chars_per_word"] = limit.into();
        }
        let settings = settings_of(model, settings, pre_tokenizer.as_mut())?;
        let words = Words::new(normalizer, pre_tokenizer);
        let file = json!({
            "version": "1.0",
            "normalizer": part("normalizer"),
            "pre_tokenizer": part("pre_tokenizer"),
            "post_processor": part("post_processor"),
            "decoder": part("decoder"),
            "model": model_settings,
        });
        Ok(Self { settings, words, file, chunks: WordCounts::new(), counts: WordCounts::new() })
    }

    /// Counts the words of texts.
    pub fn feed<Text: AsRef<str> + Sync>(&mut self, texts: &[Text], num_threads: usize) -> Result<()> {
        let mut rest = texts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let number = rest.iter().take_while(|text| {
                let whole = bytes < BYTES_OF_A_RUN;
                bytes += text.as_ref().len();
                whole
            });
            let (run, others) = rest.split_at(number.count());
            self.feed_run(run, num_threads)?;
            rest = others;
        }
        Ok(())
    }

    fn feed_run<Text: AsRef<str> + Sync>(&mut self, texts: &[Text], num_threads: usize) -> Result<()> {
        let words = &self.words;
        let cut = |text: &str, from| words.cut(text, from);
        let Some(chunks) = words.chunks() else {
            let split = |text: &str, visit: &mut dyn FnMut(&str)| words.of(text, visit);
            return self.counts.feed_in_parts(texts, num_threads, &split, &cut);
        };
        let split = |text: &str, visit: &mut dyn FnMut(&str)| {
            chunks.of(text, visit);
            Ok(())
        };
        self.chunks.feed_in_parts(texts, num_threads, &split, &cut)?;
        if self.chunks.bytes() > MOST_BYTES_OF_CHUNKS { self.split_chunks(num_threads) } else { Ok(()) }
    }

    /// Makes words of the chunks that have been counted.
    fn split_chunks(&mut self, num_threads: usize) -> Result<()> {
        let (words, counted) = (&self.words, std::mem::take(&mut self.chunks));
        let Some(chunks) = words.chunks() else { return Ok(()) };
        let split = |text: &str, visit: &mut dyn FnMut(&str)| words.of(text, visit);
        self.counts.feed_words(&counted, num_threads, &split, chunks.between(), |chunk| chunks.joins(chunk))
    }

    /// Learns the vocabulary. `report(done, total)` is called now and then; an error of its ends the training.
    pub fn train(
        mut self,
        num_threads: usize,
        report: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<Tokenizer> {
        self.split_chunks(num_threads)?;
        if self.counts.is_empty() {
            return Err(Error::new("there is no text to train on")
                .advise("give at least one document that is not empty"));
        }
        let trained = match &self.settings {
            Settings::Bpe(settings) => settings.train(self.counts, num_threads, report)?,
            Settings::WordPiece(settings) => settings.train(self.counts, num_threads, report)?,
            Settings::Unigram(settings) => settings.train(self.counts, num_threads, report)?,
        };
        let Trained { mut model, special_tokens } = trained;
        if let Some(said) = self.file["model"].as_object() {
            // What training does not decide. Unigram's unknown token is an id, which it does.
            for (name, value) in said.iter().filter(|(_, value)| !value.is_null()) {
                if let Some(field) = model.get_mut(name) {
                    *field = value.clone();
                }
            }
        }
        let special = special_tokens.iter().map(|(content, id)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true})
        });
        self.file["added_tokens"] = special.collect();
        self.file["model"] = model;
        Tokenizer::from_value(self.file)
    }
}

fn check_special_tokens(tokens: &[String]) -> Result<()> {
    for (index, token) in tokens.iter().enumerate() {
        if token.is_empty() || tokens[..index].contains(token) {
            return Err(Error::new(format!("special token {token:?} is empty or there twice"))
                .at("special_tokens")
                .advise("name each once"));
        }
    }
    Ok(())
}

fn settings_of(
    model: &str,
    file: SettingsFile,
    pre_tokenizer: Option<&mut PreTokenizer>,
) -> Result<Settings> {
    let initial_alphabet = characters(&file.initial_alphabet)?;
    match model {
        "byte_bpe" | "bpe" => {
            let byte_level = model == "byte_bpe";
            if byte_level && !pre_tokenizer.is_some_and(PreTokenizer::leave_bytes) {
                return Err(Error::new(
                    "model \"byte_bpe\" has a pre_tokenizer that does not end in ByteLevel",
                )
                .advise("let its last step be {\"type\": \"ByteLevel\", ...}, or train model=\"bpe\""));
            }
            Ok(Settings::Bpe(BpeSettings {
                vocab_size: file.vocab_size,
                min_frequency: file.min_frequency,
                special_tokens: file.special_tokens,
                limit_alphabet: file.limit_alphabet,
                // All bytes, so that no text is unknown.
                initial_alphabet: if byte_level { byte_alphabet() } else { initial_alphabet },
                continuing_subword_prefix: file.continuing_subword_prefix,
                end_of_word_suffix: file.end_of_word_suffix,
                max_token_length: file.max_token_length,
                byte_level,
            }))
        }
        "wordpiece" => Ok(Settings::WordPiece(WordPieceSettings {
            vocab_size: file.vocab_size,
            min_frequency: file.min_frequency,
            special_tokens: file.special_tokens,
            limit_alphabet: file.limit_alphabet,
            initial_alphabet,
            continuing_subword_prefix: file.continuing_subword_prefix,
            end_of_word_suffix: file.end_of_word_suffix,
            unk_token: file.unk_token.unwrap_or_else(|| "[UNK]".to_owned()),
        })),
        "unigram" => {
            let defaults = UnigramSettings::default();
            Ok(Settings::Unigram(UnigramSettings {
                vocab_size: file.vocab_size,
                special_tokens: file.special_tokens,
                initial_alphabet,
                unk_token: file.unk_token.or(defaults.unk_token),
                shrinking_factor: file.shrinking_factor.unwrap_or(defaults.shrinking_factor),
                max_piece_length: file.max_piece_length.unwrap_or(defaults.max_piece_length),
                n_sub_iterations: file.n_sub_iterations.unwrap_or(defaults.n_sub_iterations),
                seed_size: file.seed_size.unwrap_or(defaults.seed_size),
                character_coverage: file.character_coverage.unwrap_or(defaults.character_coverage),
                split_by_unicode_script: file
                    .split_by_unicode_script
                    .unwrap_or(defaults.split_by_unicode_script),
                byte_fallback: file.byte_fallback.unwrap_or(defaults.byte_fallback),
            }))
        }
        _ => Err(Error::new(format!("there is no trainer for the model {model:?}"))
            .advise("give \"byte_bpe\", \"bpe\", \"wordpiece\" or \"unigram\"")),
    }
}

fn characters(texts: &[String]) -> Result<Vec<char>> {
    // The first character of each counts, as in the `tokenizers` library.
    texts
        .iter()
        .map(|text| {
            text.chars().next().ok_or_else(|| {
                Error::new("a character of the alphabet is empty")
                    .at("initial_alphabet")
                    .advise("give strings of one character")
            })
        })
        .collect()
}
