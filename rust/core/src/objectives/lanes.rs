//! Loops over a row that the widest instructions of the machine make several times as fast.

/// The positions of the words that are below a threshold, in order; `room` is room for them.
pub(super) fn below<'a>(words: &[u32], threshold: u64, room: &'a mut Vec<u32>) -> &'a [u32] {
    // A whole vector is written where some of it counts.
    room.resize(words.len() + WIDEST, 0);
    let Some(highest) = threshold.checked_sub(1) else { return &[] };
    let count = by_machine::below(words, highest.try_into().unwrap_or(u32::MAX), room);
    &room[..count]
}

/// Writes ids as the wide integers that models take.
pub(super) fn widen(ids: &[u32], cells: &mut [i64]) {
    by_machine::widen(ids, cells);
}

/// Fills cells with one value.
pub(super) fn fill(cells: &mut [i64], value: i64) {
    by_machine::fill(cells, value);
}

/// Words of the widest vector.
const WIDEST: usize = 16;

fn below_portable(words: &[u32], first: u32, highest: u32, room: &mut [u32], mut count: usize) -> usize {
    for (position, &word) in (first..).zip(words) {
        room[count] = position;
        count += usize::from(word <= highest);
    }
    count
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
fn widen_portable(ids: &[u32], cells: &mut [i64]) {
    cells.iter_mut().zip(ids).for_each(|(cell, &id)| *cell = i64::from(id));
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
fn fill_portable(cells: &mut [i64], value: i64) {
    cells.fill(value);
}

#[cfg(not(target_arch = "x86_64"))]
mod by_machine {
    pub(super) fn fill(cells: &mut [i64], value: i64) {
        super::fill_portable(cells, value);
    }

    pub(super) fn below(words: &[u32], highest: u32, room: &mut [u32]) -> usize {
        super::below_portable(words, 0, highest, room, 0)
    }

    pub(super) fn widen(ids: &[u32], cells: &mut [i64]) {
        super::widen_portable(ids, cells);
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions that a machine may lack, behind a check that it has them")]
mod by_machine {
    use std::arch::x86_64::{
        __m256i, _mm_loadl_epi64, _mm256_add_epi32, _mm256_castsi256_ps, _mm256_cmpeq_epi32,
        _mm256_cvtepu8_epi32, _mm256_loadu_si256, _mm256_max_epu32, _mm256_movemask_ps, _mm256_set1_epi32,
        _mm256_storeu_si256, _mm512_add_epi32, _mm512_cmple_epu32_mask, _mm512_loadu_si512,
        _mm512_maskz_compress_epi32, _mm512_set_epi32, _mm512_set1_epi32, _mm512_storeu_si512,
    };

    use super::{WIDEST, below_portable, fill_portable, widen_portable};
    use crate::simd::{has_avx2, has_avx512};

    pub(super) fn below(words: &[u32], highest: u32, room: &mut [u32]) -> usize {
        debug_assert!(room.len() >= words.len() + WIDEST);
        if has_avx512() {
            // SAFETY: the machine has them, and there is room for a vector behind as many positions as there are words.
            unsafe { below_with_avx512(words, highest, room) }
        } else if has_avx2() {
            // SAFETY: as above.
            unsafe { below_with_avx2(words, highest, room) }
        } else {
            below_portable(words, 0, highest, room, 0)
        }
    }

    pub(super) fn widen(ids: &[u32], cells: &mut [i64]) {
        if has_avx512() {
            // SAFETY: the machine has them.
            unsafe { widen_with_avx512(ids, cells) }
        } else if has_avx2() {
            // SAFETY: the machine has them.
            unsafe { widen_with_avx2(ids, cells) }
        } else {
            widen_portable(ids, cells);
        }
    }

    pub(super) fn fill(cells: &mut [i64], value: i64) {
        if has_avx512() {
            // SAFETY: the machine has them.
            unsafe { fill_with_avx512(cells, value) }
        } else if has_avx2() {
            // SAFETY: the machine has them.
            unsafe { fill_with_avx2(cells, value) }
        } else {
            fill_portable(cells, value);
        }
    }

    #[target_feature(enable = "avx512f")]
    fn fill_with_avx512(cells: &mut [i64], value: i64) {
        fill_portable(cells, value);
    }

    #[target_feature(enable = "avx2")]
    fn fill_with_avx2(cells: &mut [i64], value: i64) {
        fill_portable(cells, value);
    }

    #[target_feature(enable = "avx512f")]
    fn widen_with_avx512(ids: &[u32], cells: &mut [i64]) {
        widen_portable(ids, cells);
    }

    #[target_feature(enable = "avx2")]
    fn widen_with_avx2(ids: &[u32], cells: &mut [i64]) {
        widen_portable(ids, cells);
    }

    /// # Safety
    ///
    /// `room` is longer than `words` by a vector.
    #[target_feature(enable = "avx512f,avx512bw,popcnt")]
    unsafe fn below_with_avx512(words: &[u32], highest: u32, room: &mut [u32]) -> usize {
        let (vectors, rest) = words.as_chunks::<16>();
        let highest_of_all = _mm512_set1_epi32(highest.cast_signed());
        let mut positions = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        let mut count = 0;
        for vector in vectors {
            // SAFETY: sixteen words are 512 bits.
            let vector = unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) };
            let found = _mm512_cmple_epu32_mask(vector, highest_of_all);
            let chosen = _mm512_maskz_compress_epi32(found, positions);
            // SAFETY: no more positions were found than words read, and there is room for a vector behind so many.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().add(count).cast(), chosen) };
            count += found.count_ones() as usize;
            positions = _mm512_add_epi32(positions, _mm512_set1_epi32(16));
        }
        below_portable(rest, (words.len() - rest.len()) as u32, highest, room, count)
    }

    /// # Safety
    ///
    /// `room` is longer than `words` by a vector.
    #[target_feature(enable = "avx2,popcnt")]
    unsafe fn below_with_avx2(words: &[u32], highest: u32, room: &mut [u32]) -> usize {
        let (vectors, rest) = words.as_chunks::<8>();
        let highest_of_all = _mm256_set1_epi32(highest.cast_signed());
        let mut count = 0;
        for (number, vector) in vectors.iter().enumerate() {
            // SAFETY: eight words are 256 bits.
            let vector: __m256i = unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) };
            // A word is not above the highest where the greater of both is the highest.
            let at_most = _mm256_cmpeq_epi32(_mm256_max_epu32(vector, highest_of_all), highest_of_all);
            let found = _mm256_movemask_ps(_mm256_castsi256_ps(at_most)) as usize;
            // SAFETY: eight bytes are 64 bits.
            let lanes = unsafe { _mm_loadl_epi64(SET_BITS[found].as_ptr().cast()) };
            let first = _mm256_set1_epi32((8 * number) as i32);
            let chosen = _mm256_add_epi32(_mm256_cvtepu8_epi32(lanes), first);
            // SAFETY: no more positions were found than words read, and there is room for a vector behind so many.
            unsafe { _mm256_storeu_si256(room.as_mut_ptr().add(count).cast(), chosen) };
            count += found.count_ones() as usize;
        }
        below_portable(rest, (words.len() - rest.len()) as u32, highest, room, count)
    }

    /// For each byte the places of its set bits, and then anything.
    static SET_BITS: [[u8; 8]; 256] = {
        let mut table = [[0; 8]; 256];
        let mut byte = 0;
        while byte < 256 {
            let (mut bit, mut count) = (0, 0);
            while bit < 8 {
                if byte >> bit & 1 == 1 {
                    table[byte][count] = bit;
                    count += 1;
                }
                bit += 1;
            }
            byte += 1;
        }
        table
    };

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn all_instructions_find_the_same() {
            let words: Vec<u32> = (0..1000_u32).map(|n| n.wrapping_mul(0x9E37_79B9)).collect();
            for length in [0, 1, 7, 8, 9, 15, 16, 17, 31, 64, 999] {
                for highest in [0, 1 << 28, 1 << 31, u32::MAX - 1, u32::MAX] {
                    let (words, mut want) = (&words[..length], vec![0; length + WIDEST]);
                    let count = below_portable(words, 0, highest, &mut want, 0);
                    let mut room = vec![0; length + WIDEST];
                    if has_avx512() {
                        // SAFETY: the machine has them, and there is room.
                        assert_eq!(unsafe { below_with_avx512(words, highest, &mut room) }, count);
                        assert_eq!(room[..count], want[..count]);
                    }
                    if has_avx2() {
                        // SAFETY: the machine has them, and there is room.
                        assert_eq!(unsafe { below_with_avx2(words, highest, &mut room) }, count);
                        assert_eq!(room[..count], want[..count]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_mean_what_they_say() {
        let (words, mut room) = ([0, 5, u32::MAX, 4], Vec::new());
        assert!(below(&words, 0, &mut room).is_empty());
        assert_eq!(below(&words, 1, &mut room), [0]);
        assert_eq!(below(&words, 5, &mut room), [0, 3]);
        assert_eq!(below(&words, u64::from(u32::MAX), &mut room), [0, 1, 3]);
        assert_eq!(below(&words, 1 << 32, &mut room), [0, 1, 2, 3]);
    }
}
