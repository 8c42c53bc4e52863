//! Words of a row, told from its ids alone.
//!
//! A word begins with the first token of a row, after a special token, with a new document, and with each token that
//! begins a word by the tokenizer's account (`##` in `WordPiece` continues one, a space before begins one). So it works
//! for any tokenizer; with offsets in the text, as transformers' collator has it, all words of a byte-level BPE that
//! keeps spaces are one.

/// A special token: no word has one.
pub(super) const SPECIAL: u8 = 1;
/// A token that begins a word.
pub(super) const BEGINS_WORD: u8 = 2;
/// A token that is never chosen, but can be part of a word.
pub(super) const NEVER_CHOSEN: u8 = 4;

/// The marks that each id has wherever it stands: those above, and what else an objective looks for.
#[derive(Debug, Clone)]
pub(super) struct IdMarks(Vec<u8>);

impl IdMarks {
    /// All ids up to `vocab_size` have the marks `all`, and those that are `named` one more.
    pub(super) fn new(vocab_size: u32, all: u8, named: &[(&[u32], u8)]) -> Self {
        let mut marks = vec![all; vocab_size as usize];
        for &(ids, mark) in named {
            for &id in ids {
                marks[id as usize] |= mark;
            }
        }
        Self(marks)
    }

    #[inline]
    pub(super) fn of(&self, id: u32) -> u8 {
        self.0[id as usize]
    }

    /// Those of all ids of a row.
    #[inline]
    pub(super) fn along<'a>(&'a self, row: &'a [u32]) -> impl Iterator<Item = u8> + 'a {
        row.iter().map(|&id| self.of(id))
    }
}

/// Whether a token with these marks may be chosen.
pub(super) fn is_free(marks: u8) -> bool {
    marks & (SPECIAL | NEVER_CHOSEN) == 0
}

/// A word of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// The position of its first token.
    pub(super) begin: usize,
    /// The position behind its last token.
    pub(super) end: usize,
    /// How many of its tokens may be chosen.
    pub(super) size: usize,
    /// Whether the word before it ends where it begins, in the same document.
    pub(super) follows: bool,
}

/// The words of a row, in `room` that is kept for them.
pub(super) fn find_words<'a>(
    row: &[u32],
    segments: Option<&[i32]>,
    marks: &IdMarks,
    room: &'a mut Vec<Word>,
) -> &'a [Word] {
    // No one knows where a word begins, so there is no branch: each token is added to the last word, or to a new one.
    // The first is no word, but special tokens that come before any.
    room.resize(row.len() + 1, Word { begin: 0, end: 0, size: 0, follows: false });
    let mut count = 0;
    for_each_token(marks.along(row), segments, |position, token| {
        count += usize::from(token.begins);
        let word = &mut room[count];
        let before = if token.begins { 0 } else { word.size };
        word.size = before + usize::from(is_free(token.marks));
        word.begin = if token.begins { position } else { word.begin };
        word.follows = if token.begins { token.follows } else { word.follows };
        word.end = if token.marks & SPECIAL == 0 { position + 1 } else { word.end };
    });
    &room[1..=count]
}

/// A token as part of a word.
#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) marks: u8,
    pub(super) begins: bool,
    /// Whether the token before it is of the same document, and not special.
    pub(super) follows: bool,
}

/// Says of each token what it is; `marks` are those of its id.
#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "a branch would be guessed wrongly")]
pub(super) fn for_each_token(
    marks: impl Iterator<Item = u8>,
    segments: Option<&[i32]>,
    mut take: impl FnMut(usize, Token),
) {
    let mut follows = false;
    for (position, marks) in marks.enumerate() {
        if let Some(segments) = segments {
            follows = follows && segments[position] == segments[position - 1];
        }
        let is_special = marks & SPECIAL != 0;
        let begins = !is_special & (!follows | (marks & BEGINS_WORD != 0));
        take(position, Token { marks, begins, follows });
        follows = !is_special;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row, its documents, and (begin, end, size, follows) of its words.
    type Case<'a> = (&'a [u32], Option<&'a [i32]>, &'a [(usize, usize, usize, bool)]);

    #[test]
    fn words_begin_where_they_should() {
        // 0 is special, 1 is never chosen, 2 goes on, 3 begins.
        let marks = IdMarks::new(4, 0, &[(&[0], SPECIAL), (&[1], NEVER_CHOSEN), (&[3], BEGINS_WORD)]);
        let cases: [Case<'_>; 7] = [
            (&[], None, &[]),
            (&[0, 0], None, &[]),
            (&[2, 2, 3, 2], None, &[(0, 2, 2, false), (2, 4, 2, true)]),
            (&[0, 2, 0, 2], None, &[(1, 2, 1, false), (3, 4, 1, false)]),
            (&[3, 1, 2, 3], None, &[(0, 3, 2, false), (3, 4, 1, true)]),
            (&[1], None, &[(0, 1, 0, false)]),
            (&[3, 2, 2, 3], Some(&[1, 1, 2, 2]), &[(0, 2, 2, false), (2, 3, 1, false), (3, 4, 1, true)]),
        ];
        let mut room = Vec::new();
        for (row, segments, want) in cases {
            let words = find_words(row, segments, &marks, &mut room);
            let found: Vec<_> = words.iter().map(|w| (w.begin, w.end, w.size, w.follows)).collect();
            assert_eq!(found, want, "{row:?}");
        }
    }
}
