//! The steps of a decoder, one after the other.

use super::portion::Portion;
use super::{Decoder, bpe, bytes, ctc, join, metaspace, replace, strip, word_piece};
use crate::Result;

/// One decoder at work.
pub(super) trait Step: std::fmt::Debug + Send + Sync {
    /// Takes some tokens and adds to `output` what is certain by now: whatever comes later, what the whole gives
    /// begins with it.
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()>;

    /// Adds what was held back; there are no more tokens, and none is unfinished.
    fn finish(&mut self, output: &mut Portion) -> Result<()>;
}

/// A decoder at work on one text.
#[derive(Debug)]
pub(in super::super) struct Pipeline {
    steps: Vec<Box<dyn Step>>,
    /// Kept between calls for their memory.
    input: Portion,
    output: Portion,
}

impl Pipeline {
    pub(in super::super) fn new(decoder: Option<&Decoder>) -> Self {
        let steps = match decoder {
            Some(decoder) => decoder.flattened().into_iter().map(step_of).collect(),
            None => vec![Box::<join::Spaced>::default() as Box<dyn Step>],
        };
        Self { steps, input: Portion::default(), output: Portion::default() }
    }

    /// Adds to `text` what is certain with `tokens`.
    pub(in super::super) fn feed<Token: AsRef<str>>(
        &mut self,
        tokens: impl IntoIterator<Item = Token>,
        text: &mut String,
    ) -> Result<()> {
        self.input.clear();
        for token in tokens {
            self.input.push(token.as_ref());
        }
        for step in &mut self.steps {
            self.output.clear();
            step.feed(&self.input, &mut self.output)?;
            std::mem::swap(&mut self.input, &mut self.output);
        }
        text.push_str(self.input.text());
        Ok(())
    }

    /// Adds the rest to `text`.
    pub(in super::super) fn finish(&mut self, text: &mut String) -> Result<()> {
        self.input.clear();
        for step in &mut self.steps {
            self.output.clear();
            step.feed(&self.input, &mut self.output)?;
            step.finish(&mut self.output)?;
            std::mem::swap(&mut self.input, &mut self.output);
        }
        text.push_str(self.input.text());
        Ok(())
    }
}

fn step_of(decoder: &Decoder) -> Box<dyn Step> {
    match decoder {
        Decoder::Bpe { suffix } => Box::new(bpe::Suffix::new(suffix)),
        Decoder::ByteLevel { .. } => Box::<bytes::ByteLevel>::default(),
        Decoder::WordPiece { prefix, cleanup } => Box::new(word_piece::WordPiece::new(prefix, *cleanup)),
        Decoder::Metaspace(metaspace) => Box::new(metaspace::Spaces::new(*metaspace)),
        Decoder::Ctc { pad_token, word_delimiter_token, cleanup } => {
            Box::new(ctc::Ctc::new(pad_token, word_delimiter_token, *cleanup))
        }
        Decoder::Replace(replace) => replace::step(replace),
        Decoder::Strip { content, start, stop } => Box::new(strip::Strip::new(*content, *start, *stop)),
        Decoder::ByteFallback {} => Box::<bytes::ByteFallback>::default(),
        // A sequence is taken apart before.
        Decoder::Fuse {} | Decoder::Sequence { .. } => Box::<join::Fuse>::default(),
    }
}
