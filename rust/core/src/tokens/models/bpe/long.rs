//! Merging in words of any length, in time that grows with the length alone.
//!
//! The word is merged in windows that overlap, each in bounded time, and what they give is put together where they
//! agree. This is exact, whatever the merges are:
//!
//! *Let the word be `x t z`. Let `t` be a token of what some `x t a` becomes, `a` being what `z` begins with, and of
//! what some `y t z` becomes, `y` being what `x` ends with. Then the word becomes what `x t a` gives up to `t`, and what
//! `y t z` gives from `t` on.* For suppose not. Merges are carried out in the order of rank and place. While none of them
//! crosses an edge of `t`, each of `x`, `t` and `z` is merged as it is alone, and those of any two of them come in an
//! order that does not depend on the third. Look at the first merge that crosses an edge. If it is the left edge, then
//! `x` and `t` are as they are at some point of merging `x t a`, where nothing crosses, as `t` is a token in the end. There
//! too it comes before all else that `x` and `t` can do, and what `a` does changes neither of them, so it would be carried
//! out: a contradiction. If it is the right edge, the same is said of `y t z`.
//!
//! So a word is merged up to some place, and a window from a little before this place is merged alone; where the two
//! share a token, the rest of the window replaces the rest of the word's. Where they share none, a longer window is
//! tried, from further back. Real vocabularies agree within a few tokens. The worst there is, a merge whose effects go
//! through the whole word, ends with a window that is the whole word, after windows of half, a quarter, ... of it:
//! O(n log n).

use super::heap;
use super::merge::Merges;
use super::out::Out;
use super::symbols::Symbols;
use super::window::{self, Window};

/// How far a window goes back into what is merged already, at first.
const OVERLAP: usize = 48;

/// A row of symbols that is read from its begin to its end.
pub(super) trait Source {
    /// Reads until there are so many symbols, or all that there are; returns how many of these there are.
    fn reach(&mut self, count: usize) -> usize;

    /// A symbol that was read and not forgotten.
    fn symbol(&self, place: usize) -> u32;

    /// How many bytes so many symbols from a place on cover.
    fn length(&self, place: usize, count: usize) -> usize;

    /// The symbols before a place will not be asked for again, but after [`Source::restart`].
    fn forget(&mut self, place: usize);

    /// Goes back to the begin.
    fn restart(&mut self);
}

/// A row that is there as a whole, its symbols of one byte each.
pub(super) struct Whole<'s, S: ?Sized>(pub(super) &'s S);

impl<S: Symbols + ?Sized> Source for Whole<'_, S> {
    fn reach(&mut self, count: usize) -> usize {
        count.min(self.0.len())
    }

    #[inline]
    fn symbol(&self, place: usize) -> u32 {
        self.0.symbol(place)
    }

    fn length(&self, _: usize, count: usize) -> usize {
        count
    }

    fn forget(&mut self, _: usize) {}

    fn restart(&mut self) {}
}

/// Part of a word.
struct Part<'s, S> {
    whole: &'s S,
    begin: usize,
    end: usize,
}

impl<S: Source> Symbols for Part<'_, S> {
    fn len(&self) -> usize {
        self.end - self.begin
    }

    fn symbol(&self, place: usize) -> u32 {
        self.whole.symbol(self.begin + place)
    }
}

/// Up to so many tokens wait until they are given out. Of a long word all would be much memory, which costs more time
/// than merging where it is touched for the first time.
const WAITING: usize = 1 << 14;

/// Appends what is left of a word when it is merged.
pub(super) fn merge(merges: &Merges, word: &mut impl Source, out: &mut impl Out) {
    merge_with(merges, word, WAITING, out);
}

fn merge_with(merges: &Merges, word: &mut impl Source, waiting: usize, out: &mut impl Out) {
    let start = out.len();
    if merge_waiting(merges, word, waiting, out).is_err() {
        out.truncate(start);
        word.restart();
        // Now none is given out before all is done, so that this cannot fail.
        let _done = merge_waiting(merges, word, usize::MAX, out);
    }
}

/// A window has to go back to tokens that were given out.
struct WaitedTooShort;

/// The same with up to so many tokens that wait.
fn merge_waiting(
    merges: &Merges,
    word: &mut impl Source,
    waiting: usize,
    out: &mut impl Out,
) -> Result<(), WaitedTooShort> {
    let mut room = Window::new();
    // What the word gives from `given` up to `done`, and what the window gives.
    let (mut tokens, mut found) = (Vec::new(), Vec::new());
    let (mut given, mut done) = (0, 0);
    let mut overlap = OVERLAP;
    loop {
        let (kept, begin) = step_back(&tokens, done, overlap);
        let end = word.reach(begin + (2 * (done - begin)).max(window::LONGEST));
        if end == done {
            break;
        }
        if kept == 0 && given > 0 {
            return Err(WaitedTooShort);
        }
        found.clear();
        merge_window(merges, &Part { whole: word, begin, end }, &mut room, &mut found);
        match meeting(&tokens[kept..], &found) {
            _ if begin == 0 => std::mem::swap(&mut tokens, &mut found),
            Some((ours, theirs)) => {
                tokens.truncate(kept + ours);
                tokens.extend_from_slice(&found[theirs..]);
            }
            None => {
                overlap *= 2;
                continue;
            }
        }
        done = end;
        overlap = OVERLAP;
        if tokens.len() / 2 >= waiting {
            let first = tokens.len() - waiting;
            given = give(tokens.drain(..first), word, given, out);
        }
    }
    give(tokens.into_iter(), word, given, out);
    Ok(())
}

/// Gives out the tokens that begin at a place of the word; returns where they end.
fn give(
    tokens: impl Iterator<Item = (u32, u32)>,
    word: &mut impl Source,
    mut place: usize,
    out: &mut impl Out,
) -> usize {
    for (id, count) in tokens {
        out.push(id, word.length(place, count as usize));
        place += count as usize;
    }
    word.forget(place);
    place
}

fn merge_window(
    merges: &Merges,
    part: &Part<'_, impl Source>,
    room: &mut Window,
    found: &mut Vec<(u32, u32)>,
) {
    if part.len() <= window::LONGEST {
        room.merge(merges, part);
        found.extend(room.tokens().map(|(id, count)| (id, count as u32)));
    } else {
        heap::merge(merges, part, found);
    }
}

/// The last token that begins `overlap` symbols or more before `done`, where the tokens end: how many tokens are before
/// it, and how many symbols.
fn step_back(tokens: &[(u32, u32)], done: usize, overlap: usize) -> (usize, usize) {
    let (mut kept, mut begin) = (tokens.len(), done);
    while kept > 0 && begin + overlap > done {
        kept -= 1;
        begin -= tokens[kept].1 as usize;
    }
    (kept, begin)
}

/// The first token that both rows have at the same place, if they begin at the same one: how many tokens either has up
/// to it, itself included.
fn meeting(one: &[(u32, u32)], other: &[(u32, u32)]) -> Option<(usize, usize)> {
    let (mut ours, mut theirs) = (0, 0);
    let (mut our_end, mut their_end) = (0, 0);
    while let (Some(&(_, our_count)), Some(&(_, their_count))) = (one.get(ours), other.get(theirs)) {
        if our_end == their_end && our_count == their_count {
            return Some((ours + 1, theirs + 1));
        }
        if our_end + our_count <= their_end + their_count {
            (our_end, ours) = (our_end + our_count, ours + 1);
        } else {
            (their_end, theirs) = (their_end + their_count, theirs + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::models::Token;
    use crate::tokens::models::bpe::merge::tests::merges_of;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn merged(merges: &Merges, ids: &[u32], waiting: usize) -> Vec<(u32, u32)> {
        let symbols: Vec<Cell<Token>> = ids.iter().map(|&id| Cell::new(Token { id, length: 1 })).collect();
        // What stands before a word stays.
        let mut out = vec![(9, 9)];
        merge_with(merges, &mut Whole(&symbols[..]), waiting, &mut out);
        assert_eq!(out.remove(0), (9, 9));
        out
    }

    fn heaped(merges: &Merges, ids: &[u32]) -> Vec<(u32, u32)> {
        let symbols: Vec<Cell<Token>> = ids.iter().map(|&id| Cell::new(Token { id, length: 1 })).collect();
        let mut out = Vec::new();
        heap::merge(merges, &symbols[..], &mut out);
        out
    }

    /// 0 1 2 ... `last` 0 1 2 ...: each pair comes before the one on its left, so that the right end decides for all
    /// the letters up to where `last` and 0 meet, and, if these become one too, for all of the word.
    fn domino(last: u32, whole: bool) -> Merges {
        let mut merges = Merges::default();
        for letter in 0..last {
            merges.insert((letter, letter + 1), 10_000 - letter, 10_000 + letter);
        }
        if whole {
            merges.insert((last, 0), 1, 30_000);
        }
        merges
    }

    #[test]
    fn tokens_that_were_given_out_are_taken_back() {
        for (last, whole) in [(60, true), (60, false), (2999, true), (2999, false)] {
            let merges = domino(last, whole);
            for length in [1023, 1024, 1025, 5000, 20_011] {
                let ids: Vec<u32> = (0..length).map(|place| place % (last + 1)).collect();
                let want = heaped(&merges, &ids);
                for waiting in [1, 100, 1000, WAITING, usize::MAX] {
                    assert_eq!(merged(&merges, &ids, waiting), want, "{last} {whole} {length} {waiting}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn however_few_tokens_wait(
            letters in proptest::collection::vec(0_u32..4, 1..9),
            length in 0_usize..5000,
            noise in proptest::collection::vec((0_usize..5000, 0_u32..4), 0..100),
            pairs in proptest::collection::vec((0_usize..40, 0_usize..40), 0..60),
            shuffle in 1_u32..1009,
            waiting in 1_usize..300,
        ) {
            let mut ids: Vec<u32> = letters.iter().copied().cycle().take(length).collect();
            for (place, letter) in noise {
                if let Some(id) = ids.get_mut(place) {
                    *id = letter;
                }
            }
            let merges = merges_of(&pairs, shuffle);
            prop_assert_eq!(merged(&merges, &ids, waiting), heaped(&merges, &ids));
        }
    }
}
