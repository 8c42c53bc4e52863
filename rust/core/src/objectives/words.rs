//! Words of a row, told from its ids alone.
//!
//! A word begins with the first token of a row, after a special token, with a new document, and with each token that
//! begins a word by the tokenizer's account (`##` in `WordPiece` continues one, a space before begins one). So it works
//! for any tokenizer; with offsets in the text, as transformers' collator has it, all words of a byte-level BPE that
//! keeps spaces are one.

/// What an id may be part of, for each id.
#[derive(Debug, Clone)]
pub(super) struct Kinds(Vec<u8>);

const SPECIAL: u8 = 1;
const NEVER_CHOSEN: u8 = 2;
const BEGINS_WORD: u8 = 4;

impl Kinds {
    /// Ids up to `vocab_size`; no word has a special one, and those that are never chosen can be part of one.
    pub(super) fn new(
        vocab_size: u32,
        special_ids: &[u32],
        never_chosen: &[u32],
        word_starts: &[u32],
    ) -> Self {
        let mut kinds = vec![0; vocab_size as usize];
        for &id in special_ids {
            kinds[id as usize] |= SPECIAL;
        }
        for &id in never_chosen {
            kinds[id as usize] |= NEVER_CHOSEN;
        }
        for &id in word_starts {
            kinds[id as usize] |= BEGINS_WORD;
        }
        Self(kinds)
    }

    /// Whether a token may be chosen.
    pub(super) fn is_free(&self, id: u32) -> bool {
        self.0[id as usize] & (SPECIAL | NEVER_CHOSEN) == 0
    }
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

/// Writes the words of a row into `words`.
pub(super) fn find_words(row: &[u32], segments: Option<&[i32]>, kinds: &Kinds, words: &mut Vec<Word>) {
    words.clear();
    let mut follows = false;
    for (position, &id) in row.iter().enumerate() {
        let kind = kinds.0[id as usize];
        if kind & SPECIAL != 0 {
            follows = false;
            continue;
        }
        follows = follows && segments.is_none_or(|segments| segments[position] == segments[position - 1]);
        let size = usize::from(kind & NEVER_CHOSEN == 0);
        match words.last_mut() {
            Some(word) if follows && kind & BEGINS_WORD == 0 => {
                word.end += 1;
                word.size += size;
            }
            _ => words.push(Word { begin: position, end: position + 1, size, follows }),
        }
        follows = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_where_they_should() {
        // 0 is special, 1 is never chosen, 2 goes on, 3 begins.
        let kinds = Kinds::new(4, &[0], &[1], &[3]);
        type Found<'a> = &'a [(usize, usize, usize, bool)];
        let cases: [(&[u32], Option<&[i32]>, Found<'_>); 7] = [
            (&[], None, &[]),
            (&[0, 0], None, &[]),
            (&[2, 2, 3, 2], None, &[(0, 2, 2, false), (2, 4, 2, true)]),
            (&[0, 2, 0, 2], None, &[(1, 2, 1, false), (3, 4, 1, false)]),
            (&[3, 1, 2, 3], None, &[(0, 3, 2, false), (3, 4, 1, true)]),
            (&[1], None, &[(0, 1, 0, false)]),
            (&[3, 2, 2, 3], Some(&[1, 1, 2, 2]), &[(0, 2, 2, false), (2, 3, 1, false), (3, 4, 1, true)]),
        ];
        let mut words = Vec::new();
        for (row, segments, want) in cases {
            find_words(row, segments, &kinds, &mut words);
            let found: Vec<_> = words.iter().map(|w| (w.begin, w.end, w.size, w.follows)).collect();
            assert_eq!(found, want, "{row:?}");
        }
    }
}
