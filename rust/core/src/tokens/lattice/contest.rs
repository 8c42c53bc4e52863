//! The same algorithm, which sees besides by how much the best way is better than all others.

use std::hint::select_unpredictable;

use super::super::scored_trie::Score;
use super::backwards;
use super::ends::{Best, Far};
use super::fill::{Here, fill};
use super::weights::Tokens;

/// The best way, and the best of those whose last token is another.
#[derive(Debug, Clone, Copy)]
struct Double {
    best: f32,
    second: f32,
    end: u32,
}

impl Best for Double {
    type Score = f32;

    const NONE: Self = Self { best: f32::NOTHING, second: f32::NOTHING, end: 0 };

    #[inline]
    fn sum(self) -> f32 {
        self.best
    }

    #[inline]
    fn after(self, sum: f32, end: u32) -> Self {
        Self {
            best: greater(sum, self.best),
            second: greater(lesser(self.best, sum), self.second),
            end: select_unpredictable(sum > self.best, end, self.end),
        }
    }

    fn set_back(self, offset: f32) -> Self {
        Self { best: self.best.set_back(offset), second: self.second.set_back(offset), ..self }
    }
}

/// One instruction: neither is not a number.
#[inline]
fn greater(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

#[inline]
fn lesser(one: f32, other: f32) -> f32 {
    if one < other { one } else { other }
}

#[derive(Debug, Clone, Default)]
pub(in crate::tokens) struct Contest {
    far: Far<Double>,
    /// For each place the last token of the best way there.
    ends: Vec<u32>,
    /// For each place by how much that way is better than those with another last token.
    margins: Vec<f32>,
}

impl Contest {
    /// Finds the best way through `text`.
    pub(in crate::tokens) fn fill(&mut self, tokens: &Tokens<f32>, text: &[u8]) {
        let room = text.len() + 1;
        if self.ends.len() < room {
            self.ends.resize(room, 0);
            self.margins.resize(room, 0.0);
        }
        let (ends, margins) = (&mut self.ends[..room], &mut self.margins[..room]);
        fill(tokens, text, Here::start(0.0), text.len(), &mut self.far, |place, known: Double| {
            ends[place] = known.end;
            margins[place] = known.best - known.second;
        });
    }

    /// Appends the tokens of the best way to `out`, in order, ids and lengths, and returns by how much it is better than
    /// all others.
    ///
    /// Another way comes to this one for good with another last token, at some place on it; from there on they are one.
    pub(in crate::tokens) fn append(
        &self,
        tokens: &Tokens<f32>,
        text: &[u8],
        out: &mut Vec<(u32, u32)>,
    ) -> f32 {
        let start = out.len();
        let mut margin = f32::INFINITY;
        for (id, token) in backwards(0..text.len(), |end| tokens.last(self.ends[end], end)) {
            margin = margin.min(self.margins[token.end]);
            out.push((id, token.len() as u32));
        }
        out[start..].reverse();
        margin
    }
}
