//! A model as a `tokenizer.json`, so that the `tokenizers` library and transformers' `AutoTokenizer` read it.
//!
//! The shape is the one that transformers' `SpmConverter` and `LlamaConverter` give it, with the space rules of the
//! model in place of those of one family. It cannot give the same ids on every text, because that library
//!
//! - looks for added tokens in the text before anything else, for those of control symbols too, which here no text can
//!   spell, and normalizes what lies between them on its own: the space before a text that begins with a symbol is
//!   missing, and spaces beside symbols may be lost where extra ones are removed;
//! - rewrites a grapheme cluster of at most 5 bytes whole, by the rule of its shortest prefix: here the longest counts;
//! - breaks ties between equal scores in another order, sums them in 64 bits, and reads them from JSON with an error in
//!   the last place;
//! - lets text spell the piece of a byte (`<0x41>`), merges only what is in the vocabulary, and decodes unknown text as
//!   the name of its piece.
//!
//! What it cannot say at all is refused here by name.

use base64::Engine;
use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};

use super::normalizer::MARK;
use super::proto::ModelProto;
use super::{PieceKind, Segmenter, SentencePiece, VocabularyPiece};
use crate::{Error, Result};

/// A vocabulary of 256,000 pieces makes some 500,000 merges. One that was made to do harm makes half the square of its
/// length.
const MOST_MERGES: usize = 1 << 22;

/// Who puts the space before the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Nobody,
    /// The normalizer, before whatever lies between two added tokens.
    Normalizer,
    /// The pre-tokenizer, which puts none before a space that is there already: right where extra ones are removed.
    Metaspace,
    /// The pre-tokenizer, which takes no mark for a space while its own mark is one.
    BlindMetaspace,
    /// The normalizer, but behind the text.
    Suffix,
}

impl SentencePiece {
    /// The content of a `tokenizer.json` for the `tokenizers` library. It begins and ends texts with nothing.
    pub fn to_tokenizer_json(&self) -> Result<Value> {
        let user_defined = self.pieces().iter().any(|piece| piece.kind == PieceKind::UserDefined);
        self.check_convertible(user_defined)?;
        let prefix = self.prefix(user_defined);
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": self.added_tokens(),
            "normalizer": { "type": "Sequence", "normalizers": self.normalizers(prefix, user_defined)? },
            "pre_tokenizer": self.pre_tokenizer(prefix, user_defined),
            "post_processor": null,
            "decoder": self.decoder(),
            "model": self.model()?,
        }))
    }

    fn prefix(&self, user_defined: bool) -> Prefix {
        let rules = &self.normalizer;
        match (rules.treat_whitespace_as_suffix, rules.remove_extra_whitespaces) {
            _ if !rules.add_dummy_prefix => Prefix::Nobody,
            (true, _) => Prefix::Suffix,
            (_, true) => Prefix::Metaspace,
            // What follows a symbol has no prefix, and only the pre-tokenizer knows what follows one.
            _ if user_defined => Prefix::BlindMetaspace,
            _ => Prefix::Normalizer,
        }
    }

    fn check_convertible(&self, user_defined: bool) -> Result<()> {
        let rules = &self.normalizer;
        let mut texts = FxHashSet::default();
        let twice = self.pieces().iter().find(|piece| !texts.insert(&*piece.text));
        let unused = self.pieces().iter().find(|piece| piece.kind == PieceKind::Unused);
        let what = match &self.segmenter {
            Segmenter::Word => Some("model_type WORD".to_owned()),
            Segmenter::Unigram(_) if self.vocabulary.unknown.is_none() => {
                Some("a Unigram model without a piece for unknown text".to_owned())
            }
            _ if rules.space != MARK => Some("escape_whitespaces: false".to_owned()),
            _ if rules.treat_whitespace_as_suffix && rules.add_dummy_prefix && user_defined => {
                Some("treat_whitespace_as_suffix together with user-defined symbols".to_owned())
            }
            _ if self.denormalizer.is_some() => Some("denormalizer_spec".to_owned()),
            _ => twice
                .map(|piece| format!("piece {:?}, which stands for two ids", piece.text))
                .or_else(|| unused.map(|piece| format!("piece {:?}, which is unused", piece.text))),
        };
        what.map_or(Ok(()), |what| {
            Err(Error::new(format!("a tokenizer.json cannot say {what}")).advise("keep the .model file"))
        })
    }

    /// Whatever is not text. User-defined symbols are text of their own.
    fn added_tokens(&self) -> Vec<Value> {
        let added = (0..).zip(self.pieces()).filter(|(_, piece)| {
            matches!(piece.kind, PieceKind::Unknown | PieceKind::Control | PieceKind::UserDefined)
        });
        let token = |(id, piece): (u32, &VocabularyPiece)| {
            json!({
                "id": id,
                "content": piece.text,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": piece.kind != PieceKind::UserDefined,
            })
        };
        added.map(token).collect()
    }

    fn normalizers(&self, prefix: Prefix, user_defined: bool) -> Result<Vec<Value>> {
        let charsmap = ModelProto::read(&self.file)?.normalizer.precompiled_charsmap;
        let mut steps = Vec::new();
        if !charsmap.is_empty() {
            let blob = base64::engine::general_purpose::STANDARD.encode(charsmap);
            steps.push(json!({ "type": "Precompiled", "precompiled_charsmap": blob }));
        }
        if self.normalizer.remove_extra_whitespaces {
            // Behind a symbol a space has a meaning, and Metaspace needs no help at the begin of the text.
            let both_ends = prefix != Prefix::Metaspace && !user_defined;
            steps.push(replace("Regex", if both_ends { r"\A +| +\z" } else { r" +\z" }, ""));
            steps.push(replace("Regex", " {2,}", " "));
        }
        match prefix {
            Prefix::Normalizer => steps.push(json!({ "type": "Prepend", "prepend": MARK })),
            Prefix::Suffix => steps.push(replace("Regex", r"\z", MARK)),
            Prefix::Nobody | Prefix::Metaspace | Prefix::BlindMetaspace => {}
        }
        if prefix != Prefix::Metaspace {
            steps.push(replace("String", " ", MARK));
        }
        Ok(steps)
    }

    /// None where there is nothing left to do: such a text is one word.
    fn pre_tokenizer(&self, prefix: Prefix, user_defined: bool) -> Option<Value> {
        let split = !self.pieces().iter().any(crosses_words);
        match prefix {
            Prefix::Metaspace => Some(metaspace(MARK, if user_defined { "first" } else { "always" }, split)),
            Prefix::BlindMetaspace => Some(json!({
                "type": "Sequence",
                "pretokenizers": [metaspace(" ", "first", false), metaspace(MARK, "never", split)],
            })),
            Prefix::Nobody | Prefix::Normalizer | Prefix::Suffix => None,
        }
    }

    fn decoder(&self) -> Value {
        let rules = &self.normalizer;
        let mut steps = vec![replace("String", MARK, " ")];
        if self.vocabulary.bytes.is_some() {
            steps.push(json!({ "type": "ByteFallback" }));
        }
        steps.push(json!({ "type": "Fuse" }));
        if rules.add_dummy_prefix || rules.remove_extra_whitespaces {
            steps.push(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }));
        }
        json!({ "type": "Sequence", "decoders": steps })
    }

    fn model(&self) -> Result<Value> {
        let byte_fallback = self.vocabulary.bytes.is_some();
        if let Segmenter::Unigram(_) = self.segmenter {
            let vocab: Vec<_> = self.pieces().iter().map(|piece| (&*piece.text, piece.score)).collect();
            let unk_id = self.vocabulary.unknown;
            return Ok(json!({
                "type": "Unigram", "unk_id": unk_id, "vocab": vocab, "byte_fallback": byte_fallback,
            }));
        }
        let vocab: Map<String, Value> =
            (0..).zip(self.pieces()).map(|(id, piece)| (piece.text.to_string(), Value::from(id))).collect();
        let unknown = self.vocabulary.unknown.and_then(|id| self.piece(id));
        Ok(json!({
            "type": "BPE",
            "dropout": null,
            "unk_token": unknown.map(|piece| &*piece.text),
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": true,
            "byte_fallback": byte_fallback,
            "ignore_merges": false,
            "vocab": vocab,
            // Characters are BPE without merges.
            "merges": if let Segmenter::Bpe(_) = self.segmenter { self.merges()? } else { Vec::new() },
        }))
    }

    /// Every way to make a piece of two, the highest score first; of one piece, those of the lowest ids first, as in
    /// the files that there are.
    fn merges(&self) -> Result<Vec<(&str, &str)>> {
        let normal = (0..).zip(self.pieces()).filter(|(_, piece)| is_normal(piece));
        let all = normal.flat_map(|(id, piece)| self.merges_of(id, piece));
        let mut merges: Vec<_> = all.take(MOST_MERGES + 1).collect();
        if merges.len() > MOST_MERGES {
            return Err(Error::new(format!("the pieces can be merged in more than {MOST_MERGES} ways"))
                .advise("keep the .model file"));
        }
        merges.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.ids.cmp(&other.ids)));
        Ok(merges.into_iter().map(|merge| merge.halves).collect())
    }

    fn merges_of<'a>(&'a self, id: u32, piece: &'a VocabularyPiece) -> impl Iterator<Item = Merge<'a>> {
        let spelled = &self.vocabulary.spelled;
        let is_normal = |id: u32| self.piece(id).is_some_and(is_normal);
        spelled.prefixes(piece.text.as_bytes()).filter_map(move |(length, left)| {
            let halves = piece.text.split_at_checked(length)?;
            let right = spelled.get(halves.1.as_bytes())?;
            let both = is_normal(left) && is_normal(right);
            both.then_some(Merge { score: piece.score, ids: (id, left, right), halves })
        })
    }
}

/// Two pieces that make one: its score, its id and theirs, and their texts.
struct Merge<'a> {
    score: f32,
    ids: (u32, u32, u32),
    halves: (&'a str, &'a str),
}

fn is_normal(piece: &VocabularyPiece) -> bool {
    piece.kind == PieceKind::Normal
}

fn metaspace(replacement: &str, prepend_scheme: &str, split: bool) -> Value {
    json!({ "type": "Metaspace", "replacement": replacement, "prepend_scheme": prepend_scheme, "split": split })
}

fn replace(kind: &str, pattern: &str, content: &str) -> Value {
    json!({ "type": "Replace", "pattern": { kind: pattern }, "content": content })
}

/// Whether a piece holds a space that does not begin it, so that a text must not be cut at its spaces.
fn crosses_words(piece: &VocabularyPiece) -> bool {
    let text = piece.text.strip_prefix(MARK).unwrap_or(&piece.text);
    text.contains(MARK)
}

#[cfg(test)]
mod tests {
    use super::super::example::{BPE, Fields, Message, Row, file, model, pieces, with_bytes};
    use super::*;
    use crate::text::normalize::charsmap::blob;

    const UNK: Row = ("<unk>", 0.0, 2);
    const PLAIN: &[Row] = &[UNK, ("<s>", 0.0, 3), ("▁", -1.0, 1), ("a", -2.5, 1), ("▁a", -3.0, 1)];
    const SYMBOL: &[Row] = &[UNK, ("▁", -1.0, 1), ("a▁b", -2.0, 1), ("<x>", 0.0, 4)];

    /// The types of the steps, with what tells them from each other.
    fn outline(steps: &Value) -> String {
        let inner = |name: &str| steps.get(name).and_then(Value::as_array);
        if let Some(steps) = ["normalizers", "pretokenizers", "decoders"].into_iter().find_map(inner) {
            return steps.iter().map(outline).collect::<Vec<_>>().join(" ");
        }
        let details = ["pattern", "content", "replacement", "prepend_scheme", "split"];
        let details = details.iter().filter_map(|name| steps.get(*name).map(Value::to_string));
        steps["type"].as_str().into_iter().map(str::to_owned).chain(details).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn the_steps_follow_the_rules_for_spaces() {
        let mark = r#"Replace,{"String":" "},"▁""#;
        let ends = r#"Replace,{"Regex":"\\A +| +\\z"},"""#;
        let end = r#"Replace,{"Regex":" +\\z"},"""#;
        let many = r#"Replace,{"Regex":" {2,}"}," ""#;
        let suffix = r#"Replace,{"Regex":"\\z"},"▁""#;
        let cases: &[(&[Row], Fields, Fields, String, &str)] = &[
            (PLAIN, &[], &[], format!("{end} {many}"), r#"Metaspace,"▁","always",true"#),
            (SYMBOL, &[], &[], format!("{end} {many}"), r#"Metaspace,"▁","first",false"#),
            (PLAIN, BPE, &[(4, 0)], format!("Prepend {mark}"), ""),
            (
                SYMBOL,
                BPE,
                &[(4, 0)],
                mark.into(),
                r#"Metaspace," ","first",false Metaspace,"▁","never",false"#,
            ),
            (PLAIN, BPE, &[(3, 0)], format!("{ends} {many} {mark}"), ""),
            (SYMBOL, BPE, &[(3, 0)], format!("{end} {many} {mark}"), ""),
            (PLAIN, BPE, &[(3, 0), (4, 0)], mark.into(), ""),
            (PLAIN, &[(24, 1)], &[], format!("{ends} {many} {suffix} {mark}"), ""),
        ];
        for (rows, trainer, normalizer, normalizers, pre_tokenizers) in cases {
            let json = model(rows, trainer, normalizer).to_tokenizer_json().unwrap();
            let name = format!("{trainer:?} {normalizer:?}");
            assert_eq!(outline(&json["normalizer"]), *normalizers, "{name}");
            assert_eq!(outline(&json["pre_tokenizer"]), *pre_tokenizers, "{name}");
            let strips = normalizer.len() < 2;
            assert_eq!(outline(&json["decoder"]).contains("Strip"), strips, "{name}");
        }
    }

    #[test]
    fn unigram() {
        let rules = blob::of(&[("b", "a")]);
        let unigram = SentencePiece::from_bytes(&file(pieces(PLAIN), &[], &[], &rules)).unwrap();
        let json = unigram.to_tokenizer_json().unwrap();
        let vocab = json!([["<unk>", 0.0], ["<s>", 0.0], ["▁", -1.0], ["a", -2.5], ["▁a", -3.0]]);
        assert_eq!(
            json["model"],
            json!({"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": false})
        );
        let encoded = base64::engine::general_purpose::STANDARD.encode(rules);
        assert_eq!(json["normalizer"]["normalizers"][0]["precompiled_charsmap"], json!(encoded));
        let added = json["added_tokens"].as_array().unwrap();
        let added: Vec<_> =
            added.iter().map(|token| (&token["id"], &token["content"], &token["special"])).collect();
        assert_eq!(
            added,
            [(&json!(0), &json!("<unk>"), &json!(true)), (&json!(1), &json!("<s>"), &json!(true))]
        );
    }

    #[test]
    fn bpe_has_every_way_to_merge_by_falling_score() {
        let rows: &[Row] = &[
            UNK,
            ("b", -8.0, 1),
            ("a", -7.0, 1),
            ("aab", -2.0, 1),
            ("ab", -1.0, 1),
            ("aa", -1.0, 1),
            ("bb", -0.5, 1),
            ("<x>", 0.0, 4),
        ];
        let json = model(rows, BPE, &[]).to_tokenizer_json().unwrap();
        let merges = json!([["b", "b"], ["a", "b"], ["a", "a"], ["a", "ab"], ["aa", "b"]]);
        assert_eq!(json["model"]["merges"], merges);
        assert_eq!(
            (&json["model"]["vocab"]["aab"], &json["model"]["unk_token"]),
            (&json!(3), &json!("<unk>"))
        );
        let bytes = SentencePiece::from_bytes(&file(with_bytes(rows), &[(3, 2), (35, 1)], &[], &[])).unwrap();
        let json = bytes.to_tokenizer_json().unwrap();
        assert_eq!((&json["model"]["byte_fallback"], &json["model"]["merges"]), (&json!(true), &merges));
        assert!(outline(&json["decoder"]).contains("ByteFallback"));
        let characters = model(rows, &[(3, 4)], &[]).to_tokenizer_json().unwrap();
        assert_eq!(characters["model"]["merges"], json!([]));
    }

    #[test]
    fn what_a_tokenizer_json_cannot_say_is_refused_by_name() {
        let unused: &[Row] = &[UNK, ("a", 0.0, 5)];
        let twice: &[Row] = &[UNK, ("a", 0.0, 1), ("a", 0.0, 3)];
        for (rows, trainer, normalizer, what) in [
            (PLAIN, &[(3, 3)][..], &[][..], "model_type WORD"),
            (PLAIN, &[], &[(5, 0)], "escape_whitespaces: false"),
            (SYMBOL, &[(24, 1)], &[], "treat_whitespace_as_suffix together with user-defined symbols"),
            (unused, &[], &[], "piece \"a\", which is unused"),
            (twice, &[], &[], "piece \"a\", which stands for two ids"),
        ] {
            let error = model(rows, trainer, normalizer).to_tokenizer_json().unwrap_err().to_string();
            assert_eq!(error, format!("a tokenizer.json cannot say {what}: keep the .model file"));
        }
        let denormalizer = Message::default().bytes(2, &blob::of(&[("a", "b")]));
        let file = Message(file(pieces(PLAIN), &[], &[], &[])).bytes(5, &denormalizer.0).0;
        let error = SentencePiece::from_bytes(&file).unwrap().to_tokenizer_json().unwrap_err().to_string();
        assert!(error.contains("denormalizer_spec"), "{error}");
    }
}
