//! The route against the parts.

use proptest::prelude::*;
use serde_json::json;

use super::super::super::added::AddedTokens;
use super::super::Route;
use super::*;
use crate::text::normalize::charsmap::blob;
use crate::text::normalize::{Charsmap, Precompiled};
use crate::tokens::AddedToken;
use crate::tokens::pipeline::{Part, SpecialText, Workspace};
use crate::tokens::portions::{Extent, portions};

/// What real rules have, and what they could have.
const RULES: [(&str, &str); 18] = [
    ("\n", " "),
    ("\t", " "),
    ("\r", " "),
    ("\r\n", " "),
    ("\u{a0}", " "),
    ("\u{200d}", " "),
    ("\u{1}", ""),
    ("\u{ad}", ""),
    ("ﬁ", "fi"),
    ("™", "TM"),
    ("´", " \u{301}"),
    ("e\u{301}", "é"),
    ("n\u{303}", ""),
    ("o\u{302}", " o"),
    (" \u{308}", "¨"),
    ("Z", "z"),
    ("か\u{3099}", "が"),
    ("x", "x"),
];

const TEXT: &str = "([ab x]|[ \n]|[aeoZ `'▁]|[a\r\n\t\u{b}\u{1}\u{ad}]|[eonxa\u{301}\u{302}\u{303}\u{308}\u{200d}\u{5bf}]|[a\u{a0}´ﬁ™éÉß日か\u{3099}]|[👍🏽🇫\u{600}각ᄀ\u{1161}\u{94d}क ]){0,24}";

/// Text with hardly a place where words may be cut, of characters of which most are apart.
const DENSE: &str = "([abxeoZé日각か👍]|[ab日▁\u{a0}\u{3000}´]|[aonex\u{301}\u{302}\u{303}\u{3099}\u{200d}\u{1}\u{ad}]|[a日\r\n`'🇫\u{600}ᄀ\u{1161}ﬁ™Éß]|[ab] ){0,40}";

fn normalizers(rules: &[(&str, &str)]) -> Vec<serde_json::Value> {
    let precompiled = serde_json::to_value(Precompiled::from_blob(&blob::of(rules)).unwrap()).unwrap();
    let precompiled = {
        let mut fields = precompiled;
        fields["type"] = json!("Precompiled");
        fields
    };
    let strip = |left: bool| json!({"type": "Strip", "strip_left": left, "strip_right": true});
    let replace = |pattern: serde_json::Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
    let spaces = |content: &str| replace(json!({"Regex": " {2,}"}), content);
    let step = |name: &str| json!({"type": name});
    let sequence = |steps: Vec<serde_json::Value>| json!({"type": "Sequence", "normalizers": steps});
    let albert = vec![
        replace(json!({"String": "``"}), "\""),
        replace(json!({"String": "''"}), "\""),
        step("NFKD"),
        step("StripAccents"),
        step("Lowercase"),
        precompiled.clone(),
        spaces(" "),
    ];
    vec![
        serde_json::Value::Null,
        precompiled.clone(),
        sequence(vec![precompiled.clone(), spaces(" ")]),
        sequence(vec![precompiled.clone(), strip(false), spaces("▁")]),
        sequence(vec![strip(true), precompiled.clone(), spaces(" ")]),
        sequence(vec![step("Lowercase"), precompiled.clone()]),
        sequence(vec![step("NFD"), precompiled.clone(), strip(false)]),
        sequence(albert),
        sequence(vec![step("Nmt"), step("NFKC"), spaces(" ")]),
        sequence(vec![step("NFC"), step("Lowercase")]),
        sequence(vec![step("Nmt"), precompiled]),
    ]
}

fn pre_tokenizers() -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for scheme in ["always", "first", "never"] {
        let step = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": true});
        all.push(step.clone());
        all.push(json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, step]}));
    }
    all
}

fn pipeline(normalizer: &serde_json::Value, pre_tokenizer: &serde_json::Value) -> Pipeline {
    let tokens = [
        "<unk>", "▁", "a", "b", "x", "▁a", "ab", "e", "é", "o", "z", "fi", "T", "▁x", "か", "が", "\u{301}",
        "\"", "\n",
    ];
    let vocab: Vec<_> =
        tokens.iter().enumerate().map(|(id, token)| json!([token, -0.7 * id as f64])).collect();
    let model = json!({"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": false});
    Pipeline::new(
        serde_json::from_value(normalizer.clone()).unwrap(),
        serde_json::from_value(pre_tokenizer.clone()).unwrap(),
        Model::from_json(model).unwrap(),
    )
}

fn by_parts(pipeline: &Pipeline, text: &str, is_first: bool) -> Vec<u32> {
    let mut ids = Vec::new();
    let mut text = Aligned::new(text, u32::from(!is_first), true);
    if let Some(normalizer) = &pipeline.normalizer {
        normalizer.apply(&mut text).unwrap();
    }
    encode_pieces(pipeline, text, &mut Scratch::default(), &mut ids).unwrap();
    ids
}

/// Tokens that are looked for in the text, and in the normalized text.
fn added_tokens(pipeline: &Pipeline) -> AddedTokens {
    let tokens =
        [("<s>", 90, false), ("ab", 91, false), ("za", 92, true), ("é", 93, true), ("b a", 94, true)];
    let tokens =
        tokens.map(|(text, id, normalized)| AddedToken { normalized, ..AddedToken::special(text, id) });
    AddedTokens::new(tokens.to_vec(), pipeline.normalizer.as_ref()).unwrap()
}

fn by_parts_with(pipeline: &Pipeline, added: &AddedTokens, text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    for part in pipeline.parts(added, text, SpecialText::Parse, true).unwrap() {
        match part {
            Part::Added { id, .. } => ids.push(id),
            Part::Pieces(pieces) => pieces.iter().for_each(|piece| {
                pipeline.model.encode_ids(piece.as_bytes(), &mut Scratch::default(), &mut ids).unwrap();
            }),
        }
    }
    ids
}

fn by_route(pipeline: &Pipeline, text: &str, is_first: bool, workspace: &mut Workspace) -> Vec<u32> {
    let route = Route::new(pipeline.normalizer.as_ref(), pipeline.pre_tokenizer.as_ref(), &pipeline.model);
    let mut ids = Vec::new();
    route
        .unwrap()
        .encode(
            pipeline,
            Stretch { text, is_first, is_normalized: false, extent: Extent::WHOLE },
            workspace,
            &mut ids,
        )
        .unwrap();
    ids
}

/// What a normalizer makes of words that are cut where they may be, and how often they are.
fn in_stretches(normalizer: &Normalizer, by_word: &Characters<ByWord>, text: &str) -> (String, usize) {
    let (mut all, mut begin, mut cuts) = (String::new(), 0, 0);
    while begin < text.len() {
        let end = by_word.gap(text.as_bytes(), begin);
        let mut stretch = Aligned::new(&text[begin..end], 1, false);
        normalizer.apply(&mut stretch).unwrap();
        all.push_str(stretch.as_str());
        cuts += usize::from(end < text.len());
        begin = end;
    }
    (all, cuts)
}

fn routes_are_off() -> bool {
    std::env::var_os("FASTMASK_ROUTES").is_some()
}

#[test]
fn every_kind_has_a_route_and_nasty_text_goes_through_it_as_through_the_parts() {
    let long = format!("{} {}\u{308} x", "a".repeat(70), "ab ".repeat(300));
    let blanks = " ".repeat(700);
    let texts = [
        "",
        " ",
        "a",
        " a",
        "a ",
        "  a  b  ",
        "a\r\nb",
        "\r\n",
        "▁a",
        " ▁a",
        "a ▁",
        "\u{308}",
        " \u{308}",
        "a \u{308}b",
        "\u{a0}",
        "a \u{a0} b",
        "\u{1}",
        "\u{1} a",
        "a \u{1} b",
        "n\u{303} a",
        "a n\u{303}",
        "o\u{302}",
        "´",
        "a ´ b",
        "\u{1}▁a",
        "\u{600} a",
        "\u{600}a b",
        "x\u{301} x",
        "`` a ''",
        "a\n\n\n b\t",
        "\0",
        "a\0 b",
        &long,
        &blanks,
    ];
    for (place, normalizer) in normalizers(&RULES).into_iter().enumerate() {
        for pre_tokenizer in pre_tokenizers() {
            let pipeline = pipeline(&normalizer, &pre_tokenizer);
            let has_route =
                Route::new(pipeline.normalizer.as_ref(), pipeline.pre_tokenizer.as_ref(), &pipeline.model)
                    .is_some();
            let strips_left = normalizer.to_string().contains("\"strip_left\":true");
            let is_always = pre_tokenizer.to_string().contains("always");
            let drops_space = pre_tokenizer.to_string().contains("WhitespaceSplit");
            let marks_runs = normalizer.to_string().contains("\"content\":\"▁\"");
            let is_known = if drops_space { !marks_runs } else { !strips_left || is_always };
            assert_eq!(has_route, !routes_are_off() && is_known, "{place} {pre_tokenizer}");
            if !has_route {
                continue;
            }
            let mut workspace = Workspace::default();
            for text in texts {
                for is_first in [true, false] {
                    let want = by_parts(&pipeline, text, is_first);
                    for _ in 0..2 {
                        let got = by_route(&pipeline, text, is_first, &mut workspace);
                        assert_eq!(got, want, "{text:?} {is_first} {place} {pre_tokenizer}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_long_word_is_cut_between_characters_that_are_apart() {
    let all = normalizers(&RULES);
    let cuts = |place: usize, text: &str| {
        let normalizer: Normalizer = serde_json::from_value(all[place].clone()).unwrap();
        let characters = Characters::new(ByWord::new(Some(&normalizer), '▁', false).unwrap());
        in_stretches(&normalizer, &characters, text).1
    };
    for (text, count) in
        [("日a👍x", 3), ("e\u{301}e", 0), ("ae\u{301}x", 1), ("🇫🇫🇫", 0), ("\r\na", 0), ("", 0)]
    {
        assert_eq!(cuts(1, text), count, "{text:?}");
    }
    // Of what becomes nothing, or white space, white space that collapses or is stripped asks who is beside it.
    assert_eq!((cuts(1, "\u{1}\u{1}\u{a0}a"), cuts(3, "\u{1}\u{1}\u{a0}a")), (3, 0));
}

#[test]
fn what_has_no_route_goes_through_the_parts() {
    let step = |fields: serde_json::Value| json!({"type": "Sequence", "normalizers": [fields]});
    let replace = |pattern: &str, content: &str| {
        step(json!({"type": "Replace", "pattern": {"String": pattern}, "content": content}))
    };
    let always = &pre_tokenizers()[0];
    for normalizer in [
        replace("a b", "x"),
        replace("a", ""),
        replace("a", " "),
        step(json!({"type": "Prepend", "prepend": "▁"})),
        step(json!({"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": "x"})),
        step(json!({"type": "ByteLevel"})),
    ] {
        let pipeline = pipeline(&normalizer, always);
        let route =
            Route::new(pipeline.normalizer.as_ref(), pipeline.pre_tokenizer.as_ref(), &pipeline.model);
        assert!(route.is_none(), "{normalizer}");
    }
    let no_normalizer = serde_json::Value::Null;
    let whole = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false});
    let pipeline = pipeline(&no_normalizer, &whole);
    assert!(Route::new(None, pipeline.pre_tokenizer.as_ref(), &pipeline.model).is_none());
    // All of these texts have rules that no word shows.
    for rules in [&[("\r\n", "x")][..], &[("\u{600}", "x")], &[(" ", "x"), ("\n", "y")]] {
        let charsmap = Charsmap::parse(&blob::of(rules)).unwrap();
        assert_eq!(charsmap.keys(10).unwrap().len(), rules.len());
        let normalizer = &normalizers(rules)[1];
        let pipeline = super::metaspace_tests::pipeline(normalizer, always);
        let route =
            Route::new(pipeline.normalizer.as_ref(), pipeline.pre_tokenizer.as_ref(), &pipeline.model);
        assert!(route.is_none(), "{rules:?}");
    }
}

#[test]
fn added_tokens_cut_stretches() {
    let pipeline = pipeline(&normalizers(&RULES)[1], &pre_tokenizers()[2]);
    let added = AddedTokens::new(vec![AddedToken::special("<s>", 9)], None).unwrap();
    let mut ids = Vec::new();
    let mut workspace = Workspace::default();
    pipeline
        .encode_ids(&added, ("a<s>a a", Extent::WHOLE), SpecialText::Parse, &mut workspace, &mut ids)
        .unwrap();
    assert_eq!(ids, [1, 2, 9, 2, 1, 2]);
}

#[test]
fn a_word_is_not_taken_for_a_normalized_one_of_the_same_text() {
    let pipeline = pipeline(&normalizers(&[("x", "a")])[1], &pre_tokenizers()[0]);
    let mut workspace = Workspace::default();
    let normalized_too = AddedToken { normalized: true, ..AddedToken::special("<s>", 90) };
    for added in [Vec::new(), vec![normalized_too], Vec::new()] {
        let added = AddedTokens::new(added, pipeline.normalizer.as_ref()).unwrap();
        let mut ids = Vec::new();
        pipeline
            .encode_ids(&added, ("x a x", Extent::WHOLE), SpecialText::Parse, &mut workspace, &mut ids)
            .unwrap();
        assert_eq!(ids, [1, 2, 1, 2, 1, 2]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn stretches_of_a_word_become_what_they_become_in_it(
        chosen in any::<u32>(), text in DENSE, normalizer in 1..11_usize, drops_space in any::<bool>(),
    ) {
        let rules: Vec<_> = RULES.iter().enumerate().filter(|(place, _)| chosen >> place & 3 != 0).map(|(_, rule)| *rule).collect();
        let normalizer: Normalizer = serde_json::from_value(normalizers(&rules)[normalizer].clone()).unwrap();
        let by_word = ByWord::new(Some(&normalizer), '▁', drops_space);
        prop_assume!(by_word.is_some());
        let mut whole = Aligned::new(&text, 1, false);
        normalizer.apply(&mut whole).unwrap();
        let (stretches, _) = in_stretches(&normalizer, &Characters::new(by_word.unwrap()), &text);
        prop_assert_eq!(stretches, whole.as_str());
    }

    #[test]
    fn the_route_gives_what_the_parts_give(
        chosen in any::<u32>(), texts in proptest::collection::vec(prop_oneof![TEXT, DENSE], 1..6), is_first in any::<bool>(),
        normalizer in 0..11_usize, pre_tokenizer in 0..6_usize, size in 1_usize..12,
    ) {
        let rules: Vec<_> = RULES.iter().enumerate().filter(|(place, _)| chosen >> place & 3 != 0).map(|(_, rule)| *rule).collect();
        let pipeline = pipeline(&normalizers(&rules)[normalizer], &pre_tokenizers()[pre_tokenizer]);
        let route = Route::new(pipeline.normalizer.as_ref(), pipeline.pre_tokenizer.as_ref(), &pipeline.model);
        prop_assume!(route.is_some());
        let mut workspace = Workspace::default();
        for text in texts {
            prop_assert_eq!(
                by_route(&pipeline, &text, is_first, &mut workspace),
                by_parts(&pipeline, &text, is_first),
                "{:?}", text
            );
            let (added, mut ids) = (AddedTokens::new(Vec::new(), None).unwrap(), Vec::new());
            for portion in portions(&text, size, |text, from| pipeline.route.as_ref()?.cut(text, from)) {
                pipeline.encode_ids(&added, portion, SpecialText::Parse, &mut workspace, &mut ids).unwrap();
            }
            prop_assert_eq!(ids, by_parts(&pipeline, &text, true), "{:?} in portions", text);
            let (added, mut ids) = (added_tokens(&pipeline), Vec::new());
            pipeline.encode_ids(&added, (&text, Extent::WHOLE), SpecialText::Parse, &mut workspace, &mut ids).unwrap();
            prop_assert_eq!(ids, by_parts_with(&pipeline, &added, &text), "{:?} with added tokens", text);
        }
    }
}
