//! Ids, places and texts as the `sentencepiece` library 0.2.3 gives them for the same files.

use proptest::prelude::*;

use super::example::{BPE, FIRST_BYTE, Fields, Message, PIECES, Row, file, model, pieces, with_bytes};
use super::*;
use crate::text::normalize::charsmap::blob;

const WORD: Fields = &[(3, 3)];
const CHAR: Fields = &[(3, 4)];
const TIES: &[Row] = &[
    ("<unk>", 0.0, 2),
    ("a", -1.0, 1),
    ("b", -1.0, 1),
    ("aa", -2.0, 1),
    ("ab", -2.0, 1),
    ("aaa", -3.0, 1),
    ("bb", -2.0, 1),
];

fn encode(model: &SentencePiece, text: &str) -> Vec<(u32, u32, u32)> {
    let (mut pieces, mut ids) = (Vec::new(), Vec::new());
    model.encode(text, &mut pieces).unwrap();
    model.encode_ids(text, &mut ids).unwrap();
    assert!(ids.into_iter().eq(pieces.iter().map(|piece| piece.id)), "{text:?}");
    pieces.into_iter().map(|piece| (piece.id, piece.start, piece.end)).collect()
}

#[test]
fn pieces_and_their_places() {
    type Expected = &'static [(u32, u32, u32)];
    let cases: &[(Fields, &str, Expected)] = &[
        (&[], "", &[]),
        (&[], "   ", &[]),
        (&[], "ab", &[(8, 0, 2)]),
        (&[], "aba", &[(8, 0, 2), (5, 2, 3)]),
        (&[], "abc abab", &[(4, 0, 1), (13, 1, 3), (8, 3, 6), (7, 6, 8)]),
        (&[], "  ab  c ", &[(8, 2, 4), (3, 4, 6), (9, 6, 7)]),
        (&[], "xyz ab", &[(3, 0, 0), (0, 0, 3), (8, 3, 6)]),
        (&[], "a<sep>b", &[(4, 0, 1), (10, 1, 6), (6, 6, 7)]),
        (&[], "<s>a", &[(3, 0, 0), (14, 0, 2), (0, 2, 3), (5, 3, 4)]),
        (&[], "a\0b", &[(4, 0, 1), (0, 1, 2), (6, 2, 3)]),
        (&[], "▁a", &[(3, 0, 0), (4, 0, 4)]),
        (&[], "é日本é", &[(3, 0, 0), (12, 0, 2), (0, 2, 8), (12, 8, 10)]),
        (BPE, "abab", &[(8, 0, 2), (7, 2, 4)]),
        (BPE, "abc", &[(4, 0, 1), (13, 1, 3)]),
        (BPE, "a<sep>b", &[(4, 0, 1), (10, 1, 6), (6, 6, 7)]),
        (BPE, "<s>a", &[(3, 0, 0), (14, 0, 2), (0, 2, 3), (5, 3, 4)]),
        (BPE, "xyab", &[(3, 0, 0), (0, 0, 2), (7, 2, 4)]),
        (BPE, "bbc", &[(3, 0, 0), (6, 0, 1), (13, 1, 3)]),
        // Through the unused "aba", and apart again.
        (BPE, "caba", &[(3, 0, 0), (9, 0, 1), (7, 1, 3), (5, 3, 4)]),
        (BPE, "cababa", &[(3, 0, 0), (9, 0, 1), (7, 1, 3), (5, 3, 4), (6, 4, 5), (5, 5, 6)]),
        (CHAR, "ab c<sep>", &[(3, 0, 0), (5, 0, 1), (6, 1, 2), (3, 2, 3), (9, 3, 4), (10, 4, 9)]),
        (CHAR, "日本a", &[(3, 0, 0), (0, 0, 6), (5, 6, 7)]),
        (WORD, "ab a  c", &[(8, 0, 2), (4, 2, 4), (0, 4, 7)]),
    ];
    for (trainer, text, expected) in cases {
        assert_eq!(encode(&model(PIECES, trainer, &[]), text), *expected, "{trainer:?} {text:?}");
    }
}

#[test]
fn ties() {
    for (text, unigram, bpe) in [
        ("aaaa", vec![(1, 0, 1), (5, 1, 4)], vec![(3, 0, 2), (3, 2, 4)]),
        ("aaaaa", vec![(3, 0, 2), (5, 2, 5)], vec![(3, 0, 2), (5, 2, 5)]),
        ("aab", vec![(1, 0, 1), (4, 1, 3)], vec![(3, 0, 2), (2, 2, 3)]),
        ("bbb", vec![(2, 0, 1), (6, 1, 3)], vec![(6, 0, 2), (2, 2, 3)]),
        ("aabb", vec![(3, 0, 2), (6, 2, 4)], vec![(3, 0, 2), (6, 2, 4)]),
    ] {
        assert_eq!(encode(&model(TIES, &[], &[(3, 0)]), text), unigram, "{text}");
        assert_eq!(encode(&model(TIES, BPE, &[(3, 0)]), text), bpe, "{text}");
    }
}

#[test]
fn unknown_text_falls_back_to_bytes() {
    for model_type in [1, 2] {
        let trainer = [(3, model_type), (35, 1)];
        let model = SentencePiece::from_bytes(&file(with_bytes(PIECES), &trainer, &[], &[])).unwrap();
        for (text, expected) in [
            ("日a", &[(3, 0, 0), (245, 0, 0), (166, 0, 0), (180, 0, 3), (5, 3, 4)][..]),
            ("x\n", &[(3, 0, 0), (135, 0, 1), (25, 1, 2)]),
        ] {
            assert_eq!(encode(&model, text), expected, "{text:?}");
        }
    }
}

fn normalize(model: &SentencePiece, text: &str) -> (String, Vec<u32>) {
    let normalized = model.normalizer.normalize(&model.vocabulary.symbols, text, true).unwrap();
    (String::from_utf8(normalized.text).unwrap(), normalized.origins)
}

#[test]
fn spaces() {
    let cases: [(Fields, Fields, [&str; 3]); 6] = [
        (&[], &[(3, 0)], ["a▁b", "", "a"]),
        (&[], &[(4, 0)], ["▁▁a▁▁b▁", "▁▁", "▁a▁"]),
        (&[], &[(3, 0), (4, 0)], ["▁a▁▁b▁", "▁", "a▁"]),
        (&[], &[(5, 0)], [" a b", " ▁", " a▁"]),
        (&[(24, 1)], &[], ["a▁b▁", "▁", "a▁"]),
        (&[(24, 1)], &[(4, 0)], ["▁a▁▁b▁▁", "▁▁", "a▁▁"]),
    ];
    for (trainer, normalizer, expected) in cases {
        let model = model(PIECES, trainer, normalizer);
        let texts = [" a  b ", "▁", "a▁"].map(|text| normalize(&model, text).0);
        assert_eq!(texts, expected, "{trainer:?} {normalizer:?}");
    }
}

#[test]
fn rewrite_rules() {
    let rules = [
        ("\t", " "),
        ("A", "a"),
        ("ﬁ", "ab"),
        ("e\u{301}", "é"),
        ("\u{ad}", ""),
        ("B", " b "),
        ("x", "▁"),
        ("s", "no symbol"),
    ];
    let model = SentencePiece::from_bytes(&file(pieces(PIECES), &[], &[], &blob::of(&rules))).unwrap();
    for (text, expected, origins) in [
        ("\ta\t", "▁a", &[1, 1, 1, 1, 2][..]),
        ("ABA", "▁a▁b▁a", &[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 3]),
        ("e\u{301}ﬁ", "▁éab", &[0, 0, 0, 0, 0, 3, 3, 6]),
        ("a\u{ad}b", "▁ab", &[0, 0, 0, 0, 3, 4]),
        ("\u{ad}", "", &[0]),
        ("  B", "▁b", &[2, 2, 2, 2, 2]),
        ("aBB", "▁a▁b▁b", &[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2]),
        ("x", "", &[0]),
        ("axa", "▁a▁a", &[0, 0, 0, 0, 1, 1, 1, 2, 3]),
        ("<sep>\t<s", "▁<sep>▁<s", &[0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 6, 6, 8]),
    ] {
        assert_eq!(normalize(&model, text), (expected.to_owned(), origins.to_vec()), "{text:?}");
    }
}

#[test]
fn decoding() {
    let with_bytes = SentencePiece::from_bytes(&file(with_bytes(PIECES), &[(35, 1)], &[], &[])).unwrap();
    let cases: &[(&[u32], &str)] = &[
        (&[], ""),
        (&[4, 6], "ab"),
        (&[3, 4], "a"),
        (&[1, 3, 4], "a"),
        (&[3, 3, 3], ""),
        (&[5, 0, 6], "a ⁇ b"),
        (&[0], " ⁇ "),
        (&[245, 166, 180], "日"),
        (&[245, 166], "��"),
        (&[245, 166, 80], "��A"),
        (&[4, 270, 210, 6], "a��b"),
        (&[255, 174, 160, 1, 156], "����"),
        (&[47, 4], "  a"),
        (&[10, 4, 2], "<sep> a"),
    ];
    for (ids, text) in cases {
        assert_eq!(with_bytes.decode(ids).unwrap(), *text, "{ids:?}");
    }
    for (normalizer, [one, two, three]) in [
        (&[(4, 0)][..], [" a", " a", "a a"]),
        (&[(3, 0), (4, 0)], ["  a", "  a", " a a"]),
        (&[(3, 0)], ["a", "a", "a a"]),
    ] {
        let model = model(PIECES, &[], normalizer);
        for (ids, text) in [(&[3, 4][..], one), (&[3, 3, 5], two), (&[1, 4, 4], three)] {
            assert_eq!(model.decode(ids).unwrap(), text, "{normalizer:?} {ids:?}");
        }
    }
    let error = with_bytes.decode(&[4, 9999]).unwrap_err().to_string();
    assert_eq!(error, "ids[1]: there is no id 9999: ids are below 271");
}

#[test]
fn the_denormalizer_sees_the_whole_text() {
    let rules = Message::default().varint(3, 0).varint(4, 0).varint(5, 0);
    let rules = rules.bytes(2, &blob::of(&[("ab", "x"), ("c", "")]));
    let file = Message(file(pieces(PIECES), &[], &[], &[])).bytes(5, &rules.0).0;
    let model = SentencePiece::from_bytes(&file).unwrap();
    assert_eq!(model.decode(&[7, 9, 4, 6]).unwrap(), "x x");
    assert_eq!(model.decode(&[5, 6]).unwrap(), "x");
}

#[test]
fn the_vocabulary() {
    let trainer = Message::default().bytes(45, b"<other>").bytes(47, b"a").varint(43, 3).varint(200, 1);
    let model = SentencePiece::from_bytes(&pieces(PIECES).bytes(2, &trainer.0).0).unwrap();
    assert_eq!(model.special_ids(), SpecialIds { unk: Some(0), bos: Some(1), eos: None, pad: None });
    let found = ["<s>", "ab", "aba", "<sep>", "nothing"].map(|text| model.id_of(text));
    assert_eq!(found, [Some(1), Some(7), Some(11), Some(10), None]);
    assert_eq!(model.piece(11).map(|piece| piece.kind), Some(PieceKind::Unused));
    assert_eq!((model.pieces().len(), model.model_type()), (PIECES.len(), ModelType::Unigram));
    assert_eq!(SentencePiece::from_bytes(model.to_bytes()).unwrap(), model);
}

#[test]
fn a_megabyte_without_a_space_takes_no_time() {
    for trainer in [&[(3, 1)], BPE, CHAR, WORD] {
        let model = model(TIES, trainer, &[]);
        for text in ["a", "ab", "日"] {
            let mut ids = Vec::new();
            model.encode_ids(&text.repeat(1_000_000 / text.len()), &mut ids).unwrap();
            assert!(!ids.is_empty());
        }
    }
}

/// The sum of scores of the best way to cut `text`, found by trying them all.
fn best_score(rows: &[Row], text: &str) -> f32 {
    let Some(character) = text.chars().next() else { return 0.0 };
    let spelled = rows.iter().filter(|(piece, _, kind)| *kind == 1 && text.starts_with(piece));
    let ways = spelled.map(|(piece, score, _)| score + best_score(rows, &text[piece.len()..]));
    let known = rows.iter().any(|(piece, ..)| **piece == text[..character.len_utf8()]);
    let unknown = if known { f32::MIN } else { -13.0 + best_score(rows, &text[character.len_utf8()..]) };
    ways.fold(unknown, f32::max)
}

/// Merges by looking through all pairs for each merge.
fn merge_slowly(rows: &[Row], text: &str) -> Vec<String> {
    let mut symbols: Vec<String> = text.chars().map(String::from).collect();
    let score =
        |text: &str| rows.iter().find(|(piece, _, kind)| *kind == 1 && *piece == text).map(|row| row.1);
    loop {
        let pairs = symbols.windows(2).enumerate();
        let scored = pairs.filter_map(|(place, pair)| Some((score(&pair.concat())?, place)));
        let best = scored.max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.cmp(&left.1)));
        let Some((_, place)) = best else { return symbols };
        let right = symbols.remove(place + 1);
        symbols[place].push_str(&right);
    }
}

proptest! {
    #[test]
    fn unigram_finds_the_best_way(text in "[abc]{0,10}") {
        let model = model(TIES, &[], &[(3, 0)]);
        let score = |(id, ..): &(u32, u32, u32)| if *id == 0 { 0.0 } else { TIES[*id as usize].1 };
        let unknown = text.matches('c').count() as f32 * -13.0;
        let found: f32 = encode(&model, &text).iter().map(score).sum();
        prop_assert!((found + unknown - best_score(TIES, &text)).abs() < 1e-3);
    }

    #[test]
    fn bpe_merges_as_the_slow_way_does(text in "[ab]{0,14}") {
        let model = model(TIES, BPE, &[(3, 0)]);
        let found: Vec<String> =
            encode(&model, &text).iter().map(|(_, start, end)| text[*start as usize..*end as usize].to_owned()).collect();
        prop_assert_eq!(found, merge_slowly(TIES, &text));
    }

    #[test]
    fn pieces_follow_each_other_through_the_text(
        text in "[ab c\u{ad}é日▁\t<sep>]{0,20}", trainer in 1_u64..5, extra in 0_u64..2, suffix in 0_u64..2,
    ) {
        let rules = blob::of(&[("\t", " "), ("\u{ad}", ""), ("é", "e\u{301}"), ("bc", " ")]);
        let file = file(pieces(PIECES), &[(3, trainer), (24, suffix)], &[(4, extra)], &rules);
        let mut end = 0;
        for (_, start, stop) in encode(&SentencePiece::from_bytes(&file).unwrap(), &text) {
            prop_assert!(end <= start && start <= stop && stop as usize <= text.len());
            prop_assert!(text.is_char_boundary(start as usize) && text.is_char_boundary(stop as usize));
            end = stop;
        }
    }

    #[test]
    fn with_bytes_every_text_comes_back(text in "\\PC{0,12}[ab \n\0]{0,8}", model_type in 1_u64..3) {
        let trainer = [(3, model_type), (35, 1)];
        let file = file(with_bytes(PIECES), &trainer, &[(4, 0)], &[]);
        let model = SentencePiece::from_bytes(&file).unwrap();
        let mut ids = Vec::new();
        model.encode_ids(&text, &mut ids).unwrap();
        // The mark itself is taken for a space, and one before the text for the one that was put there.
        let expected = text.replace('▁', " ");
        prop_assert_eq!(model.decode(&ids).unwrap(), expected);
    }

    #[test]
    fn decoding_in_steps_gives_the_same(ids in proptest::collection::vec(0..FIRST_BYTE + 256, 0..20)) {
        let model = SentencePiece::from_bytes(&file(with_bytes(PIECES), &[(35, 1)], &[], &[])).unwrap();
        let (mut state, mut text) = (DecodeState::default(), String::new());
        for id in &ids {
            model.decode_next(&mut state, *id, &mut text).unwrap();
        }
        model.decode_end(&mut state, &mut text).unwrap();
        prop_assert_eq!(model.decode(&ids).unwrap(), text);
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_but_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(), model_type in 1_u64..5, text in "[ab c<sep>é\0日]{0,12}",
    ) {
        let mut file = file(pieces(PIECES), &[(3, model_type)], &[], &blob::of(&[("c", "b"), ("é", "")]));
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let _ = SentencePiece::from_bytes(&file[..cut.index(file.len())]);
        if let Ok(model) = SentencePiece::from_bytes(&file) {
            encode(&model, &text);
            model.decode(&(0..model.pieces().len() as u32).collect::<Vec<_>>()).unwrap();
            let _ = model.to_tokenizer_json();
        }
    }
}
