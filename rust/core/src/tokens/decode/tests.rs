use serde_json::{Value, json};

use super::*;

fn read(file: Value) -> Decoder {
    serde_json::from_value(file).unwrap()
}

fn check(file: &Value, cases: &[(&[&str], &str)]) {
    for (tokens, want) in cases {
        assert_eq!(read(file.clone()).decode(*tokens).unwrap(), *want, "{file} {tokens:?}");
    }
}

#[test]
fn byte_level() {
    check(
        &json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}),
        &[
            (&["My", "Ġname", "Ġis", "ĠJohn"], "My name is John"),
            (&["Ã", "©"], "é"),
            // An added token is taken for bytes if it could be.
            (&["é", "漢Ġ", "Ã"], "\u{fffd}漢Ġ\u{fffd}"),
            (&[], ""),
        ],
    );
}

#[test]
fn word_piece() {
    check(
        &json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        &[
            (&["My", "na", "##me", "is", "Jo", "##hn"], "My name is John"),
            (&["I", "'m", "Jo", "##hn", "."], "I'm John."),
            (&["##a", "##n't", "do", " n't", " do not"], "##an't do n't  don't"),
        ],
    );
    check(
        &json!({"type": "WordPiece", "prefix": "__", "cleanup": false}),
        &[(&["I", "'m", "Jo", "__hn"], "I 'm John")],
    );
    check(&json!({"type": "WordPiece", "prefix": "", "cleanup": true}), &[(&["a", "b"], "ab")]);
}

#[test]
fn byte_fallback() {
    check(
        &json!({"type": "ByteFallback"}),
        &[
            (&["My", " na", "me"], "My name"),
            (&["<0x61>"], "a"),
            (&["<0xE5>"], "\u{fffd}"),
            (&["<0xE5>", "<0x8f>"], "\u{fffd}\u{fffd}"),
            (&["<0xE5>", "<0x8f>", "<0xab>"], "叫"),
            (&["<0xE5>", "<0x8f>", "<0xab>", "a"], "叫a"),
            // One bad byte spoils the run.
            (&["<0x61>", "<0x62>", "<0xFF>", "c"], "\u{fffd}\u{fffd}\u{fffd}c"),
            (&["<0x+f>", "<0x-1>", "<0xé>", "<0x1>"], "\u{f}<0x-1><0xé><0x1>"),
        ],
    );
}

#[test]
fn metaspace() {
    check(
        &json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}),
        &[(&["▁My", "▁name", "▁is", "▁John"], "My name is John"), (&["▁▁a▁b", "▁c▁"], "ab c ")],
    );
    check(
        &json!({"type": "Metaspace", "replacement": "-", "prepend_scheme": "never"}),
        &[(&["-My", "-name"], " My name")],
    );
    let old = json!({"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": true});
    check(&old, &[(&["▁a", "▁b"], "a b")]);
}

#[test]
fn suffixes() {
    check(
        &json!({"type": "BPEDecoder", "suffix": "</w>"}),
        &[
            (&["My</w>", "na", "me</w>", "is</w>", "Jo", "hn</w>"], "My name is John"),
            (&["a</w>b</w>", "c</w>d"], "a b cd"),
            (&[], ""),
        ],
    );
    check(&json!({"type": "BPEDecoder", "suffix": ""}), &[(&["ab", "cd"], " a b cd")]);
}

#[test]
fn connectionist_temporal_classification() {
    let tokens = ["<pad>", "<pad>", "h", "e", "e", "l", "l", "<pad>", "l", "o", "o", "o", "<pad>"];
    let clean = json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true});
    check(&clean, &[(&tokens, "hello"), (&["a", "|", "|", "b", " ."], "a b.")]);
    let raw = json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": false});
    check(&raw, &[(&["a", "|", "b"], "a|b")]);
}

#[test]
fn replace() {
    let replace =
        |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
    check(&replace(json!({"String": "_"}), " "), &[(&["My", "_name", "_is"], "My name is")]);
    check(&replace(json!({"String": ""}), "-"), &[(&["ab", "", "é"], "-a-b--é-")]);
    check(&replace(json!({"Regex": "x*"}), "-"), &[(&["axxb", "", "xx"], "-a-b--")]);
}

#[test]
fn strip() {
    let strip = |start, stop| json!({"type": "Strip", "content": "_", "start": start, "stop": stop});
    check(&strip(1, 0), &[(&["_My", " na", "me", " _-", "__-"], "My name _-_-")]);
    check(&strip(1, 1), &[(&["_a_", "__a__", "a", "_", "", "__", "___"], "a_a_a_")]);
    check(&strip(0, 2), &[(&["a___", "_"], "a_")]);
}

#[test]
fn sequences() {
    let spaces = json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "});
    let fuse = json!({"type": "Fuse"});
    let strip = json!({"type": "Strip", "content": " ", "start": 1, "stop": 0});
    check(
        &json!({"type": "Sequence", "decoders": [spaces, {"type": "ByteFallback"}, fuse, strip]}),
        &[(&["▁Hey", "▁you", "<0xC3>", "<0xA9>"], "Hey youé"), (&["▁", "▁a"], " a")],
    );
    let ctc = json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true});
    let metaspace = json!({"type": "Metaspace", "replacement": "▁"});
    check(
        &json!({"type": "Sequence", "decoders": [ctc, {"type": "Sequence", "decoders": [metaspace]}]}),
        &[(&["▁", "▁", "H", "H", "i", "i", "▁", "y", "o", "u"], "Hi you")],
    );
    check(&json!({"type": "Sequence", "decoders": []}), &[(&["a", "b"], "ab")]);
}

#[test]
fn files_are_read_whole_or_refused() {
    for (file, want) in [
        (json!({"type": "Fuse", "x": 1}), "unknown field `x`"),
        (json!({"type": "ByteFallback", "x": 1}), "unknown field `x`"),
        (json!({"type": "Join"}), "unknown variant `Join`"),
        (json!({"type": "Strip", "content": "ab", "start": 0, "stop": 0}), "invalid value"),
        (json!({"type": "WordPiece", "prefix": "##"}), "missing field `cleanup`"),
        (
            json!({"type": "Replace", "pattern": {"Regex": "("}, "content": ""}),
            "an opening parenthesis has no closing one",
        ),
        (
            json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": false, "prepend_scheme": "first"}),
            "add_prefix_space is false",
        ),
    ] {
        let error = serde_json::from_value::<Decoder>(file).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
    for file in [
        json!({"type": "BPEDecoder", "suffix": "</w>"}),
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}),
        json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true}),
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}),
        json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"Regex": "a|b"}, "content": " "},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            {"type": "Fuse"},
            {"type": "ByteFallback"},
        ]}),
    ] {
        assert_eq!(serde_json::to_value(read(file.clone())).unwrap(), file);
    }
}

#[test]
fn only_byte_level_decoders_are_tables_of_bytes() {
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true});
    let fuse = json!({"type": "Fuse"});
    for (file, want) in [
        (byte_level.clone(), true),
        (json!({"type": "Sequence", "decoders": [byte_level, fuse]}), true),
        (json!({"type": "Sequence", "decoders": [fuse, byte_level]}), false),
        (json!({"type": "ByteFallback"}), false),
    ] {
        let detokenizer = Detokenizer::new([(0, "Ã"), (2, "<s>")], ["<s>"], Some(read(file)));
        assert_eq!(detokenizer.only_bytes(), want);
        let half: &[u8] = if want { b"\xc3" } else { "Ã".as_bytes() };
        if want || detokenizer.decode(&[0], false).unwrap() == "Ã" {
            assert_eq!(detokenizer.decode_bytes(&[0, 2], true).unwrap(), half);
        }
        let error = detokenizer.decode(&[0, 1], true).unwrap_err().to_string();
        assert!(error.starts_with("id 1 at position 1 is not in the vocabulary"), "{error}");
    }
    let plain = Detokenizer::new([(0, "a"), (1, "b"), (1, "c")], [], None);
    assert_eq!(plain.decode(&[0, 1, 0], true).unwrap(), "a c a");
}
