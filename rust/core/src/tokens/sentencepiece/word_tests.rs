//! Word by word against the whole text, and the lattice against the plain rule.

use proptest::prelude::*;

use super::example::{Fields, Message, file, with_bytes};
use super::*;
use crate::text::normalize::charsmap::blob;

const RULES: [(&str, &str); 16] = [
    ("\n", " "),
    ("\t", " "),
    ("\r\n", " "),
    ("\u{a0}", " "),
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
    ("a b", "c"),
    ("か\u{3099}", "が"),
];

const TEXT: &str = "([ab x]|[ \n]|[ab]{3}|[aeo▁Z]|[a\r\n\t\u{1}\u{ad}]|[eona\u{301}\u{302}\u{303}\u{308}]|[a\u{a0}´ﬁ™éÉß日か\u{3099}]){0,30}";

type Pieces = Vec<(String, f32, u64)>;

fn model_of(
    pieces: &Pieces,
    trainer: Fields,
    normalizer: Fields,
    rules: &[(&str, &str)],
) -> Option<SentencePiece> {
    let byte_fallback = trainer.contains(&(35, 1));
    let start = if byte_fallback { with_bytes(&[]) } else { Message::default() };
    let start = start.piece("<unk>", 0.0, 2);
    let message =
        pieces.iter().fold(start, |message, (text, score, kind)| message.piece(text, *score, *kind));
    let rules = if rules.is_empty() { Vec::new() } else { blob::of(rules) };
    SentencePiece::from_bytes(&file(message, trainer, normalizer, &rules)).ok()
}

/// The ids of the original's rule, plainly: the whole text, without a lattice.
fn plainly(model: &SentencePiece, text: &str) -> Vec<u32> {
    let Segmenter::Unigram(unigram) = &model.segmenter else { unreachable!() };
    let normalized = model.normalizer.normalize(&model.vocabulary.symbols, text, false).unwrap();
    let (mut segments, mut ids) = (Vec::new(), Vec::new());
    unigram.segment_plainly(&model.vocabulary.spelled, &normalized.text, &mut segments);
    model.append_ids(segments, &normalized.text, false, &mut ids);
    ids
}

fn is_taken(model: &SentencePiece, text: &str) -> bool {
    model.by_word.as_ref().is_some_and(|by_word| by_word.takes(text))
}

fn check(model: &SentencePiece, text: &str, buffers: &mut Buffers) -> std::result::Result<(), TestCaseError> {
    let want = plainly(model, text);
    let mut whole = Vec::new();
    model.encode_whole(text, &mut whole).unwrap();
    prop_assert_eq!(&whole, &want, "whole {:?}", text);
    for _ in 0..2 {
        let mut words = Vec::new();
        model.encode_ids_with(text, Extent::WHOLE, buffers, &mut words).unwrap();
        prop_assert_eq!(&words, &want, "by word {:?}", text);
    }
    Ok(())
}

/// Scores with ties, near ties, and greater and lesser distances.
fn scores() -> impl Strategy<Value = f32> {
    (1..4, 0..4, 0..3)
        .prop_map(|(units, tenths, ulps)| -(units as f32) - 0.1 * tenths as f32 - 2e-7 * ulps as f32)
}

fn pieces(pattern: &'static str) -> impl Strategy<Value = Pieces> {
    let piece = (pattern, scores(), prop_oneof![9 => Just(1_u64), 1 => Just(4), 1 => Just(5)]);
    proptest::collection::vec(piece, 1..30).prop_map(|mut pieces| {
        pieces.sort_by(|one, other| one.0.cmp(&other.0));
        pieces.dedup_by(|one, other| one.0 == other.0);
        pieces
    })
}

const NORMALIZERS: [Fields; 5] = [&[], &[(3, 0)], &[(4, 0)], &[(3, 0), (4, 0)], &[(5, 0)]];
const TRAINERS: [Fields; 4] = [&[], &[(35, 1)], &[(24, 1)], &[(24, 1), (35, 1)]];

#[test]
fn every_kind_of_model_is_taken_by_word() {
    if route::are_off() {
        return;
    }
    let words = [("▁", -2.0, 1), ("a", -1.0, 1), ("▁a", -1.5, 1)]
        .map(|(text, score, kind)| (text.to_owned(), score, kind));
    let suffixes =
        [("▁", -2.0, 1), ("a▁", -1.0, 1)].map(|(text, score, kind)| (text.to_owned(), score, kind));
    for normalizer in NORMALIZERS {
        for trainer in TRAINERS {
            let is_suffix = trainer.contains(&(24, 1));
            let pieces = if is_suffix { suffixes.to_vec() } else { words.to_vec() };
            let model = model_of(&pieces, trainer, normalizer, &[("\n", " ")]).unwrap();
            let has_all = !is_suffix || normalizer.is_empty() || normalizer == [(5, 0)];
            assert_eq!(is_taken(&model, "a\nb a"), has_all, "{trainer:?} {normalizer:?}");
        }
    }
    // A piece of two words, and a rule that takes a space away from what follows it.
    for (text, rules) in [("a▁a", &[][..]), ("a", &[(" a", "b")]), ("a", &[("\n\n", "x")])] {
        let pieces = vec![(text.to_owned(), -1.0, 1)];
        let model = model_of(&pieces, &[], &[], rules).unwrap();
        assert!(!is_taken(&model, "a a"), "{text} {rules:?}");
    }
}

#[test]
fn of_white_space_nothing_is_left_where_runs_of_it_are_one() {
    let spaces = ["", " ", "\n", "\r\n", " \n\r\n ", "\t \t", &" ".repeat(200), &"\n ".repeat(200)];
    let pieces: Pieces = ["▁", "a", "▁a"].map(|text| (text.to_owned(), -1.0, 1)).to_vec();
    for rules in
        [&[][..], &[("\n", " ")], &RULES, &[("\n", " "), ("\r", " "), ("\r\n", "  "), ("\n ", "   ")]]
    {
        for normalizer in NORMALIZERS {
            for trainer in TRAINERS {
                let model = model_of(&pieces, trainer, normalizer, rules).unwrap();
                for text in spaces {
                    check(&model, text, &mut Buffers::default()).unwrap();
                    check(&model, &format!("{text}a{text}a{text}"), &mut Buffers::default()).unwrap();
                }
            }
        }
    }
    let model = model_of(&pieces, &[], &[], &[]).unwrap();
    assert_eq!(is_taken(&model, spaces[6]), !route::are_off());
}

#[test]
fn sums_are_carried_over_long_texts_and_set_back() {
    let scores = [
        ("▁", -20.1),
        ("a", -33.3),
        ("▁a", -53.4),
        ("aa", -66.6),
        ("b", -9.7),
        ("▁ab", -63.1),
        ("ab", -43.0),
    ];
    let pieces = scores.map(|(text, score)| (text.to_owned(), score, 1)).to_vec();
    let model = model_of(&pieces, &[], &[], &[]).unwrap();
    let mut buffers = Buffers::default();
    let mut state = 1_u32;
    for length in [10_usize, 1_000, 30_000] {
        let text: String = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ["a", "b", "aa", " ", "ab", " aab", "aaaa", " x"][(state >> 16) as usize % 8]
            })
            .collect();
        check(&model, &text, &mut buffers).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn words_give_what_the_whole_text_gives(
        pieces in pieces("▁?[ab]{1,4}|▁{1,3}|▁?[éoefz日]{1,2}|[ab]▁"),
        chosen in any::<u32>(), texts in proptest::collection::vec(TEXT, 1..8),
        normalizer in 0..5_usize, trainer in 0..4_usize,
    ) {
        let rules: Vec<_> = RULES.iter().enumerate().filter(|(place, _)| chosen >> place & 3 == 1).map(|(_, rule)| *rule).collect();
        let model = model_of(&pieces, TRAINERS[trainer], NORMALIZERS[normalizer], &rules);
        prop_assume!(model.is_some());
        let model = model.unwrap();
        let mut buffers = Buffers::default();
        for text in texts {
            check(&model, &text, &mut buffers)?;
        }
    }

    #[test]
    fn words_give_what_the_whole_text_gives_however_great_the_sums(
        pieces in pieces("▁?[ab]{1,4}"), factor in prop_oneof![Just(1.0_f32), Just(10.0), Just(300.0), Just(9000.0)],
        words in proptest::collection::vec("[ab]{1,7}", 1..60), order in proptest::collection::vec(any::<prop::sample::Index>(), 1..400),
    ) {
        let pieces = pieces.into_iter().map(|(text, score, kind)| (text, score * factor, kind)).collect();
        let model = model_of(&pieces, &[], &[], &[]);
        prop_assume!(model.is_some());
        let text = order.iter().map(|index| words[index.index(words.len())].as_str()).collect::<Vec<_>>().join(" ");
        check(&model.unwrap(), &text, &mut Buffers::default())?;
    }
}
