//! Insertions: tokens of the result that stand for nothing of the row.

use std::ops::Range;

use super::Denoising;
use super::noise::RowNoiseMut;
use crate::random::{Draws, Stream, bounded, choose_without_replacement};

impl Denoising {
    /// Draws what is inserted into the `left` tokens of a row of `length` whose body is `body`, and gives back how
    /// long the result's body is.
    ///
    /// One for each span without a word and a share of the tokens, but no more than keep the result as short as the
    /// row. Each set of places in the result's body is equally likely, as in fairseq.
    pub(super) fn draw_insertions(
        &self,
        [left, length, empty_spans]: [usize; 3],
        body: &Range<usize>,
        draws: &impl Fn(Stream) -> Draws,
        noise: &mut RowNoiseMut<'_>,
    ) -> usize {
        noise.insert_at.fill(0);
        noise.insert_ids.fill(0);
        let share = ((left + empty_spans) as f64 * self.settings.insert_ratio).ceil() as usize;
        let count = (empty_spans + share).min(length - left);
        let result_body = left + count - (length - body.len());
        let insertions = draws(Stream::Insertions);
        let inside = body.start..body.start + result_body;
        let places = &mut noise.insert_at[inside.clone()];
        choose_without_replacement(&insertions, count, result_body, |place| {
            std::mem::replace(&mut places[place], 1) == 0
        });
        self.draw_insert_ids(count, inside, insertions, &draws(Stream::Replacement), noise);
        result_body
    }

    /// Makes the share `mask_random` of the insertions random, rounded up, each set of them equally likely.
    fn draw_insert_ids(
        &self,
        count: usize,
        inside: Range<usize>,
        insertions: Draws,
        replacement: &Draws,
        noise: &mut RowNoiseMut<'_>,
    ) {
        let length = noise.insert_at.len();
        let mut random = (count as f64 * self.settings.mask_random).ceil() as u32;
        // Most rows have none: the row is not searched for more than there are.
        let places = inside.filter(|&place| noise.insert_at[place] != 0).take(count);
        // Each is random with the share of random ones among those that are left: no set has to be kept.
        for ((place, left), word) in places.zip((1..=count as u32).rev()).zip(insertions.words_from(count)) {
            let is_random = bounded(word, left) < random;
            random -= u32::from(is_random);
            noise.insert_ids[place] = if is_random {
                // The draws below the row's length are those of the places of spans.
                self.ordinary.drawn(replacement.draw(length + place))
            } else {
                self.settings.mask_id
            };
        }
    }
}

/// Puts `ids` among `tokens`, at the places of the result that `insert_at` names.
pub(super) fn insert(mut tokens: &[u32], insert_at: &[u8], ids: &[u32], result: &mut Vec<u32>) {
    result.clear();
    let mut rest = insert_at;
    while let Some(run) = rest.iter().position(|&inserted| inserted != 0) {
        let (before, behind) = tokens.split_at(run);
        result.extend_from_slice(before);
        result.push(ids[result.len()]);
        (tokens, rest) = (behind, &rest[run + 1..]);
    }
    result.extend_from_slice(tokens);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insertions_stand_at_their_places_of_the_result() {
        let mut result = vec![];
        for (insert_at, want) in [
            ([0, 0, 0, 0, 0], vec![1, 5, 2]),
            ([0, 1, 0, 0, 0], vec![1, 8, 5, 2]),
            ([0, 1, 0, 1, 0], vec![1, 8, 5, 8, 2]),
            ([0, 0, 1, 1, 0], vec![1, 5, 8, 8, 2]),
            ([1, 0, 0, 0, 1], vec![8, 1, 5, 2, 8]),
        ] {
            insert(&[1, 5, 2], &insert_at, &[8; 5], &mut result);
            assert_eq!(result, want, "{insert_at:?}");
        }
    }
}
