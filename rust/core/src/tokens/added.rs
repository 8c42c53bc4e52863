//! Added tokens: texts that are one token wherever they stand, found before anything else is split.

use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::finder::Finder;
use crate::text::{Normalizer, is_word_character};
use crate::{Error, Result};

/// A token that is matched in the text itself, as `added_tokens` of a `tokenizer.json` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are the fields of the file")]
pub struct AddedToken {
    /// Its id.
    pub id: u32,
    /// Its text.
    pub content: String,
    /// Whether it stands only where no word character touches it.
    pub single_word: bool,
    /// Whether it takes the white space on its left.
    pub lstrip: bool,
    /// Whether it takes the white space on its right.
    pub rstrip: bool,
    /// Whether it is looked for in the normalized text, after the tokens that are not.
    pub normalized: bool,
    /// Whether decoding may skip it, and whether the caller may forbid it in a text.
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

/// A stretch of text: an added token with the bytes that it takes, or what lies between two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stretch<'a> {
    Text(Range<usize>),
    Token(&'a AddedToken, Range<usize>),
}

/// Finds added tokens: the longest at the leftmost place. Some are looked for in the raw text; the others, after it
/// has been normalized, in the form that the normalizer gives them (the order of the `tokenizers` library).
#[derive(Debug, Clone, Default)]
pub(super) struct AddedTokens {
    all: Vec<AddedToken>,
    raw: Option<Tokens>,
    normalized: Option<Tokens>,
    /// The normalized form of those tokens whose form differs from their content.
    forms: FxHashMap<u32, String>,
}

/// The tokens of one search.
#[derive(Debug, Clone)]
struct Tokens {
    finder: Finder,
    /// For each text of the finder its place in `all`.
    places: Vec<usize>,
    /// The length of the longest text of the finder.
    longest: usize,
    /// Whether any of them takes white space with it.
    strip: bool,
}

/// Which of the two searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Raw,
    Normalized,
}

impl AddedTokens {
    pub(super) fn new(all: Vec<AddedToken>, normalizer: Option<&Normalizer>) -> Result<Self> {
        if let Some(token) = all.iter().find(|token| token.content.is_empty()) {
            return Err(
                Error::new(format!("the added token with id {} is empty", token.id)).advise("give it a text")
            );
        }
        let mut forms = FxHashMap::default();
        for token in all.iter().filter(|token| token.normalized) {
            let form = normalized_form(token, normalizer)?;
            if form != token.content {
                forms.insert(token.id, form);
            }
        }
        let of_raw = Tokens::new(&all, &forms, false)?;
        let of_normalized = Tokens::new(&all, &forms, true)?;
        Ok(Self { all, raw: of_raw, normalized: of_normalized, forms })
    }

    pub(super) fn all(&self) -> &[AddedToken] {
        &self.all
    }

    /// How decoding spells an added token: in its normalized form, where it has one.
    pub(super) fn spelled<'a>(&'a self, token: &'a AddedToken) -> &'a str {
        self.forms.get(&token.id).map_or(&token.content, String::as_str)
    }

    pub(super) fn is_empty(&self, search: Search) -> bool {
        self.tokens(search).is_none()
    }

    /// The length of the longest text that is looked for.
    pub(super) fn reach(&self) -> usize {
        let all = self.raw.iter().chain(&self.normalized);
        all.map(|tokens| tokens.longest).max().unwrap_or_default()
    }

    /// Whether what a search finds in two texts, one after the other, is what it finds in each: no token reaches across or
    /// touches the border. False where the second text is too short to show it.
    pub(super) fn leave_apart(&self, search: Search, left: &str, right: &str) -> bool {
        self.tokens(search).is_none_or(|tokens| tokens.leave_apart(left, right))
    }

    fn tokens(&self, search: Search) -> Option<&Tokens> {
        match search {
            Search::Raw => self.raw.as_ref(),
            Search::Normalized => self.normalized.as_ref(),
        }
    }

    /// Calls `visit` with the stretches of `text` in order, none of them empty text. Where `parse_special` is
    /// false, special tokens are ordinary text.
    pub(super) fn stretches<'a>(
        &'a self,
        search: Search,
        text: &str,
        parse_special: bool,
        visit: &mut impl FnMut(Stretch<'a>) -> Result<()>,
    ) -> Result<()> {
        let mut done = 0;
        if let Some(tokens) = self.tokens(search) {
            let mut searched = 0;
            while let Some(found) = tokens.finder.find(text, searched) {
                searched = found.end();
                let token = &self.all[tokens.places[found.pattern().as_usize()]];
                if (token.special && !parse_special) || !stands_alone(token, text, found.start(), found.end())
                {
                    continue;
                }
                let start = stripped_start(token, text, done, found.start());
                if done < start {
                    visit(Stretch::Text(done..start))?;
                }
                let end = stripped_end(token, text, found.end());
                visit(Stretch::Token(token, start..end))?;
                done = end;
            }
        }
        if done < text.len() {
            visit(Stretch::Text(done..text.len()))?;
        }
        Ok(())
    }
}

fn normalized_form(token: &AddedToken, normalizer: Option<&Normalizer>) -> Result<String> {
    let content = &token.content;
    let form = normalizer.map_or_else(|| Ok(content.clone()), |normalizer| normalizer.normalized(content))?;
    if form.is_empty() {
        return Err(Error::new(format!(
            "nothing is left of the added token {:?} when it is normalized",
            token.content
        ))
        .advise("let it be matched in the raw text: set its \"normalized\" to false"));
    }
    Ok(form)
}

impl Tokens {
    fn new(all: &[AddedToken], forms: &FxHashMap<u32, String>, normalized: bool) -> Result<Option<Self>> {
        let places: Vec<usize> =
            (0..all.len()).filter(|&place| all[place].normalized == normalized).collect();
        if places.is_empty() {
            return Ok(None);
        }
        let form = |place: &usize| forms.get(&all[*place].id).unwrap_or(&all[*place].content).as_str();
        let mut seen = FxHashMap::default();
        for place in &places {
            if let Some(other) = seen.insert(form(place), *place) {
                let (first, second) = (&all[other].content, &all[*place].content);
                return Err(Error::new(format!(
                    "the added tokens {first:?} and {second:?} are the same when they are normalized"
                ))
                .advise("keep one, or let one be matched in the raw text"));
            }
        }
        let finder = Finder::new(places.iter().map(form))?;
        let longest = places.iter().map(|place| form(place).len()).max().unwrap_or_default();
        let strip = places.iter().any(|&place| all[place].lstrip || all[place].rstrip);
        Ok(Some(Self { finder, places, longest, strip }))
    }

    fn leave_apart(&self, left: &str, right: &str) -> bool {
        if right.len() < self.longest || (self.strip && left.ends_with(char::is_whitespace)) {
            return false;
        }
        let starts = 0..=left.len().saturating_sub(self.longest);
        let start = starts.rev().find(|&start| left.is_char_boundary(start)).unwrap_or_default();
        let end = (self.longest..right.len()).find(|&end| right.is_char_boundary(end)).unwrap_or(right.len());
        let around = format!("{}{}", &left[start..], &right[..end]);
        self.finder.find(&around, 0).is_none()
    }
}

fn stands_alone(token: &AddedToken, text: &str, start: usize, end: usize) -> bool {
    !token.single_word
        || !(text[..start].chars().next_back().is_some_and(is_word_character)
            || text[end..].chars().next().is_some_and(is_word_character))
}

fn stripped_start(token: &AddedToken, text: &str, done: usize, start: usize) -> usize {
    // What an earlier match took with its right-hand white space is gone.
    if token.lstrip { text[..start].trim_end().len().max(done) } else { start }
}

fn stripped_end(token: &AddedToken, text: &str, end: usize) -> usize {
    if token.rstrip { text.len() - text[end..].trim_start().len() } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tokens: Vec<AddedToken>, text: &str, parse_special: bool) -> Vec<String> {
        shown_by(Search::Raw, tokens, text, parse_special)
    }

    fn shown_by(search: Search, tokens: Vec<AddedToken>, text: &str, parse_special: bool) -> Vec<String> {
        let lowercase: Normalizer = serde_json::from_str(r#"{"type": "Lowercase"}"#).unwrap();
        let mut seen = Vec::new();
        AddedTokens::new(tokens, Some(&lowercase))
            .unwrap()
            .stretches(search, text, parse_special, &mut |stretch| {
                seen.push(match stretch {
                    Stretch::Text(range) => text[range].to_owned(),
                    Stretch::Token(token, _) => format!("#{}", token.id),
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
    fn normalized_tokens_are_looked_for_in_their_normalized_form() {
        let mut normalized = AddedToken::special("AB", 1);
        normalized.normalized = true;
        let both = vec![normalized, AddedToken::special("BC", 2)];
        assert_eq!(shown_by(Search::Raw, both.clone(), "ABC ab", true), ["A", "#2", " ab"]);
        assert_eq!(shown_by(Search::Normalized, both, "bc ab AB", true), ["bc ", "#1", " AB"]);
    }
}
