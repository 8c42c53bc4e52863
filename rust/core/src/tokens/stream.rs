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
