//! The table against the agenda of the original, and parts against whole texts.

use proptest::prelude::*;

use super::example::{BPE, Fields, Message, file, with_bytes};
use super::*;
use crate::text::normalize::charsmap::blob;
use crate::tokens::portions::{Extent, portions};

type Pieces = Vec<(String, i8, u64)>;

fn model_of(
    pieces: &Pieces,
    has_bytes: bool,
    normalizer: Fields,
    rules: &[(&str, &str)],
) -> Option<SentencePiece> {
    let trainer: Fields = if has_bytes { &[(3, 2), (35, 1)] } else { BPE };
    let start = if has_bytes { with_bytes(&[]) } else { Message::default() };
    let start = start.piece("<unk>", 0.0, 2);
    let message = pieces
        .iter()
        .fold(start, |message, (text, score, kind)| message.piece(text, f32::from(*score), *kind));
    let rules = if rules.is_empty() { Vec::new() } else { blob::of(rules) };
    SentencePiece::from_bytes(&file(message, trainer, normalizer, &rules)).ok()
}

/// The ids and pieces of the original's way: the whole text, with an agenda.
fn plainly(model: &SentencePiece, text: &str) -> (Vec<u32>, Vec<Segment>) {
    let normalized = model.normalizer.normalize(&model.vocabulary.symbols, text, false).unwrap();
    let (mut segments, mut ids) = (Vec::new(), Vec::new());
    agenda::segment(&model.vocabulary, &normalized.text, &mut segments);
    model.append_ids(segments.iter().copied(), &normalized.text, false, &mut ids);
    (ids, segments)
}

fn check(model: &SentencePiece, texts: &[String]) -> std::result::Result<(), TestCaseError> {
    let mut buffers = Buffers::default();
    for text in texts {
        let (want, segments) = plainly(model, text);
        let mut ids = Vec::new();
        model.encode_ids_with(text, Extent::WHOLE, &mut buffers, &mut ids).unwrap();
        prop_assert_eq!(&ids, &want, "{}", text);
        if let Some(cuts) = model.cuts() {
            ids.clear();
            for (portion, extent) in portions(text, 1 + text.len() % 7, |text, from| cuts.cut(text, from)) {
                model.encode_ids_with(portion, extent, &mut buffers, &mut ids).unwrap();
            }
            prop_assert_eq!(ids, want, "{} in portions", text);
        }
        let normalized = model.normalizer.normalize(&model.vocabulary.symbols, text, false).unwrap();
        prop_assert_eq!(model.segment(&normalized), segments, "{}", text);
    }
    Ok(())
}

#[test]
fn unused_pieces_and_endless_ones_have_no_table() {
    let table_of = |pieces: &[(&str, i8, u64)]| {
        let pieces = pieces.iter().map(|&(text, score, kind)| (text.to_owned(), score, kind)).collect();
        let model = model_of(&pieces, true, &[], &[]).unwrap();
        let Segmenter::Bpe(bpe) = &model.segmenter else { unreachable!() };
        bpe.table().is_some()
    };
    assert!(table_of(&[("a", 0, 1), ("\0", 0, 1)]));
    assert!(!table_of(&[("a", 0, 1), ("b", 0, 5)]));
    let long: Vec<String> = (0..3).map(|more| "a".repeat(7000 + more)).collect();
    assert!(!table_of(&long.iter().map(|text| (text.as_str(), 0, 1)).collect::<Vec<_>>()));
}

proptest! {
    #[test]
    fn the_table_gives_what_the_agenda_gives(
        pieces in proptest::collection::btree_map("[ab▁]{1,4}|▁[abc]{0,3}|[aé中]{1,3}|[ab ]{1,2}", (-3_i8..3, 1_u64..9), 1..30),
        texts in proptest::collection::vec("([ab]|[ab ▁]|[abcé ]|[中文😀ca ]){0,14}", 1..6),
        has_bytes in any::<bool>(),
        has_rules in any::<bool>(),
        repeats in 1_usize..100,
        // Dummy prefix, extra white space, escaped spaces.
        settings in proptest::array::uniform3(0_u64..2),
    ) {
        // Few are user-defined.
        let pieces: Pieces = pieces
            .into_iter()
            .map(|(text, (score, kind))| (text, score, if kind == 8 { 4 } else { 1 }))
            .collect();
        let rules: &[(&str, &str)] = if has_rules { &[("c", "ab"), ("文", "  中")] } else { &[] };
        let normalizer = [(3, settings[0]), (4, settings[1]), (5, settings[2])];
        let Some(model) = model_of(&pieces, has_bytes, &normalizer, rules) else { return Ok(()) };
        let long = texts[0].repeat(repeats);
        check(&model, &texts)?;
        check(&model, &[long])?;
    }
}
