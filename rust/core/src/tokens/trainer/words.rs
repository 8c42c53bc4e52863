//! Text to the words that a model is trained on.

use super::chunks::Chunks;
use crate::Result;
use crate::text::{Aligned, Normalizer, Pieces, PreTokenizer, PrependScheme, Scanner};

/// The parts that make words of a text, and the quickest exact way through them.
#[derive(Debug)]
pub(super) struct Words {
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<PreTokenizer>,
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Words are stretches of the text, by GPT-2's pattern.
    Gpt2,
    /// Spaces become marks, which begin words; perhaps there is always one at the beginning.
    Marks { mark: char, prepends: bool },
    /// Through the parts, chunk by chunk.
    Chunks(Chunks),
    /// Through the parts, document by document.
    Whole,
}

impl Words {
    pub(super) fn new(normalizer: Option<Normalizer>, pre_tokenizer: Option<PreTokenizer>) -> Self {
        let way = Way::new(normalizer.as_ref(), pre_tokenizer.as_ref());
        Self { normalizer, pre_tokenizer, way }
    }

    /// How texts are cut into chunks, if it is chunks that are to be counted first.
    pub(super) fn chunks(&self) -> Option<Chunks> {
        match self.way {
            Way::Chunks(chunks) => Some(chunks),
            _ => None,
        }
    }

    /// The first place from `from` on at which a text may be cut: its words are those of the two parts.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        match self.way {
            Way::Gpt2 | Way::Marks { .. } => Chunks::Marked { lines: false }.cut(text, from),
            Way::Chunks(chunks) => chunks.cut(text, from),
            Way::Whole => None,
        }
    }

    /// The words of a text.
    pub(super) fn of(&self, text: &str, visit: &mut dyn FnMut(&str)) -> Result<()> {
        match self.way {
            Way::Gpt2 => Scanner::Gpt2.words(text, visit),
            Way::Marks { mark, prepends } => {
                marked(text, mark, prepends, visit);
                Ok(())
            }
            Way::Chunks(_) | Way::Whole => self.through_the_parts(text, visit),
        }
    }

    fn through_the_parts(&self, text: &str, visit: &mut dyn FnMut(&str)) -> Result<()> {
        let with_origins = self
            .pre_tokenizer
            .as_ref()
            .is_some_and(|steps| steps.needs_origins() || (self.normalizer.is_some() && steps.has_first()));
        let mut aligned = Aligned::new(text, 0, with_origins);
        if let Some(normalizer) = &self.normalizer {
            normalizer.apply(&mut aligned)?;
        }
        let mut pieces = Pieces::new(aligned);
        if let Some(steps) = &self.pre_tokenizer {
            steps.apply(&mut pieces)?;
        }
        pieces.iter().for_each(visit);
        Ok(())
    }
}

impl Way {
    fn new(normalizer: Option<&Normalizer>, pre_tokenizer: Option<&PreTokenizer>) -> Self {
        if normalizer.is_none() {
            match pre_tokenizer {
                Some(PreTokenizer::ByteLevel(step))
                    if step.use_regex && !step.add_prefix_space && step.leaves_bytes() =>
                {
                    return Self::Gpt2;
                }
                Some(PreTokenizer::Metaspace(step)) => {
                    let prepends = step.prepend_scheme() != PrependScheme::Never;
                    if step.splits() {
                        return Self::Marks { mark: step.replacement(), prepends };
                    }
                }
                _ => {}
            }
        }
        Chunks::of_parts(normalizer, pre_tokenizer).map_or(Self::Whole, Self::Chunks)
    }
}

/// The words of a text whose spaces become marks.
fn marked(text: &str, mark: char, prepends: bool, visit: &mut dyn FnMut(&str)) {
    let mut word = String::new();
    let mut buffer = [0; 4];
    let mark: &str = mark.encode_utf8(&mut buffer);
    let lead = mark.as_bytes()[0];
    // What stands before the next word's first character, which is a space or a mark.
    let mut rest = text;
    let begins = |rest: &str| {
        if rest.starts_with(' ') {
            1
        } else if rest.starts_with(mark) {
            mark.len()
        } else {
            0
        }
    };
    while !rest.is_empty() {
        let begin = begins(rest);
        let mut end = begin;
        loop {
            let found = rest.as_bytes()[end..].iter().position(|&byte| byte == b' ' || byte == lead);
            end = found.map_or(rest.len(), |place| end + place);
            if end == rest.len() || begins(&rest[end..]) > 0 {
                break;
            }
            // Another character that begins with the same byte.
            end += 1;
        }
        word.clear();
        if begin > 0 || (prepends && rest.len() == text.len()) {
            word.push_str(mark);
        }
        word.push_str(&rest[begin..end]);
        visit(&word);
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::tokens::train::WordCounts;

    fn words(normalizer: &Value, pre_tokenizer: &Value) -> Words {
        let part = |value: &Value| serde_json::from_value(value.clone()).unwrap();
        let mut pre_tokenizer: Option<PreTokenizer> = serde_json::from_value(pre_tokenizer.clone()).unwrap();
        pre_tokenizer.as_mut().map(PreTokenizer::leave_bytes);
        Words::new(part(normalizer), pre_tokenizer)
    }

    fn normalizers() -> Vec<Value> {
        let strip = json!({"type": "Strip", "strip_left": true, "strip_right": true});
        let spaces = json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "});
        let bert = |accents: Option<bool>| {
            json!({"type": "BertNormalizer", "clean_text": accents.is_none(), "handle_chinese_chars": true,
                   "strip_accents": accents, "lowercase": true})
        };
        let sequence = |steps: &[&Value]| json!({"type": "Sequence", "normalizers": steps});
        let plain = |name: &str| json!({"type": name});
        vec![
            Value::Null,
            bert(None),
            bert(Some(false)),
            plain("NFC"),
            plain("NFKC"),
            strip.clone(),
            sequence(&[&plain("NFD"), &plain("Lowercase"), &plain("StripAccents")]),
            sequence(&[&plain("Nmt"), &plain("NFKC"), &spaces, &strip]),
            sequence(&[&plain("Nmt"), &plain("NFKD"), &strip]),
            sequence(&[&plain("NFKC"), &spaces]),
            sequence(&[&plain("Lowercase"), &plain("NFC")]),
            // Nothing is known of these.
            json!({"type": "Prepend", "prepend": "a"}),
            json!({"type": "Replace", "pattern": {"String": " a"}, "content": ""}),
        ]
    }

    fn pre_tokenizers() -> Vec<Value> {
        let plain = |name: &str| json!({"type": name});
        let metaspace = |scheme: &str, split: bool| json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split});
        let byte_level = |prefix: bool, regex: bool| json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": regex});
        let sequence = |steps: &[&Value]| json!({"type": "Sequence", "pretokenizers": steps});
        vec![
            Value::Null,
            plain("BertPreTokenizer"),
            plain("Whitespace"),
            plain("WhitespaceSplit"),
            metaspace("always", true),
            metaspace("never", true),
            metaspace("first", true),
            metaspace("always", false),
            byte_level(false, true),
            byte_level(true, true),
            byte_level(false, false),
            plain("UnicodeScripts"),
            sequence(&[&plain("WhitespaceSplit"), &plain("Punctuation"), &metaspace("always", true)]),
            sequence(&[&plain("WhitespaceSplit"), &metaspace("first", true)]),
            sequence(&[&plain("BertPreTokenizer"), &byte_level(true, false)]),
            sequence(&[&plain("UnicodeScripts"), &plain("WhitespaceSplit")]),
        ]
    }

    /// The words of texts by the parts alone.
    fn by_the_parts(words: &Words, texts: &[String]) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for text in texts {
            let mut add = |word: &str| {
                if !word.is_empty() {
                    *counts.entry(word.to_owned()).or_default() += 1;
                }
            };
            words.through_the_parts(text, &mut add).unwrap();
        }
        counts
    }

    fn by_the_way(words: &Words, texts: &[String], cuts: bool) -> BTreeMap<String, u64> {
        let mut parts: Vec<&str> = Vec::new();
        for text in texts {
            let mut rest = text.as_str();
            while let Some(place) = words.cut(rest, 1).filter(|_| cuts) {
                parts.push(&rest[..place]);
                rest = &rest[place..];
            }
            parts.push(rest);
        }
        let mut counts = WordCounts::new();
        match words.chunks() {
            None => counts.feed(&parts, 1, &|text, visit| words.of(text, visit)).unwrap(),
            Some(chunks) => {
                let mut counted = WordCounts::new();
                let split = |text: &str, visit: &mut dyn FnMut(&str)| {
                    chunks.of(text, visit);
                    Ok(())
                };
                counted.feed(&parts, 1, &split).unwrap();
                let split = |text: &str, visit: &mut dyn FnMut(&str)| words.of(text, visit);
                let joins = |chunk: &str| chunks.joins(chunk);
                counts.feed_words(&counted, 1, &split, chunks.between(), joins).unwrap();
            }
        }
        counts.sorted().into_iter().map(|(word, count)| (word.to_owned(), count)).collect()
    }

    fn assert_same(texts: &[String], normalizer: &Value, pre_tokenizer: &Value) {
        let words = words(normalizer, pre_tokenizer);
        let want = by_the_parts(&words, texts);
        for cuts in [false, true] {
            let got = by_the_way(&words, texts, cuts);
            assert_eq!(got, want, "{texts:?} {:?} {normalizer} {pre_tokenizer}", words.way);
        }
    }

    #[test]
    fn the_way_follows_from_the_parts() {
        let (normalizers, pre_tokenizers) = (normalizers(), pre_tokenizers());
        let bare = |punctuation| Way::Chunks(Chunks::Bare { punctuation });
        let marked = |lines| Way::Chunks(Chunks::Marked { lines });
        for (normalizer, pre_tokenizer, way) in [
            (0, 0, Way::Whole),
            (0, 1, bare(true)),
            (1, 1, bare(true)),
            (4, 1, bare(false)),
            (7, 3, Way::Whole),
            (8, 3, bare(false)),
            (0, 4, Way::Marks { mark: '▁', prepends: true }),
            (0, 5, Way::Marks { mark: '▁', prepends: false }),
            (7, 4, marked(true)),
            (7, 5, Way::Whole),
            (9, 4, marked(false)),
            (1, 4, Way::Whole),
            (0, 8, Way::Gpt2),
            (3, 8, marked(false)),
            (5, 8, Way::Whole),
            (0, 9, marked(false)),
            (0, 12, bare(false)),
            (0, 13, Way::Whole),
            (11, 3, Way::Whole),
            (12, 4, Way::Whole),
        ] {
            let words = words(&normalizers[normalizer], &pre_tokenizers[pre_tokenizer]);
            assert_eq!(words.way, way, "{normalizer} {pre_tokenizer}");
        }
    }

    #[test]
    fn every_character_beside_a_space_is_taken_for_what_it_is() {
        let texts: Vec<String> = ('\0'..=char::MAX)
            .filter(|character| (*character as u32) < 0x11000 || (*character as u32).is_multiple_of(61))
            .map(|character| {
                format!("a{character} b {character}c{character}\n{character} <{character} {character}")
            })
            .collect();
        for (normalizer, pre_tokenizer) in [(1, 1), (2, 1), (7, 4), (9, 4), (3, 8), (6, 3), (0, 4), (0, 8)] {
            let (normalizer, pre_tokenizer) = (&normalizers()[normalizer], &pre_tokenizers()[pre_tokenizer]);
            for run in texts.chunks(512) {
                let words = words(normalizer, pre_tokenizer);
                if by_the_way(&words, run, true) != by_the_parts(&words, run) {
                    for text in run {
                        assert_same(std::slice::from_ref(text), normalizer, pre_tokenizer);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_parts(
            texts in prop::collection::vec(
                "[ab<. \n\t\r\u{a0}\u{300}\u{338}\u{345}\u{37a}▁▂漢é\u{1100}\u{ac00}\u{11a8}\u{200b}\0\u{1}\u{fdfa}]{0,14}", 1..6
            ),
        ) {
            for normalizer in normalizers() {
                for pre_tokenizer in pre_tokenizers() {
                    assert_same(&texts, &normalizer, &pre_tokenizer);
                }
            }
        }
    }
}
