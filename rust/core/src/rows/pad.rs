//! Rows to the rectangle that a model takes.

use crate::{Error, Result};

/// The width of a batch whose longest row has `longest` ids.
///
/// `pad_to` fixes it (a longer row is an error: nothing is cut off silently); else it is `longest`, rounded up to a
/// multiple of `pad_to_multiple_of`.
pub fn padded_width(
    longest: usize,
    pad_to: Option<usize>,
    pad_to_multiple_of: Option<usize>,
) -> Result<usize> {
    let width = pad_to.unwrap_or(longest);
    if longest > width {
        return Err(Error::new(format!("a row becomes {longest} ids long and pad_to is {width}"))
            .advise("give a larger pad_to, or cut the rows to shorter ones first"));
    }
    match pad_to_multiple_of {
        Some(0) => Err(Error::new("pad_to_multiple_of is 0").advise("give at least 1")),
        Some(multiple) => Ok(width.next_multiple_of(multiple)),
        None => Ok(width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        for (longest, pad_to, multiple, want) in [
            (5, None, None, Some(5)),
            (5, None, Some(8), Some(8)),
            (8, None, Some(8), Some(8)),
            (5, Some(9), None, Some(9)),
            (5, Some(9), Some(4), Some(12)),
            (0, None, Some(8), Some(0)),
            (5, Some(4), None, None),
            (5, None, Some(0), None),
        ] {
            assert_eq!(
                padded_width(longest, pad_to, multiple).ok(),
                want,
                "{longest} {pad_to:?} {multiple:?}"
            );
        }
    }
}
