use proptest::prelude::*;
use serde_json::json;

use super::charsmap::blob;
use super::*;

fn of(json: Value) -> Normalizer {
    serde_json::from_value(json).unwrap()
}

fn bert(
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
) -> Normalizer {
    Normalizer::BertNormalizer(BertNormalizer { clean_text, handle_chinese_chars, strip_accents, lowercase })
}

fn replace_all(pattern: &Value, content: &str) -> Normalizer {
    of(json!({"type": "Replace", "pattern": pattern, "content": content}))
}

fn typed(name: &str) -> Normalizer {
    of(json!({"type": name}))
}

fn strip(left: bool, right: bool) -> Normalizer {
    Normalizer::Strip { strip_left: left, strip_right: right }
}

fn prepend(text: &str) -> Normalizer {
    Normalizer::Prepend { prepend: text.to_owned() }
}

fn precompiled() -> Normalizer {
    let rules = [("\t", " "), ("\u{1}", ""), ("™", "TM"), ("e\u{301}", "é")];
    Normalizer::Precompiled(Precompiled::from_blob(&blob::of(&rules)).unwrap())
}

/// The text, and the origin of each of its characters.
fn normalized(normalizer: &Normalizer, text: &str) -> (String, Vec<(u32, u32)>) {
    let mut aligned = Aligned::new(text, 0, true);
    normalizer.apply(&mut aligned).unwrap();
    let new = aligned.as_str();
    let origins = new.char_indices().map(|(place, character)| {
        let origins = &aligned.origins().unwrap()[place..place + character.len_utf8()];
        assert!(origins.iter().all(|origin| *origin == origins[0]));
        origins[0]
    });
    (new.to_owned(), origins.collect())
}

#[test]
fn texts() {
    for (normalizer, text, expected) in [
        (bert(true, true, None, true), "Héllo\t漢字\u{200d}\0x", "hello  漢  字 x"),
        (bert(true, true, None, false), "Héllo\u{a0}\u{fffd}!", "Héllo !"),
        (bert(false, false, Some(true), false), "Ḝ\u{301}\u{a0}漢", "E\u{a0}漢"),
        (bert(false, true, Some(false), true), "É漢ſΣΣ", "é 漢 ſσσ"),
        (bert(true, false, None, false), "\u{ad}\u{e000}\u{85}\u{378}\u{e0001}", "\u{378}"),
        (bert(false, true, None, false), "\u{2b820}\u{2b920}\u{30000}", "\u{2b820} \u{2b920} \u{30000}"),
        (strip(true, true), " \u{3000}a b\u{85}\n", "a b"),
        (strip(true, false), " a ", "a "),
        (strip(false, true), " a ", " a"),
        (typed("StripAccents"), "e\u{301}é\u{903}", "eé"),
        (typed("NFC"), "e\u{301}ﬁ\u{212b}각", "éﬁÅ각"),
        (typed("NFD"), "éﬁ각", "e\u{301}ﬁ\u{1100}\u{1161}\u{11a8}"),
        (typed("NFKC"), "ﬁ①ｶﾞ", "fi1ガ"),
        (typed("NFKD"), "ﬁé", "fie\u{301}"),
        (typed("Lowercase"), "ÀİΑΣ", "ài\u{307}ασ"),
        (typed("Nmt"), "\u{1}a\tb\u{200b}\u{ad}\u{2581}\u{7f}", "a b \u{ad} "),
        (precompiled(), "a\tb™e\u{301}", "a bTMé"),
        (replace_all(&json!({"String": "."}), "…"), "a.b.", "a…b…"),
        (replace_all(&json!({"Regex": " {2,}"}), "$0"), "a  b c", "a$0b c"),
        (replace_all(&json!({"String": ""}), "-"), "ab", "-a-b-"),
        (replace_all(&json!({"Regex": "x*"}), "-"), "", ""),
        (prepend("▁"), "a", "▁a"),
        (prepend("▁"), "", ""),
        (typed("ByteLevel"), "a é\n", "aĠÃ©Ċ"),
        (
            of(json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]})),
            "é",
            "e",
        ),
    ] {
        assert_eq!(normalized(&normalizer, text).0, expected, "{normalizer:?} of {text:?}");
    }
}

#[test]
fn origins() {
    for (normalizer, text, expected) in [
        (bert(true, true, None, true), "\0É漢", vec![(1, 3), (3, 6), (3, 6), (3, 6)]),
        (strip(true, true), " ab ", vec![(1, 2), (2, 3)]),
        (typed("NFC"), "e\u{301}x", vec![(0, 1), (3, 4)]),
        (typed("NFC"), "a\u{316}\u{301}x", vec![(0, 1), (3, 5), (5, 6)]),
        (typed("NFKD"), "ﬁx", vec![(0, 3), (0, 3), (3, 4)]),
        (typed("NFKC"), "ﬁ\u{301}x", vec![(0, 3), (3, 5), (5, 6)]),
        (typed("Lowercase"), "İx", vec![(0, 2), (0, 2), (2, 3)]),
        (typed("Nmt"), "\u{1}a\u{1}b", vec![(1, 2), (3, 4)]),
        (replace_all(&json!({"String": "bc"}), "xyz"), "abcd", vec![(0, 1), (2, 3), (2, 3), (2, 3), (3, 4)]),
        (replace_all(&json!({"Regex": "^"}), "▁"), "a", vec![(0, 0), (0, 1)]),
        (prepend("ab"), "é", vec![(0, 2), (0, 2), (0, 2)]),
        (prepend(""), "éa", vec![(0, 0), (2, 3)]),
        (typed("ByteLevel"), "é ", vec![(0, 2), (0, 2), (2, 3)]),
    ] {
        assert_eq!(normalized(&normalizer, text).1, expected, "{normalizer:?} of {text:?}");
    }
}

#[test]
fn what_is_normal_is_not_copied() {
    let text = "plain text, nothing to do";
    let nothing = [
        bert(true, true, None, true),
        strip(true, true),
        precompiled(),
        prepend(""),
        replace_all(&json!({"String": "\t"}), " "),
        typed("StripAccents"),
        typed("NFC"),
        typed("NFD"),
        typed("NFKC"),
        typed("NFKD"),
        typed("Lowercase"),
        typed("Nmt"),
    ];
    for normalizer in &nothing {
        let mut aligned = Aligned::new(text, 0, false);
        normalizer.apply(&mut aligned).unwrap();
        assert_eq!(aligned.as_str().as_ptr(), text.as_ptr(), "{normalizer:?}");
    }
    let mut aligned = Aligned::new("graphic!", 0, false);
    let before = aligned.as_str().as_ptr();
    typed("ByteLevel").apply(&mut aligned).unwrap();
    assert_eq!(aligned.as_str().as_ptr(), before);
}

#[test]
fn nothing_before_the_first_mark_is_touched_by_what_skips_it() {
    for character in '\0'..unicode::FIRST_MARK {
        for name in ["NFC", "StripAccents"] {
            let text = format!("{character}{character}e\u{301}");
            let (new, _) = normalized(&typed(name), &text);
            assert!(new.starts_with(&text[..2 * character.len_utf8()]), "{name} of {character:?}");
        }
        let kept = normalized(&bert(false, false, Some(true), false), &format!("{character}\u{301}")).0;
        assert!(!kept.is_empty(), "{character:?}");
    }
}

#[test]
fn files_are_read_and_written() {
    for file in [
        json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": false, "strip_accents": null,
            "lowercase": true}),
        json!({"type": "Strip", "strip_left": true, "strip_right": false}),
        json!({"type": "NFKC"}),
        json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Sequence", "normalizers": []}]}),
        json!({"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"}),
        json!({"type": "Replace", "pattern": {"String": "a"}, "content": ""}),
        json!({"type": "Prepend", "prepend": "▁"}),
        json!({"type": "ByteLevel"}),
    ] {
        assert_eq!(serde_json::to_string(&of(file.clone())).unwrap(), file.to_string());
    }
}

#[test]
fn what_the_original_reads_too() {
    for (file, name) in [
        (
            json!({"type": "Bert", "clean_text": true, "handle_chinese_chars": true, "lowercase": true}),
            "BertNormalizer",
        ),
        (json!({"clean_text": true, "handle_chinese_chars": true, "lowercase": true}), "BertNormalizer"),
        (json!({"strip_left": true, "strip_right": true}), "Strip"),
        (json!({"normalizers": [{"prepend": "a"}]}), "Sequence"),
        (json!({"pattern": {"String": "a"}, "content": "b"}), "Replace"),
        (json!({"prepend": "a"}), "Prepend"),
    ] {
        assert_eq!(serde_json::to_value(of(file)).unwrap()["type"], name);
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (file, why) in [
        (json!({"type": "NFX"}), "unknown variant `NFX`"),
        (json!({"type": "NFX", "prepend": "a"}), "unknown variant `NFX`"),
        (json!({"type": "NFC", "form": "D"}), "NFC: unknown field `form`"),
        (
            json!({"type": "ByteLevel", "add_prefix_space": true}),
            "ByteLevel: unknown field `add_prefix_space`",
        ),
        (json!({"prepend": "a", "append": "b"}), "unknown field `append`"),
        (json!({"type": "BertNormalizer", "clean_text": true, "lowercase": true}), "`handle_chinese_chars`"),
        (json!({"type": "Strip", "strip_left": true}), "missing field `strip_right`"),
        (json!({"type": "Sequence", "normalizers": [{"type": "Strip"}]}), "Sequence: Strip: missing field"),
        (
            json!({"type": "Replace", "pattern": {"Regex": "("}, "content": ""}),
            "an opening parenthesis has no closing one",
        ),
        (json!({"type": "Precompiled", "precompiled_charsmap": ""}), "shorter than its header"),
        (json!({"type": "Precompiled", "precompiled_charsmap": null}), "invalid type: null"),
        (json!({}), "missing field `type`"),
        (json!(["NFC"]), "expected a map"),
    ] {
        let error = serde_json::from_value::<Normalizer>(file.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{file}: {error}");
    }
}

#[test]
fn long_texts_are_no_trouble() {
    for part in ["a", "é", "\u{301}", "漢", "🇫", "👨\u{200d}", "\u{600}", "\r\n"] {
        let text = part.repeat(200_000 / part.len());
        for normalizer in
            [bert(true, true, None, true), typed("NFKC"), typed("NFD"), precompiled(), typed("Nmt")]
        {
            let mut aligned = Aligned::new(&text, 0, true);
            normalizer.apply(&mut aligned).unwrap();
            assert!(aligned.as_str().len() < 3 * text.len());
        }
    }
}

fn normalizers() -> impl Strategy<Value = Normalizer> {
    let settings = (any::<bool>(), any::<bool>(), any::<Option<bool>>(), any::<bool>());
    let names = ["StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Nmt", "ByteLevel"];
    let patterns =
        [json!({"String": " "}), json!({"String": ""}), json!({"Regex": "[ae]*"}), json!({"Regex": r"\s+"})];
    let one = prop_oneof![
        settings.prop_map(|(clean, chinese, strip, lower)| bert(clean, chinese, strip, lower)),
        any::<(bool, bool)>().prop_map(|(left, right)| strip(left, right)),
        prop::sample::select(names.to_vec()).prop_map(typed),
        Just(precompiled()),
        (prop::sample::select(patterns.to_vec()), "[▁é]{0,2}")
            .prop_map(|(pattern, text)| replace_all(&pattern, &text)),
        "[▁é]{0,2}".prop_map(|text| prepend(&text)),
    ];
    proptest::collection::vec(one, 1..4).prop_map(|normalizers| Normalizer::Sequence { normalizers })
}

const TEXTS: &str = "([ aeAEIé\t\r\n\u{1}]|[\u{301}\u{316}\u{323}İﬁ™①漢각ᄀ\u{1161}\u{11a8}\u{200d}👨🏽\u{3000}\u{fffd}\0]|.){0,12}";

proptest! {
    #[test]
    fn the_text_is_the_same_without_origins_and_anywhere(normalizer in normalizers(), text in TEXTS) {
        let (mut with, mut elsewhere) = (Aligned::new(&text, 0, true), Aligned::new(&text, 100, true));
        let mut without = Aligned::new(&text, 7, false);
        for aligned in [&mut with, &mut elsewhere, &mut without] {
            normalizer.apply(aligned).unwrap();
        }
        prop_assert_eq!(with.as_str(), without.as_str());
        prop_assert_eq!(with.as_str(), elsewhere.as_str());
        prop_assert_eq!((without.start(), without.origins()), (7, None));
        let moved: Vec<_> = with.origins().unwrap().iter().map(|(begin, end)| (begin + 100, end + 100)).collect();
        prop_assert_eq!(elsewhere.origins().unwrap(), moved);
    }

    #[test]
    fn origins_rise_and_lie_on_characters(normalizer in normalizers(), text in TEXTS) {
        let mut aligned = Aligned::new(&text, 0, true);
        normalizer.apply(&mut aligned).unwrap();
        let origins = aligned.origins().unwrap();
        prop_assert_eq!(origins.len(), aligned.as_str().len());
        prop_assert!(origins.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        let is_boundary = |place: u32| text.is_char_boundary(place as usize);
        prop_assert!(origins.iter().all(|(begin, end)| begin <= end && is_boundary(*begin) && is_boundary(*end)));
    }

    #[test]
    fn what_is_written_reads_the_same(normalizer in normalizers(), text in TEXTS) {
        let written = serde_json::to_string(&normalizer).unwrap();
        let read: Normalizer = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(normalized(&read, &text), normalized(&normalizer, &text));
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
    }
}
