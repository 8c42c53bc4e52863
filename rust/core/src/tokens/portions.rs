//! A long text in portions that can be encoded apart from each other.

use std::ops::Range;

use super::added::{AddedToken, AddedTokens, Search, Stretch};
use super::pipeline::{Pipeline, SpecialText, Workspace};
use super::route::{self, Extent};
use super::sentencepiece::SentencePiece;
use crate::Result;

/// A portion of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Portion {
    /// An added token.
    Token(u32),
    /// Bytes of the text.
    Text(Range<usize>, Extent),
}

impl Pipeline {
    /// The portions of a text, of about `size` bytes where it can be cut; None where the text has to stay whole.
    ///
    /// Added tokens are found first, so none is cut.
    pub(super) fn portions(
        &self,
        added: &AddedTokens,
        text: &str,
        policy: SpecialText,
        size: usize,
    ) -> Result<Option<Vec<Portion>>> {
        let Some(route) = &self.route else { return Ok(None) };
        let is_left = || self.normalizer.as_ref().is_none_or(|normalizer| normalizer.leaves(text));
        // A route that normalizes is given the text as it stands, in which such tokens are not to be found.
        let is_fit = if route.normalizes() { added.is_empty(Search::Normalized) } else { is_left() };
        if !is_fit {
            return Ok(None);
        }
        let mut portions = Portions { size, found: Vec::new() };
        added.stretches(Search::Raw, text, policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, _) => portions.push_token(token, policy),
            Stretch::Text(range) => {
                let (text, start) = (&text[range.clone()], range.start);
                portions.add(added, (Search::Normalized, policy), (text, start), |text, from| {
                    route.cut(text, from)
                })
            }
        })?;
        Ok(Some(portions.found))
    }

    /// Appends the ids of a portion of `text`.
    pub(super) fn encode_portion(
        &self,
        text: &str,
        portion: &Portion,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        match (portion, &self.route) {
            (Portion::Token(id), _) => ids.push(*id),
            (Portion::Text(range, extent), Some(route)) => {
                let stretch = route::Stretch {
                    is_first: range.start == 0,
                    is_normalized: !route.normalizes(),
                    extent: *extent,
                    text: &text[range.clone()],
                };
                route.encode(self, stretch, workspace, ids)?;
            }
            // There are portions only where there is a route.
            (Portion::Text(..), None) => {}
        }
        Ok(())
    }
}

impl SentencePiece {
    /// The same for a model that cuts a text where no piece is merged across.
    pub(super) fn portions(
        &self,
        added: &AddedTokens,
        text: &str,
        policy: SpecialText,
        size: usize,
    ) -> Result<Option<Vec<Portion>>> {
        let Some(cuts) = self.cuts() else { return Ok(None) };
        let mut portions = Portions { size, found: Vec::new() };
        portions.add(added, (Search::Raw, policy), (text, 0), |text, from| cuts.cut(text, from))?;
        Ok(Some(portions.found))
    }

    /// Appends the ids of a portion of `text`.
    pub(super) fn encode_portion(
        &self,
        text: &str,
        portion: &Portion,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        match portion {
            Portion::Token(id) => ids.push(*id),
            Portion::Text(range, extent) => {
                let text = &text[range.clone()];
                self.encode_ids_with(text, *extent, &mut workspace.sentencepiece, ids)?;
            }
        }
        Ok(())
    }
}

/// The portions of a text, of about `size` bytes, while they are found.
struct Portions {
    size: usize,
    found: Vec<Portion>,
}

impl Portions {
    fn push_token(&mut self, token: &AddedToken, policy: SpecialText) -> Result<()> {
        self.found.push(Portion::Token(token.id));
        policy.check(token)
    }

    /// Adds those of a stretch of text that begins at `start`: added tokens, and what lies between, which is cut where
    /// `place` says that it can be.
    fn add(
        &mut self,
        added: &AddedTokens,
        (search, policy): (Search, SpecialText),
        (text, start): (&str, usize),
        place: impl Fn(&str, usize) -> Option<usize>,
    ) -> Result<()> {
        added.stretches(search, text, policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, _) => self.push_token(token, policy),
            Stretch::Text(range) => {
                let (text, start) = (&text[range.clone()], start + range.start);
                self.cut(text, start, |from| place(text, from));
                Ok(())
            }
        })
    }

    fn cut(&mut self, text: &str, start: usize, place: impl Fn(usize) -> Option<usize>) {
        let (mut begin, mut extent) = (0, Extent::First);
        while text.len() - begin > self.size
            && let Some(end) = place(begin + self.size)
        {
            self.found.push(Portion::Text(start + begin..start + end, extent));
            (begin, extent) = (end, Extent::Later);
        }
        let extent = if begin == 0 { Extent::Whole } else { extent };
        self.found.push(Portion::Text(start + begin..start + text.len(), extent));
    }
}

#[cfg(test)]
mod tests {
    use crate::tokens::Tokenizer;

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
}
