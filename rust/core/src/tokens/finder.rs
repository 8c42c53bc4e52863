//! Finds texts in a text: of those that begin at the leftmost place the longest, and so on behind it.

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, Input, Match, MatchKind};
use rustc_hash::FxHashSet;

use super::starts::Starts;
use crate::{Error, Result};

/// Aho and Corasick's automaton (1975), and a filter before it, which passes over text where no match begins. A text of
/// any length is read once.
///
/// For few texts, or texts with few first bytes, the crate has a filter. For the others it has none; there it is the two
/// bytes that a match begins with, so that thousands of texts cost what one does, as long as none is there.
#[derive(Debug, Clone)]
pub(super) struct Finder {
    automaton: NFA,
    starts: Option<Starts>,
}

impl Finder {
    /// A finder of texts that are not empty.
    pub(super) fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Result<Self> {
        let automaton = NFA::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .dense_depth(dense_depth(&texts.clone().map(str::as_bytes)))
            .build(texts.clone())
            .map_err(|error| Error::new(format!("the added tokens cannot be indexed: {error}")))?;
        let starts = automaton.prefilter().is_none().then(|| Starts::new(texts.map(str::as_bytes)));
        Ok(Self { automaton, starts })
    }

    /// The first match at `from` or behind.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Match> {
        match &self.starts {
            None => self.automaton.try_find(&Input::new(text).range(from..)).ok()?,
            Some(starts) => self.find_by(starts, text.as_bytes(), from),
        }
    }

    fn find_by(&self, starts: &Starts, bytes: &[u8], from: usize) -> Option<Match> {
        let automaton = &self.automaton;
        let start = automaton.start_state(Anchored::No).ok()?;
        let (mut state, mut place, mut last) = (start, from, None);
        loop {
            if state == start {
                if last.is_some() {
                    return last;
                }
                place = starts.next(bytes, place)?;
            }
            let Some(&byte) = bytes.get(place) else { return last };
            state = automaton.next_state(Anchored::No, state, byte);
            place += 1;
            if automaton.is_special(state) {
                if automaton.is_dead(state) {
                    return last;
                }
                if automaton.is_match(state) {
                    let pattern = automaton.match_pattern(state, 0);
                    last = Some(Match::new(pattern, place - automaton.pattern_len(pattern)..place));
                }
            }
        }
    }
}

/// Up to which depth a state has a place for each byte: the crate would take two, but texts like `<extra_id_7>` part
/// late, and to look for a byte in a list takes thrice as long. Such states may take so many bytes, which stay in a cache.
fn dense_depth<'a>(texts: &(impl Iterator<Item = &'a [u8]> + Clone)) -> usize {
    const LEAST: usize = 2;
    const MOST: usize = 8;
    const MOST_BYTES: usize = 1 << 18;
    let bytes: FxHashSet<u8> = texts.clone().flatten().copied().collect();
    let size_of_state = (bytes.len() + 1) * size_of::<u32>();
    let mut states = 1;
    for depth in 1..MOST {
        let prefixes: FxHashSet<&[u8]> = texts.clone().filter_map(|text| text.get(..depth)).collect();
        states += prefixes.len();
        if states * size_of_state > MOST_BYTES {
            return depth.max(LEAST);
        }
    }
    MOST
}

#[cfg(test)]
mod tests {
    use super::*;
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    fn all(finder: &Finder, text: &str) -> Vec<Match> {
        let mut from = 0;
        let next = || {
            let found = finder.find(text, from)?;
            from = found.end();
            Some(found)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn states_are_dense_as_deep_as_there_is_room() {
        let numbered: Vec<String> = (0..5000).map(|number| format!("<extra_id_{number}>")).collect();
        let random = (0..50_000_u64).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        let random: Vec<[u8; 8]> = random.collect();
        assert_eq!(dense_depth(&numbered.iter().map(String::as_bytes)), 8);
        assert_eq!(dense_depth(&random.iter().map(<[u8; 8]>::as_slice)), 2);
        assert_eq!(dense_depth(&std::iter::empty()), 8);
    }

    proptest! {
        #[test]
        fn matches_are_those_of_the_crate(
            texts in proptest::collection::btree_set("[ab ]{1,5}|<[a-c]{0,3}>|é?漢", 1..30),
            text in "[abc <>é漢]{0,200}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut finder = Finder::new(texts.iter().copied()).unwrap();
            let crates = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts).unwrap();
            let want: Vec<Match> = crates.find_iter(&text).collect();
            prop_assert_eq!(&all(&finder, &text), &want);
            finder.starts = Some(Starts::new(texts.iter().map(|text| text.as_bytes())));
            prop_assert_eq!(all(&finder, &text), want);
        }
    }
}
