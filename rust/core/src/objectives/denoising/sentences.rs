//! Sentences, and the order in which they come.

use std::ops::Range;

use super::places::SENTENCE_END;
use crate::random::{Draws, bounded, choose_without_replacement};

/// The sentences of a row's body; kept between rows.
#[derive(Default)]
pub(super) struct Sentences {
    body: Range<usize>,
    /// Where each ends and the next one begins.
    ends: Vec<usize>,
    /// Which sentence stands first, second, ...
    order: Vec<usize>,
    /// Those that change places, ascending.
    chosen: Vec<usize>,
    is_chosen: Vec<bool>,
    words: Vec<u32>,
}

impl Sentences {
    /// Finds them, each in its own place: a sentence ends after a token that ends one where the token before it does
    /// not, as in fairseq, and what is left at the end of the body is one more. `kinds` are the marks of the row's ids.
    pub(super) fn find(&mut self, kinds: &[u8], body: Range<usize>) {
        self.ends.clear();
        let ends_one = |kind: &u8| kind & SENTENCE_END != 0;
        let mut position = body.start;
        while let Some(distance) = kinds[position..body.end].iter().position(ends_one) {
            position += distance + 1;
            let follows_one = position > 1 && ends_one(&kinds[position - 2]);
            if !follows_one {
                self.ends.push(position);
            }
        }
        if self.ends.last().copied().unwrap_or(body.start) < body.end {
            self.ends.push(body.end);
        }
        self.order.clear();
        self.order.extend(0..self.ends.len());
        self.body = body;
    }

    /// Lets the share `ratio` of them, rounded up, change places among themselves, each order equally likely.
    pub(super) fn shuffle(&mut self, draws: &Draws, ratio: f64) {
        let count = (self.ends.len() as f64 * ratio).ceil() as usize;
        self.choose(draws, count);
        self.words.clear();
        self.words.extend(draws.words_from(count).take(count));
        // Fisher and Yates, from the back.
        for last in (1..count).rev() {
            let other = bounded(self.words[last], last as u32 + 1) as usize;
            self.order.swap(self.chosen[last], self.chosen[other]);
        }
    }

    fn choose(&mut self, draws: &Draws, count: usize) {
        let sentences = self.ends.len();
        self.is_chosen.clear();
        self.is_chosen.resize(sentences, count == sentences);
        if count < sentences {
            let is_chosen = &mut self.is_chosen;
            choose_without_replacement(draws, count, sentences, |sentence| {
                !std::mem::replace(&mut is_chosen[sentence], true)
            });
        }
        self.chosen.clear();
        self.chosen.extend((0..sentences).filter(|&sentence| self.is_chosen[sentence]));
    }

    /// For each place of the row, where its token comes from; what is not in the body stays.
    pub(super) fn write(&self, places: &mut [u32]) {
        let length = places.len();
        write_run(0..self.body.start, &mut places[..self.body.start]);
        let mut rest = &mut places[self.body.start..];
        for &sentence in &self.order {
            let begin = sentence.checked_sub(1).map_or(self.body.start, |before| self.ends[before]);
            let run = begin..self.ends[sentence];
            let (cells, behind) = rest.split_at_mut(run.len());
            write_run(run, cells);
            rest = behind;
        }
        write_run(self.body.end..length, rest);
    }
}

fn write_run(positions: Range<usize>, cells: &mut [u32]) {
    cells.iter_mut().zip(positions).for_each(|(cell, position)| *cell = position as u32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_after_the_first_of_several_full_stops_and_with_the_body() {
        for (row, body, want) in [
            (vec![], 0..0, vec![]),
            (vec![1, 2], 1..1, vec![]),
            (vec![5, 5, 9, 5, 9], 0..5, vec![3, 5]),
            (vec![1, 5, 9, 5, 2], 1..4, vec![3, 4]),
            (vec![1, 5, 9, 9, 9, 5, 2], 1..6, vec![3, 6]),
            (vec![1, 9, 5, 2], 1..3, vec![2, 3]),
            (vec![9, 9, 5, 9], 1..3, vec![3]),
        ] {
            let mut sentences = Sentences::default();
            let kinds: Vec<u8> = row.iter().map(|&id| u8::from(id == 9) * SENTENCE_END).collect();
            sentences.find(&kinds, body);
            assert_eq!(sentences.ends, want, "{row:?}");
        }
    }

    #[test]
    fn places_say_where_their_token_comes_from() {
        let mut sentences = Sentences::default();
        sentences.find(&[0, 0, SENTENCE_END, 0, 0, SENTENCE_END, 0, 0], 1..7);
        let mut places = [77; 8];
        sentences.write(&mut places);
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7]);
        sentences.order = vec![2, 0, 1];
        sentences.write(&mut places);
        assert_eq!(places, [0, 6, 1, 2, 3, 4, 5, 7]);
    }
}
