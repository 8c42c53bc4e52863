//! Where in a text one of many texts may begin, by the first two bytes.

/// The pairs of bytes that texts begin with.
#[derive(Debug, Clone)]
pub(super) struct Starts {
    /// A bit for each pair.
    pairs: Box<[u64]>,
    /// The bytes that are a text alone.
    alone: [bool; 256],
    nibbles: Nibbles,
}

/// The same coarsely, as vectors look it up: for the low and high half of the first and second byte the groups that have
/// it, a bit each. A place is passed over if no group has all four (Hyperscan's Teddy, with two bytes).
#[derive(Debug, Clone, Copy, Default)]
struct Nibbles {
    tables: [[u8; 16]; 4],
}

impl Starts {
    pub(super) fn new<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut starts = Self {
            pairs: vec![0; (1 << 16) / 64].into_boxed_slice(),
            alone: [false; 256],
            nibbles: Nibbles::default(),
        };
        for text in texts {
            match *text {
                [first, second, ..] => starts.add(first, second),
                [byte] => {
                    starts.alone[usize::from(byte)] = true;
                    (0..=255).for_each(|second| starts.add(byte, second));
                }
                [] => {}
            }
        }
        starts
    }

    fn add(&mut self, first: u8, second: u8) {
        let pair = usize::from(first) << 8 | usize::from(second);
        self.pairs[pair / 64] |= 1 << (pair % 64);
        let group = 1 << ((first.wrapping_mul(7) ^ first >> 4) % 8);
        let [low, high, next_low, next_high] = &mut self.nibbles.tables;
        for (table, nibble) in
            [(low, first & 15), (high, first >> 4), (next_low, second & 15), (next_high, second >> 4)]
        {
            table[usize::from(nibble)] |= group;
        }
    }

    /// The first place at `from` or behind where a text may begin.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        #[cfg(target_arch = "x86_64")]
        if crate::simd::has_avx2() {
            #[expect(unsafe_code, reason = "instructions that a machine may lack")]
            // SAFETY: the machine has them.
            return unsafe { avx2::next(self, bytes, from) };
        }
        self.next_one_by_one(bytes, from)
    }

    fn next_one_by_one(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let place = rest.windows(2).position(|pair| self.has(pair[0], pair[1]));
        place.map(|place| from + place).or_else(|| {
            let is_alone = rest.last().is_some_and(|&byte| self.alone[usize::from(byte)]);
            is_alone.then(|| bytes.len() - 1)
        })
    }

    #[inline]
    fn has(&self, first: u8, second: u8) -> bool {
        let pair = usize::from(first) << 8 | usize::from(second);
        self.pairs.get(pair / 64).is_some_and(|word| word >> (pair % 64) & 1 == 1)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    #![expect(unsafe_code, reason = "loads from slices whose length was checked")]

    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use super::Starts;

    /// Bytes at a time, and one more that is read.
    const STEP: usize = 32;

    #[target_feature(enable = "avx2,bmi1")]
    pub(super) fn next(starts: &Starts, bytes: &[u8], from: usize) -> Option<usize> {
        let [low, high, next_low, next_high] = &starts.nibbles.tables;
        let tables = [table(low), table(high), table(next_low), table(next_high)];
        let mut place = from;
        while let Some(window) = bytes.get(place..).and_then(<[u8]>::first_chunk::<{ STEP + 1 }>) {
            let mut candidates = candidates(&tables, window);
            while candidates != 0 {
                let offset = candidates.trailing_zeros() as usize;
                if let Some(&[first, second]) = window[offset..].first_chunk()
                    && starts.has(first, second)
                {
                    return Some(place + offset);
                }
                candidates &= candidates - 1;
            }
            place += STEP;
        }
        starts.next_one_by_one(bytes, place)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn candidates(tables: &[__m256i; 4], window: &[u8; STEP + 1]) -> u32 {
        // SAFETY: the window has 33 bytes, so that 32 can be read from its first and from its second.
        let (first, second) = unsafe {
            (_mm256_loadu_si256(window.as_ptr().cast()), _mm256_loadu_si256(window.as_ptr().add(1).cast()))
        };
        let groups =
            _mm256_and_si256(groups(tables[0], tables[1], first), groups(tables[2], tables[3], second));
        let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256()));
        !none.cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn groups(low: __m256i, high: __m256i, bytes: __m256i) -> __m256i {
        let nibble = _mm256_set1_epi8(15);
        _mm256_and_si256(
            _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
            _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble)),
        )
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn table(nibbles: &[u8; 16]) -> __m256i {
        // SAFETY: the array has the 16 bytes that are read.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(nibbles.as_ptr().cast()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_start_is_passed_over(
            texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..4), 0..20),
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            dense in proptest::collection::vec(0_u8..4, 0..200),
            dense_texts in proptest::collection::vec(proptest::collection::vec(0_u8..6, 1..3), 0..4),
            from in 0_usize..40,
        ) {
            for (texts, bytes) in [(&texts, &bytes), (&dense_texts, &dense), (&dense_texts, &bytes)] {
                let starts = Starts::new(texts.iter().map(Vec::as_slice));
                let begins = |place: &usize| {
                    let rest = &bytes[*place..];
                    texts.iter().any(|text| match text[..] {
                        [byte] => rest[0] == byte,
                        _ => rest.starts_with(&text[..2]),
                    })
                };
                let want = (from..bytes.len()).find(begins);
                prop_assert_eq!(starts.next(bytes, from), want);
                prop_assert_eq!(starts.next_one_by_one(bytes, from), want);
            }
        }
    }
}
