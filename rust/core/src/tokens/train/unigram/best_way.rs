//! The most probable way to segment a stretch of text (Viterbi).

use super::lattice::{Edge, Lattice};
use super::model::Model;

/// Tables that are kept from one stretch to the next.
#[derive(Default)]
pub(super) struct BestWay {
    /// By place: the score of the best way there, and its last piece.
    ways: Vec<(f64, Option<Edge>)>,
}

impl BestWay {
    /// Finds the best way through `length` characters from the place `start` on and returns its score. With
    /// `in_parts` the whole may not be one piece.
    pub(super) fn find(
        &mut self,
        lattice: &Lattice,
        model: &Model,
        start: usize,
        length: usize,
        in_parts: bool,
    ) -> f64 {
        let longest = if in_parts { length - 1 } else { length };
        self.ways.clear();
        self.ways.resize(length + 1, (f64::NEG_INFINITY, None));
        self.ways[0].0 = 0.0;
        for place in 0..length {
            let (here, _) = self.ways[place];
            for &edge in lattice.at(start + place) {
                let end = place + edge.length();
                if end > length || edge.length() > longest {
                    break;
                }
                let score = here + model.score(edge.piece());
                if score > self.ways[end].0 {
                    self.ways[end] = (score, Some(edge));
                }
            }
        }
        self.ways[length].0
    }

    /// The pieces of the way that was found, the last one first.
    pub(super) fn pieces(&self) -> impl Iterator<Item = usize> {
        let mut place = self.ways.len() - 1;
        std::iter::from_fn(move || {
            let edge = self.ways[place].1?;
            place -= edge.length();
            Some(edge.piece())
        })
    }
}
