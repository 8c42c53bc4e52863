//! The pieces into which pre-tokenizers cut a text, one step after the other.

use std::ops::Range;

use super::aligned::{Aligned, Origin};
use crate::Result;

/// A text and where it is cut: ranges of it in order, without empty ones.
#[derive(Debug, Clone)]
pub struct Pieces<'t> {
    text: Aligned<'t>,
    list: Vec<Piece>,
}

/// A range of the text, and where in the document it began when it was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    range: Range<usize>,
    start: u32,
}

impl<'t> Pieces<'t> {
    /// The whole text as one piece.
    pub fn new(text: Aligned<'t>) -> Self {
        let range = 0..text.as_str().len();
        let list = if range.is_empty() { Vec::new() } else { vec![Piece { range, start: text.start() }] };
        Self { text, list }
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|piece| &self.text.as_str()[piece.range.clone()])
    }

    /// Where the pieces are in the text as it is now, in order.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.list.iter().map(|piece| piece.range.clone())
    }

    /// The number of pieces.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no piece.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The stretch of the document that bytes `range` of piece `index` came from; None where origins are not kept.
    pub fn origin_of(&self, index: usize, range: Range<usize>) -> Option<Origin> {
        let begin = self.list[index].range.start;
        self.text.origin_of(begin + range.start..begin + range.end)
    }

    /// Cuts every piece further: `cut(piece, ranges)` appends the ranges of the piece that are kept, in order.
    /// What lies in none of them is gone, and so are empty ranges.
    pub fn split(&mut self, mut cut: impl FnMut(&str, &mut Vec<Range<usize>>) -> Result<()>) -> Result<()> {
        let mut list = Vec::with_capacity(self.list.len());
        let mut ranges = Vec::new();
        for piece in &self.list {
            cut(&self.text.as_str()[piece.range.clone()], &mut ranges)?;
            for range in ranges.drain(..).filter(|range| !range.is_empty()) {
                let range = piece.range.start + range.start..piece.range.start + range.end;
                // Without origins the text has not been changed before it, or nobody asks.
                let start = self
                    .text
                    .origin_of(range.clone())
                    .map_or(piece.start + (range.start - piece.range.start) as u32, |origin| origin.0);
                list.push(Piece { range, start });
            }
        }
        self.list = list;
        Ok(())
    }

    /// Changes the text of every piece.
    pub fn rewrite(&mut self, mut change: impl FnMut(&mut Aligned<'_>) -> Result<()>) -> Result<()> {
        let mut text = String::with_capacity(self.text.as_str().len() + self.list.len());
        let mut origins = self.text.origins().map(|origins| Vec::with_capacity(origins.len()));
        let mut list = Vec::with_capacity(self.list.len());
        for piece in &self.list {
            let old = self.text.origins().map(|origins| origins[piece.range.clone()].to_vec());
            let mut aligned = Aligned::from_parts(&self.text.as_str()[piece.range.clone()], old, piece.start);
            change(&mut aligned)?;
            let begin = text.len();
            text.push_str(aligned.as_str());
            if let (Some(all), Some(own)) = (&mut origins, aligned.origins()) {
                all.extend_from_slice(own);
            }
            if text.len() > begin {
                list.push(Piece { range: begin..text.len(), start: piece.start });
            }
        }
        self.text = Aligned::from_owned(text, origins, self.text.start());
        self.list = list;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_spaces(piece: &str, ranges: &mut Vec<Range<usize>>) {
        let mut start = 0;
        for (place, _) in piece.match_indices(' ') {
            ranges.push(start..place);
            start = place + 1;
        }
        ranges.push(start..piece.len());
    }

    fn split(pieces: &mut Pieces<'_>, mut cut: impl FnMut(&str, &mut Vec<Range<usize>>)) {
        let cut = |piece: &str, ranges: &mut Vec<Range<usize>>| {
            cut(piece, ranges);
            Ok(())
        };
        pieces.split(cut).unwrap();
    }

    fn rewrite(pieces: &mut Pieces<'_>, mut change: impl FnMut(&mut Aligned<'_>)) {
        let change = |piece: &mut Aligned<'_>| {
            change(piece);
            Ok(())
        };
        pieces.rewrite(change).unwrap();
    }

    #[test]
    fn cuts_are_made_in_the_pieces_of_the_last_cut() {
        let mut pieces = Pieces::new(Aligned::new("ab  cd", 5, true));
        split(&mut pieces, at_spaces);
        assert_eq!(pieces.iter().collect::<Vec<_>>(), ["ab", "cd"]);
        rewrite(&mut pieces, |piece| piece.prepend("▁"));
        assert_eq!(pieces.iter().collect::<Vec<_>>(), ["▁ab", "▁cd"]);
        assert_eq!(pieces.origin_of(1, 0..4), Some((9, 10)));
        split(&mut pieces, |piece, ranges| ranges.extend([0..3, 3..piece.len()]));
        assert_eq!((pieces.len(), pieces.origin_of(3, 1..2)), (4, Some((10, 11))));
    }

    #[test]
    fn nothing_has_no_pieces() {
        assert!(Pieces::new(Aligned::new("", 0, true)).is_empty());
        let mut gone = Pieces::new(Aligned::new("x", 0, false));
        rewrite(&mut gone, |piece| piece.filter(|_| false));
        assert!(gone.is_empty());
    }
}
