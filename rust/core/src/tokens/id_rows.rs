//! Rows of ids alone, cut, framed and padded as encodings are.

use super::assembly::Assembly;
use super::encode::EncodeOptions;
use super::tokenizer::Tokenizer;
use crate::rows::Ragged;
use crate::{Error, Result};

impl Tokenizer {
    /// The ids of single texts where ids are to be cut or padded and nothing else is asked: encoded whole first, then
    /// brought to their length. None where the ids do not show what is to be done. `at` tells an error of which text it
    /// is.
    pub(super) fn cut_and_padded(
        &self,
        options: &EncodeOptions<'_>,
        encode: impl FnOnce(&EncodeOptions<'_>) -> Result<Ragged>,
        at: impl Fn(Error, usize) -> Error,
    ) -> Option<Result<Ragged>> {
        let shape = options.assembly;
        let frame = match &self.frame {
            Some((prefix, suffix)) if options.add_special_tokens => (&**prefix, &**suffix),
            None if options.add_special_tokens => return None,
            _ => (&[][..], &[][..]),
        };
        if shape.truncation.is_none() && shape.padding.is_none() {
            return None;
        }
        let whole = Assembly { post_processor: shape.post_processor.clone(), ..Assembly::default() };
        let whole = EncodeOptions { assembly: &whole, add_special_tokens: false, ..*options };
        Some(encode(&whole).and_then(|rows| shaped(&rows, frame, shape, at)))
    }
}

fn shaped(
    rows: &Ragged,
    (prefix, suffix): (&[u32], &[u32]),
    shape: &Assembly,
    at: impl Fn(Error, usize) -> Error,
) -> Result<Ragged> {
    let mut cut = Vec::with_capacity(rows.offsets.len());
    for (index, ends) in rows.offsets.windows(2).enumerate() {
        let row = &rows.ids[ends[0] as usize..ends[1] as usize];
        cut.push(match &shape.truncation {
            Some(truncation) => {
                truncation.cut(row, prefix.len() + suffix.len()).map_err(|error| at(error, index))?
            }
            None => row,
        });
    }
    let longest = cut.iter().map(|row| prefix.len() + row.len() + suffix.len()).max().unwrap_or(0);
    let width = shape.padding.as_ref().map(|padding| padding.length(longest)).transpose()?;
    let mut all = Ragged::new();
    for row in cut {
        let start = all.ids.len();
        all.ids.extend(prefix.iter().chain(row).chain(suffix));
        if let (Some(padding), Some(width)) = (&shape.padding, width) {
            padding.pad_ids(&mut all.ids, start, width);
        }
        all.close_row();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::encode::Sentence;
    use super::*;

    fn tokenizer(template: bool) -> Tokenizer {
        let special = |token: &str, id| json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true});
        let piece = |token: &str| json!({"SpecialToken": {"id": token, "type_id": 0}});
        let row = |token: &str, id: u32| json!({"id": token, "ids": [id], "tokens": [token]});
        let sequence = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        let processor = json!({
            "type": "TemplateProcessing", "single": [piece("<s>"), sequence("A"), piece("</s>")],
            "pair": [sequence("A"), sequence("B")], "special_tokens": {"<s>": row("<s>", 1), "</s>": row("</s>", 2)},
        });
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [special("<s>", 1), special("</s>", 2)], "normalizer": null,
            "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": template.then_some(processor), "decoder": null,
            "model": {"type": "WordLevel", "vocab": {"?": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4, "c": 5}, "unk_token": "?"},
        });
        Tokenizer::from_json(file.to_string().as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn ids_alone_are_those_of_encodings(
            texts in proptest::collection::vec("[abc ]{0,20}", 1..6), template in any::<bool>(), special in any::<bool>(),
            max_length in 0..9_usize, stride in 0..3_usize, left in any::<bool>(), pad_left in any::<bool>(),
            strategy in prop::sample::select(vec!["LongestFirst", "OnlyFirst", "OnlySecond"]),
            fixed in prop::option::of(0..12_usize), multiple in prop::option::of(0..5_usize), which in 0..4,
        ) {
            let side = |left: bool| if left { "Left" } else { "Right" };
            let truncation = json!({"direction": side(left), "max_length": max_length, "strategy": strategy, "stride": stride});
            let strategy = fixed.map_or(json!("BatchLongest"), |length| json!({"Fixed": length}));
            let padding = json!({"strategy": strategy, "direction": side(pad_left), "pad_to_multiple_of": multiple, "pad_id": 9, "pad_type_id": 0, "pad_token": "_"});
            let tokenizer = tokenizer(template);
            let [truncation, padding] = [(1, truncation), (2, padding)].map(|(bit, value)| (which & bit > 0).then(|| value.to_string()));
            let Ok(assembly) = tokenizer.assembly.with(truncation.as_deref(), padding.as_deref()) else { return Ok(()) };
            let options = EncodeOptions { assembly: &assembly, add_special_tokens: special, ..tokenizer.options() };
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let sentences: Vec<_> = texts.iter().map(|text| Sentence::Text(text)).collect();
            let want = tokenizer.encode_batch(&sentences, None, &options, 1);
            match (tokenizer.encode_batch_ids(&texts, None, &options, 1), want) {
                (Ok(rows), Ok(want)) => {
                    let want: Vec<Vec<u32>> = want.iter().map(|row| row.ids().collect()).collect();
                    let rows: Vec<Vec<u32>> = rows.offsets.windows(2).map(|ends| rows.ids[ends[0] as usize..ends[1] as usize].to_vec()).collect();
                    prop_assert_eq!(rows, want);
                }
                (Err(got), Err(want)) => prop_assert_eq!(got.to_string(), want.to_string()),
                (got, want) => prop_assert!(false, "{got:?} {want:?}"),
            }
            let alone = tokenizer.encode_ids(texts[0], None, &options);
            let want = tokenizer.encode(&Sentence::Text(texts[0]), None, &options);
            match (alone, want) {
                (Ok(ids), Ok(want)) => prop_assert_eq!(ids, want.ids().collect::<Vec<_>>()),
                (Err(got), Err(want)) => prop_assert_eq!(got.to_string(), want.to_string()),
                (got, want) => prop_assert!(false, "{got:?} {want:?}"),
            }
        }
    }
}
