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
use super::symbols::Symbols;
use super::window::{self, Window};

/// How far a window goes back into what is merged already, at first.
const OVERLAP: usize = 48;

/// Part of a word.
struct Part<'s, Whole: ?Sized> {
    whole: &'s Whole,
    begin: usize,
    end: usize,
}

impl<Whole: Symbols + ?Sized> Symbols for Part<'_, Whole> {
    fn len(&self) -> usize {
        self.end - self.begin
    }

    fn symbol(&self, place: usize) -> u32 {
        self.whole.symbol(self.begin + place)
    }
}

/// What is left of a word when it is merged: symbols, each with how many it was made of.
pub(super) fn merge(merges: &Merges, word: &(impl Symbols + ?Sized)) -> Vec<(u32, u32)> {
    let mut room = Window::new();
    // What the word gives up to `done`, and what the window gives.
    let (mut tokens, mut found) = (Vec::new(), Vec::new());
    let mut done = 0;
    let mut overlap = OVERLAP;
    while done < word.len() {
        let (kept, begin) = step_back(&tokens, done, overlap);
        let end = word.len().min(begin + (2 * (done - begin)).max(window::LONGEST));
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
    }
    tokens
}

fn merge_window(
    merges: &Merges,
    part: &Part<'_, impl Symbols + ?Sized>,
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
