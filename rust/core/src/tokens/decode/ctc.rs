//! Connectionist temporal classification: a token that is repeated is one, unless padding stands between
//! (Graves et al. 2006).

use super::pipeline::Step;
use super::portion::{Portion, WholeTokens};
use super::word_piece::clean_up;
use crate::Result;

#[derive(Debug)]
pub(super) struct Ctc {
    pad_token: String,
    word_delimiter_token: String,
    cleanup: bool,
    tokens: WholeTokens,
    previous: Option<String>,
}

impl Ctc {
    pub(super) fn new(pad_token: &str, word_delimiter_token: &str, cleanup: bool) -> Self {
        Self {
            pad_token: pad_token.to_owned(),
            word_delimiter_token: word_delimiter_token.to_owned(),
            cleanup,
            tokens: WholeTokens::default(),
            previous: None,
        }
    }
}

impl Step for Ctc {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        let Self { pad_token, word_delimiter_token, cleanup, tokens, previous } = self;
        tokens.each(input, |token| {
            if previous.as_deref() == Some(token) {
                return;
            }
            *previous = Some(token.to_owned());
            let mut text = token.replace(pad_token.as_str(), "");
            if *cleanup {
                clean_up(&mut text);
                text = text.replace(word_delimiter_token.as_str(), " ");
            }
            if !text.is_empty() {
                output.push(&text);
            }
        });
        Ok(())
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
