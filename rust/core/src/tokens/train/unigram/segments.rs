//! What pieces are found in: the words, cut where no piece may cross.
//!
//! A piece may not mix scripts nor contain a character that is not of the alphabet. Then no way to segment a word
//! crosses such a place, so to cut words there changes no probability, and the parts are fewer and shorter.

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

use super::scripts::{INHERITED, Scripts};
use crate::tokens::train::WordCounts;
use crate::{Error, Result};

/// Stands for a space at the beginning of a word.
pub(super) const SPACE_MARK: char = '\u{2581}';

/// Stands after each segment; a character is its code point + 1.
pub(super) const END: u32 = 0;

/// Stands for different characters.
pub(super) const SEVERAL: u32 = u32::MAX;

/// Stands for any character that is not of the alphabet.
const UNKNOWN: u32 = u32::MAX - 1;

/// The distinct segments, end to end.
pub(super) struct Segments {
    pub(super) text: Vec<u32>,
    /// Where each segment begins, and where the text ends.
    pub(super) starts: Vec<u32>,
    /// How often each occurs.
    pub(super) counts: Vec<u64>,
    /// What follows each in the words: a character's code point + 1, or `SEVERAL`. A space follows a word.
    pub(super) followers: Vec<u32>,
}

impl Segments {
    /// Cuts the words. `alphabet` are the characters that pieces may have.
    pub(super) fn new(words: &WordCounts, alphabet: &[(char, u64)], split_scripts: bool) -> Result<Self> {
        let alphabet: FxHashSet<char> = alphabet.iter().map(|&(character, _)| character).collect();
        let scripts = split_scripts.then(Scripts::new);
        let mut distinct = WordCounts::new();
        for (word, count) in words.united(1) {
            cut(word, &alphabet, scripts.as_ref(), |segment, _| distinct.add(segment, count));
        }
        let distinct = distinct.sorted();
        let mut followers = vec![END; distinct.len()];
        let numbers: FxHashMap<&str, usize> = distinct.iter().map(|(segment, _)| *segment).zip(0..).collect();
        for (word, _) in words.united(1) {
            cut(word, &alphabet, scripts.as_ref(), |segment, rest| {
                let next = rest.chars().next().unwrap_or(SPACE_MARK);
                let next =
                    if alphabet.contains(&next) || rest.is_empty() { next as u32 + 1 } else { UNKNOWN };
                if let Some(follower) = numbers.get(segment).and_then(|&number| followers.get_mut(number)) {
                    *follower = if [END, next].contains(follower) { next } else { SEVERAL };
                }
            });
        }
        let mut segments = Self { text: Vec::new(), starts: vec![0], counts: Vec::new(), followers };
        for (segment, count) in distinct {
            segments.text.extend(segment.chars().map(|character| character as u32 + 1));
            segments.text.push(END);
            segments.starts.push(segments.text.len() as u32);
            segments.counts.push(count);
        }
        if u32::try_from(segments.text.len()).is_ok() {
            return Ok(segments);
        }
        Err(Error::new("the distinct words of the text have more than four thousand million characters")
            .advise("train on a sample of the text, or split it into smaller words"))
    }

    /// Where a segment begins, and how many characters it has.
    #[inline]
    pub(super) fn place(&self, segment: usize) -> (usize, usize) {
        let (start, end) = (self.starts[segment] as usize, self.starts[segment + 1] as usize);
        (start, end - 1 - start)
    }

    /// The text of the piece that stands at `at`.
    pub(super) fn piece(&self, at: u32, length: usize) -> String {
        let characters = self.text.iter().skip(at as usize).take(length);
        characters.filter_map(|&code| char::from_u32(code.wrapping_sub(1))).collect()
    }
}

/// Gives the segments of a word, and what stands after each.
fn cut<'a>(
    word: &'a str,
    alphabet: &FxHashSet<char>,
    scripts: Option<&Scripts>,
    mut segment: impl FnMut(&'a str, &'a str),
) {
    let (mut start, mut script) = (0, None);
    for (index, character) in word.char_indices() {
        if !alphabet.contains(&character) {
            segment(&word[start..index], &word[index..]);
            (start, script) = (index + character.len_utf8(), None);
            continue;
        }
        let Some(own) = scripts.filter(|_| character != SPACE_MARK).map(|scripts| scripts.of(character))
        else {
            continue;
        };
        if own == INHERITED {
            continue;
        }
        if script.is_some_and(|script| script != own) {
            segment(&word[start..index], &word[index..]);
            start = index;
        }
        script = Some(own);
    }
    segment(&word[start..], "");
}

/// The characters that are asked for and, of the others, those that it takes to make up `coverage` of the text; with
/// their counts, the most frequent first.
pub(super) fn alphabet(words: &WordCounts, coverage: f64, asked: &[char]) -> Vec<(char, u64)> {
    let mut counts: FxHashMap<char, u64> = asked.iter().map(|&character| (character, 0)).collect();
    for (word, count) in words.united(1) {
        for character in word.chars() {
            *counts.entry(character).or_default() += count;
        }
    }
    let asked: FxHashSet<char> = asked.iter().copied().collect();
    let mut characters: Vec<_> = counts.into_iter().collect();
    characters
        .sort_unstable_by_key(|(character, count)| (!asked.contains(character), Reverse(*count), *character));
    let all: u64 = characters.iter().map(|(_, count)| count).sum();
    let mut covered = 0;
    characters.retain(|(character, count)| {
        let enough = covered as f64 >= coverage * all as f64;
        covered += count;
        !enough || asked.contains(character)
    });
    characters.sort_unstable_by_key(|&(character, count)| (Reverse(count), character));
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_up(word: &str, scripts: bool) -> Vec<String> {
        let mut segments = Vec::new();
        let alphabet: FxHashSet<char> = word.chars().filter(|&character| character != '!').collect();
        let scripts = scripts.then(Scripts::new);
        cut(word, &alphabet, scripts.as_ref(), |segment, _| segments.push(segment.to_owned()));
        segments.retain(|segment| !segment.is_empty());
        segments
    }

    #[test]
    fn words_are_cut_where_no_piece_may_cross() {
        for (word, want) in [
            ("▁Knightley,", &["▁Knightley", ","][..]),
            ("▁1,000km", &["▁1,000", "km"]),
            ("▁日本ヘー。", &["▁日本ヘー", "。"]),
            ("e\u{301}t\u{301}", &["e\u{301}t\u{301}"]),
            ("\u{301}a", &["\u{301}a"]),
            ("▁a!b!!c!", &["▁a", "b", "c"]),
            ("aб▁cд", &["a", "б▁", "c", "д"]),
            ("!", &[]),
            ("", &[]),
        ] {
            assert_eq!(cut_up(word, true), want, "{word}");
        }
        assert_eq!(cut_up("aб1!c", false), ["aб1", "c"]);
    }

    #[test]
    fn the_rarest_characters_are_left_out() {
        let mut words = WordCounts::new();
        words.add("aab", 10);
        words.add("c", 5);
        words.add("d", 5);
        for (coverage, asked, want) in [
            (1.0, "", "abcd"),
            (0.75, "", "ab"),
            (0.76, "", "abc"),
            (0.1, "", "a"),
            (0.1, "xd", "dx"),
            (0.75, "d", "abd"),
        ] {
            let kept = alphabet(&words, coverage, &asked.chars().collect::<Vec<_>>());
            assert_eq!(
                kept.iter().map(|&(character, _)| character).collect::<String>(),
                want,
                "{coverage} {asked}"
            );
        }
    }
}
