//! The route against the parts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::WholeText;
use crate::text::{Normalizer, PreTokenizer};
use crate::tokens::added::{AddedToken, AddedTokens};
use crate::tokens::models::Model;
use crate::tokens::pipeline::{Part, Pipeline, SpecialText, Workspace};
use crate::tokens::portions::{Extent, portions};

fn steps() -> Vec<(Value, Value)> {
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let prepend = |text: &str| json!({"type": "Prepend", "prepend": text});
    let sequence = |steps: Vec<Value>| json!({"type": "Sequence", "normalizers": steps});
    let metaspace = |scheme: &str, mark: &str| json!({"type": "Metaspace", "replacement": mark, "prepend_scheme": scheme, "split": false});
    let split = json!({"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false});
    vec![
        (Value::Null, Value::Null),
        (replace.clone(), Value::Null),
        (replace.clone(), split.clone()),
        (sequence(vec![prepend("▁"), replace.clone()]), Value::Null),
        (sequence(vec![prepend("a "), replace.clone()]), split),
        (sequence(vec![replace]), Value::Null),
        (Value::Null, metaspace("always", "▁")),
        (Value::Null, metaspace("first", "▁")),
        (Value::Null, metaspace("never", "▁")),
        (Value::Null, metaspace("first", "b")),
    ]
}

/// A model with merges of what is there and of what was merged, in any order, and with any of the settings.
fn model(pairs: &[(usize, usize)], settings: u8, shuffle: usize) -> Model {
    let mut tokens: Vec<String> =
        ["a", "b", "▁", "é", "中", ".", "<unk>", "<0x63>"].map(str::to_owned).to_vec();
    if settings & 1 != 0 {
        tokens.extend((0..=255).filter(|&byte| byte != 0x63).map(|byte| format!("<0x{byte:02X}>")));
    }
    let mergeable = |tokens: &[String]| {
        tokens.iter().filter(|token| !token.starts_with('<')).cloned().collect::<Vec<_>>()
    };
    let mut merges = Vec::new();
    for &(left, right) in pairs {
        let parts = mergeable(&tokens);
        let (left, right) = (&parts[left % parts.len()], &parts[right % parts.len()]);
        let token = format!("{left}{right}");
        merges.push(json!([left, right]));
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    let middle = shuffle % merges.len().max(1);
    merges.rotate_left(middle);
    let vocab: serde_json::Map<String, Value> =
        tokens.into_iter().enumerate().map(|(id, token)| (token, json!(id))).collect();
    let unk_token = if settings & 2 == 0 { Value::Null } else { json!("<unk>") };
    let model = json!({
        "type": "BPE", "vocab": vocab, "merges": merges, "unk_token": unk_token, "fuse_unk": settings & 4 != 0,
        "byte_fallback": settings & 8 != 0, "ignore_merges": settings & 16 != 0,
    });
    Model::from_json(model).unwrap()
}

fn by_parts(pipeline: &Pipeline, added: &AddedTokens, text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    for part in pipeline.parts(added, text, SpecialText::Parse, true).unwrap() {
        match part {
            Part::Added { id, .. } => ids.push(id),
            Part::Pieces(pieces) => {
                for piece in pieces.iter() {
                    let mut tokens = Vec::new();
                    pipeline.tokens_of(piece, &mut tokens).unwrap();
                    ids.extend(tokens.iter().map(|token| token.id));
                }
            }
        }
    }
    ids
}

#[test]
fn which_pipelines_have_the_route() {
    let has_it = |normalizer: Value, pre_tokenizer: Value| {
        let normalizer: Option<Normalizer> = serde_json::from_value(normalizer).unwrap();
        let pre_tokenizer: Option<PreTokenizer> = serde_json::from_value(pre_tokenizer).unwrap();
        let model = model(&[(2, 0), (0, 1)], 0, 0);
        WholeText::new(normalizer.as_ref(), pre_tokenizer.as_ref(), &model).is_some()
    };
    for (normalizer, pre_tokenizer) in steps() {
        assert!(has_it(normalizer, pre_tokenizer));
    }
    let lowercase = json!({"type": "Lowercase"});
    assert!(!has_it(lowercase, Value::Null));
    assert!(!has_it(Value::Null, json!({"type": "Whitespace"})));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]
    #[test]
    fn the_route_gives_what_the_parts_give(
        place in 0_usize..10,
        pairs in proptest::collection::vec((0_usize..20, 0_usize..20), 0..20),
        settings in 0_u8..32,
        shuffle in any::<usize>(),
        texts in proptest::collection::vec("([ab ▁é.]|[abc ]|[中文😀c]|<s>){0,12}", 1..6),
        repeats in 1_usize..200,
        size in 1_usize..30,
    ) {
        let (normalizer, pre_tokenizer) = steps().swap_remove(place);
        let pipeline = Pipeline::new(
            serde_json::from_value(normalizer).unwrap(),
            serde_json::from_value(pre_tokenizer).unwrap(),
            model(&pairs, settings, shuffle),
        );
        prop_assert!(pipeline.has_route());
        let added = AddedTokens::new(vec![AddedToken::special("<s>", 9000)], None).unwrap();
        let mut workspace = Workspace::default();
        let long = texts[0].repeat(repeats);
        for text in texts.iter().chain([&long]) {
            let mut ids = Vec::new();
            pipeline.encode_ids(&added, (text, Extent::WHOLE), SpecialText::Parse, &mut workspace, &mut ids).unwrap();
            let want = by_parts(&pipeline, &added, text);
            prop_assert_eq!(&ids, &want, "{}", text);
            ids.clear();
            // An added token would be cut here: `Tokenizer::cut` sees to them.
            let size = if text.contains("<s>") { usize::MAX } else { size };
            for portion in portions(text, size, |text, from| pipeline.route.as_ref()?.cut(text, from)) {
                pipeline.encode_ids(&added, portion, SpecialText::Parse, &mut workspace, &mut ids).unwrap();
            }
            prop_assert_eq!(ids, want, "{} in portions", text);
        }
    }
}
