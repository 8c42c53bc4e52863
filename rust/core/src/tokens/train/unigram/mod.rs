//! Unigram language models, trained as `SentencePiece` trains them.
//!
//! Kudo: *Subword Regularization* (ACL 2018). Frequent substrings are the first pieces; expectation-maximisation fits
//! their probabilities, those whose loss costs least are dropped, and so on until few enough are left. The steps, the
//! numbers and the order are those of `unigram_model_trainer.cc` in `SentencePiece` 0.2.3; sums are in double precision
//! here.

mod best_way;
mod expectation;
mod lattice;
mod model;
mod passes;
mod pruning;
mod scripts;
mod segments;
mod substrings;

use std::cmp::Reverse;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use self::lattice::{LONGEST_PIECE, Lattice, MOST_PIECES};
use self::model::Model;
use self::segments::Segments;
use self::substrings::Suffixes;
use super::super::models::rounded;
use super::vocabulary::Vocabulary;
use super::{Trained, WordCounts};
use crate::{Error, Result};

/// Training ends when there are this many times `vocab_size` pieces; the most probable of them are taken.
const LAST_SURPLUS: f64 = 1.1;

/// Characters that must be there and are no piece get the least score, each this much more than the one before it.
const LEAST_DIFFERENCE: f64 = 0.0001;

/// What a unigram model is trained with. The names are those of the `tokenizers` library's `UnigramTrainer` where it
/// has them, the defaults `SentencePiece`'s.
///
/// ```
/// use fastmask_core::tokens::train::{UnigramSettings, WordCounts};
/// let mut counts = WordCounts::new();
/// counts.feed(&["▁low ▁lower ▁lowest ▁slow"], 1, &|text, word| Ok(text.split(' ').for_each(word)))?;
/// let settings = UnigramSettings { vocab_size: 12, ..UnigramSettings::default() };
/// let trained = settings.train(counts, 1, |_, _| Ok(()))?;
/// assert_eq!(trained.model["vocab"][0].to_string(), r#"["<unk>",0.0]"#);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UnigramSettings {
    /// The number of tokens in all.
    pub vocab_size: usize,
    /// The special tokens, which get the ids from 0.
    pub special_tokens: Vec<String>,
    /// Characters that are to be tokens, whether the text has them or not.
    pub initial_alphabet: Vec<char>,
    /// The share of pieces that is kept each time.
    pub shrinking_factor: f64,
    /// What stands for a character that is no token. Unless it is a special token, it gets the id 0.
    pub unk_token: Option<String>,
    /// The most characters that a piece may have.
    pub max_piece_length: usize,
    /// How often probabilities are fitted before pieces are dropped.
    pub n_sub_iterations: usize,
    /// How many pieces there are at the start, besides single characters.
    pub seed_size: usize,
    /// The share of the text whose characters are to be tokens. The rarest others are unknown ones.
    pub character_coverage: f64,
    /// Whether a piece may not mix scripts (digits and punctuation are one by themselves).
    pub split_by_unicode_script: bool,
    /// Whether there is a token for each byte, by which unknown characters are spelled.
    pub byte_fallback: bool,
}

impl Default for UnigramSettings {
    fn default() -> Self {
        Self {
            vocab_size: 8_000,
            special_tokens: Vec::new(),
            initial_alphabet: Vec::new(),
            shrinking_factor: 0.75,
            unk_token: Some("<unk>".to_owned()),
            max_piece_length: 16,
            n_sub_iterations: 2,
            seed_size: 1_000_000,
            character_coverage: 0.9995,
            split_by_unicode_script: true,
            byte_fallback: false,
        }
    }
}

impl UnigramSettings {
    /// Learns pieces and their scores from `counts`, whose words begin with `▁` where a space was. `report(done,
    /// total)` is called after each step, with an estimate of their number; an error of its ends the training.
    ///
    /// Text that has too few pieces gives fewer tokens than `vocab_size`.
    pub fn train(
        &self,
        counts: WordCounts,
        num_threads: usize,
        mut report: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<Trained> {
        self.check()?;
        if counts.is_empty() {
            return Err(Error::new("there is no text to train on")
                .advise("give at least one document that is not empty"));
        }
        let alphabet = segments::alphabet(&counts, self.character_coverage, &self.initial_alphabet);
        let mut vocabulary = self.first_tokens()?;
        let fixed = vocabulary.len();
        let mut required: Vec<String> = alphabet.iter().map(|(character, _)| character.to_string()).collect();
        required.retain(|character| vocabulary.get(character).is_none());
        let room = (self.vocab_size.checked_sub(fixed)).filter(|room| *room >= required.len()).ok_or_else(|| {
            let (least, characters) = (fixed + required.len(), required.len());
            Error::new(format!(
                "vocab_size is {}, but {least} ids are taken by {fixed} special tokens and {characters} characters",
                self.vocab_size
            ))
            .advise(format!("give at least {least}, or a lower character_coverage"))
        })?;
        let segments = Segments::new(&counts, &alphabet, self.split_by_unicode_script)?;
        drop(counts);
        let mut pieces = self.learn(segments, num_threads, &mut report)?;
        // A piece that a special token spells is that token.
        pieces.scores.retain(|text, _| vocabulary.get(text).is_none());
        let mut scores = vec![0.0; fixed];
        for (text, score) in most_probable(pieces, &required, room) {
            vocabulary.id(&text);
            scores.push(rounded(score));
        }
        let vocab = (0..).zip(scores).map(|(id, score)| json!([vocabulary.text(id), score]));
        Ok(Trained {
            model: json!({
                "type": "Unigram",
                "unk_id": self.unk_token.as_ref().and_then(|token| vocabulary.get(token)),
                "vocab": vocab.collect::<Value>(),
                "byte_fallback": self.byte_fallback,
            }),
            special_tokens: vocabulary.with_ids(&self.special_tokens),
        })
    }

    /// The tokens that come first: the unknown one, special ones, bytes.
    fn first_tokens(&self) -> Result<Vocabulary> {
        let unknown = self.unk_token.iter().filter(|token| !self.special_tokens.contains(token));
        let tokens: Vec<String> = unknown.chain(&self.special_tokens).cloned().collect();
        let mut vocabulary = Vocabulary::new(&tokens)?;
        if self.byte_fallback {
            for byte in 0..=u8::MAX {
                vocabulary.id(&format!("<0x{byte:02X}>"));
            }
        }
        Ok(vocabulary)
    }

    /// Fits and drops pieces until few enough are left.
    fn learn(
        &self,
        segments: Segments,
        num_threads: usize,
        report: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Pieces> {
        let suffixes = Suffixes::new(&segments, self.max_piece_length, num_threads)?;
        let mut pieces = suffixes.substrings.clone();
        pieces.sort_by_key(|piece| (Reverse(piece.count * u64::from(piece.length)), piece.length));
        pieces.truncate(self.seed_size);
        pieces.splice(0..0, suffixes.characters.iter().copied());
        let mut model = Model::new(&pieces, &suffixes);
        let mut lattice = Lattice::new(segments, &suffixes, &pieces)?;
        drop((suffixes, pieces));
        let enough = (self.vocab_size as f64 * LAST_SURPLUS) as usize;
        let steps = |number: usize| {
            let rounds = (enough as f64 / number as f64).ln() / self.shrinking_factor.ln();
            (rounds.ceil().max(0.0) as usize + 1) * (self.n_sub_iterations + 1)
        };
        let (mut done, mut total) = (0, steps(model.number_alive()));
        report(done, total)?;
        loop {
            for _ in 0..self.n_sub_iterations {
                model.fit(&expectation::expected(&lattice, &model, num_threads)?);
                lattice.keep(model.alive());
                done += 1;
                report(done, total.max(done))?;
            }
            let shrunk = (model.number_alive() as f64 * self.shrinking_factor) as usize;
            model.keep(&pruning::most_useful(&lattice, &model, shrunk.max(enough), num_threads)?);
            lattice.keep(model.alive());
            done += 1;
            if model.number_alive() <= enough {
                break;
            }
            total = done + steps(model.number_alive());
            report(done, total)?;
        }
        model.keep(&pruning::reachable(&lattice, &model, num_threads)?);
        report(done, done)?;
        let alive = (0..model.len()).filter(|&piece| model.alive()[piece]);
        let text = |piece| lattice.segments.piece(model.place(piece) as u32, model.length(piece));
        Ok(Pieces {
            scores: alive.map(|piece| (text(piece), model.score(piece))).collect(),
            least_score: model.least_score(),
        })
    }

    fn check(&self) -> Result<()> {
        let refuse = |what: String, advice: &str| Err(Error::new(what).advise(advice));
        if !(self.shrinking_factor > 0.0 && self.shrinking_factor < 1.0) {
            return refuse(
                format!("shrinking_factor is {}", self.shrinking_factor),
                "give a share between 0 and 1",
            );
        }
        if !(self.character_coverage > 0.0 && self.character_coverage <= 1.0) {
            return refuse(
                format!("character_coverage is {}", self.character_coverage),
                "give a share above 0, 1 for all characters; 0.9995 suits most text",
            );
        }
        if self.n_sub_iterations == 0 {
            return refuse("n_sub_iterations is 0".to_owned(), "give at least 1; 2 is usual");
        }
        if self.max_piece_length == 0 || self.max_piece_length > LONGEST_PIECE {
            return refuse(
                format!("max_piece_length is {}", self.max_piece_length),
                &format!("give at least 1 and at most {LONGEST_PIECE}"),
            );
        }
        if self.seed_size > MOST_PIECES / 2 {
            return refuse(
                format!("seed_size is {}", self.seed_size),
                &format!("give at most {}; 1000000 is usual", MOST_PIECES / 2),
            );
        }
        Ok(())
    }
}

/// What has been learned.
struct Pieces {
    scores: FxHashMap<String, f64>,
    least_score: f64,
}

/// The required characters and, of the other pieces, the most probable; the best score first.
fn most_probable(mut pieces: Pieces, required: &[String], room: usize) -> Vec<(String, f64)> {
    let mut next = pieces.least_score;
    let mut taken: Vec<(String, f64)> = Vec::with_capacity(room);
    for character in required {
        let score = pieces.scores.remove(character).unwrap_or_else(|| {
            next += LEAST_DIFFERENCE;
            next - LEAST_DIFFERENCE
        });
        taken.push((character.clone(), score));
    }
    let best_first =
        |one: &(String, f64), other: &(String, f64)| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0));
    let mut others: Vec<_> = pieces.scores.into_iter().collect();
    others.sort_unstable_by(best_first);
    others.truncate(room - taken.len());
    taken.append(&mut others);
    taken.sort_unstable_by(best_first);
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(text: &str) -> WordCounts {
        let mut counts = WordCounts::new();
        text.split(' ').for_each(|word| counts.add(&format!("▁{word}"), 1));
        counts
    }

    fn plain(vocab_size: usize) -> UnigramSettings {
        UnigramSettings { vocab_size, character_coverage: 1.0, ..UnigramSettings::default() }
    }

    fn vocab(trained: &Trained) -> Vec<(String, f64)> {
        let entries = trained.model["vocab"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| (entry[0].as_str().unwrap().to_owned(), entry[1].as_f64().unwrap()))
            .collect()
    }

    const TEXT: &str =
        "low low low low low lower lower newest newest newest newest newest newest widest widest widest";

    #[test]
    fn whole_words_win_where_there_is_room_for_them() {
        let trained = |text: &str| plain(30).train(counts(text), 1, |_, _| Ok(())).unwrap();
        let known = trained(&format!("{TEXT} newest, widest,"));
        let vocab_of_known = vocab(&known);
        assert_eq!(vocab_of_known[0], ("<unk>".to_owned(), 0.0));
        assert_eq!(known.model["unk_id"], 0);
        for word in ["▁low", "▁newest", "▁widest"] {
            assert!(vocab_of_known[..6].iter().any(|(text, _)| text == word), "{word}: {vocab_of_known:?}");
        }
        // The original does not see words that a space always follows, and what it does with them is the measure.
        let unknown = vocab(&trained(TEXT));
        assert!(unknown.iter().all(|(text, _)| text != "▁newest"), "{unknown:?}");
    }

    #[test]
    fn fixed_tokens_come_first() {
        let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        for (settings, first, unk_id) in [
            (plain(40), &["<unk>"][..], Value::from(0)),
            (UnigramSettings { unk_token: None, ..plain(40) }, &[], Value::Null),
            (
                UnigramSettings { special_tokens: strings(&["<s>"]), ..plain(40) },
                &["<unk>", "<s>"],
                Value::from(0),
            ),
            (
                UnigramSettings { special_tokens: strings(&["<s>", "<unk>"]), ..plain(40) },
                &["<s>", "<unk>"],
                Value::from(1),
            ),
            (
                UnigramSettings { byte_fallback: true, ..plain(300) },
                &["<unk>", "<0x00>", "<0x01>"],
                Value::from(0),
            ),
        ] {
            let trained = settings.train(counts(TEXT), 1, |_, _| Ok(())).unwrap();
            let vocab = vocab(&trained);
            assert_eq!(vocab.iter().map(|(text, _)| text).take(first.len()).collect::<Vec<_>>(), first);
            assert_eq!(trained.model["unk_id"], unk_id);
            let special: Vec<String> =
                trained.special_tokens.iter().map(|(token, _)| token.clone()).collect();
            assert_eq!(special, settings.special_tokens);
            assert!(trained.special_tokens.iter().all(|(token, id)| vocab[*id as usize].0 == *token));
        }
    }

    #[test]
    fn characters_that_are_asked_for_are_there() {
        let settings = UnigramSettings {
            initial_alphabet: vec!['x', 'd', 'x'],
            character_coverage: 0.5,
            special_tokens: vec!["▁low".to_owned()],
            ..plain(30)
        };
        let vocab = vocab(&settings.train(counts(TEXT), 1, |_, _| Ok(())).unwrap());
        let number = |wanted: &str| vocab.iter().filter(|(text, _)| text == wanted).count();
        assert_eq!((number("x"), number("d"), number("▁low"), number("n")), (1, 1, 1, 0), "{vocab:?}");
    }

    #[test]
    fn bad_settings_are_refused_with_advice() {
        let usual = plain(100);
        for (settings, text, message) in [
            (
                UnigramSettings { shrinking_factor: 1.0, ..usual.clone() },
                TEXT,
                "shrinking_factor is 1: give a share between 0 and 1",
            ),
            (
                UnigramSettings { character_coverage: f64::NAN, ..usual.clone() },
                TEXT,
                "character_coverage is NaN: give a share above 0, 1 for all characters; 0.9995 suits most text",
            ),
            (
                UnigramSettings { n_sub_iterations: 0, ..usual.clone() },
                TEXT,
                "n_sub_iterations is 0: give at least 1; 2 is usual",
            ),
            (
                UnigramSettings { max_piece_length: 256, ..usual.clone() },
                TEXT,
                "max_piece_length is 256: give at least 1 and at most 255",
            ),
            (
                UnigramSettings { seed_size: usize::MAX, ..usual.clone() },
                TEXT,
                "seed_size is 18446744073709551615: give at most 8388608; 1000000 is usual",
            ),
            (
                plain(3),
                "abc",
                "vocab_size is 3, but 5 ids are taken by 1 special tokens and 4 characters: give at least 5, or a lower \
                 character_coverage",
            ),
        ] {
            let error = settings.train(counts(text), 1, |_, _| Ok(())).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        let error = usual.train(WordCounts::new(), 1, |_, _| Ok(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no text to train on: give at least one document that is not empty"
        );
        let error = usual.train(counts(TEXT), 1, |_, _| Err(Error::new("stop"))).unwrap_err();
        assert_eq!(error.to_string(), "stop");
    }

    proptest! {
        #[test]
        fn any_text_gives_a_vocabulary_that_spells_it(
            words in prop::collection::vec("[abc漢1.]{0,12}", 1..40),
            vocab_size in 12_usize..40,
            num_threads in 2_usize..4,
            max_piece_length in 1_usize..6,
        ) {
            let settings = UnigramSettings { max_piece_length, ..plain(vocab_size) };
            let trained = settings.train(counts(&words.join(" ")), num_threads, |done, total| {
                assert!(done <= total);
                Ok(())
            }).unwrap();
            let vocab = vocab(&trained);
            prop_assert!(vocab.len() <= vocab_size);
            prop_assert!(vocab[1..].is_sorted_by(|one, other| one.1 >= other.1));
            let texts: std::collections::BTreeSet<&str> = vocab.iter().map(|(text, _)| text.as_str()).collect();
            prop_assert_eq!(texts.len(), vocab.len());
            prop_assert!(texts.iter().all(|text| text.chars().count() <= max_piece_length.max(5) && !text.is_empty()));
            for character in words.concat().chars() {
                prop_assert!(texts.contains(character.encode_utf8(&mut [0; 4]) as &str));
            }
            let mut words = words;
            words.reverse();
            prop_assert_eq!(settings.train(counts(&words.join(" ")), 1, |_, _| Ok(())).unwrap(), trained);
        }
    }
}
