//! The words of the route against those of normalizer and pre-tokenizer.

use proptest::prelude::*;
use serde_json::json;
use unicode_normalization_alignments::char::canonical_combining_class;

use super::ascii::{BLOCK, Width};
use super::*;
use crate::text::{Aligned, Kind, Pieces};
use crate::tokens::portions::Extent;

fn normalizers() -> Vec<Option<Normalizer>> {
    let bert = |clean_text: bool,
                handle_chinese_chars: bool,
                strip_accents: Option<bool>,
                lowercase: bool| {
        json!({
            "type": "BertNormalizer", "clean_text": clean_text, "handle_chinese_chars": handle_chinese_chars,
            "strip_accents": strip_accents, "lowercase": lowercase,
        })
    };
    let typed = |name: &str| json!({"type": name});
    let sequence = |names: &[&str]| {
        let steps: Vec<_> = names.iter().map(|name| typed(name)).collect();
        json!({"type": "Sequence", "normalizers": steps})
    };
    let all = [
        bert(true, true, None, true),
        bert(true, true, None, false),
        bert(false, false, Some(true), false),
        bert(false, true, Some(false), true),
        typed("NFD"),
        sequence(&["NFD", "Lowercase", "StripAccents"]),
        sequence(&["Lowercase", "NFKD", "StripAccents", "NFD"]),
        sequence(&["Nmt", "NFKC", "Lowercase"]),
        json!({"type": "Sequence", "normalizers": [typed("Lowercase"), bert(true, false, Some(true), false)]}),
    ];
    let read = |normalizer| Some(serde_json::from_value(normalizer).unwrap());
    std::iter::once(None).chain(all.into_iter().map(read)).collect()
}

fn pre_tokenizers() -> Vec<PreTokenizer> {
    let all = [
        json!({"type": "BertPreTokenizer"}),
        json!({"type": "Whitespace"}),
        json!({"type": "WhitespaceSplit"}),
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true}, {"type": "Whitespace"},
            {"type": "Punctuation", "behavior": "Isolated"},
        ]}),
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "CharDelimiterSplit", "delimiter": "é"}, {"type": "Digits", "individual_digits": false},
        ]}),
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "WhitespaceSplit"},
        ]}),
        json!({"type": "Punctuation", "behavior": "Removed"}),
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "CharDelimiterSplit", "delimiter": "漢"}, {"type": "WhitespaceSplit"},
        ]}),
    ];
    all.into_iter().map(|step| serde_json::from_value(step).unwrap()).collect()
}

/// A route, and the parts that it takes the place of.
struct Both {
    normalizer: Option<Normalizer>,
    pre_tokenizer: PreTokenizer,
    routes: Vec<Bert>,
    buffers: Buffers,
}

impl Both {
    fn new(normalizer: Option<Normalizer>, pre_tokenizer: PreTokenizer) -> Self {
        let kinds = pre_tokenizer.kinds().unwrap();
        let widths = [Width::Portable, Width::of_machine()];
        let routes = widths.map(|width| Bert::of(normalizer.as_ref(), &kinds, width)).into();
        Self { normalizer, pre_tokenizer, routes, buffers: Buffers::default() }
    }

    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for normalizer in normalizers() {
            for pre_tokenizer in pre_tokenizers() {
                all.push(Self::new(normalizer.clone(), pre_tokenizer));
            }
        }
        all
    }

    /// A few that are much unlike.
    fn few() -> Vec<Self> {
        let of = |normalizer: usize, pre_tokenizer: usize| {
            Self::new(normalizers()[normalizer].clone(), pre_tokenizers().swap_remove(pre_tokenizer))
        };
        vec![of(1, 0), of(2, 0), of(3, 1), of(5, 2), of(6, 3), of(7, 4), of(8, 1), of(9, 5), of(1, 7)]
    }

    fn check(&mut self, text: &str) {
        let mut aligned = Aligned::new(text, 0, false);
        if let Some(normalizer) = &self.normalizer {
            normalizer.apply(&mut aligned).unwrap();
        }
        let normalized = aligned.as_str().to_owned();
        let mut pieces = Pieces::new(aligned);
        self.pre_tokenizer.apply(&mut pieces).unwrap();
        for route in &self.routes {
            for (text, is_normalized) in [(text, false), (&normalized, true)] {
                if !is_normalized && !route.normalizes() {
                    continue;
                }
                let mut want = pieces.iter();
                let visit = |word: &[u8]| {
                    let word = str::from_utf8(word).unwrap();
                    assert_eq!(
                        Some(word),
                        want.next(),
                        "{text:?}: {:?}, {:?}",
                        self.normalizer,
                        self.pre_tokenizer
                    );
                    Ok(())
                };
                let stretch = Stretch { text, is_first: true, is_normalized, extent: Extent::WHOLE };
                route.words(stretch, &mut self.buffers, visit).unwrap();
                assert_eq!(want.next(), None, "{text:?}: {:?}, {:?}", self.normalizer, self.pre_tokenizer);
            }
        }
    }
}

fn marks() -> Vec<char> {
    ('\0'..=char::MAX).filter(|&character| canonical_combining_class(character) != 0).collect()
}

#[test]
fn every_character_alone_and_among_others() {
    // Beyond these nothing is assigned but characters for private use.
    let characters: Vec<char> =
        ('\u{0}'..'\u{32000}').chain('\u{e0000}'..'\u{e0200}').chain('\u{fff00}'..'\u{100100}').collect();
    for mut both in Both::few() {
        for characters in characters.chunks(64) {
            let mut text = String::new();
            for character in characters {
                let c = character;
                text.extend([format!("{c}\nA{c}b {c}{c} é{c}\u{301}.{c}\n")]);
            }
            both.check(&text);
        }
    }
}

#[test]
fn every_pair_of_marks() {
    let marks = marks();
    for (normalizer, pre_tokenizer) in [(1, 0), (5, 2), (6, 1), (7, 1)] {
        let mut both =
            Both::new(normalizers()[normalizer].clone(), pre_tokenizers().swap_remove(pre_tokenizer));
        for (place, left) in marks.iter().enumerate() {
            let base = ["e", "", "É", " ", "\u{1d15e}", "각", "漢", "\u{1f82}", "."][place % 9];
            let mut text = String::new();
            for right in &marks {
                text.push_str(base);
                text.extend([*left, *right, 'x']);
            }
            both.check(&text);
        }
    }
}

#[test]
fn nothing_and_hardly_anything() {
    for mut both in Both::all() {
        for text in
            ["", " ", "a", "A.", "é", "\0", "\0\0", "\u{301}", "\u{fffd}", "a\0b", "漢", "\n\n", "\u{10ffff}"]
        {
            both.check(text);
        }
    }
}

#[test]
fn words_end_and_begin_at_the_ends_of_blocks() {
    for mut both in Both::all() {
        for length in [0, 1, 7, 8, 15, 31, 32, 62, 63, 64, 65, 126, 127, 128, 129] {
            for inner in [
                "",
                ".",
                " ",
                "\0",
                "é",
                "漢",
                "A",
                "\u{301}",
                "+",
                "..",
                ". ",
                " .",
                "\t\u{1d165}\u{1d16e}\u{1d165}",
            ] {
                for (before, after) in
                    [("a", "b"), ("a", " "), (".", "b"), (" ", "b"), ("é", "."), ("+", "+")]
                {
                    both.check(&format!("{}{inner}{}", before.repeat(length), after.repeat(70)));
                }
            }
        }
    }
}

#[test]
fn long_texts_of_one_kind() {
    let units = [
        "a",
        "A",
        "\0",
        ".",
        " ",
        "é",
        "e\u{301}",
        "\u{301}",
        "\u{316}\u{301}",
        "漢",
        "각",
        "\u{1d165}\u{1d16e}",
        "\u{1f82}",
        "ab ",
        "İ",
        "\u{fffd}",
        "x\0",
        "0.",
        "👍🏽",
        "\u{fdfa}",
    ];
    for mut both in Both::few() {
        for unit in units {
            both.check(&unit.repeat(20_000 / unit.len()));
        }
        both.check(&units.join("").repeat(200));
    }
}

#[test]
fn words_about_as_long_as_what_is_gathered() {
    for mut both in Both::few() {
        for length in
            [raw_words::LONG - 64, raw_words::LONG - 1, raw_words::LONG, 4095, 4096, 4097, 5200, 9000]
        {
            for (unit, end) in [("a", " b"), ("A\0", ".b"), ("é", "漢b"), ("\u{1f82}", "\u{301}"), ("ж", "ж")]
            {
                let word = unit.repeat(length / unit.len());
                both.check(&format!("a, B {word}{end} {word}"));
            }
        }
    }
}

#[test]
fn ideographs_are_all_alike() {
    for both in Both::all() {
        for way in both.routes.iter().flat_map(|route| route.raw.iter().chain([&route.normalized])) {
            let Some(kind) = way.rules.ideographs else { continue };
            for character in ('\0'..=char::MAX).filter(|&character| table::is_ideograph(character)) {
                let entry = table::Entry::of(character, &way.rules);
                assert_eq!(entry.kind_if_kept(character), Some(kind), "{character:?}");
            }
        }
    }
    let named = |number: usize| {
        let kinds = pre_tokenizers()[number].kinds().unwrap();
        Bert::of(None, &kinds, Width::Portable).normalized.rules.ideographs
    };
    assert_eq!([0, 6, 7].map(named), [Some(Kind::Word), Some(Kind::Word), None]);
}

/// A word as it stands in a document, and the same word of a normalized text, have other ids.
#[test]
fn raw_words_and_normalized_ones_do_not_share_a_cache() {
    let json = r##"{
        "version": "1.0", "truncation": null, "padding": null, "post_processor": null, "decoder": null,
        "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"}, "normalizer": {"type": "NFD"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "#",
            "max_input_chars_per_word": 7, "vocab": {"[UNK]": 0, "\u00e9": 1, "e\u0301": 2}}
    }"##;
    let tokenizer = crate::tokens::Tokenizer::from_json(json.as_bytes()).unwrap();
    let crate::tokens::tokenizer::Algorithm::Pipeline(pipeline) = &tokenizer.algorithm else { panic!() };
    let Some(crate::tokens::route::Route::Bert(route)) = &pipeline.route else { panic!() };
    let mut workspace = Workspace::default();
    for (is_normalized, want) in [(false, 2), (true, 1), (false, 2), (true, 1)] {
        let stretch = Stretch { text: "é", is_first: true, is_normalized, extent: Extent::WHOLE };
        let mut ids = Vec::new();
        route.encode(pipeline, stretch, &mut workspace, &mut ids).unwrap();
        assert_eq!(ids, [want]);
    }
}

/// No more is kept of a long word than what shows that it is too long, wherever in a character that ends.
#[test]
fn words_too_long_for_the_model_are_unknown() {
    let json = r##"{
        "version": "1.0", "truncation": null, "padding": null, "post_processor": null, "decoder": null,
        "added_tokens": [], "pre_tokenizer": {"type": "BertPreTokenizer"},
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "#",
            "max_input_chars_per_word": 9000, "vocab": {"[UNK]": 0, "a": 1, "#a": 2, "#ᐁ": 3, "b": 4}}
    }"##;
    let tokenizer = crate::tokens::Tokenizer::from_json(json.as_bytes()).unwrap();
    for length in [8999, 9000, 9001, 12_000, 40_000, 100_000] {
        for rest in ["á", "\u{1401}", "A\u{1401}é\u{301}"] {
            let word: String = "A".chars().chain(rest.chars().cycle()).take(length).collect();
            let text = format!("b {word}b {word} b");
            let ids = tokenizer.encode_ids(&text, None, &tokenizer.options()).unwrap();
            let text = crate::tokens::Sentence::Text(&text);
            let want = tokenizer.encode(&text, None, &tokenizer.options()).unwrap();
            assert_eq!(ids, want.ids().collect::<Vec<_>>(), "{length} {rest}");
        }
    }
}

/// New words, of which some are odd, and old ones; so many that the cache is asked, is not asked, and is asked again.
#[test]
fn ids_are_those_of_the_parts_whatever_the_cache_is_asked() {
    let json = r##"{
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "post_processor": null,
        "decoder": null, "pre_tokenizer": {"type": "BertPreTokenizer"},
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "#",
            "max_input_chars_per_word": 7, "vocab": {"[UNK]": 0, "a": 1, "#a": 2, "b": 3, "#b": 4, "ab": 5,
            ".": 6, "\u6f22": 7, "e": 8, "#e": 9, "#ae": 10}}
    }"##;
    let tokenizer = crate::tokens::Tokenizer::from_json(json.as_bytes()).unwrap();
    let letters = ["a", "B", "é", "e\u{301}", "\0", "Ab", "x"];
    let mut text = String::new();
    for number in 0..90_000_usize {
        let mut rest = if number % 30_000 < 15_000 { number * 7919 } else { number % 5 };
        for _ in 0..6 {
            text.push_str(letters[rest % 7]);
            rest /= 7;
        }
        text.push_str([" ", ".", "漢", "\n"][number % 4]);
    }
    let texts = [&text[..]; 2];
    let rows = tokenizer.encode_batch_ids(&texts, None, &tokenizer.options(), 1).unwrap();
    let want = tokenizer
        .encode_batch(&texts.map(crate::tokens::Sentence::Text), None, &tokenizer.options(), 1)
        .unwrap();
    assert_eq!(rows.ids, want.iter().flat_map(crate::tokens::Encoding::ids).collect::<Vec<_>>());
}

fn texts() -> impl Strategy<Value = String> {
    let dense = "[aAéÉ \t\n\r.+_0\u{0}\u{7f}\u{85}\u{a0}\u{ad}\u{300}\u{301}\u{316}\u{327}\u{345}\u{5b0}\u{93c}\u{94d}\
        \u{e38}\u{1d165}\u{1d16d}\u{1d15e}\u{302e}\u{fffd}\u{200d}İıſΣςΆ\u{1f82}ﬁǅ각ᄀ\u{1161}\u{11a8}漢\u{f900}\u{2f800}\
        ½①ｶﾞ、。👍\u{fdfa}\u{3000}\u{2028}]{0,90}";
    let sparse = "([a-zA-Z]{1,9}[ .,]{1,2}){0,30}.?([a-z]{1,9} ){0,20}";
    let wild = proptest::collection::vec(any::<char>(), 0..60)
        .prop_map(|characters| characters.into_iter().collect());
    // Runs of what is dropped, of one byte to four, and of what is not.
    let run = (
        "[\u{0}\u{1}\u{ad}\u{301}\u{200d}\u{fffd}\u{e0001}\u{1d165}a \u{3000}漢]",
        1..200_usize,
        "[aé ]{0,2}",
    );
    let runs = proptest::collection::vec(run, 1..12)
        .prop_map(|runs| runs.iter().map(|(one, count, rest)| one.repeat(*count) + rest).collect());
    prop_oneof![dense.prop_map(|text: String| text), sparse.prop_map(|text: String| text), wild, runs]
}

proptest! {
    #[test]
    fn any_text(text in texts(), repeated in 1_usize..4) {
        thread_local! {
            static ALL: std::cell::RefCell<Vec<Both>> = std::cell::RefCell::new(Both::all());
        }
        ALL.with_borrow_mut(|all| all.iter_mut().for_each(|both| both.check(&text.repeat(repeated))));
    }

    #[test]
    fn the_wide_way_sorts_as_the_portable_one(bytes in proptest::collection::vec(prop_oneof![0_u8..128, any::<u8>()], BLOCK)) {
        for pre_tokenizer in pre_tokenizers() {
            let mut found = Vec::new();
            for width in [Width::Portable, Width::of_machine()] {
                let route = Bert::of(normalizers()[1].as_ref(), &pre_tokenizer.kinds().unwrap(), width).raw.unwrap();
                let (block, mut out) = (bytes.first_chunk().unwrap(), [0; BLOCK]);
                found.push((route.sort(block, &mut out), out));
            }
            prop_assert_eq!(&found[0], &found[1]);
        }
    }
}
