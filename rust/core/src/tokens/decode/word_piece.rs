//! A prefix that continues words; every other token begins one and gets a space before it.

use super::pipeline::Step;
use super::portion::{Portion, WholeTokens};
use crate::Result;

/// What `cleanup` replaces in each token, in order: the rules that English text got from the first BERT tokenizers.
const CLEANUP: [(&str, &str); 11] = [
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
];

/// Cleans one token up.
pub(super) fn clean_up(token: &mut String) {
    for (dirty, clean) in CLEANUP {
        // Every rule begins with a space, and few tokens have one beside their first character.
        if token.contains(dirty) {
            *token = token.replace(dirty, clean);
        }
    }
}

#[derive(Debug)]
pub(super) struct WordPiece {
    prefix: String,
    cleanup: bool,
    tokens: WholeTokens,
    is_first: bool,
    token: String,
}

impl WordPiece {
    pub(super) fn new(prefix: &str, cleanup: bool) -> Self {
        let (tokens, token) = Default::default();
        Self { prefix: prefix.to_owned(), cleanup, tokens, is_first: true, token }
    }
}

impl Step for WordPiece {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        let Self { prefix, cleanup, tokens, is_first, token } = self;
        tokens.each(input, |piece| {
            token.clear();
            if std::mem::take(is_first) {
                token.push_str(piece);
            } else if let Some(rest) = piece.strip_prefix(prefix.as_str()) {
                token.push_str(rest);
            } else {
                token.push(' ');
                token.push_str(piece);
            }
            if *cleanup {
                clean_up(token);
            }
            output.push(token);
        });
        Ok(())
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
