//! The pass through a text that finds the best way to each of its places.
//!
//! A walk along tokens ends where nobody can foretell, so at a character four steps are taken in any case: a place where
//! nothing leads on leads to itself, and what ends there has a score less than any.

#![expect(clippy::inline_always, reason = "what is handed on by value stays in registers only so")]

use super::super::scored_trie::{Node, Score};
use super::CHARACTER;
use super::ends::{Best, Far, NEAR};
use super::weights::Tokens;

/// Goes on from `here` to `stop`, or some bytes further, where the character ends that begins before it. `settle` is called
/// with what is known of each place of `text`, which is UTF-8, in order, those within a character too.
///
/// Of ways with equal sums the one that is met first stays, whose last token begins furthest to the left.
#[inline]
pub(super) fn fill<B: Best>(
    tokens: &Tokens<B::Score>,
    text: &[u8],
    mut here: Here<B>,
    stop: usize,
    far: &mut Far<B>,
    settle: impl FnMut(usize, B),
) -> Here<B> {
    far.make_room(tokens.longest);
    let mut pass = Pass { tokens, text, far, settle };
    while here.begin < stop {
        if here.sum.is_far() {
            pass.far.set_back(here.sum);
            here = here.set_back();
        }
        let length = character_length(&text[here.begin..]);
        // Not a match, which would become a table to jump by.
        here = if length == 1 {
            pass.go::<1>(here)
        } else if length == 3 {
            pass.go::<3>(here)
        } else if length == 2 {
            pass.go::<2>(here)
        } else {
            pass.go::<CHARACTER>(here)
        };
    }
    here
}

/// Where a pass is. It is handed on by value, so that it stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Here<B: Best> {
    pub(super) begin: usize,
    /// The sum of the best way to here.
    pub(super) sum: B::Score,
    /// What is known of the next places.
    pub(super) near: [B; NEAR],
}

impl<B: Best> Here<B> {
    /// The begin of a text, where the sum is so much.
    pub(super) fn start(sum: B::Score) -> Self {
        Self { begin: 0, sum, near: [B::NONE; NEAR] }
    }

    fn set_back(self) -> Self {
        let [first, second, third, fourth] = self.near;
        let back = |best: B| best.set_back(self.sum);
        Self { sum: B::Score::ZERO, near: [back(first), back(second), back(third), back(fourth)], ..self }
    }
}

struct Pass<'a, B: Best, F> {
    tokens: &'a Tokens<B::Score>,
    text: &'a [u8],
    far: &'a mut Far<B>,
    settle: F,
}

impl<B: Best, F: FnMut(usize, B)> Pass<'_, B, F> {
    /// Tries all tokens that begin here, and goes on by a character of so many bytes.
    #[inline(always)]
    fn go<const LENGTH: usize>(&mut self, mut here: Here<B>) -> Here<B> {
        let trie = &self.tokens.trie;
        let bytes = window(self.text, here.begin);
        let first = trie.step(trie.root(), bytes as u8);
        if LENGTH > 1 && !first.leads_on() {
            let end = &mut here.near[LENGTH - 1];
            *end = end.after(here.sum + self.tokens.unknown, self.tokens.no_token(LENGTH));
            return self.pass_over::<LENGTH>(here);
        }
        let second = trie.step(first, (bytes >> 8) as u8);
        let third = trie.step(second, (bytes >> 16) as u8);
        let fourth = trie.step(third, (bytes >> 24) as u8);
        here.near = [
            self.met::<LENGTH, 1>(here, first),
            self.met::<LENGTH, 2>(here, second),
            self.met::<LENGTH, 3>(here, third),
            self.met::<LENGTH, 4>(here, fourth),
        ];
        if fourth.leads_on() {
            self.walk_on(here.begin, here.sum, fourth);
        }
        self.pass_over::<LENGTH>(here)
    }

    #[inline(always)]
    fn pass_over<const LENGTH: usize>(&mut self, mut here: Here<B>) -> Here<B> {
        for _ in 0..LENGTH {
            here = self.advance(here);
        }
        here
    }

    /// What is known of the place `STEPS` from here after what ends there was met.
    #[inline(always)]
    fn met<const LENGTH: usize, const STEPS: usize>(&self, here: Here<B>, node: Node) -> B {
        let trie = &self.tokens.trie;
        let known = here.near[STEPS - 1];
        if STEPS < LENGTH {
            // No token ends within a character.
            return known;
        }
        let known = known.after(here.sum + trie.score(node), node.end());
        // All single bytes are in the trie.
        if STEPS == LENGTH && LENGTH > 1 && trie.is_no_end(node) {
            return known.after(here.sum + self.tokens.unknown, self.tokens.no_token(LENGTH));
        }
        known
    }

    /// Tries the tokens that are longer than what is near.
    #[inline(always)]
    fn walk_on(&mut self, begin: usize, sum: B::Score, mut node: Node) {
        let trie = &self.tokens.trie;
        let first = begin + NEAR;
        for (place, &byte) in (first + 1..).zip(&self.text[first.min(self.text.len())..]) {
            node = trie.step(node, byte);
            let end = self.far.at(place);
            *end = end.after(sum + trie.score(node), node.end());
            if !node.leads_on() {
                break;
            }
        }
    }

    #[inline(always)]
    fn advance(&mut self, here: Here<B>) -> Here<B> {
        let [next, second, third, fourth] = here.near;
        let begin = here.begin + 1;
        (self.settle)(begin, next);
        Here { begin, sum: next.sum(), near: [second, third, fourth, self.far.take(begin + NEAR)] }
    }
}

/// The four bytes from `begin`; behind the end of the text such as lead nowhere.
#[inline(always)]
fn window(text: &[u8], begin: usize) -> u32 {
    match text[begin..].first_chunk() {
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => text[begin..].iter().rev().fold(u32::MAX, |window, &byte| window << 8 | u32::from(byte)),
    }
}

/// The length of the character that `text` begins with, as its first byte has it. Never more than there is.
#[inline(always)]
fn character_length(text: &[u8]) -> usize {
    let length = match text.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xFF) => CHARACTER,
        _ => return 1,
    };
    length.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_is_four_bytes_and_what_leads_nowhere(text in proptest::collection::vec(0_u8..255, 1..12)) {
            for begin in 0..text.len() {
                let padded = [&text[begin..], &[0xFF; 4]].concat();
                prop_assert_eq!(&window(&text, begin).to_le_bytes(), &padded[..4]);
            }
        }
    }
}
