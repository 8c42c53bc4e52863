//! Text infilling: where spans begin, how many words they have, and what stands for them.

use super::noise::RowNoiseMut;
use super::places::Places;
use super::{Denoising, SpanFill};
use crate::objectives::words::BEGINS_WORD;
use crate::random::{Draws, Shuffle, Stream};

impl Denoising {
    /// Draws the spans of a row, and gives back how many of them have no word: each becomes an insertion.
    ///
    /// As in fairseq: lengths are drawn until they sum up to the share of the words that is wanted, the last one is
    /// cut to hit it, and each span with a word in it begins at a word of its own, wherever it ends.
    pub(super) fn draw_spans(
        &self,
        places: &Places,
        draws: &impl Fn(Stream) -> Draws,
        starts: &mut Vec<u32>,
        noise: &mut RowNoiseMut<'_>,
    ) -> usize {
        noise.span_start.fill(0);
        noise.span_words.fill(0);
        noise.span_ids.fill(0);
        words_of(places.marks(), starts);
        let mut budget = (starts.len() as f64 * self.settings.mask_ratio).ceil() as u32;
        let (mut spans, mut empty) = (0, 0);
        let mut lengths = draws(Stream::SpanLengths).words_from(0);
        // No two spans begin at the same word.
        let mut shuffled = Shuffle::new(&draws(Stream::SpanStarts), starts);
        while budget > 0 {
            // Without a table each span is one word.
            let length =
                self.span_lengths.as_ref().map_or(1, |table| table.drawn(lengths.draw())).min(budget);
            if length == 0 {
                empty += 1;
                continue;
            }
            let Some(start) = shuffled.next() else { break };
            (noise.span_start[start], noise.span_words[start]) = (1, length);
            (budget, spans) = (budget - length, spans + 1);
        }
        self.draw_span_ids(places, draws, &mut starts[..spans], noise);
        empty
    }

    /// Draws what stands for spans. Whether it is random is drawn for the first place of a span, which random token
    /// for each place that gets one.
    fn draw_span_ids(
        &self,
        places: &Places,
        draws: &impl Fn(Stream) -> Draws,
        starts: &mut [u32],
        noise: &mut RowNoiseMut<'_>,
    ) {
        let (action, replacement) = (draws(Stream::Action), draws(Stream::Replacement));
        let is_random = |start| self.random > 0 && u64::from(action.draw(start)) < self.random;
        let id = |is_random, place| {
            if is_random { self.ordinary.drawn(replacement.draw(place)) } else { self.settings.mask_id }
        };
        match self.settings.replace_length {
            SpanFill::Nothing => (),
            SpanFill::OneToken => {
                for start in starts.iter().map(|&start| start as usize) {
                    noise.span_ids[start] = id(is_random(start), start);
                }
            }
            SpanFill::EachToken => {
                // From the back: where spans overlap, the one that begins first says what stands there.
                starts.sort_unstable();
                for start in starts.iter().rev().map(|&start| start as usize) {
                    let is_random = is_random(start);
                    for place in places.covered_from(start, noise.span_words[start]) {
                        noise.span_ids[place] = id(is_random, place);
                    }
                }
            }
        }
    }
}

/// The places where words begin.
fn words_of(marks: &[u8], words: &mut Vec<u32>) {
    words.clear();
    words.resize(marks.len(), 0);
    let mut count = 0;
    for (place, &mark) in (0..).zip(marks) {
        words[count] = place;
        count += usize::from(mark & BEGINS_WORD != 0);
    }
    words.truncate(count);
}
