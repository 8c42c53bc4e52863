//! Tables of what the `tokenizers` library (0.23.3) gives, and laws that hold for any model.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::text::byte_level;

/// A word, and its tokens as (id, begin, end); None where it is an error.
type Case = (&'static str, Option<&'static [(u32, usize, usize)]>);

fn found(model: &Model, word: &str) -> Option<Vec<(u32, usize, usize)>> {
    // What is there already stays, and changes nothing.
    let mut tokens = vec![Token { id: 5, length: 1 }];
    model.encode_word(word, &mut tokens).ok()?;
    assert_eq!(tokens.remove(0), Token { id: 5, length: 1 });
    Some(
        tokens
            .iter()
            .zip(Token::ranges(&tokens))
            .map(|(token, range)| (token.id, range.start, range.end))
            .collect(),
    )
}

fn check(file: Value, cases: &[Case]) {
    let shown = file.to_string();
    let model = Model::from_json(file).unwrap();
    let again = Model::from_json(model.to_json()).unwrap();
    assert_eq!(again.to_json(), model.to_json());
    for &(word, want) in cases {
        assert_eq!(found(&model, word).as_deref(), want, "{word:?} with {shown}");
        assert_eq!(found(&again, word).as_deref(), want, "{word:?}, read back, with {shown}");
    }
}

/// A BPE over a, b, c, é and two unknown tokens, with some settings.
fn bpe(settings: &[(&str, Value)]) -> Value {
    let mut file = json!({
        "type": "BPE",
        "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5, "é": 6, "<unk>": 7},
        "merges": ["b c", "a b", "ab c"],
    });
    for (name, value) in settings {
        file[*name] = value.clone();
    }
    file
}

#[test]
fn bpe_of_unknown_characters() {
    check(
        bpe(&[]),
        &[
            ("abc", Some(&[(0, 0, 1), (4, 1, 3)])),
            // What is dropped moves all that follows, and its neighbours are joined.
            ("xab", Some(&[(3, 0, 2)])),
            ("axbé", Some(&[(3, 0, 2), (6, 2, 4)])),
            ("x", Some(&[])),
            ("", Some(&[])),
        ],
    );
    check(
        bpe(&[("unk_token", json!("<unk>"))]),
        &[
            ("xab", Some(&[(7, 0, 1), (3, 1, 3)])),
            ("axxb", Some(&[(0, 0, 1), (7, 1, 2), (7, 2, 3), (1, 3, 4)])),
            ("漢x", Some(&[(7, 0, 3), (7, 3, 4)])),
            ("éx", Some(&[(6, 0, 2), (7, 2, 3)])),
        ],
    );
    check(
        bpe(&[("unk_token", json!("<unk>")), ("fuse_unk", json!(true))]),
        &[("axxb", Some(&[(0, 0, 1), (7, 1, 3), (1, 3, 4)])), ("漢x", Some(&[(7, 0, 4)]))],
    );
    check(bpe(&[("unk_token", json!("[UNK]"))]), &[("ab", Some(&[(3, 0, 2)])), ("xab", None)]);
}

#[test]
fn bpe_of_whole_words() {
    let whole = bpe(&[("ignore_merges", json!(true))]);
    check(whole, &[("abc", Some(&[(5, 0, 3)])), ("abca", Some(&[(0, 0, 1), (4, 1, 3), (0, 3, 4)]))]);
}

#[test]
fn bpe_with_affixes() {
    let file = json!({
        "type": "BPE", "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>",
        "vocab": {"a": 0, "##a": 1, "b</w>": 2, "##b</w>": 3, "a</w>": 4, "ab</w>": 5, "aa": 6},
        "merges": ["a ##b</w>", "a ##a"],
    });
    check(
        file,
        &[
            ("a", Some(&[(4, 0, 1)])),
            ("ab", Some(&[(5, 0, 2)])),
            ("aab", Some(&[(6, 0, 2), (3, 2, 3)])),
            ("ba", Some(&[])),
        ],
    );
}

#[test]
fn bpe_with_byte_fallback() {
    let file = json!({
        "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
        "vocab": {"a": 0, "<unk>": 1, "<0x78>": 2, "<0xC3>": 3, "<0xA9>": 4}, "merges": [],
    });
    check(
        file,
        &[
            ("axéa", Some(&[(0, 0, 1), (2, 1, 2), (3, 2, 3), (4, 3, 4), (0, 4, 5)])),
            // The unknown characters come behind the bytes of those that follow them.
            ("yéya", Some(&[(3, 0, 1), (4, 1, 2), (1, 2, 4), (0, 4, 5)])),
            ("yzx", Some(&[(2, 0, 1), (1, 1, 3)])),
        ],
    );
    let affixes = json!({
        "type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "continuing_subword_prefix": "#",
        "vocab": {"a": 0, "<0x78>": 1, "<0x23>": 2, "<unk>": 3}, "merges": [],
    });
    check(
        affixes,
        // The prefix is spelled too, and counted.
        &[("ax", Some(&[(0, 0, 1), (2, 1, 2), (1, 2, 3)])), ("xa", Some(&[(1, 0, 1), (3, 1, 2)]))],
    );
}

#[test]
fn wordpiece() {
    let file = json!({
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 5,
        "vocab": {"[UNK]": 0, "un": 1, "##a": 2, "##ab": 3, "##b": 4, "##": 5, "a": 6, "##é": 7},
    });
    check(
        file,
        &[
            ("un", Some(&[(1, 0, 2)])),
            ("unaba", Some(&[(1, 0, 2), (3, 2, 4), (2, 4, 5)])),
            ("unabx", Some(&[(0, 0, 5)])),
            ("unabab", Some(&[(0, 0, 6)])),
            ("##a", Some(&[(2, 0, 3)])),
            ("aéééé", Some(&[(6, 0, 1), (7, 1, 3), (7, 3, 5), (7, 5, 7), (7, 7, 9)])),
            ("é", Some(&[(0, 0, 2)])),
            ("", Some(&[])),
        ],
    );
    let wordpiece = |prefix: &str, vocab: Value| {
        json!({
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix,
            "max_input_chars_per_word": 100, "vocab": vocab,
        })
    };
    let no_unknown = wordpiece("##", json!({"a": 0, "##b": 1}));
    check(no_unknown, &[("ab", Some(&[(0, 0, 1), (1, 1, 2)])), ("b", None)]);
    let no_prefix = wordpiece("", json!({"[UNK]": 0, "a": 1, "ab": 2, "b": 3}));
    check(no_prefix, &[("abb", Some(&[(2, 0, 2), (3, 2, 3)])), ("bab", Some(&[(3, 0, 1), (2, 1, 3)]))]);
}

fn unigram(vocab: &Value, unk_id: Option<u32>) -> Value {
    json!({"type": "Unigram", "unk_id": unk_id, "vocab": vocab, "byte_fallback": true})
}

#[test]
fn unigrams() {
    let vocab = json!([
        ["<unk>", 0.0],
        ["a", -1.0],
        ["b", -1.0],
        ["ab", -2.0],
        ["aa", -2],
        ["abc", -4.5],
        ["xy", -30.0],
        ["c", -3.0],
    ]);
    check(
        unigram(&vocab, Some(0)),
        &[
            // Of equals the one whose last token is longest.
            ("ab", Some(&[(3, 0, 2)])),
            ("aaa", Some(&[(1, 0, 1), (4, 1, 3)])),
            ("abc", Some(&[(5, 0, 3)])),
            ("xyx", Some(&[(6, 0, 2), (0, 2, 3)])),
            // The token itself is unknown, and fuses.
            ("x<unk>y", Some(&[(0, 0, 7)])),
            ("éab", Some(&[(0, 0, 2), (3, 2, 4)])),
            ("", Some(&[])),
        ],
    );
    let bytes = json!([["<unk>", 0.0], ["a", -1.0], ["<0xC3>", -9.0], ["<0xA9>", -9.0]]);
    check(
        unigram(&bytes, Some(0)),
        &[
            ("aéa", Some(&[(1, 0, 1), (2, 1, 3), (3, 1, 3), (1, 3, 4)])),
            ("éé", Some(&[(2, 0, 4), (3, 0, 4), (2, 0, 4), (3, 0, 4)])),
            ("éx", Some(&[(0, 0, 3)])),
        ],
    );
    check(unigram(&json!([["a", -1.0], ["xa", -1.0]]), None), &[("xaa", None), ("a", Some(&[(0, 0, 1)]))]);
    let twice = json!([["<unk>", 0.0], ["a", -1.0], ["a", -5.0], ["b", -2.0], ["ba", -6.5]]);
    check(unigram(&twice, Some(0)), &[("a", Some(&[(2, 0, 1)])), ("ba", Some(&[(4, 0, 2)]))]);
}

#[test]
fn word_levels() {
    let file = json!({"type": "WordLevel", "vocab": {"[UNK]": 0, "low": 7}, "unk_token": "[UNK]"});
    check(file, &[("low", Some(&[(7, 0, 3)])), ("lower", Some(&[(0, 0, 5)])), ("", Some(&[(0, 0, 0)]))]);
    let no_unknown = json!({"type": "WordLevel", "vocab": {"low": 0}, "unk_token": "[UNK]"});
    check(no_unknown, &[("low", Some(&[(0, 0, 3)])), ("lower", None)]);
}

#[test]
fn files_without_a_type() {
    type IsKind = fn(&Model) -> bool;
    let cases: [(Value, IsKind); 4] = [
        (json!({"vocab": {"a": 0}, "merges": [], "unk_token": "a"}), |model| matches!(model, Model::Bpe(_))),
        (
            json!({"vocab": {}, "unk_token": "", "continuing_subword_prefix": "", "max_input_chars_per_word": 1}),
            |model| matches!(model, Model::WordPiece(_)),
        ),
        (json!({"vocab": {}, "unk_token": ""}), |model| matches!(model, Model::WordLevel(_))),
        (json!({"vocab": [["a", -1]]}), |model| matches!(model, Model::Unigram(_))),
    ];
    for (file, is_kind) in cases {
        assert!(is_kind(&Model::from_json(file.clone()).unwrap()), "{file}");
    }
}

#[test]
fn older_merges() {
    for merges in
        [json!(["#version: 0.2", "a b"]), json!([["a", "b"]]), json!(["a b"]), json!(["a b", "a b"])]
    {
        let model = Model::from_json(bpe(&[("merges", merges)])).unwrap();
        assert_eq!(model.to_json()["merges"], json!([["a", "b"]]));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let long = "x".repeat(1000);
    let unigrams = |vocab| json!({"type": "Unigram", "vocab": vocab});
    let cases = [
        (json!([]), "model: it is not a JSON object"),
        (json!({"type": "BBPE", "vocab": {}}), "model.type: there is no model \"BBPE\""),
        (json!({"type": null, "vocab": {}}), "model.type: there is no model null"),
        (json!({"dropout": null}), "model: type and vocab are missing"),
        (json!({"type": "BPE", "vocab": {}}), "model: missing field `merges`"),
        (
            bpe(&[("merges", json!([["a", "b"], ["a", "z"]]))]),
            "model.merges[1]: \"a\" + \"z\" needs the token \"z\",",
        ),
        (bpe(&[("merges", json!([["a", "c"]]))]), "model.merges[0]: \"a\" + \"c\" needs the token \"ac\","),
        (bpe(&[("merges", json!(["a b", "a b c"]))]), "model.merges[1]: \"a b c\" is not two tokens"),
        (bpe(&[("merges", json!([["a", "b"], "a b"]))]), "model.merges[1]: merges are texts and pairs"),
        (bpe(&[("merges", json!([["a", 1]]))]), "model.merges[0]: [\"a\",1] is not two tokens"),
        (
            bpe(&[("merges", json!([[long, "b"]]))]),
            "needs the token \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., which",
        ),
        (
            bpe(&[("vocab", json!({"a": 0, "b": 0}))]),
            "model.vocab[\"b\"]: tokens \"a\" and \"b\" both have id 0",
        ),
        (bpe(&[("vocab", json!({"a": -1}))]), "model.vocab[\"a\"]: the id is -1"),
        (bpe(&[("vocab", json!({"a": 1.0}))]), "model.vocab[\"a\"]: the id is 1.0"),
        (bpe(&[("vocab", json!({"a": 1 << 25}))]), "model.vocab[\"a\"]: token \"a\" has id 33554432"),
        (bpe(&[("dropout", json!(0.1))]), "model.dropout: it is 0.1"),
        (
            bpe(&[("fuse_unk", json!("no"))]),
            "model.fuse_unk: invalid type: string \"no\", expected a boolean",
        ),
        (bpe(&[("speed", json!(1))]), "model.speed: unknown field `speed`"),
        (bpe(&[("end_of_word_suffix", json!(long))]), "model.end_of_word_suffix: it has 1000 bytes"),
        (
            bpe(&[("continuing_subword_prefix", json!("##"))]),
            "model.merges[0]: \"c\" does not begin with the prefix",
        ),
        (
            json!({"type": "WordPiece", "vocab": {}, "unk_token": ""}),
            "model: missing field `continuing_subword_prefix`",
        ),
        (json!({"type": "WordLevel", "vocab": {}}), "model: missing field `unk_token`"),
        (unigrams(json!([["a", -1], ["b", null]])), "model.vocab[1][1]: invalid type: null, expected f64"),
        (unigrams(json!([["a", -1, 2]])), "model.vocab[0]"),
        (unigrams(json!({"a": -1})), "model.vocab: invalid type: map"),
        (json!({"type": "Unigram", "vocab": [["a", 0]], "unk_id": 1}), "model.unk_id: unk_id is 1"),
        (json!({"type": "Unigram", "vocab": [], "unk_id": 0}), "model.unk_id: unk_id is 0"),
    ];
    for (file, want) in cases {
        let error = Model::from_json(file).unwrap_err().to_string();
        assert!(error.contains(want), "{error:?} should contain {want:?}");
    }
    let infinite = [("a".to_owned(), 0.0), ("b".to_owned(), f64::NEG_INFINITY)];
    let error = Unigram::new(&infinite, None, false).unwrap_err().to_string();
    assert!(error.starts_with("model.vocab[1]: the score of \"b\" is -inf"), "{error}");
}

/// A byte-level model with all bytes and some merges.
fn byte_model(settings: &[(&str, Value)], merges: &[(&str, &str)]) -> Value {
    let bytes = (0..=255).map(|byte| byte_level::char_of(byte).to_string());
    let joined = merges.iter().map(|(left, right)| format!("{left}{right}"));
    let mut file = bpe(settings);
    file["vocab"] = json!({});
    for token in bytes.chain(joined) {
        let next = file["vocab"].as_object().map_or(0, serde_json::Map::len);
        if file["vocab"].get(&token).is_none() {
            file["vocab"][token] = next.into();
        }
    }
    file["merges"] = json!(merges);
    file
}

#[test]
fn which_models_can_read_bytes() {
    let can = |file: Value| Model::from_json(file).unwrap().can_read_bytes();
    assert!(can(byte_model(&[], &[])));
    assert!(can(byte_model(&[("unk_token", json!("<unk>")), ("continuing_subword_prefix", json!(""))], &[])));
    assert!(!can(byte_model(&[("end_of_word_suffix", json!("</w>"))], &[])));
    assert!(!can(bpe(&[])), "it lacks bytes");
    let mut characters = Model::from_json(bpe(&[])).unwrap();
    characters.read_bytes();
    assert_eq!(found(&characters, "é"), Some(vec![(6, 0, 2)]), "it still reads characters");
    assert!(characters.encode_bytes(b"a", &mut Vec::new()).is_err());
}

proptest! {
    #[test]
    fn bytes_and_their_spelling_give_the_same(
        word in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b' '), Just(0xC3), any::<u8>()], 1..70),
        ignore_merges in any::<bool>(),
    ) {
        let merges = [("Ġ", "a"), ("a", "a"), ("Ã", "a"), ("aa", "aa"), ("Ġa", "Ã"), ("ĠaÃ", "Ġ")];
        let model = Model::from_json(byte_model(&[("ignore_merges", json!(ignore_merges))], &merges)).unwrap();
        let mut reading_bytes = model.clone();
        reading_bytes.read_bytes();
        let spelled: String = word.iter().map(|&byte| byte_level::char_of(byte)).collect();
        let (mut want, mut found) = (Vec::new(), Vec::new());
        model.encode_word(&spelled, &mut want).unwrap();
        reading_bytes.encode_bytes(&word, &mut found).unwrap();
        // A length is in bytes of what was read.
        for (range, token) in Token::ranges(&want).zip(&mut want.clone()) {
            token.length = spelled[range].chars().count() as u32;
            prop_assert_eq!(&found.remove(0), token);
        }
        prop_assert_eq!(found, []);
    }
}
