//! Added tokens: texts that are one token wherever they stand, found before anything else is split.

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use crate::text::is_word_character;
use crate::{Error, Result};

/// A token that is matched in the text itself, as `added_tokens` of a `tokenizer.json` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are the fields of the file")]
pub struct AddedToken {
    /// Its id.
    pub id: u32,
    /// Its text.
    pub content: String,
    /// Whether it stands only where no word character touches it.
    #[serde(default)]
    pub single_word: bool,
    /// Whether it takes the white space on its left.
    #[serde(default)]
    pub lstrip: bool,
    /// Whether it takes the white space on its right.
    #[serde(default)]
    pub rstrip: bool,
    /// Whether it is looked for in the normalized text, after the tokens that are not.
    #[serde(default)]
    pub normalized: bool,
    /// Whether decoding may skip it, and whether the caller may forbid it in a text.
    #[serde(default)]
    pub special: bool,
}

impl AddedToken {
    /// A special token without any flag.
    pub fn special(content: &str, id: u32) -> Self {
        let content = content.to_owned();
        Self {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        }
    }
}

/// A stretch of text: an added token, or what lies between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretch<'t, 'a> {
    Text(&'t str),
    Token(&'a AddedToken),
}

/// Finds added tokens: the longest at the leftmost place, those that want raw text before those that want it
/// normalized (the order of the `tokenizers` library).
#[derive(Debug, Clone, Default)]
pub(super) struct AddedTokens {
    all: Vec<AddedToken>,
    passes: Vec<Pass>,
}

#[derive(Debug, Clone)]
struct Pass {
    finder: AhoCorasick,
    /// For each pattern of `finder` its place in `all`.
    places: Vec<usize>,
}

impl AddedTokens {
    pub(super) fn new(all: Vec<AddedToken>) -> Result<Self> {
        if let Some(token) = all.iter().find(|token| token.content.is_empty()) {
            return Err(
                Error::new(format!("the added token with id {} is empty", token.id)).advise("give it a text")
            );
        }
        let mut passes = Vec::new();
        for normalized in [false, true] {
            let places: Vec<usize> =
                (0..all.len()).filter(|&place| all[place].normalized == normalized).collect();
            if !places.is_empty() {
                let finder = AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(places.iter().map(|&place| &all[place].content))
                    .map_err(|error| Error::new(format!("the added tokens cannot be indexed: {error}")))?;
                passes.push(Pass { finder, places });
            }
        }
        Ok(Self { all, passes })
    }

    pub(super) fn all(&self) -> &[AddedToken] {
        &self.all
    }

    /// Calls `visit` with the stretches of `text` in order. Where `parse_special` is false, special tokens are
    /// ordinary text.
    pub(super) fn stretches<'t, 'a>(
        &'a self,
        text: &'t str,
        parse_special: bool,
        visit: &mut impl FnMut(Stretch<'t, 'a>) -> Result<()>,
    ) -> Result<()> {
        self.stretches_of_pass(0, text, parse_special, visit)
    }

    fn stretches_of_pass<'t, 'a>(
        &'a self,
        number: usize,
        text: &'t str,
        parse_special: bool,
        visit: &mut impl FnMut(Stretch<'t, 'a>) -> Result<()>,
    ) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let Some(pass) = self.passes.get(number) else { return visit(Stretch::Text(text)) };
        let mut done = 0;
        for found in pass.finder.find_iter(text) {
            let token = &self.all[pass.places[found.pattern().as_usize()]];
            if (token.special && !parse_special) || !stands_alone(token, text, found.start(), found.end()) {
                continue;
            }
            // What an earlier match took with its right-hand white space is gone.
            let start = stripped_start(token, text, found.start()).max(done);
            self.stretches_of_pass(number + 1, &text[done..start], parse_special, visit)?;
            visit(Stretch::Token(token))?;
            done = stripped_end(token, text, found.end());
        }
        self.stretches_of_pass(number + 1, &text[done..], parse_special, visit)
    }
}

fn stands_alone(token: &AddedToken, text: &str, start: usize, end: usize) -> bool {
    !token.single_word
        || !(text[..start].chars().next_back().is_some_and(is_word_character)
            || text[end..].chars().next().is_some_and(is_word_character))
}

fn stripped_start(token: &AddedToken, text: &str, start: usize) -> usize {
    if token.lstrip { text[..start].trim_end().len() } else { start }
}

fn stripped_end(token: &AddedToken, text: &str, end: usize) -> usize {
    if token.rstrip { text.len() - text[end..].trim_start().len() } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tokens: Vec<AddedToken>, text: &str, parse_special: bool) -> Vec<String> {
        let mut seen = Vec::new();
        AddedTokens::new(tokens)
            .unwrap()
            .stretches(text, parse_special, &mut |stretch| {
                seen.push(match stretch {
                    Stretch::Text(text) => text.to_owned(),
                    Stretch::Token(token) => format!("#{}", token.id),
                });
                Ok(())
            })
            .unwrap();
        seen
    }

    #[test]
    fn the_longest_at_the_leftmost_place() {
        let tokens = vec![
            AddedToken::special("<a>", 1),
            AddedToken::special("<a><b>", 2),
            AddedToken::special("b", 3),
        ];
        for (text, want) in [
            ("", vec![]),
            ("x", vec!["x"]),
            ("<a>", vec!["#1"]),
            ("x<a><b>y<a>", vec!["x", "#2", "y", "#1"]),
            ("ab", vec!["a", "#3"]),
        ] {
            assert_eq!(shown(tokens.clone(), text, true), want, "{text}");
        }
        assert_eq!(shown(tokens, "x<a>", false), ["x<a>"]);
    }

    #[test]
    fn flags() {
        let token = |change: fn(&mut AddedToken)| {
            let mut token = AddedToken::special("M", 1);
            change(&mut token);
            vec![token]
        };
        assert_eq!(shown(token(|token| token.lstrip = true), "a  M b", true), ["a", "#1", " b"]);
        assert_eq!(shown(token(|token| token.rstrip = true), "a M  M b", true), ["a ", "#1", "#1", "b"]);
        assert_eq!(
            shown(token(|token| token.single_word = true), "aM M Mb M", true),
            ["aM ", "#1", " Mb ", "#1"]
        );
    }

    #[test]
    fn raw_tokens_come_before_normalized_ones() {
        let mut normalized = AddedToken::special("ab", 1);
        normalized.normalized = true;
        assert_eq!(
            shown(vec![normalized, AddedToken::special("bc", 2)], "abc ab", true),
            ["a", "#2", " ", "#1"]
        );
    }
}
