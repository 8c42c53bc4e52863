//! Cutting encodings to a length, with what is cut off kept in parts that may overlap.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use crate::{Error, Result};

/// From which end something is cut or filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Side {
    /// The beginning.
    Left,
    /// The end.
    #[default]
    Right,
}

/// Which text of a pair is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TruncationStrategy {
    /// The longer one, then both to halves.
    #[default]
    LongestFirst,
    /// The first.
    OnlyFirst,
    /// The second.
    OnlySecond,
}

/// The field `truncation` of a `tokenizer.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// The end that is cut. Files of older versions do not say.
    #[serde(default)]
    pub direction: Side,
    /// The most tokens, special tokens included.
    pub max_length: usize,
    /// Which text of a pair is cut.
    pub strategy: TruncationStrategy,
    /// How many tokens a part that overflows shares with the part before it.
    pub stride: usize,
}

impl Truncation {
    /// Refuses a stride that `max_length` has no room for, when a single text gets `added` special tokens.
    pub fn check(&self, added: usize) -> Result<()> {
        let room = self.room(added)?;
        if room < self.stride {
            return Err(stride_too_long(self.stride, room));
        }
        Ok(())
    }

    /// Cuts both texts so that they have `max_length` tokens together once `added` special tokens are put in.
    pub fn apply(&self, first: &mut Encoding, pair: Option<&mut Encoding>, added: usize) -> Result<()> {
        let room = self.room(added)?;
        let lengths = (first.len(), pair.as_ref().map(|pair| pair.len()));
        let (first_length, pair_length) = self.lengths(lengths, room)?;
        first.truncate(first_length, self.stride, self.direction)?;
        pair.map_or(Ok(()), |pair| pair.truncate(pair_length, self.stride, self.direction))
    }

    /// The ids of a single text that are left when it is cut as [`apply`](Self::apply) cuts its encoding.
    pub(super) fn cut<'i>(&self, ids: &'i [u32], added: usize) -> Result<&'i [u32]> {
        let (length, _) = self.lengths((ids.len(), None), self.room(added)?)?;
        if length == 0 || length >= ids.len() {
            return Ok(&ids[..length.min(ids.len())]);
        }
        if self.stride >= length {
            return Err(stride_too_long(self.stride, length));
        }
        match self.direction {
            Side::Right => Ok(&ids[..length]),
            Side::Left => Ok(&ids[ids.len() - length..]),
        }
    }

    /// What is left of `max_length`. (The `tokenizers` library lets it wrap around, and then cuts nothing.)
    fn room(&self, added: usize) -> Result<usize> {
        self.max_length.checked_sub(added).ok_or_else(|| {
            Error::new(format!("max_length {} has no room for {added} special tokens", self.max_length))
                .advise("raise max_length or encode without special tokens")
        })
    }

    /// The lengths to which a first text and its pair are cut.
    fn lengths(&self, (first, pair): (usize, Option<usize>), room: usize) -> Result<(usize, usize)> {
        let second = pair.unwrap_or(0);
        let surplus = (first + second).saturating_sub(room);
        if room == 0 {
            return Ok((0, 0));
        }
        if surplus == 0 {
            return Ok((first, second));
        }
        match self.strategy {
            TruncationStrategy::LongestFirst if pair.is_none() => Ok((room, 0)),
            TruncationStrategy::LongestFirst => Ok(longest_first(first, second, room)),
            TruncationStrategy::OnlyFirst => Ok((self.rest(first, surplus)?, second)),
            TruncationStrategy::OnlySecond if pair.is_none() => {
                Err(Error::new("truncation strategy OnlySecond, but there is no second text")
                    .advise("give a pair, or truncate with LongestFirst or OnlyFirst"))
            }
            TruncationStrategy::OnlySecond => Ok((first, self.rest(second, surplus)?)),
        }
    }

    fn rest(&self, length: usize, surplus: usize) -> Result<usize> {
        length.checked_sub(surplus).filter(|&rest| rest > 0).ok_or_else(|| {
            Error::new(format!(
                "truncation strategy {:?} cannot reach max_length {}: of {length} tokens {surplus} would have to go",
                self.strategy, self.max_length
            ))
            .advise("raise max_length, or truncate with LongestFirst")
        })
    }
}

/// The shorter text keeps what it has while that is at most half; the longer gets the rest, and the odd token.
fn longest_first(first: usize, second: usize, room: usize) -> (usize, usize) {
    let short = first.min(second);
    let kept = short.max(room.saturating_sub(short));
    let (short, long) = if short + kept > room { (room / 2, room / 2 + room % 2) } else { (short, kept) };
    if first > second { (long, short) } else { (short, long) }
}

impl Encoding {
    /// Keeps the first (or last) `max_length` tokens; the others become overflowing encodings of the same length, each
    /// beginning (or ending) with `stride` tokens of the one before. Which text tokens are of is forgotten, as in the
    /// `tokenizers` library: truncation comes before texts are joined.
    pub fn truncate(&mut self, max_length: usize, stride: usize, direction: Side) -> Result<()> {
        if max_length >= self.len() {
            return Ok(());
        }
        if max_length == 0 {
            let all = std::mem::take(self);
            self.overflowing.push(all);
            return Ok(());
        }
        if stride >= max_length {
            return Err(stride_too_long(stride, max_length));
        }
        let parts = windows(self.len(), max_length, max_length - stride, direction);
        let mut parts = parts.filter_map(|part| Some(Self::from(self.tokens.get(part)?.to_vec())));
        let mut kept = parts.next().unwrap_or_default();
        kept.overflowing = parts.collect();
        *self = kept;
        Ok(())
    }
}

/// Windows of `width` over 0..`length`, each `step` after the one before; the last may be narrower.
fn windows(length: usize, width: usize, step: usize, direction: Side) -> impl Iterator<Item = Range<usize>> {
    let count = 1 + length.saturating_sub(width).div_ceil(step);
    (0..count).map(move |number| {
        let (near, far) = (number * step, (number * step + width).min(length));
        match direction {
            Side::Right => near..far,
            Side::Left => length - far..length - near,
        }
    })
}

fn stride_too_long(stride: usize, length: usize) -> Error {
    Error::new(format!("stride {stride} with room for {length} tokens of text"))
        .advise("a stride is less than max_length without the special tokens: lower it, or raise max_length")
}

#[cfg(test)]
mod tests {
    use super::super::encoding::EncodedToken;
    use super::*;
    use proptest::prelude::*;

    fn text(length: usize) -> Encoding {
        let token = |id| EncodedToken::new(id, 0, (id, id + 1), id as i32);
        (0..length as u32).map(token).collect::<Vec<_>>().into()
    }

    fn cut(length: usize, max_length: usize, stride: usize, direction: Side) -> Vec<Vec<u32>> {
        let mut encoding = text(length);
        encoding.truncate(max_length, stride, direction).unwrap();
        let parts = [&encoding].into_iter().chain(&encoding.overflowing);
        parts.map(|part| part.ids().collect()).collect()
    }

    #[test]
    fn windows_overlap_by_the_stride() {
        for (length, max_length, stride, direction, want) in [
            (3, 3, 0, Side::Right, vec![vec![0, 1, 2]]),
            (3, 2, 0, Side::Right, vec![vec![0, 1], vec![2]]),
            (5, 3, 1, Side::Right, vec![vec![0, 1, 2], vec![2, 3, 4]]),
            (6, 3, 1, Side::Right, vec![vec![0, 1, 2], vec![2, 3, 4], vec![4, 5]]),
            (5, 2, 0, Side::Left, vec![vec![3, 4], vec![1, 2], vec![0]]),
            (6, 3, 1, Side::Left, vec![vec![3, 4, 5], vec![1, 2, 3], vec![0, 1]]),
            (2, 0, 9, Side::Right, vec![vec![], vec![0, 1]]),
            (0, 0, 0, Side::Left, vec![vec![]]),
        ] {
            assert_eq!(cut(length, max_length, stride, direction), want, "{length} {max_length} {stride}");
        }
    }

    fn truncation(max_length: usize, strategy: TruncationStrategy) -> Truncation {
        Truncation { direction: Side::Right, max_length, strategy, stride: 0 }
    }

    #[test]
    fn the_longest_goes_first() {
        for (first, pair, want) in [
            (0, 0, (0, 0)),
            (0, 8, (0, 7)),
            (2, 4, (2, 4)),
            (2, 8, (2, 5)),
            (4, 4, (3, 4)),
            (4, 8, (3, 4)),
            (8, 0, (7, 0)),
            (8, 2, (5, 2)),
            (8, 4, (4, 3)),
            (8, 8, (3, 4)),
            (100, 20, (4, 3)),
        ] {
            let (mut a, mut b) = (text(first), text(pair));
            truncation(7, TruncationStrategy::LongestFirst).apply(&mut a, Some(&mut b), 0).unwrap();
            assert_eq!((a.len(), b.len()), want, "{first} {pair}");
        }
    }

    #[test]
    fn only_one_of_them() {
        let lengths = |strategy, first, pair: Option<usize>, max_length| {
            let (mut a, mut b) = (text(first), pair.map(text));
            let result = truncation(max_length, strategy).apply(&mut a, b.as_mut(), 1);
            result.map(|()| (a.len(), b.map_or(0, |b| b.len()))).map_err(|error| error.to_string())
        };
        assert_eq!(lengths(TruncationStrategy::OnlyFirst, 8, Some(4), 8), Ok((3, 4)));
        assert_eq!(lengths(TruncationStrategy::OnlySecond, 4, Some(8), 8), Ok((4, 3)));
        assert_eq!(lengths(TruncationStrategy::OnlySecond, 4, None, 8), Ok((4, 0)));
        assert_eq!(lengths(TruncationStrategy::OnlySecond, 4, Some(8), 1), Ok((0, 0)));
        for (strategy, first, pair, max_length, want) in [
            (
                TruncationStrategy::OnlyFirst,
                4,
                Some(8),
                8,
                "truncation strategy OnlyFirst cannot reach max_length 8",
            ),
            (
                TruncationStrategy::OnlySecond,
                8,
                Some(4),
                8,
                "truncation strategy OnlySecond cannot reach max_length 8",
            ),
            (
                TruncationStrategy::OnlySecond,
                8,
                None,
                8,
                "truncation strategy OnlySecond, but there is no second text",
            ),
            (TruncationStrategy::LongestFirst, 8, None, 0, "max_length 0 has no room for 1 special tokens"),
        ] {
            let error = lengths(strategy, first, pair, max_length).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        }
    }

    #[test]
    fn strides_that_have_no_room() {
        assert!(text(9).truncate(3, 3, Side::Right).is_err());
        assert!(text(3).truncate(3, 3, Side::Right).is_ok());
        let truncation = Truncation { stride: 3, ..truncation(5, TruncationStrategy::LongestFirst) };
        assert!(truncation.check(2).is_ok() && truncation.check(3).is_err() && truncation.check(6).is_err());
    }

    #[test]
    fn the_field_of_the_file() {
        let old = r#"{"max_length":256,"strategy":"LongestFirst","stride":0}"#;
        assert_eq!(
            serde_json::from_str::<Truncation>(old).unwrap(),
            truncation(256, TruncationStrategy::LongestFirst)
        );
        let whole = r#"{"direction":"Left","max_length":8,"strategy":"OnlySecond","stride":2}"#;
        assert_eq!(
            serde_json::to_string(&serde_json::from_str::<Truncation>(whole).unwrap()).unwrap(),
            whole
        );
        assert!(serde_json::from_str::<Truncation>(&old.replace('}', r#","width":1}"#)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_lost(
            length in 0usize..60,
            (max_length, stride) in (1usize..12).prop_flat_map(|most| (Just(most), 0..most)),
            left: bool,
        ) {
            let direction = if left { Side::Left } else { Side::Right };
            let mut parts = cut(length, max_length, stride, direction);
            prop_assert!(parts.iter().rev().skip(1).all(|part| part.len() == max_length));
            if left {
                parts.reverse();
            }
            let mut ids: Vec<u32> = parts.first().cloned().unwrap_or_default();
            for pair in parts.windows(2) {
                let shared = if left { pair[0].len().min(stride) } else { stride.min(pair[1].len()) };
                prop_assert_eq!(&pair[0][pair[0].len() - shared..], &pair[1][..shared]);
                ids.extend(&pair[1][shared..]);
            }
            prop_assert_eq!(ids, (0..length as u32).collect::<Vec<_>>());
        }
    }
}
