//! A long text in portions that are encoded apart from each other, each before the next one need be there.
//!
//! Whether a text may be cut at a place is told from what stands around it, as far as the longest added token reaches.

use std::ops::Range;

use super::added::Search;
use super::tokenizer::{Algorithm, Tokenizer};
use crate::Result;
use crate::text::Normalizer;

/// How much of a text, or of a stretch of one, is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Whether its begin is.
    pub begins: bool,
    /// Whether its end is.
    pub ends: bool,
}

impl Extent {
    /// All of it.
    pub const WHOLE: Self = Self { begins: true, ends: true };

    /// That of a stretch between added tokens, where this is the extent of a text of so many bytes.
    pub(super) fn of_stretch(self, range: &Range<usize>, length: usize) -> Self {
        Self { begins: self.begins || range.start > 0, ends: self.ends || range.end < length }
    }
}

impl Tokenizer {
    /// Whether there are texts that it can cut.
    pub(super) fn can_cut(&self) -> bool {
        match &self.algorithm {
            Algorithm::Pipeline(pipeline) => pipeline.route.as_ref().is_some_and(|route| {
                let is_fit = |normalizer: &Normalizer| normalizer.cuts_before_ascii();
                // A route that normalizes is given the text as it stands, in which such tokens are not to be found.
                if route.normalizes() {
                    self.added.is_empty(Search::Normalized)
                } else {
                    pipeline.normalizer.as_ref().is_none_or(is_fit)
                }
            }),
            Algorithm::SentencePiece(model) => model.cuts().is_some(),
        }
    }

    /// The first place from `from` on where a text may be cut; None where this much of it shows none.
    ///
    /// Its ids are those of its portions. A text of which `text` is only the begin is cut there, too.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        let (mut from, mut step) = (from, 1);
        loop {
            let place = match &self.algorithm {
                Algorithm::Pipeline(pipeline) => pipeline.route.as_ref()?.cut(text, from),
                Algorithm::SentencePiece(model) => model.cuts()?.cut(text, from),
            }?;
            if self.is_free(text, place).ok()? {
                return Some(place);
            }
            // Where tokens stand close together, all of the text is not gone through for each.
            from = place + step;
            step *= 2;
        }
    }

    /// Whether no added token takes anything on both sides of a place, or asks what stands on the other side.
    fn is_free(&self, text: &str, place: usize) -> Result<bool> {
        let (left, right) = text.split_at(place);
        if !self.added.leave_apart(Search::Raw, left, right) {
            return Ok(false);
        }
        let normalizer = match &self.algorithm {
            Algorithm::Pipeline(pipeline) => pipeline.normalizer.as_ref(),
            Algorithm::SentencePiece(_) => None,
        };
        let Some(normalizer) = normalizer.filter(|_| !self.added.is_empty(Search::Normalized)) else {
            return Ok(self.added.leave_apart(Search::Normalized, left, right));
        };
        let (left, right) = (before(left, self.added.reach()), after(right, self.added.reach()));
        let (left, right) = (normalizer.normalized(left)?, normalizer.normalized(right)?);
        Ok(self.added.leave_apart(Search::Normalized, &left, &right))
    }

    /// The portions of a text of which all is there, of about `size` bytes each.
    pub(super) fn portions<'t>(
        &self,
        text: &'t str,
        size: usize,
    ) -> impl Iterator<Item = (&'t str, Extent)> + use<'_, 't> {
        portions(text, size, |text, from| self.cut(text, from))
    }
}

/// The portions of a text that is cut where `cut` says that it can be.
pub(super) fn portions(
    text: &str,
    size: usize,
    cut: impl Fn(&str, usize) -> Option<usize>,
) -> impl Iterator<Item = (&str, Extent)> {
    let (mut rest, mut begins) = (Some(text), true);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = if whole.len() > size { cut(whole, size) } else { None };
        let portion = end.map_or(whole, |end| &whole[..end]);
        rest = end.map(|end| &whole[end..]);
        let extent = Extent { begins: std::mem::take(&mut begins), ends: end.is_none() };
        Some((portion, extent))
    })
}

/// The end of a text, from an ASCII character on, of which surely more than `reach` bytes are left when it is normalized.
/// Where there is no such character, all of it.
fn before(text: &str, reach: usize) -> &str {
    let ends = 0..text.len().saturating_sub(MOST_FOR_ONE * reach);
    &text[ends.rev().find(|&place| text.as_bytes()[place].is_ascii()).unwrap_or_default()..]
}

/// The begin of a text, up to such a character. Nothing, where there is none.
fn after(text: &str, reach: usize) -> &str {
    let mut ends = MOST_FOR_ONE * reach..text.len();
    &text[..ends.find(|&place| text.as_bytes()[place].is_ascii()).unwrap_or_default()]
}

/// More than the bytes that become one: three where parts of Hangul are composed or the sign of Kelvin becomes small, four
/// where a letter of mathematics becomes a plain one.
const MOST_FOR_ONE: usize = 9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::tokens::pipeline::{SpecialText, Workspace};

    fn tokenizer(added: &str, normalizer: &str) -> Tokenizer {
        let json = r###"{
            "version": "1.0", "truncation": null, "padding": null, "normalizer": NORMALIZER,
            "added_tokens": [ADDED], "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": null, "decoder": null,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "##a": 2, "b": 3, "##b": 4, "ab": 5,
                ".": 6, "\u6f22": 7, "e": 8, "[X]": 9, "b c": 10, "##c": 11, "c": 12}}
        }"###;
        let json = json.replace("NORMALIZER", normalizer).replace("ADDED", added);
        Tokenizer::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_long_text_of_words_has_the_same_ids_in_portions() {
        let bert = r#"{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": true}"#;
        let raw = r#"{"id": 9, "content": "[X]", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true}"#;
        let normalized = r#"{"id": 10, "content": "b c", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false}"#;
        let both = format!("{raw},{normalized}");
        let pieces = [
            "ab ",
            "A  ",
            " [X]",
            "b c",
            "\0a",
            "\u{b}",
            "\u{3000}漢",
            " é1",
            "\t",
            "漢字 ",
            "e\u{301}",
            "\u{301}",
        ];
        for (added, normalizer) in [
            (raw, bert),
            (&both, bert),
            (&both, "null"),
            (raw, r#"{"type": "NFC"}"#),
            ("", r#"{"type": "NFD"}"#),
        ] {
            let tokenizer = tokenizer(added, normalizer);
            for seed in 0..3_usize {
                let long: String =
                    (0..60_000).map(|number| pieces[number * number * (seed + 3) % 97 % 12]).collect();
                for text in [
                    long,
                    "a".repeat(300_000),
                    " ".repeat(300_000),
                    "\0".repeat(300_000),
                    "aB ".repeat(100_000),
                ] {
                    let texts = ["ab", &text, "", &text, "a b"];
                    let encode = |threads| {
                        tokenizer.encode_batch_ids(&texts, None, &tokenizer.options(), threads).unwrap()
                    };
                    let alone = encode(1);
                    assert!(
                        [2, 3].into_iter().all(|threads| encode(threads) == alone),
                        "{seed} {normalizer}"
                    );
                }
            }
        }
    }

    const PARTS: [&str; 4] = ["byte level", "bert", "metaspace", "whole text"];

    /// A tokenizer with a route of each kind.
    fn routed(parts: &str, normalizer: &Value, added: &[Value]) -> Result<Tokenizer> {
        let letters = ["a", "b", "c", "é", "\u{301}", "e", ".", "漢", "▁", "ab", "▁a", "bc"];
        let ids: serde_json::Map<_, _> =
            letters.iter().zip(0..).map(|(token, id)| ((*token).to_owned(), json!(id))).collect();
        let scores: Vec<_> =
            letters.iter().zip(1..).map(|(token, score)| json!([token, -f64::from(score)])).collect();
        let bytes = (0..=255).map(|byte| (crate::text::byte_level::char_of(byte).to_string(), json!(byte)));
        let bytes: serde_json::Map<_, _> = bytes.chain([("ab".to_owned(), json!(256))]).collect();
        let added = numbered(added, if parts == "byte level" { &bytes } else { &ids });
        let bpe =
            |vocab, merges: Value| json!({"type": "BPE", "vocab": vocab, "merges": merges, "unk_token": "."});
        let (pre_tokenizer, model) = match parts {
            "byte level" => (
                json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
                bpe(bytes, json!(["a b"])),
            ),
            "bert" => (
                json!({"type": "BertPreTokenizer"}),
                json!({"type": "WordPiece", "vocab": ids, "unk_token": "a", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9}),
            ),
            "metaspace" => (
                json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}),
                json!({"type": "Unigram", "vocab": scores, "unk_id": 0, "byte_fallback": false}),
            ),
            _ => (
                json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}),
                bpe(ids, json!(["a b", "▁ a", "b c"])),
            ),
        };
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": null, "model": model,
        });
        Tokenizer::from_json(file.to_string().as_bytes())
    }

    /// Added tokens with the ids of those that the vocabulary has, or such as follow it.
    fn numbered(added: &[Value], ids: &serde_json::Map<String, Value>) -> Vec<Value> {
        let mut next = ids.len()..;
        let id_of = |content: &Value| {
            ids.get(content.as_str().unwrap()).cloned().unwrap_or_else(|| json!(next.next()))
        };
        let ids: Vec<Value> = added.iter().map(|token| &token["content"]).map(id_of).collect();
        let with_id = |(token, id): (&Value, Value)| {
            let mut token = token.clone();
            token["id"] = id;
            token
        };
        added.iter().zip(ids).map(with_id).collect()
    }

    fn ids_of(tokenizer: &Tokenizer, portions: impl Iterator<Item = (impl AsRef<str>, Extent)>) -> Vec<u32> {
        let (mut workspace, mut ids) = (Workspace::default(), Vec::new());
        for (text, extent) in portions {
            let text = (text.as_ref(), extent);
            tokenizer
                .encode_framed(text, (&[700], &[701]), SpecialText::Parse, &mut workspace, &mut ids)
                .unwrap();
        }
        ids
    }

    /// Portions of a text of which each is cut when little more of it is there.
    fn little_by_little(
        tokenizer: &Tokenizer,
        text: &str,
        size: usize,
        step: usize,
    ) -> Vec<(String, Extent)> {
        let (mut portions, mut begin, mut known) = (Vec::new(), 0, 0);
        loop {
            known = (known + step..text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len());
            let is_all = known == text.len();
            let end =
                if is_all { None } else { tokenizer.cut(&text[begin..known], size).map(|end| begin + end) };
            if end.is_some() || is_all {
                let extent = Extent { begins: begin == 0, ends: end.is_none() };
                portions.push((text[begin..end.unwrap_or(text.len())].to_owned(), extent));
            }
            match end {
                Some(end) => begin = end,
                None if is_all => return portions,
                None => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_text_has_the_ids_of_its_portions(
            place in 0..PARTS.len(), normalizer in 0..5_usize, flags in proptest::collection::vec(0_u8..32, 0..3),
            contents in proptest::collection::vec("[ab .é]{1,3}|<x>|e\u{301}| a| {1,2}", 3),
            text in "([abcé. ]|ab |e\u{301}|漢|<x>| {3}|\t){0,60}", size in 1_usize..9, step in 1_usize..9,
        ) {
            let added: Vec<_> = flags.iter().zip(&contents).map(|(flags, content)| {
                let flag = |bit: u8| flags >> bit & 1 == 1;
                json!({"content": content, "single_word": flag(0), "lstrip": flag(1), "rstrip": flag(2), "normalized": flag(3), "special": flag(4)})
            }).collect();
            let normalizer = match (PARTS[place], normalizer) {
                ("metaspace" | "whole text", _) | (_, 0) => json!(null),
                ("bert", 1) => json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}),
                (_, 1 | 2) => json!({"type": "NFC"}),
                (_, 3) => json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]}),
                _ => json!({"type": "StripAccents"}),
            };
            // Tokens that are the same, or become so, are refused.
            let Ok(tokenizer) = routed(PARTS[place], &normalizer, &added) else { return Ok(()) };
            if !tokenizer.can_cut() {
                return Ok(());
            }
            let want = ids_of(&tokenizer, [(&text, Extent::WHOLE)].into_iter());
            prop_assert_eq!(ids_of(&tokenizer, tokenizer.portions(&text, size)), &want[..], "{:?}", tokenizer.portions(&text, size).collect::<Vec<_>>());
            let portions = little_by_little(&tokenizer, &text, size, step);
            prop_assert_eq!(ids_of(&tokenizer, portions.iter().map(|(text, extent)| (text, *extent))), want, "{:?}", portions);
        }
    }

    #[test]
    fn every_route_cuts_beside_added_tokens() {
        let token = |content: &str| json!({"content": content, "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": false});
        for parts in PARTS {
            let tokenizer = routed(parts, &json!(null), &[token("a b")]).unwrap();
            let cut = |text| tokenizer.cut(text, 1);
            assert_eq!((cut("ab ab"), cut("a b a b"), cut("ab a")), (Some(2), None, None), "{parts}");
        }
        let normalizer = json!({"type": "NFC"});
        assert_eq!(routed("byte level", &normalizer, &[]).unwrap().cut("e\u{301}b ab", 1), Some(4));
    }

    #[test]
    fn separators_without_end_are_gone_through_once() {
        let spaces = " ".repeat(1 << 22);
        for parts in PARTS {
            let tokenizer = routed(parts, &json!(null), &[]).unwrap();
            for text in [format!("a{spaces}"), format!("a{spaces}a"), spaces.clone()] {
                let found = tokenizer.cut(&text, 2);
                assert!(found.is_none_or(|place| text.is_char_boundary(place)), "{parts}");
            }
        }
    }
}
