//! A suffix that ends words: it becomes a space, at the end of the text nothing.

use super::pipeline::Step;
use super::portion::{Portion, WholeTokens};
use crate::Result;

#[derive(Debug)]
pub(super) struct Suffix {
    text: String,
    tokens: WholeTokens,
    /// The last token from its suffix on: what becomes of it depends on whether another token follows.
    held: Option<String>,
}

impl Suffix {
    pub(super) fn new(suffix: &str) -> Self {
        Self { text: suffix.to_owned(), tokens: WholeTokens::default(), held: None }
    }
}

impl Step for Suffix {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        let (suffix, held) = (&self.text, &mut self.held);
        self.tokens.each(input, |token| {
            if let Some(held) = held.take() {
                output.push(&held.replace(suffix, " "));
            }
            match token.find(suffix).and_then(|place| token.split_at_checked(place)) {
                Some((certain, rest)) => {
                    output.extend(certain);
                    *held = Some(rest.to_owned());
                }
                None => output.push(token),
            }
        });
        Ok(())
    }

    fn finish(&mut self, output: &mut Portion) -> Result<()> {
        if let Some(held) = self.held.take() {
            output.push(&held.replace(&self.text, ""));
        }
        Ok(())
    }
}
