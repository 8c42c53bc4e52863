//! Learns the merges of a byte-level BPE from text.
//!
//! The most frequent pair is merged first; of pairs that are equally frequent the one with the lower ids, left
//! before right (the order of the `tokenizers` library, whose merges these are to the letter). Sennrich et al. 2016.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::added::AddedToken;
use super::models::{Bpe, BpeSettings, Model};
use super::tokenizer::{Parts, Tokenizer};
use super::vocab::Vocab;
use crate::text::Split;
use crate::text::byte_level;
use crate::{Error, Result, threads};

/// How often the caller hears of the progress.
const MERGES_A_REPORT: usize = 128;

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
    counts: FxHashMap<Box<str>, u64>,
}

type Pair = (u32, u32);

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
        Ok(Self { settings, counts: FxHashMap::default() })
    }

    /// Counts the words of `texts`.
    pub fn feed<Text: AsRef<str> + Sync>(&mut self, texts: &[Text], num_threads: usize) -> Result<()> {
        let counts = Mutex::new(&mut self.counts);
        let chunks = texts.chunks(texts.len().div_ceil(num_threads).max(1)).collect();
        threads::for_each(
            num_threads,
            chunks,
            || (),
            |(), chunk: &[Text]| {
                let mut own: FxHashMap<&str, u64> = FxHashMap::default();
                for word in chunk.iter().flat_map(|text| Split::Gpt2.words(text.as_ref())) {
                    *own.entry(word).or_default() += 1;
                }
                let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
                #[expect(clippy::iter_over_hash_type, reason = "sums do not depend on the order")]
                for (word, count) in own {
                    match all.get_mut(word) {
                        Some(sum) => *sum += count,
                        None => drop(all.insert(word.into(), count)),
                    }
                }
                Ok(())
            },
        )
    }

    /// Merges pairs until the vocabulary is full or no pair is left, and calls `report(tokens, vocab_size)` now
    /// and then; an error of its ends the training.
    pub fn train(self, mut report: impl FnMut(usize, usize) -> Result<()>) -> Result<Tokenizer> {
        if self.counts.is_empty() {
            return Err(Error::new("there is no text to train on")
                .advise("give at least one document that is not empty"));
        }
        let TrainSettings { vocab_size, min_frequency, special_tokens, max_token_length } = self.settings;
        let mut vocab = Tokens::new(&special_tokens)?;
        let mut words = Words::new(self.counts, &vocab.byte_ids, max_token_length.unwrap_or(usize::MAX));
        let mut merges = Vec::new();
        while vocab.texts.len() < vocab_size {
            let Some(best) = words.most_frequent() else { break };
            if best.count < 1 || best.count < min_frequency as i64 {
                break;
            }
            let token = vocab.merged(best.pair.0);
            merges.push(best.pair.0);
            words.merge(&best, token, &vocab.lengths);
            if merges.len() % MERGES_A_REPORT == 0 {
                report(vocab.texts.len(), vocab_size)?;
            }
        }
        report(vocab.texts.len(), vocab_size)?;
        vocab.into_tokenizer(&merges, &special_tokens)
    }
}

/// The tokens so far, by id and by text.
struct Tokens {
    texts: Vec<String>,
    lengths: Vec<usize>,
    ids: FxHashMap<String, u32>,
    byte_ids: [u32; 256],
}

impl Tokens {
    fn new(special_tokens: &[String]) -> Result<Self> {
        let mut tokens =
            Self { texts: Vec::new(), lengths: Vec::new(), ids: FxHashMap::default(), byte_ids: [0; 256] };
        for token in special_tokens {
            if token.is_empty() || tokens.ids.contains_key(token) {
                return Err(Error::new(format!("special token {token:?} is empty or there twice"))
                    .advise("name each once"));
            }
            tokens.id(token.clone());
        }
        // The `tokenizers` library orders its alphabet by character, which is not the order of the bytes.
        let mut alphabet: Vec<(char, u8)> = (0..=255).map(|byte| (byte_level::char_of(byte), byte)).collect();
        alphabet.sort_unstable();
        for (character, byte) in alphabet {
            tokens.byte_ids[usize::from(byte)] = tokens.id(character.to_string());
        }
        Ok(tokens)
    }

    fn id(&mut self, text: String) -> u32 {
        if let Some(&id) = self.ids.get(&text) {
            return id;
        }
        let id = self.texts.len() as u32;
        self.lengths.push(text.chars().count());
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    /// The token that a pair becomes: a new one, unless another pair has become the same text before.
    fn merged(&mut self, pair: Pair) -> u32 {
        self.id(format!("{}{}", self.texts[pair.0 as usize], self.texts[pair.1 as usize]))
    }

    fn into_tokenizer(self, merges: &[Pair], special_tokens: &[String]) -> Result<Tokenizer> {
        let mut vocab = Vocab::default();
        for (id, text) in self.texts.iter().enumerate() {
            vocab.insert(text, id as u32)?;
        }
        let text = |id: u32| self.texts[id as usize].as_str();
        let added = special_tokens.iter().map(|token| AddedToken::special(token, self.ids[token])).collect();
        let merges = merges.iter().map(|&(left, right)| (text(left), text(right)));
        Tokenizer::new(Parts {
            model: Model::Bpe(Bpe::new(vocab, merges, BpeSettings::default())?),
            added,
            split: Split::Gpt2,
            add_prefix_space: false,
        })
    }
}

/// A pair that might be merged next: how often it was seen when it was put in the queue, and in which words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    count: i64,
    pair: Reverse<Pair>,
    places: Vec<u32>,
}

/// The distinct words of the text as symbols, with what is known of their pairs.
struct Words {
    symbols: Vec<Vec<u32>>,
    counts: Vec<i64>,
    pair_counts: FxHashMap<Pair, i64>,
    queue: BinaryHeap<Candidate>,
    max_token_length: usize,
}

impl Words {
    fn new(counts: FxHashMap<Box<str>, u64>, byte_ids: &[u32; 256], max_token_length: usize) -> Self {
        let mut sorted: Vec<_> = counts.into_iter().collect();
        sorted.sort_unstable();
        let symbols =
            sorted.iter().map(|(word, _)| word.bytes().map(|byte| byte_ids[usize::from(byte)]).collect());
        let mut words = Self {
            symbols: symbols.collect(),
            counts: sorted.iter().map(|&(_, count)| count as i64).collect(),
            pair_counts: FxHashMap::default(),
            queue: BinaryHeap::new(),
            max_token_length,
        };
        words.count_pairs();
        words
    }

    fn count_pairs(&mut self) {
        let mut places: FxHashMap<Pair, Vec<u32>> = FxHashMap::default();
        for (index, (symbols, count)) in self.symbols.iter().zip(&self.counts).enumerate() {
            for pair in symbols.windows(2).map(|pair| (pair[0], pair[1])) {
                *self.pair_counts.entry(pair).or_default() += count;
                note_place(&mut places, pair, index as u32);
            }
        }
        self.enqueue(places);
    }

    #[expect(clippy::iter_over_hash_type, reason = "the queue orders what is put in")]
    fn enqueue(&mut self, places: FxHashMap<Pair, Vec<u32>>) {
        for (pair, places) in places {
            let count = self.pair_counts[&pair];
            if count > 0 {
                self.queue.push(Candidate { count, pair: Reverse(pair), places });
            }
        }
    }

    /// Takes the most frequent pair out of the queue. Counts fall while candidates wait; those are put back.
    fn most_frequent(&mut self) -> Option<Candidate> {
        loop {
            let mut best = self.queue.pop()?;
            let count = self.pair_counts[&best.pair.0];
            if best.count == count {
                return Some(best);
            }
            best.count = count;
            self.queue.push(best);
        }
    }

    /// Merges the pair in its words, and counts the pairs that come and go with it.
    fn merge(&mut self, best: &Candidate, merged: u32, lengths: &[usize]) {
        let mut places: FxHashMap<Pair, Vec<u32>> = FxHashMap::default();
        for &index in &best.places {
            let count = self.counts[index as usize];
            let (pair_counts, limit) = (&mut self.pair_counts, self.max_token_length);
            merge_word(&mut self.symbols[index as usize], best.pair.0, merged, |pair, sign| {
                let too_long = lengths[pair.0 as usize] + lengths[pair.1 as usize] >= limit;
                if sign < 0 || !too_long {
                    *pair_counts.entry(pair).or_default() += sign * count;
                }
                if sign > 0 && !too_long {
                    note_place(&mut places, pair, index);
                }
            });
        }
        self.enqueue(places);
    }
}

fn note_place(places: &mut FxHashMap<Pair, Vec<u32>>, pair: Pair, index: u32) {
    let list = places.entry(pair).or_default();
    if list.last() != Some(&index) {
        list.push(index);
    }
}

/// Merges `pair` wherever it stands in `symbols`, from the left, and reports each pair that is gone (-1) or new (+1).
fn merge_word(symbols: &mut Vec<u32>, pair: Pair, merged: u32, mut changed: impl FnMut(Pair, i64)) {
    let (mut read, mut write) = (0, 0);
    while read < symbols.len() {
        if read + 1 < symbols.len() && (symbols[read], symbols[read + 1]) == pair {
            if write > 0 {
                changed((symbols[write - 1], pair.0), -1);
                changed((symbols[write - 1], merged), 1);
            }
            if let Some(&after) = symbols.get(read + 2) {
                changed((pair.1, after), -1);
                changed((merged, after), 1);
            }
            symbols[write] = merged;
            read += 2;
        } else {
            symbols[write] = symbols[read];
            read += 1;
        }
        write += 1;
    }
    symbols.truncate(write);
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
