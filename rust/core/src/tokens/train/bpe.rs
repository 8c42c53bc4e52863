//! Byte-pair encoding.

use serde_json::{Value, json};

use super::alphabet::Alphabet;
use super::chain::Chain;
use super::merges::{self, Limits};
use super::vocabulary::Vocabulary;
use super::{Trained, WordCounts};
use crate::text::byte_level;
use crate::{Error, Result};

/// What a byte-pair encoding is trained with; the names and the defaults are those of the `tokenizers` library's
/// `BpeTrainer`.
///
/// ```
/// use fastmask_core::tokens::train::{BpeSettings, WordCounts};
/// let mut counts = WordCounts::new();
/// counts.feed(&["low lower lowest low"], 1, &|text, word| Ok(text.split(' ').for_each(word)))?;
/// let trained = BpeSettings { vocab_size: 10, ..BpeSettings::default() }.train(counts, 1, |_, _| Ok(()))?;
/// assert_eq!(trained.model["merges"].to_string(), r#"[["l","o"],["lo","w"],["low","e"]]"#);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BpeSettings {
    /// The number of tokens in all: special tokens, characters, and merges.
    pub vocab_size: usize,
    /// Pairs seen less often than this are not merged.
    pub min_frequency: u64,
    /// The special tokens, which get the ids from 0.
    pub special_tokens: Vec<String>,
    /// At most this many characters are kept, the most frequent ones; the others are left out of their words.
    pub limit_alphabet: Option<usize>,
    /// Characters that are kept before others, whether the text has them or not.
    pub initial_alphabet: Vec<char>,
    /// Put before each character that continues a word.
    pub continuing_subword_prefix: Option<String>,
    /// Put after the last character of each word.
    pub end_of_word_suffix: Option<String>,
    /// A merge must give a token shorter than this, in characters (in bytes, if `byte_level`); a pair of single
    /// characters may always merge.
    pub max_token_length: Option<usize>,
    /// The words are raw text, to be spelled byte by byte in the byte-level alphabet.
    pub byte_level: bool,
}

impl Default for BpeSettings {
    fn default() -> Self {
        Self {
            vocab_size: 30_000,
            min_frequency: 0,
            special_tokens: Vec::new(),
            limit_alphabet: None,
            initial_alphabet: Vec::new(),
            continuing_subword_prefix: None,
            end_of_word_suffix: None,
            max_token_length: None,
            byte_level: false,
        }
    }
}

impl BpeSettings {
    /// Learns the merges of `counts`. `report(tokens, vocab_size)` is called now and then; an error of its ends the
    /// training.
    ///
    /// Text that runs out of pairs gives fewer tokens than `vocab_size`. An alphabet that does not fit in it is an
    /// error (the `tokenizers` library then gives more tokens than it was asked for).
    pub fn train(
        &self,
        counts: WordCounts,
        num_threads: usize,
        report: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<Trained> {
        let (vocabulary, merges) = self.learn(counts, num_threads, report)?;
        let merges =
            merges.iter().map(|&(left, right)| json!([vocabulary.text(left), vocabulary.text(right)]));
        Ok(Trained {
            model: json!({
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": self.continuing_subword_prefix,
                "end_of_word_suffix": self.end_of_word_suffix,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": false,
                "vocab": vocabulary.to_json(),
                "merges": merges.collect::<Value>(),
            }),
            special_tokens: vocabulary.with_ids(&self.special_tokens),
        })
    }

    /// The vocabulary and the merges.
    pub(super) fn learn(
        &self,
        counts: WordCounts,
        num_threads: usize,
        report: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<(Vocabulary, Vec<(u32, u32)>)> {
        self.check()?;
        if counts.is_empty() {
            return Err(Error::new("there is no text to train on")
                .advise("give at least one document that is not empty"));
        }
        let mut vocabulary = Vocabulary::new(&self.special_tokens)?;
        let words = counts.most_frequent_first(num_threads);
        let alphabet = Alphabet::new(&words, self, &mut vocabulary);
        let advice = if self.byte_level { "" } else { ", or keep fewer characters with limit_alphabet" };
        vocabulary.check_size(self.vocab_size, self.special_tokens.len(), advice)?;
        let mut chain = Chain::new();
        for (word, count) in words {
            chain.push(count, |symbol| alphabet.symbols(word, symbol))?;
        }
        drop(counts);
        let limits = Limits {
            vocab_size: self.vocab_size,
            min_frequency: self.min_frequency,
            continuing_subword_prefix: self.continuing_subword_prefix.as_deref(),
            max_token_length: self.max_token_length,
            num_threads,
        };
        let merges = merges::merge(chain, &mut vocabulary, &limits, report)?;
        Ok((vocabulary, merges))
    }

    fn check(&self) -> Result<()> {
        if self.limit_alphabet == Some(0) {
            return Err(
                Error::new("limit_alphabet is 0").advise("give at least 1, or None for all characters")
            );
        }
        if self.max_token_length == Some(0) {
            return Err(Error::new("max_token_length is 0").advise("give at least 1, or None for no limit"));
        }
        let outside = self.initial_alphabet.iter().find(|&&one| byte_level::byte_of(one).is_none());
        match outside.filter(|_| self.byte_level) {
            None => Ok(()),
            Some(character) => {
                Err(Error::new(format!("initial_alphabet has {character:?}, which spells no byte"))
                    .advise("give characters of the byte-level alphabet, such as \u{120} for a space"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bpe_cases::{cases, plain};
    use super::*;

    fn counts(text: &str) -> WordCounts {
        let mut counts = WordCounts::new();
        text.split(' ').for_each(|word| counts.add(word, 1));
        counts
    }

    #[test]
    fn vocabularies_and_merges_are_those_of_the_tokenizers_library() {
        for case in cases() {
            let (vocabulary, merges) = case
                .settings
                .learn(counts(case.text), 2, |_, _| Ok(()))
                .unwrap_or_else(|error| panic!("{error}"));
            let tokens: Vec<&str> = (0..vocabulary.len() as u32).map(|id| vocabulary.text(id)).collect();
            let text =
                |&(left, right): &(u32, u32)| format!("{} {}", vocabulary.text(left), vocabulary.text(right));
            assert_eq!(tokens.join(" "), case.tokens, "{}", case.name);
            assert_eq!(merges.iter().map(text).collect::<Vec<_>>().join(", "), case.merges, "{}", case.name);
        }
    }

    #[test]
    fn bytes_are_spelled_as_characters() {
        let settings = BpeSettings { byte_level: true, ..plain() };
        let trained = settings.train(counts("\u{a0}é \u{a0}é"), 1, |_, _| Ok(())).unwrap();
        assert_eq!(trained.model["vocab"].to_string(), r#"{"©":0,"Â":1,"Ã":2,"ł":3,"Âł":4,"Ã©":5,"ÂłÃ©":6}"#);
        assert_eq!(trained.model["merges"].to_string(), r#"[["Â","ł"],["Ã","©"],["Âł","Ã©"]]"#);
    }

    #[test]
    fn bad_settings_are_refused_with_advice() {
        for (settings, text, message) in [
            (plain(), "", "there is no text to train on: give at least one document that is not empty"),
            (
                BpeSettings { vocab_size: 3, special_tokens: vec!["<s>".into()], ..plain() },
                "abc",
                "vocab_size is 3, but 4 ids are taken by 1 special tokens and an alphabet of 3: give at least 4, or \
                 keep fewer characters with limit_alphabet",
            ),
            (
                BpeSettings { special_tokens: vec!["a".into(), "a".into()], ..plain() },
                "a",
                "special_tokens[1]: the special token \"a\" is empty or there twice: name each token once",
            ),
            (
                BpeSettings { limit_alphabet: Some(0), ..plain() },
                "a",
                "limit_alphabet is 0: give at least 1, or None for all characters",
            ),
            (
                BpeSettings { max_token_length: Some(0), ..plain() },
                "a",
                "max_token_length is 0: give at least 1, or None for no limit",
            ),
            (
                BpeSettings { byte_level: true, initial_alphabet: vec!['a', ' '], ..plain() },
                "a",
                "initial_alphabet has ' ', which spells no byte: give characters of the byte-level alphabet, such as \
                 \u{120} for a space",
            ),
        ] {
            let error = settings.train(counts(text), 1, |_, _| Ok(())).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn an_error_of_the_report_ends_the_training() {
        let stop = |_, _| Err(Error::new("stop"));
        assert_eq!(plain().train(counts("ab"), 1, stop).unwrap_err().to_string(), "stop");
    }

    fn any_settings() -> impl Strategy<Value = BpeSettings> {
        (
            (30_usize..80, 0_u64..4, prop::option::of(1_usize..5), prop::option::of(1_usize..7)),
            (prop::option::of("##?|a"), prop::option::of("</w>|b"), any::<bool>()),
        )
            .prop_map(
                |(
                    (vocab_size, min_frequency, limit_alphabet, max_token_length),
                    (prefix, suffix, byte_level),
                )| {
                    BpeSettings {
                        vocab_size,
                        min_frequency,
                        limit_alphabet,
                        max_token_length,
                        continuing_subword_prefix: prefix,
                        end_of_word_suffix: suffix,
                        special_tokens: vec!["<s>".into(), "ab".into()],
                        byte_level,
                        ..plain()
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn the_number_of_threads_and_the_order_of_the_words_change_nothing(
            words in prop::collection::vec("[ab#漢]{1,12}", 1..40),
            settings in any_settings(),
            num_threads in 2_usize..5,
        ) {
            let want = settings.train(counts(&words.join(" ")), 1, |_, _| Ok(()));
            let mut words = words;
            words.reverse();
            prop_assert_eq!(settings.train(counts(&words.join(" ")), num_threads, |_, _| Ok(())), want);
        }

        #[test]
        fn merges_in_their_order_spell_every_word_in_tokens(words in prop::collection::vec("[abc漢]{1,12}", 1..30)) {
            let (vocabulary, merges) = plain().learn(counts(&words.join(" ")), 2, |_, _| Ok(())).unwrap();
            for word in &words {
                let mut symbols: Vec<String> = word.chars().map(String::from).collect();
                for &(left, right) in &merges {
                    let (left, right) = (vocabulary.text(left), vocabulary.text(right));
                    let mut place = 0;
                    while place + 1 < symbols.len() {
                        if symbols[place] == left && symbols[place + 1] == right {
                            let second = symbols.remove(place + 1);
                            symbols[place].push_str(&second);
                        }
                        place += 1;
                    }
                }
                prop_assert_eq!(&symbols, std::slice::from_ref(word), "all pairs were merged");
            }
        }
    }
}
