//! Ids to text while they come.

use std::sync::Arc;

use super::decode::{DecodePipeline, Detokenizer, Utf8Stream};
use crate::Result;

/// Decodes ids as they come and gives text as soon as it is certain, never half a character.
///
/// The law: what was given so far is a prefix of the text of every sequence that begins with the ids pushed so far, and
/// all that was given with [`finish`](Self::finish) at last is the text of all ids, for every decoder and any ids.
/// Nothing is decoded twice. What is held back: an unfinished character; behind a run of byte tokens such as
/// `<0xE2>` the whole run, which turns into U+FFFD if it ends as no UTF-8; the space that a suffix for the ends of words
/// becomes, as the last one becomes nothing; what may be the beginning of a string that is replaced in fused text, or
/// the white space at its end that is stripped; and all of a fused text that a regular expression is to search.
///
/// ```
/// use std::sync::Arc;
/// use fastmask_core::tokens::{Decoder, Detokenizer, StreamDecoder};
/// let tokens = [(0, "Ġca"), (1, "f"), (2, "Ã"), (3, "©")];
/// let detokenizer = Detokenizer::new(tokens, [], Some(Decoder::byte_level()));
/// let mut stream = StreamDecoder::new(Arc::new(detokenizer), false);
/// let given: Vec<String> = (0..4).map(|id| stream.push(&[id])).collect::<Result<_, _>>()?;
/// assert_eq!(given, [" ca", "f", "", "é"]);
/// assert_eq!(stream.finish()?, "");
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug)]
pub struct StreamDecoder {
    detokenizer: Arc<Detokenizer>,
    skip_special_tokens: bool,
    pushed: usize,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Bytes(Utf8Stream),
    Decoder(DecodePipeline),
}

impl StreamDecoder {
    /// A decoder that has seen no ids.
    pub fn new(detokenizer: Arc<Detokenizer>, skip_special_tokens: bool) -> Self {
        let work = Work::new(&detokenizer);
        Self { detokenizer, skip_special_tokens, pushed: 0, work }
    }

    /// Takes ids and gives the text that is certain by now. Ids that are not in the vocabulary are refused, and
    /// then none of `ids` is taken.
    pub fn push(&mut self, ids: &[u32]) -> Result<String> {
        let mut text = String::new();
        match &mut self.work {
            Work::Bytes(characters) => {
                let mut bytes = Vec::with_capacity(ids.len() * 4);
                for (place, &id) in ids.iter().enumerate() {
                    let token = self.detokenizer.token(id, self.pushed + place, self.skip_special_tokens)?;
                    bytes.extend_from_slice(token.unwrap_or_default());
                }
                characters.feed(&bytes, &mut text);
            }
            Work::Decoder(pipeline) => {
                pipeline.feed(self.detokenizer.texts(ids, self.skip_special_tokens)?, &mut text)?;
            }
        }
        self.pushed += ids.len();
        Ok(text)
    }

    /// The rest of the text. The decoder is then as new.
    pub fn finish(&mut self) -> Result<String> {
        let mut text = String::new();
        self.pushed = 0;
        match std::mem::replace(&mut self.work, Work::new(&self.detokenizer)) {
            Work::Bytes(mut characters) => characters.finish(&mut text),
            Work::Decoder(mut pipeline) => pipeline.finish(&mut text)?,
        }
        Ok(text)
    }
}

impl Work {
    fn new(detokenizer: &Detokenizer) -> Self {
        if detokenizer.only_bytes() {
            Self::Bytes(Utf8Stream::default())
        } else {
            Self::Decoder(DecodePipeline::new(detokenizer.decoder()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const TOKENS: [&str; 34] = [
        "a",
        "b",
        "ab",
        "aba",
        "##a",
        "▁",
        "▁a",
        "a▁b",
        "_",
        "__",
        "_a_",
        "a</w>",
        "</w>b</w>",
        "<pad>",
        "|",
        " .",
        "n't",
        "",
        " ",
        "<0x41>",
        "<0xC3>",
        "<0xA9>",
        "<0xF0>",
        "<0xFF>",
        "Ġ",
        "Ã",
        "©",
        "ð",
        "Ł",
        "ĺ",
        "é",
        "漢Ġ",
        "<s>",
        "</s>",
    ];

    fn detokenizer(decoder: Option<Decoder>) -> Arc<Detokenizer> {
        let tokens = TOKENS.iter().enumerate().map(|(id, token)| (id as u32, *token));
        Arc::new(Detokenizer::new(tokens, ["<s>", "</s>"], decoder))
    }

    fn one() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!({"type": "Fuse"})),
            Just(json!({"type": "ByteFallback"})),
            Just(json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true})),
            prop::sample::select(vec!["</w>", "a", ""]).prop_map(|suffix| json!({"type": "BPEDecoder", "suffix": suffix})),
            (prop::sample::select(vec!["##", ""]), any::<bool>())
                .prop_map(|(prefix, cleanup)| json!({"type": "WordPiece", "prefix": prefix, "cleanup": cleanup})),
            prop::sample::select(vec!["always", "never"])
                .prop_map(|scheme| json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme})),
            any::<bool>().prop_map(|cleanup| json!({
                "type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": cleanup,
            })),
            (prop::sample::select(vec!["▁", "aba", "aa", "_", ""]), prop::sample::select(vec![" ", "", "a"])).prop_map(
                |(text, content)| json!({"type": "Replace", "pattern": {"String": text}, "content": content})
            ),
            Just(json!({"type": "Replace", "pattern": {"Regex": "a+|_"}, "content": "-"})),
            (prop::sample::select(vec![' ', '_', 'a']), 0usize..3, 0usize..3).prop_map(|(content, start, stop)| {
                json!({"type": "Strip", "content": content, "start": start, "stop": stop})
            }),
        ]
    }

    proptest! {
        #[test]
        fn all_that_is_given_is_the_text(
            steps in prop::collection::vec(one(), 0..5),
            ids in prop::collection::vec(0..TOKENS.len() as u32, 0..40),
            portion in 1usize..4,
            skip: bool,
        ) {
            let decoder = serde_json::from_value(json!({"type": "Sequence", "decoders": steps})).unwrap();
            let detokenizer = detokenizer(Some(decoder));
            let whole = detokenizer.decode(&ids, skip).unwrap();
            let mut stream = StreamDecoder::new(detokenizer, skip);
            // Twice: a decoder that has finished is as new.
            for _ in 0..2 {
                let mut given = String::new();
                for part in ids.chunks(portion) {
                    given += &stream.push(part).unwrap();
                    prop_assert!(whole.starts_with(&given), "{given:?} {whole:?}");
                }
                given += &stream.finish().unwrap();
                prop_assert_eq!(&given, &whole);
            }
        }
    }

    #[test]
    fn text_comes_as_soon_as_it_is_certain() {
        let sequence = |decoders: Value| json!({"type": "Sequence", "decoders": decoders});
        let fuse = json!({"type": "Fuse"});
        let strip = json!({"type": "Strip", "content": "_", "start": 1, "stop": 1});
        let replace = json!({"type": "Replace", "pattern": {"String": "aba"}, "content": "-"});
        for (file, tokens, given, rest) in [
            (Value::Null, vec!["a", "b"], vec!["a", " b"], ""),
            (json!({"type": "ByteFallback"}), vec!["<0xC3>", "<0xA9>", "a"], vec!["", "", "éa"], ""),
            (json!({"type": "BPEDecoder", "suffix": "</w>"}), vec!["a</w>", "a</w>"], vec!["a", " a"], ""),
            (sequence(json!([fuse, strip])), vec!["__", "_a_", "b", "__"], vec!["", "__a", "_b", "_"], ""),
            (sequence(json!([fuse, replace])), vec!["ab", "ab", "aba", "ab"], vec!["", "-b", "-", ""], "ab"),
        ] {
            let decoder = (!file.is_null()).then(|| serde_json::from_value(file.clone()).unwrap());
            let mut stream = StreamDecoder::new(detokenizer(decoder), false);
            let id = |token: &str| TOKENS.iter().position(|known| *known == token).unwrap() as u32;
            let seen: Vec<String> = tokens.iter().map(|token| stream.push(&[id(token)]).unwrap()).collect();
            assert_eq!(
                (seen, stream.finish().unwrap().as_str()),
                (given.into_iter().map(str::to_owned).collect(), rest),
                "{file}"
            );
        }
    }

    #[test]
    fn an_unknown_id_is_refused_and_nothing_taken() {
        let mut stream = StreamDecoder::new(detokenizer(Some(Decoder::byte_level())), false);
        assert_eq!(stream.push(&[0]).unwrap(), "a");
        let error = stream.push(&[1, 99]).unwrap_err().to_string();
        assert!(error.starts_with("id 99 at position 2 is not in the vocabulary"), "{error}");
        assert_eq!(stream.push(&[1]).unwrap(), "b");
    }
}
