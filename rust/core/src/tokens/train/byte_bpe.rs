//! A byte-level BPE as a whole tokenizer: GPT-2's split, 256 bytes, merges.

use super::{BpeSettings, WordCounts, byte_alphabet};
use crate::text::Split;
use crate::tokens::added::AddedToken;
use crate::tokens::bpe::Bpe;
use crate::tokens::tokenizer::{Parts, Tokenizer};
use crate::tokens::vocab::Vocab;
use crate::{Error, Result};

/// What is to be trained.
#[derive(Debug, Clone, Default)]
pub struct TrainSettings {
    /// The number of tokens in all: special tokens, the 256 bytes, and merges.
    pub vocab_size: usize,
    /// Pairs seen less often than this are not merged.
    pub min_frequency: u64,
    /// The special tokens, which get the ids from 0.
    pub special_tokens: Vec<String>,
    /// A merge must give a token shorter than this, in bytes; a pair of bytes may always merge. (So the
    /// `tokenizers` library counts, and the merges are to be the same.)
    pub max_token_length: Option<usize>,
}

/// Counts words, then merges pairs.
#[derive(Debug)]
pub struct ByteBpeTrainer {
    settings: TrainSettings,
    counts: WordCounts,
}

impl ByteBpeTrainer {
    /// A trainer that has seen no text.
    pub fn new(settings: TrainSettings) -> Result<Self> {
        let least = settings.special_tokens.len() + 256;
        if settings.vocab_size < least {
            return Err(Error::new(format!("vocab_size is {}", settings.vocab_size)).advise(format!(
                "{least} ids are taken by the 256 bytes and the {} special tokens: give at least that",
                settings.special_tokens.len()
            )));
        }
        Ok(Self { settings, counts: WordCounts::new() })
    }

    /// Counts the words of `texts`.
    pub fn feed<Text: AsRef<str> + Sync>(&mut self, texts: &[Text], num_threads: usize) -> Result<()> {
        self.counts.feed(texts, num_threads, &|text, word| {
            Split::Gpt2.words(text).for_each(word);
            Ok(())
        })
    }

    /// Merges pairs until the vocabulary is full or no pair is left, and calls `report(tokens, vocab_size)` now
    /// and then; an error of its ends the training.
    pub fn train(self, report: impl FnMut(usize, usize) -> Result<()>) -> Result<Tokenizer> {
        let TrainSettings { vocab_size, min_frequency, special_tokens, max_token_length } = self.settings;
        let settings = BpeSettings {
            vocab_size,
            min_frequency,
            special_tokens,
            max_token_length,
            initial_alphabet: byte_alphabet(),
            byte_level: true,
            ..BpeSettings::default()
        };
        let num_threads = crate::threads::resolve(None)?;
        let (vocabulary, merges) = settings.learn(self.counts, num_threads, report)?;
        let mut vocab = Vocab::default();
        for id in 0..vocabulary.len() as u32 {
            vocab.insert(vocabulary.text(id), id)?;
        }
        let special_tokens = vocabulary.with_ids(&settings.special_tokens);
        let merges = merges.iter().map(|&(left, right)| (vocabulary.text(left), vocabulary.text(right)));
        Tokenizer::new(Parts {
            model: Bpe::new(&vocab, merges, false)?,
            model_vocab: vocab,
            added: special_tokens.iter().map(|(token, id)| AddedToken::special(token, *id)).collect(),
            split: Split::Gpt2,
            add_prefix_space: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::SpecialText;

    fn trained(settings: TrainSettings, texts: &[&str], num_threads: usize) -> Result<Tokenizer> {
        let mut trainer = ByteBpeTrainer::new(settings)?;
        trainer.feed(texts, num_threads)?;
        trainer.train(|_, _| Ok(()))
    }

    fn settings(vocab_size: usize) -> TrainSettings {
        TrainSettings { vocab_size, special_tokens: vec!["<mask>".into()], ..TrainSettings::default() }
    }

    #[test]
    fn the_most_frequent_pair_comes_first_and_ties_go_to_lower_ids() {
        let tokenizer = trained(settings(260), &["ab ab cd cd cd"], 1).unwrap();
        let vocab = tokenizer.vocab();
        assert_eq!((257..260).map(|id| vocab.token(id).unwrap()).collect::<Vec<_>>(), ["cd", "Ġcd", "ab"]);
        assert_eq!(tokenizer.encode("<mask>cd", SpecialText::Parse).unwrap(), [0, 257]);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let texts: Vec<String> = (0..200).map(|n| format!("the {n}th of many texts, {}", n * n)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let one = trained(settings(400), &texts, 1).unwrap().to_json();
        assert_eq!(one, trained(settings(400), &texts, 3).unwrap().to_json());
    }

    #[test]
    fn a_saved_tokenizer_is_the_same_when_read_back() {
        let tokenizer = trained(settings(300), &["some text, some more text, and then some"], 1).unwrap();
        let again = Tokenizer::from_json(tokenizer.to_json().as_bytes()).unwrap();
        assert_eq!(tokenizer.to_json(), again.to_json());
        let text = "some text<mask>\u{1F44D}";
        let ids = tokenizer.encode(text, SpecialText::Parse).unwrap();
        assert_eq!(again.encode(text, SpecialText::Parse).unwrap(), ids);
        assert_eq!(again.decode(&ids, false).unwrap(), text.as_bytes());
    }

    #[test]
    fn limits() {
        assert!(trained(settings(256), &["a"], 1).is_err());
        assert!(trained(settings(300), &[], 1).is_err());
        assert!(trained(settings(300), &[""], 1).is_err());
        assert_eq!(trained(settings(10_000), &["ab"], 1).unwrap().vocab().size(), 258);
        let rare = TrainSettings { min_frequency: 2, ..settings(300) };
        assert_eq!(trained(rare, &["ab"], 1).unwrap().vocab().size(), 257);
        let short = TrainSettings { max_token_length: Some(4), ..settings(300) };
        let tokenizer = trained(short, &["abcd abcd"], 1).unwrap();
        assert!(tokenizer.vocab().iter().all(|(id, token)| id == 0 || token.chars().count() < 4));
    }
}
