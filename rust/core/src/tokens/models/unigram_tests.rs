//! The lattice against the plain rule.

use super::*;
use proptest::prelude::*;

/// The greatest sum over all ways to cut `word`.
fn greatest_sum(tokens: &[(String, f64)], unknown: f64, word: &str) -> f64 {
    let Some(character) = word.chars().next() else { return 0.0 };
    let mut best = f64::NEG_INFINITY;
    for end in (1..=word.len()).filter(|&end| word.is_char_boundary(end)) {
        let known = tokens.iter().find(|(token, _)| token == &word[..end]).map(|&(_, score)| score);
        let score = known.or_else(|| (end == character.len_utf8()).then_some(unknown));
        if let Some(score) = score {
            best = best.max(score + greatest_sum(tokens, unknown, &word[end..]));
        }
    }
    best
}

proptest! {
    #[test]
    fn no_cut_is_likelier(
        scores in proptest::collection::btree_map("[abé]{1,4}", -20_i32..0, 1..12),
        word in "[abéx]{0,9}",
    ) {
        // Whole numbers, so that sums are exact.
        let mut tokens: Vec<(String, f64)> =
            scores.into_iter().map(|(token, score)| (token, f64::from(score))).collect();
        tokens.push(("<unk>".to_owned(), 0.0));
        let model = Unigram::new(&tokens, Some(tokens.len() - 1), false).unwrap();
        let best = model.best_ends(&plain_trie(&model.vocab), &word).unwrap();
        let want = greatest_sum(&tokens, model.unk_score, &word);
        prop_assert_eq!(best[word.len()].score.total_cmp(&want), std::cmp::Ordering::Equal);
        let mut found = Vec::new();
        model.encode_word(&word, &mut found).unwrap();
        prop_assert_eq!(found.iter().map(|token| token.length as usize).sum::<usize>(), word.len());
    }
}

fn plainly(model: &Unigram) -> Unigram {
    Unigram { finder: Finder::Plain(plain_trie(&model.vocab)), ..model.clone() }
}

fn tokens_of(model: &Unigram, word: &str) -> std::result::Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    model.encode_word(word, &mut tokens).map_err(|error| error.to_string())?;
    Ok(tokens)
}

/// Scores with many ties, and such as are all but ties.
fn near_ties() -> impl Strategy<Value = f64> {
    (0..4, 0..3).prop_map(|(tenths, ulps)| -0.1 * f64::from(tenths) - 1e-16 * f64::from(ulps) - 1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_lattice_finds_what_the_plain_rule_finds(
        scores in proptest::collection::vec(("[ab▁é日]{1,5}", near_ties()), 1..40),
        word in "([ab▁é日x😀]{0,10}|[x😀]{0,25}){0,6}",
        has_unknown in any::<bool>(),
        byte_fallback in any::<bool>(),
    ) {
        let mut tokens = vec![("<unk>".to_owned(), 0.0), ("xé".to_owned(), -50.0)];
        let bytes = byte_fallback.then(|| (0..=255).map(|byte| (format!("<0x{byte:02X}>"), -3.0)));
        tokens.extend(bytes.into_iter().flatten());
        tokens.extend(scores);
        let model = Unigram::new(&tokens, has_unknown.then_some(0), byte_fallback).unwrap();
        prop_assert!(matches!(model.finder, Finder::Lattice(_)));
        let want = tokens_of(&plainly(&model), &word);
        prop_assert_eq!(&tokens_of(&model, &word), &want);
        let mut ids = vec![7];
        let found = model.encode_ids(word.as_bytes(), &mut Lattice::default(), &mut ids);
        if let (Ok(()), Ok(want)) = (found, want) {
            prop_assert_eq!(&ids[1..], &want.iter().map(|token| token.id).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_way_that_ends_may_begin_before_its_stretch() {
    let tokens = ["é日", "▁", "é日é", "é", "a"].map(|token| (token.to_owned(), -1.0));
    let model = Unigram::new(&tokens, None, false).unwrap();
    let word = "▁aé日é日é日é日é";
    assert_eq!(tokens_of(&model, word), tokens_of(&plainly(&model), word));
}

#[test]
fn words_longer_than_a_block_are_cut_as_plainly() {
    let tokens = [("<unk>", 0.0), ("a", -1.1), ("ab", -1.7), ("baab", -2.9), ("é", -1.3), ("béa", -2.0)]
        .map(|(token, score)| (token.to_owned(), score));
    let model = Unigram::new(&tokens, Some(0), false).unwrap();
    for size in (4080..4110).chain([8191, 8192, 8193, 30_000]) {
        let mut state = 12_345_u32;
        let word: String = (0..size)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ['a', 'b', 'b', 'é', 'a', '日'][(state >> 16) as usize % 6]
            })
            .collect();
        assert_eq!(tokens_of(&model, &word), tokens_of(&plainly(&model), &word), "{size}");
    }
}

#[test]
fn scores_beyond_measure_are_taken_as_they_are() {
    let tokens = [("<unk>", 0.0), ("a", -1e300), ("aa", -1.5e308), ("b", 1.0)]
        .map(|(token, score)| (token.to_owned(), score));
    let model = Unigram::new(&tokens, Some(0), false).unwrap();
    assert!(matches!(model.finder, Finder::Plain(_)));
    assert_eq!(tokens_of(&model, "aab").unwrap().len(), 3);
}

/// `serde_json` rounds the last digit wrongly unless told otherwise (its feature `float_roundtrip`), and so do the
/// scores of the `tokenizers` library: with better ones, equal sums might differ and unequal ones be equal.
#[test]
fn scores_are_rounded_as_in_the_tokenizers_library() {
    let file = r#"{"vocab": [["a", -9.122965753604479], ["b", -9.608139146870613]]}"#;
    let model = Unigram::from_json(serde_json::from_str(file).unwrap()).unwrap();
    let shown = model.scores.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown, ["-9.12296575360448", "-9.608139146870611"]);
}

#[test]
fn a_word_of_a_megabyte_is_no_trouble() {
    let tokens =
        [("<unk>", 0.0), ("a", -1.0), ("aaaa", -2.0)].map(|(token, score)| (token.to_owned(), score));
    let model = Unigram::new(&tokens, Some(0), false).unwrap();
    let mut found = Vec::new();
    model.encode_word(&"a".repeat(1_000_000), &mut found).unwrap();
    assert_eq!(found.len(), 250_000);
}
