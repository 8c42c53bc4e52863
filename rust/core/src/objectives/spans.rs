//! Noise as a list of spans: drawn, rolled, read out of a mask, and written into one.

use super::bits::{Bits, ones};
use super::span_lengths::Amount;
use crate::random::{Draws, choose_without_replacement};

/// A run of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// The spans of a row, from left to right. It is kept between rows, so that no row allocates.
#[derive(Debug, Default)]
pub(super) struct Spans {
    list: Vec<Span>,
    noise: Parts,
    clean: Parts,
    words: Vec<u32>,
}

impl Spans {
    pub(super) fn list(&self) -> &[Span] {
        &self.list
    }

    /// How many tokens are noise.
    pub(super) fn noise(&self) -> usize {
        self.list.iter().map(|span| span.end - span.begin).sum()
    }

    /// Draws so many spans with so much noise among `tokens`, each way to place them equally likely.
    pub(super) fn draw(&mut self, amount: Amount, tokens: usize, noise_cuts: &Draws, clean_cuts: &Draws) {
        self.noise.cut(noise_cuts, amount.noise, amount.spans);
        self.clean.cut(clean_cuts, tokens - amount.noise, amount.spans);
        let mut noise_before = 0;
        self.list.clear();
        self.list.extend(self.clean.ends().zip(self.noise.ends()).map(|(clean, noise)| {
            let begin = clean + noise_before;
            noise_before = noise;
            Span { begin, end: clean + noise }
        }));
    }

    /// Draws noise for each of `tokens` alone: its word lies below `threshold`. Runs of noise are spans, of which
    /// there are at most `most`: what would be further ones stays clean.
    pub(super) fn draw_each(&mut self, select: &Draws, threshold: u64, tokens: usize, most: usize) {
        self.words.resize(tokens.max(self.words.len()), 0);
        let words = &mut self.words[..tokens];
        select.fill(words);
        read(&mut self.list, words.chunks(64).map(|words| below(threshold, words)), tokens);
        self.list.truncate(most);
    }

    /// Moves the noise of a row of `tokens` to the right by less than that, around the end, as `numpy.roll` does.
    pub(super) fn roll(&mut self, by: usize, tokens: usize) {
        let fold = tokens - by;
        let mut before = self.list.partition_point(|span| span.end <= fold);
        if let Some(&span) = self.list.get(before).filter(|span| span.begin < fold) {
            self.list[before].end = fold;
            before += 1;
            self.list.insert(before, Span { begin: fold, end: span.end });
        }
        let (stays, turns) = self.list.split_at_mut(before);
        for span in stays {
            *span = Span { begin: span.begin + by, end: span.end + by };
        }
        for span in turns {
            *span = Span { begin: span.begin - fold, end: span.end - fold };
        }
        self.list.rotate_left(before);
    }

    /// Reads the spans of a mask: noise is what is not 0.
    pub(super) fn read(&mut self, mask: &[u8]) {
        read(&mut self.list, mask.chunks(64).map(bits_of), mask.len());
    }

    /// Writes the spans into a mask.
    pub(super) fn write(&self, mask: &mut [u8]) {
        mask.fill(0);
        self.list.iter().for_each(|span| mask[span.begin..span.end].fill(1));
    }
}

/// Makes a list of the runs of ones in `tokens` bits; there are none behind the last token.
fn read(list: &mut Vec<Span>, words: impl Iterator<Item = u64>, tokens: usize) {
    list.clear();
    let mut last_bit = 0;
    let mut changes = ones(words.map(|word| {
        let changed = word ^ (word << 1 | last_bit);
        last_bit = word >> 63;
        changed
    }));
    while let Some(begin) = changes.next() {
        list.push(Span { begin, end: changes.next().unwrap_or(tokens) });
    }
}

/// Which of up to 64 bytes are not 0.
fn bits_of(bytes: &[u8]) -> u64 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    eights
        .iter()
        .chain([&last])
        .enumerate()
        .fold(0, |bits, (number, &eight)| bits | (eight_bits(eight)).unbounded_shl(8 * number as u32))
}

fn eight_bits(bytes: [u8; 8]) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let word = u64::from_le_bytes(bytes);
    // The high bit of each byte that is not 0, moved to its low bit.
    let ones = (((word & LOW) + LOW) | word) >> 7 & 0x0101_0101_0101_0101;
    // The product brings the low bit of byte n to bit 56 + n; no two terms meet, so nothing is carried.
    ones.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Which of up to 64 words lie below `threshold`.
fn below(threshold: u64, words: &[u32]) -> u64 {
    words.iter().rev().fold(0, |bits, &word| bits << 1 | u64::from(u64::from(word) < threshold))
}

/// A number of items cut into positive parts: the last items of the parts.
#[derive(Debug, Default)]
struct Parts(Bits);

impl Parts {
    /// Cuts `total` items into `parts` parts, each way to do so equally likely.
    fn cut(&mut self, draws: &Draws, total: usize, parts: usize) {
        self.0.clear(total);
        if let Some(cuts) = parts.checked_sub(1) {
            choose_without_replacement(draws, cuts, total - 1, |item| self.0.insert(item));
            self.0.insert(total - 1);
        }
    }

    /// Where each part ends.
    fn ends(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|last| last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream, threshold};
    use proptest::prelude::*;

    fn spans(mask: &[u8]) -> Spans {
        let mut spans = Spans::default();
        spans.read(mask);
        spans
    }

    fn mask(spans: &Spans, tokens: usize) -> Vec<u8> {
        let mut mask = vec![7; tokens];
        spans.write(&mut mask);
        mask
    }

    #[test]
    fn spans_are_the_runs_of_a_mask() {
        let found: Vec<_> =
            spans(&[0, 0, 1, 255, 0, 2]).list.iter().map(|span| (span.begin, span.end)).collect();
        assert_eq!(found, [(2, 4), (5, 6)]);
        assert_eq!(spans(&[]).list, []);
        assert_eq!(spans(&[1; 64]).list, [Span { begin: 0, end: 64 }]);
        assert_eq!(spans(&[0x80; 130]).list, [Span { begin: 0, end: 130 }]);
    }

    proptest! {
        #[test]
        fn masks_come_back(noisy in proptest::collection::vec(any::<bool>(), 0..200)) {
            let given: Vec<u8> = noisy.iter().map(|&noisy| u8::from(noisy)).collect();
            let read = spans(&given);
            prop_assert_eq!(mask(&read, given.len()), given);
            prop_assert!(read.list.windows(2).all(|pair| pair[0].end < pair[1].begin));
            prop_assert!(read.list.iter().all(|span| span.begin < span.end));
            prop_assert_eq!(read.noise(), noisy.iter().filter(|&&noisy| noisy).count());
        }

        #[test]
        fn a_roll_turns_the_mask(noisy in proptest::collection::vec(any::<bool>(), 1..100), by in 0_usize..100) {
            let mut given: Vec<u8> = noisy.iter().map(|&noisy| u8::from(noisy)).collect();
            // As drawn masks do, it begins clean: what is folded does not meet what it is folded onto.
            given[0] = 0;
            let (mut rolled, by) = (spans(&given), by % given.len());
            rolled.roll(by, given.len());
            given.rotate_right(by);
            prop_assert_eq!(&rolled.list, &spans(&given).list);
        }
    }

    #[test]
    fn each_token_has_a_word_of_its_own_and_spans_beyond_the_most_stay_clean() {
        let (draws, tokens) = (Key::new(3, 0).unwrap().draws(9, Stream::Select), 150);
        for (probability, most) in [(0.0, 9), (0.3, 200), (0.3, 4), (0.3, 0), (1.0, 1)] {
            let threshold = threshold(probability);
            let mut found = Spans::default();
            found.draw_each(&draws, threshold, tokens, most);
            let want: Vec<u8> = (0..tokens).map(|n| u8::from(u64::from(draws.draw(n)) < threshold)).collect();
            let want = &spans(&want).list;
            assert_eq!(found.list, want[..most.min(want.len())], "{probability} {most}");
        }
    }

    #[test]
    fn every_way_to_cut_is_equally_likely() {
        let (total, parts, tries) = (6, 3, 20_000);
        let mut seen = std::collections::BTreeMap::<Vec<usize>, u32>::new();
        let mut cuts = Parts::default();
        for sample in 0..tries {
            cuts.cut(&Key::new(5, 0).unwrap().draws(sample, Stream::NoiseCuts), total, parts);
            let ends: Vec<usize> = cuts.ends().collect();
            assert_eq!((ends.len(), ends[parts - 1]), (parts, total));
            *seen.entry(ends).or_default() += 1;
        }
        let want = tries as f64 / 10.0;
        let chi_square: f64 = seen.values().map(|&count| (f64::from(count) - want).powi(2) / want).sum();
        assert_eq!(seen.len(), 10);
        assert!(chi_square < 27.9, "chi-square {chi_square} over 9 degrees of freedom, p < 0.001");
    }
}
