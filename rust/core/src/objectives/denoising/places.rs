//! A row in its new order: which token stands at which place, and what becomes of it.

use super::SpanFill;
use crate::objectives::words::{BEGINS_WORD, IdMarks, SPECIAL, for_each_token};

/// A token that ends a sentence: a mark of ids, and of no place.
pub(super) const SENTENCE_END: u8 = 8;
/// In a span.
pub(super) const COVERED: u8 = 16;
/// Leaves nothing behind.
pub(super) const GONE: u8 = 32;

/// The places of one row; kept between rows.
#[derive(Default)]
pub(super) struct Places {
    /// The marks of the row's ids, in the row's own order.
    id_marks: Vec<u8>,
    ids: Vec<u32>,
    marks: Vec<u8>,
}

impl Places {
    /// Takes a row, and gives back the marks of its ids.
    pub(super) fn read(&mut self, row: &[u32], marks: &IdMarks) -> &[u8] {
        self.id_marks.clear();
        self.id_marks.extend(marks.along(row));
        &self.id_marks
    }

    /// Puts the tokens of the row that was read where `order` says.
    pub(super) fn fill(&mut self, row: &[u32], order: &[u32]) {
        self.ids.clear();
        self.ids.extend(order.iter().map(|&source| row[source as usize]));
        self.marks.resize(row.len(), 0);
        let Self { id_marks, marks, .. } = self;
        for_each_token(order.iter().map(|&source| id_marks[source as usize]), None, |place, token| {
            marks[place] = (token.marks & SPECIAL) | (BEGINS_WORD * u8::from(token.begins));
        });
    }

    /// The marks of all places.
    pub(super) fn marks(&self) -> &[u8] {
        &self.marks
    }

    /// Marks what spans cover: each as many words as `span_words` says at its first place (0: no span begins), as far
    /// as there is nothing special on the way. The first place of a span that lies in another one is like any of it.
    pub(super) fn cover(&mut self, span_words: &[u32], fill: SpanFill) {
        let mut begin = 0;
        while let Some(distance) = span_words[begin..].iter().position(|&words| words > 0) {
            begin += distance;
            begin += self.cover_from(begin, &span_words[begin..], fill);
        }
    }

    /// The same for the span that begins at `begin` and those that it reaches; gives back how many places they have.
    fn cover_from(&mut self, begin: usize, span_words: &[u32], fill: SpanFill) -> usize {
        // The words that are still to be covered, that of the place included.
        let mut reach = 0_u32;
        let marks = &mut self.marks[begin..];
        for (distance, (mark, &words)) in marks.iter_mut().zip(span_words).enumerate() {
            let begins = u32::from(*mark & BEGINS_WORD != 0);
            let before = if *mark & SPECIAL != 0 { 0 } else { reach.saturating_sub(begins) };
            reach = before.max(words);
            if reach == 0 {
                return distance;
            }
            let stays = match fill {
                SpanFill::Nothing => false,
                SpanFill::OneToken => before == 0,
                SpanFill::EachToken => true,
            };
            *mark |= if stays { COVERED } else { COVERED | GONE };
        }
        span_words.len()
    }

    /// The places that a span of `words` words covers which begins at `start`.
    pub(super) fn covered_from(&self, start: usize, words: u32) -> std::ops::Range<usize> {
        let mut left = words;
        let length = self.marks[start..].iter().enumerate().position(|(distance, mark)| {
            left -= u32::from(distance > 0 && mark & BEGINS_WORD != 0);
            left == 0 || mark & SPECIAL != 0
        });
        start..length.map_or(self.marks.len(), |length| start + length)
    }

    /// Marks what is deleted, and gives back how many tokens are left.
    pub(super) fn delete(&mut self, delete: &[u8]) -> usize {
        for (mark, &deleted) in self.marks.iter_mut().zip(delete) {
            *mark |= if deleted == 0 { 0 } else { GONE };
        }
        self.marks.iter().filter(|&&mark| mark & GONE == 0).count()
    }

    /// What is left, in its order: covered places have the ids of `span_ids`.
    pub(super) fn write(&self, span_ids: &[u32], left: &mut Vec<u32>) {
        left.clear();
        left.resize(self.ids.len(), 0);
        let mut length = 0;
        for ((&id, &mark), &span_id) in self.ids.iter().zip(&self.marks).zip(span_ids) {
            // Written in any case, and kept by going on: a branch would be mispredicted at both ends of each span.
            left[length] = if mark & COVERED == 0 { id } else { span_id };
            length += usize::from(mark & GONE == 0);
        }
        left.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids below 10 are special, even ones begin a word.
    fn places(row: &[u32]) -> Places {
        let (special, even): (Vec<u32>, Vec<u32>) = ((0..10).collect(), (10..20).step_by(2).collect());
        let id_marks = IdMarks::new(20, 0, &[(&special, SPECIAL), (&even, BEGINS_WORD)]);
        let order: Vec<u32> = (0..row.len() as u32).collect();
        let mut places = Places::default();
        places.read(row, &id_marks);
        places.fill(row, &order);
        places
    }

    fn left(row: &[u32], span_words: &[u32], fill: SpanFill) -> Vec<u32> {
        let (mut places, mut left) = (places(row), vec![]);
        places.cover(span_words, fill);
        places.write(&[7; 20][..row.len()], &mut left);
        left
    }

    #[test]
    fn words_begin_by_id_and_after_what_is_special() {
        let want = [SPECIAL, BEGINS_WORD, 0, BEGINS_WORD, SPECIAL, SPECIAL, BEGINS_WORD, 0, SPECIAL];
        assert_eq!(places(&[1, 11, 13, 12, 3, 3, 11, 15, 2]).marks(), want);
        assert_eq!(places(&[11, 13, 12]).marks(), [BEGINS_WORD, 0, BEGINS_WORD]);
    }

    #[test]
    fn spans_cover_whole_words_as_far_as_nothing_special_is_on_the_way() {
        let row = [1, 10, 11, 12, 14, 15, 3, 16, 2];
        for (span_words, one, each) in [
            (
                [0, 1, 0, 0, 0, 0, 0, 0, 0],
                vec![1, 7, 12, 14, 15, 3, 16, 2],
                vec![1, 7, 7, 12, 14, 15, 3, 16, 2],
            ),
            ([0, 2, 0, 0, 0, 0, 0, 0, 0], vec![1, 7, 14, 15, 3, 16, 2], vec![1, 7, 7, 7, 14, 15, 3, 16, 2]),
            // Beyond the run: cut off before the special token.
            (
                [0, 0, 0, 0, 9, 0, 0, 0, 0],
                vec![1, 10, 11, 12, 7, 3, 16, 2],
                vec![1, 10, 11, 12, 7, 7, 3, 16, 2],
            ),
            // Side by side: two. One in the other: one, as long as both together.
            (
                [0, 1, 0, 1, 0, 0, 0, 0, 0],
                vec![1, 7, 7, 14, 15, 3, 16, 2],
                vec![1, 7, 7, 7, 14, 15, 3, 16, 2],
            ),
            ([0, 2, 0, 2, 0, 0, 0, 0, 0], vec![1, 7, 3, 16, 2], vec![1, 7, 7, 7, 7, 7, 3, 16, 2]),
        ] {
            assert_eq!(left(&row, &span_words, SpanFill::OneToken), one, "{span_words:?}");
            assert_eq!(left(&row, &span_words, SpanFill::EachToken), each, "{span_words:?}");
            let none: Vec<u32> = one.iter().copied().filter(|&id| id != 7).collect();
            assert_eq!(left(&row, &span_words, SpanFill::Nothing), none, "{span_words:?}");
        }
    }

    #[test]
    fn the_places_of_one_span_are_those_that_are_covered() {
        let row = [1, 10, 11, 12, 14, 15, 3, 16, 2];
        for (start, words, want) in
            [(1, 1, 1..3), (1, 2, 1..4), (1, 3, 1..6), (1, 9, 1..6), (2, 1, 2..3), (7, 1, 7..8), (4, 1, 4..6)]
        {
            let mut places = places(&row);
            assert_eq!(places.covered_from(start, words), want, "{start} {words}");
            let mut span_words = [0; 9];
            span_words[start] = words;
            places.cover(&span_words, SpanFill::Nothing);
            let covered: Vec<usize> = (0..9).filter(|&place| places.marks[place] & COVERED != 0).collect();
            assert_eq!(covered, want.collect::<Vec<_>>(), "{start} {words}");
        }
    }
}
