//! The most probable pieces (Kudo: *Subword regularization*, ACL 2018): one pass of Viterbi over the bytes.
//!
//! This is the original's `EncodeOptimized`. Scores are summed in 32 bits as there, since where two ways are equal but
//! for rounding, rounding decides; where they are equal, the way that was found first stays, and that is the one whose
//! last piece is the longest.

use std::convert::Infallible;
use std::ops::Range;

use super::super::lattice::{Lattice, Tokens, backwards};
use super::super::scored_trie::FARTHEST;
use super::super::trie::Trie;
use super::vocabulary::{PieceKind, VocabularyPiece, character_length};
use super::{Segment, UNKNOWN};
use crate::{Error, Result};

/// How much less probable than the least probable piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

/// Sums of greater scores might not be numbers.
const GREATEST_SCORE: f32 = 1e30;

#[derive(Debug, Clone)]
pub(super) struct Unigram {
    scores: Vec<f32>,
    unknown_score: f32,
    /// The farthest that a score is from zero.
    pub(super) greatest_score: f64,
    /// What a lattice is made of; None for the vocabularies that a lattice does not take.
    pub(super) tokens: Option<Tokens<f32>>,
}

/// The best way to a place in the text: its score, and its last piece.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f32,
    begin: u32,
    id: u32,
}

/// No way leads here yet.
const NOWHERE: u32 = u32::MAX;

impl Unigram {
    pub(super) fn new(pieces: &[VocabularyPiece]) -> Result<Self> {
        if let Some(id) = pieces.iter().position(|piece| !piece.score.is_finite()) {
            return Err(Error::new(format!("score is {}", pieces[id].score))
                .at(format!("pieces[{id}]"))
                .advise("the file is damaged: scores are logarithms of probabilities"));
        }
        let normal = pieces.iter().filter(|piece| piece.kind == PieceKind::Normal);
        let lowest = normal.map(|piece| piece.score).fold(f32::MAX, f32::min);
        let scores: Vec<f32> = pieces.iter().map(score_of).collect();
        let unknown_score = lowest - UNKNOWN_PENALTY;
        let greatest_score = scores.iter().fold(unknown_score.abs(), |most, score| most.max(score.abs()));
        let is_text = |kind| matches!(kind, PieceKind::Normal | PieceKind::UserDefined);
        let texts = (0..).zip(pieces).filter(|(_, piece)| is_text(piece.kind));
        let texts: Vec<_> = texts.map(|(id, piece)| (&*piece.text, id, scores[id as usize])).collect();
        let is_tame = greatest_score < GREATEST_SCORE;
        let tokens = is_tame.then(|| Tokens::new(&texts, pieces.len(), unknown_score)).flatten();
        Ok(Self { scores, unknown_score, greatest_score: greatest_score.into(), tokens })
    }

    /// The score of a piece, or of an unknown character.
    #[inline]
    pub(super) fn score_of(&self, id: u32) -> f32 {
        self.scores.get(id as usize).copied().unwrap_or(self.unknown_score)
    }

    pub(super) fn segment(&self, pieces: &Trie, text: &[u8], out: &mut Vec<Segment>) {
        let Some(tokens) = &self.tokens else { return self.segment_plainly(pieces, text, out) };
        let append = |segments: &[Segment], _: Range<usize>| out.extend_from_slice(segments);
        segment_from(tokens, 0.0, text, &mut Lattice::default(), &mut Vec::new(), append);
    }

    /// The rule itself, plainly.
    pub(super) fn segment_plainly(&self, pieces: &Trie, text: &[u8], out: &mut Vec<Segment>) {
        let best = self.best_ways(pieces, text);
        let start = out.len();
        let tokens = backwards(0..text.len(), |end| (best[end].id, best[end].begin as usize));
        out.extend(tokens.map(|(id, token)| Segment { id, length: token.len() as u32 }));
        out[start..].reverse();
    }

    /// The best way to each place. One leads to the begin of every character, for an unknown one is a piece too.
    fn best_ways(&self, pieces: &Trie, text: &[u8]) -> Vec<Best> {
        let mut best = vec![Best { score: 0.0, begin: NOWHERE, id: UNKNOWN }; text.len() + 1];
        let (mut begin, mut frontier) = (0, 0);
        while begin < text.len() {
            let mut score = best[begin].score;
            if score.abs() > FARTHEST {
                set_back(&mut best[begin..=frontier], score);
                score = 0.0;
            }
            let character = character_length(&text[begin..]);
            let mut character_is_piece = false;
            for (length, id) in pieces.prefixes(&text[begin..]) {
                character_is_piece |= length == character;
                frontier = frontier.max(begin + length);
                best[begin + length].improve(score + self.scores[id as usize], begin, id);
            }
            if !character_is_piece {
                frontier = frontier.max(begin + character);
                best[begin + character].improve(score + self.unknown_score, begin, UNKNOWN);
            }
            begin += character;
        }
        best
    }
}

/// Calls `visit` with the pieces of one stretch of a text after the other, when the sum at its begin is `sum`, and returns
/// that at its end.
pub(super) fn segment_from(
    tokens: &Tokens<f32>,
    sum: f32,
    text: &[u8],
    lattice: &mut Lattice<f32>,
    segments: &mut Vec<Segment>,
    mut visit: impl FnMut(&[Segment], Range<usize>),
) -> f32 {
    let visit = |lattice: &Lattice<f32>, stretch: Range<usize>| {
        segments.clear();
        let way = backwards(stretch.clone(), |end| lattice.last(tokens, end));
        segments.extend(way.map(|(id, token)| Segment { id, length: token.len() as u32 }));
        segments.reverse();
        visit(segments, stretch);
        Ok::<(), Infallible>(())
    };
    let Ok(sum) = lattice.pass(tokens, text, sum, visit);
    sum
}

impl Best {
    fn improve(&mut self, score: f32, begin: usize, id: u32) {
        if self.begin == NOWHERE || score > self.score {
            *self = Self { score, begin: begin as u32, id };
        }
    }
}

/// A user-defined symbol is better than anything that is spelled by other pieces, and a longer one better than a shorter
/// one. (Before 0.2.3 it was the highest score times the length, which made the sum of a long text worthless.)
fn score_of(piece: &VocabularyPiece) -> f32 {
    match piece.kind {
        PieceKind::UserDefined => (0.1 * (piece.text.len() as f64 - 1.0)) as f32,
        _ => piece.score,
    }
}

/// Takes `offset` from all scores that are set, of which the first is one.
fn set_back(best: &mut [Best], offset: f32) {
    for best in best.iter_mut().filter(|best| best.begin != NOWHERE) {
        best.score -= offset;
    }
}
