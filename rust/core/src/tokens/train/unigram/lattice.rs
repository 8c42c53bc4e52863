//! All ways to segment the text, held as a list of edges.
//!
//! `SentencePiece` walks a trie at each character of each word in each of its thirty or so passes. The pieces only
//! get fewer, so here the edges (which pieces stand at which place) are written down once, from the groups of equal
//! suffixes, and those of dropped pieces are taken out as training goes on. A pass then reads memory in order.

use super::segments::Segments;
use super::substrings::{Substring, Suffixes};
use crate::{Error, Result};

/// An edge is a piece and its length, which takes the upper bits.
const PIECE_BITS: u32 = 24;

/// The most pieces there can be at the start.
pub(super) const MOST_PIECES: usize = 1 << PIECE_BITS;

/// The longest that a piece can be.
pub(super) const LONGEST_PIECE: usize = (1 << (u32::BITS - PIECE_BITS)) - 1;

/// A piece that stands at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge(u32);

impl Edge {
    fn new(piece: u32, length: u32) -> Self {
        Self(piece | length << PIECE_BITS)
    }

    #[inline]
    pub(super) fn piece(self) -> usize {
        (self.0 & (MOST_PIECES as u32 - 1)) as usize
    }

    #[inline]
    pub(super) fn length(self) -> usize {
        (self.0 >> PIECE_BITS) as usize
    }
}

/// The text with the pieces that stand at each place.
pub(super) struct Lattice {
    pub(super) segments: Segments,
    /// Where the edges of each place begin, and where the last one's end. The edges of a place are in the order of
    /// their lengths, and the first is always a single character.
    starts: Vec<usize>,
    edges: Vec<Edge>,
    /// The length of the longest piece.
    pub(super) longest: usize,
}

impl Lattice {
    /// The lattice of all pieces; a piece's number is its index.
    pub(super) fn new(segments: Segments, suffixes: &Suffixes, pieces: &[Substring]) -> Result<Self> {
        if pieces.len() > MOST_PIECES {
            return Err(Error::new(format!("the text has {} pieces to choose from", pieces.len()))
                .advise("give a smaller seed_size or a lower character_coverage"));
        }
        let places = |piece: &Substring| &suffixes.sorted[piece.first as usize..piece.last as usize];
        let mut starts = vec![0; segments.text.len() + 1];
        for piece in pieces {
            for &place in places(piece) {
                starts[place as usize + 1] += 1;
            }
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut by_length: Vec<u32> = (0..pieces.len() as u32).collect();
        by_length.sort_by_key(|&piece| pieces[piece as usize].length);
        let mut edges = vec![Edge(0); starts.last().copied().unwrap_or_default()];
        for piece in by_length {
            let substring = &pieces[piece as usize];
            for &place in places(substring) {
                let start = &mut starts[place as usize];
                edges[*start] = Edge::new(piece, substring.length);
                *start += 1;
            }
        }
        // Each start has become the next one.
        starts.rotate_right(1);
        starts[0] = 0;
        let longest = pieces.iter().map(|piece| piece.length as usize).max().unwrap_or(1);
        Ok(Self { segments, starts, edges, longest })
    }

    /// The edges that begin at a place.
    #[inline]
    pub(super) fn at(&self, place: usize) -> &[Edge] {
        &self.edges[self.starts[place]..self.starts[place + 1]]
    }

    /// How many edges there are before a segment.
    pub(super) fn before(&self, segment: usize) -> usize {
        self.starts[self.segments.starts[segment] as usize]
    }

    /// Takes out the edges of pieces that are dropped; single characters stay.
    pub(super) fn keep(&mut self, alive: &[bool]) {
        let mut kept = 0;
        let mut start = 0;
        for place in 1..self.starts.len() {
            let end = self.starts[place];
            for index in start..end {
                let edge = self.edges[index];
                if edge.length() == 1 || alive[edge.piece()] {
                    self.edges[kept] = edge;
                    kept += 1;
                }
            }
            self.starts[place] = kept;
            start = end;
        }
        self.edges.truncate(kept);
        self.edges.shrink_to_fit();
    }
}
