//! What becomes of the matches by which a text is cut.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Where a text is cut around matches. Of `the-final--countdown`, cut at `-`:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behavior {
    /// `the`, `final`, `countdown`.
    Removed,
    /// `the`, `-`, `final`, `-`, `-`, `countdown`.
    Isolated,
    /// `the-`, `final-`, `-`, `countdown`.
    MergedWithPrevious,
    /// `the`, `-final`, `-`, `-countdown`.
    MergedWithNext,
    /// `the`, `-`, `final`, `--`, `countdown`.
    Contiguous,
}

/// A range of the text, and whether it is a match.
type Part = (Range<usize>, bool);

impl Behavior {
    /// Appends to `kept` the ranges of a text of `length` bytes that are left after it was cut at `matches`. With
    /// `invert`, what is no match is taken for one.
    pub(super) fn cut(
        self,
        length: usize,
        matches: &[Range<usize>],
        invert: bool,
        kept: &mut Vec<Range<usize>>,
    ) {
        let parts = parts(length, matches, invert);
        match self {
            Self::Isolated => kept.extend(parts.map(|(range, _)| range)),
            Self::Removed => kept.extend(parts.filter(|(_, is_match)| !is_match).map(|(range, _)| range)),
            Self::Contiguous => merge(parts, |is_match, previous| is_match == previous, kept),
            Self::MergedWithPrevious => merge(parts, |is_match, previous| is_match && !previous, kept),
            Self::MergedWithNext => {
                let first = kept.len();
                let mut backwards: Vec<Part> = parts.collect();
                backwards.reverse();
                merge(backwards.into_iter(), |is_match, previous| is_match && !previous, kept);
                kept[first..].reverse();
            }
        }
    }
}

/// The matches and what lies between them, in order.
fn parts(length: usize, matches: &[Range<usize>], invert: bool) -> impl Iterator<Item = Part> {
    let end = length..length;
    let mut done = 0;
    matches.iter().cloned().map(Some).chain([None]).flat_map(move |found| {
        let before = done..found.as_ref().unwrap_or(&end).start;
        done = found.as_ref().unwrap_or(&end).end;
        let before = (!before.is_empty()).then_some((before, invert));
        before.into_iter().chain(found.map(|range| (range, !invert)))
    })
}

/// Joins each part to the one before it where `joins(is_match, previous_is_match)`; before the first there is none.
fn merge(parts: impl Iterator<Item = Part>, joins: fn(bool, bool) -> bool, kept: &mut Vec<Range<usize>>) {
    let first = kept.len();
    let mut previous = false;
    for (range, is_match) in parts {
        let joined = if kept.len() > first && joins(is_match, previous) { kept.last_mut() } else { None };
        match joined {
            Some(last) => *last = last.start.min(range.start)..last.end.max(range.end),
            None => kept.push(range),
        }
        previous = is_match;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaviors() {
        let text = "the-final--countdown";
        let matches: Vec<_> = text.match_indices('-').map(|(place, _)| place..place + 1).collect();
        for (behavior, want) in [
            (Behavior::Removed, "the final countdown"),
            (Behavior::Isolated, "the - final - - countdown"),
            (Behavior::MergedWithPrevious, "the- final- - countdown"),
            (Behavior::MergedWithNext, "the -final - -countdown"),
            (Behavior::Contiguous, "the - final -- countdown"),
        ] {
            let mut kept = Vec::new();
            behavior.cut(text.len(), &matches, false, &mut kept);
            let got: Vec<&str> = kept.into_iter().map(|range| &text[range]).collect();
            assert_eq!(got.join(" "), want);
        }
    }
}
