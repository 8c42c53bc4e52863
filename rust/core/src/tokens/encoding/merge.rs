//! One encoding after the other, with all that overflowed from each.

use super::{EncodedToken, Encoding};
use crate::{Error, Result};

/// How many tokens joining may make of what overflows, beyond twice what there was. Each overflowing part of a first
/// text is joined with each of the second and with what is put between them, so that two long texts or a strange
/// template could fill any memory.
pub const OVERFLOW_LIMIT: usize = 1 << 24;

impl Encoding {
    /// All `parts`, one after the other. With `growing_spans` the spans of a part begin where those of the part before
    /// it end: the parts are of one text.
    pub fn merge(parts: Vec<Self>, growing_spans: bool) -> Result<Self> {
        let room = OVERFLOW_LIMIT + 2 * parts.iter().map(Self::size).sum::<usize>();
        Self::merge_within(room, parts, growing_spans)
    }

    /// Puts `other` after this one. What overflows is every way to join an overflowing part of this one, or this one,
    /// with an overflowing part of the other, or the other; in the order of the `tokenizers` library.
    pub fn append(&mut self, other: Self, growing_spans: bool) -> Result<()> {
        *self = Self::merge(vec![std::mem::take(self), other], growing_spans)?;
        Ok(())
    }

    fn merge_within(room: usize, parts: Vec<Self>, growing: bool) -> Result<Self> {
        let mut parts = parts.into_iter();
        let mut whole = parts.next().unwrap_or_default();
        for part in parts {
            whole.overflowing = whole.overflow_with(&part, growing, &mut room.clone())?;
            whole.extend(&part, growing);
        }
        Ok(whole)
    }

    /// How many tokens there are, with those that overflow.
    fn size(&self) -> usize {
        self.len() + self.overflowing.iter().map(Self::size).sum::<usize>()
    }

    fn overflow_with(&self, other: &Self, growing: bool, room: &mut usize) -> Result<Vec<Self>> {
        let mut overflowing = Vec::new();
        for own in &self.overflowing {
            overflowing.push(own.joined(other, growing, room)?);
            for of_other in &other.overflowing {
                overflowing.push(own.joined(of_other, growing, room)?);
            }
        }
        for of_other in &other.overflowing {
            overflowing.push(self.joined(of_other, growing, room)?);
        }
        Ok(overflowing)
    }

    fn joined(&self, other: &Self, growing: bool, room: &mut usize) -> Result<Self> {
        let count = self.len() + other.len();
        // An empty encoding takes memory too.
        *room = room.checked_sub(count + 1).ok_or_else(|| {
            Error::new(
                "too many tokens overflow: every part of the one text is joined with every part of the other",
            )
            .advise("truncate with strategy OnlyFirst or OnlySecond, with a smaller stride, or cut the texts")
        })?;
        let overflowing = self.overflow_with(other, growing, room)?;
        let mut tokens = Vec::with_capacity(count);
        tokens.extend_from_slice(&self.tokens);
        let mut whole = Self { tokens, overflowing, ranges: self.ranges.clone() };
        whole.extend(other, growing);
        Ok(whole)
    }

    fn extend(&mut self, other: &Self, growing: bool) {
        let before = self.len();
        let shift = self.tokens.last().map_or(0, |last| if growing { last.span.1 } else { 0 });
        let moved = |place: u32| place.saturating_add(shift);
        self.tokens.extend(other.tokens.iter().map(|&token| {
            let span = (moved(token.span.0), moved(token.span.1));
            EncodedToken { span, ..token }
        }));
        let ranges =
            other.ranges.iter().map(|(&text, range)| (text, range.start + before..range.end + before));
        self.ranges.extend(ranges);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token an id, each of one character; what overflows as encodings of their own.
    fn encoding(ids: &[u32], overflowing: &[&[u32]]) -> Encoding {
        let token = |(place, &id): (usize, &u32)| {
            EncodedToken::new(id, 0, (place as u32, place as u32 + 1), place as i32)
        };
        let mut encoding = Encoding::from(ids.iter().enumerate().map(token).collect::<Vec<_>>());
        encoding.overflowing = overflowing.iter().map(|ids| self::encoding(ids, &[])).collect();
        encoding
    }

    fn ids(encodings: &[Encoding]) -> Vec<Vec<u32>> {
        encodings.iter().map(|encoding| encoding.ids().collect()).collect()
    }

    #[test]
    fn spans_grow_where_parts_are_of_one_text() {
        for (growing, want) in [(true, [(0, 1), (1, 2), (2, 3)]), (false, [(0, 1), (0, 1), (1, 2)])] {
            let whole = Encoding::merge(vec![encoding(&[1], &[]), encoding(&[2, 3], &[])], growing).unwrap();
            assert_eq!(whole.tokens.iter().map(|token| token.span).collect::<Vec<_>>(), want);
        }
        assert_eq!(Encoding::merge(vec![], true).unwrap(), Encoding::default());
    }

    #[test]
    fn ranges_move_with_their_tokens() {
        let (mut first, mut pair) = (encoding(&[1, 2], &[]), encoding(&[3], &[]));
        first.set_sequence_id(0);
        pair.set_sequence_id(1);
        first.append(encoding(&[9], &[]), false).unwrap();
        first.append(pair, false).unwrap();
        assert_eq!(first.sequence_ids(), [0, 0, -1, 1]);
    }

    #[test]
    fn every_way_to_join_what_overflows() {
        let mut whole = encoding(&[1], &[&[2], &[3]]);
        whole.append(encoding(&[4], &[&[5]]), false).unwrap();
        assert_eq!(whole.ids().collect::<Vec<_>>(), [1, 4]);
        assert_eq!(ids(&whole.overflowing), [[2, 4], [2, 5], [3, 4], [3, 5], [1, 5]]);
        assert_eq!(ids(&whole.overflowing[0].overflowing), [[2, 5]]);
        assert_eq!(ids(&whole.overflowing[4].overflowing), [[2, 5], [3, 5]]);
    }

    #[test]
    fn what_would_overflow_without_end_is_refused() {
        let text = encoding(&[1], &[&[2], &[3], &[4]]);
        assert!(Encoding::merge_within(1000, vec![text.clone(); 2], false).is_ok());
        let error = Encoding::merge_within(1000, vec![text; 40], false).unwrap_err();
        assert!(error.to_string().starts_with("too many tokens overflow"), "{error}");
    }
}
