//! Text to words: what the merges of a byte-level BPE may not cross.

use crate::text::classes::{Class, class_of};

/// How text is split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// GPT-2's pattern (Radford et al. 2019, `encoder.py`):
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    Gpt2,
    /// The whole text is one word.
    Whole,
}

impl Split {
    /// The words of `text`, in order and without gaps.
    ///
    /// ```
    /// use fastmask_core::text::Split;
    /// let words: Vec<&str> = Split::Gpt2.words("I'll  go 2day!\n").collect();
    /// assert_eq!(words, ["I", "'ll", " ", " go", " 2", "day", "!", "\n"]);
    /// ```
    pub fn words(self, text: &str) -> Words<'_> {
        Words { rest: text, split: self }
    }
}

/// Iterator over the words of a text.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    rest: &'a str,
    split: Split,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let length = match self.split {
            Split::Gpt2 => gpt2_word(self.rest),
            Split::Whole => self.rest.len(),
        };
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(word)
    }
}

const CONTRACTIONS: [&str; 7] = ["s", "t", "re", "ve", "m", "ll", "d"];

/// The length in bytes of the first word of `text`, which is not empty.
///
/// The alternatives of the pattern, in its order: a contraction; a run of one class, with one space before it; a
/// run of white space, which leaves its last character to the word that follows.
#[inline]
fn gpt2_word(text: &str) -> usize {
    if let Some(after) = text.strip_prefix('\'')
        && let Some(ending) = CONTRACTIONS.iter().find(|ending| after.starts_with(**ending))
    {
        return 1 + ending.len();
    }
    let lead = usize::from(text.starts_with(' '));
    match text[lead..].chars().next().map(class_of) {
        None | Some(Class::Space) => white_space(text),
        Some(class) => lead + run_of(class, &text[lead..]),
    }
}

#[inline]
fn run_of(class: Class, text: &str) -> usize {
    text.char_indices()
        .find(|&(_, character)| class_of(character) != class)
        .map_or(text.len(), |(index, _)| index)
}

fn white_space(text: &str) -> usize {
    let run = run_of(Class::Space, text);
    let last = text[..run].chars().next_back().map_or(0, char::len_utf8);
    if run == text.len() || run == last { run } else { run - last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fancy_regex::Regex;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+").unwrap()
    });

    fn assert_agrees(text: &str) {
        let want: Vec<&str> = PATTERN.find_iter(text).map(|found| found.unwrap().as_str()).collect();
        let got: Vec<&str> = Split::Gpt2.words(text).collect();
        assert_eq!(got, want, "{text:?}");
        assert_eq!(got.concat(), text);
    }

    #[test]
    fn agrees_with_the_pattern_on_cases() {
        for text in [
            "",
            " ",
            "  ",
            "a",
            " a",
            "  a",
            "\n a",
            " \na",
            "\n\na",
            "a \n",
            "'s",
            " 's",
            "''s",
            "'ll'd",
            "'S",
            "'re're",
            "don't",
            "1st 2nd",
            "x² ½",
            "\u{a0}a",
            " \u{a0}a",
            "\u{3000}漢字",
            "e\u{301}e",
            "👍👍 👍",
            "\0\0 \0",
            "a\r\n\tb",
            "\u{85} x",
            "'",
            " ' ",
            "v've",
            "_a_",
        ] {
            assert_agrees(text);
        }
    }

    #[test]
    fn agrees_with_the_pattern_around_every_character() {
        for character in '\0'..=char::MAX {
            assert_agrees(&format!("a{character} {character}1"));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_pattern_on_any_text(text in "\\PC*") {
            assert_agrees(&text);
        }

        #[test]
        fn agrees_with_the_pattern_on_dense_text(text in "[ \n\t'a-esltrvmdé1²漢!\u{a0}\u{301}]{0,40}") {
            assert_agrees(&text);
        }
    }
}
