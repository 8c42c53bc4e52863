//! The classes of 64 bytes, and the places of words, by AVX-512.

#![expect(unsafe_code, reason = "instructions that a machine may lack, behind a check that it has them")]

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_add_epi32, _mm512_alignr_epi32, _mm512_cmpeq_epi8_mask,
    _mm512_cmple_epu8_mask, _mm512_cvtepu8_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi8,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutex2var_epi32, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_storeu_si512, _mm512_sub_epi8,
};
use std::mem::offset_of;

use super::block::{Ascii, Classify, SIZE, THREE, TWO};

/// To be used only on machines that have AVX-512 with its operations on bytes.
#[derive(Debug)]
pub(super) struct Avx512;

impl Classify for Avx512 {
    #[inline]
    fn ascii(bytes: &[u8; SIZE]) -> Ascii {
        // SAFETY: this type is named only behind a check for these instructions (`super::fill`).
        unsafe { ascii(bytes) }
    }

    #[inline]
    fn letters(bytes: &[u8; SIZE]) -> (u64, u64) {
        // SAFETY: as above.
        unsafe { (in_ranges(bytes, TWO), in_ranges(bytes, THREE)) }
    }

    #[inline]
    fn write(starts: u64, at: usize, first: u32, places: &mut [(u32, u32); SIZE]) {
        // SAFETY: as above.
        unsafe { write(starts, at, first, places) }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn ascii(bytes: &[u8; SIZE]) -> Ascii {
    let bytes = load(bytes);
    Ascii {
        letter: range(_mm512_or_si512(bytes, all(b' ')), b'a', b'z'),
        capital: range(bytes, b'A', b'Z'),
        number: range(bytes, b'0', b'9'),
        space: equal(bytes, b' ') | range(bytes, b'\t', b'\r'),
        blank: equal(bytes, b' '),
        newline: equal(bytes, b'\n') | equal(bytes, b'\r'),
        apostrophe: equal(bytes, b'\''),
        slash: equal(bytes, b'/'),
        high: _mm512_movepi8_mask(bytes),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn in_ranges(bytes: &[u8; SIZE], [one, other]: [(u8, u8); 2]) -> u64 {
    let bytes = load(bytes);
    range(bytes, one.0, one.1) | range(bytes, other.0, other.1)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; SIZE]) -> __m512i {
    // SAFETY: 64 bytes.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn equal(bytes: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(bytes, all(byte))
}

/// Which bytes lie between two, which are in the range too.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn range(bytes: __m512i, first: u8, last: u8) -> u64 {
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, all(first)), all(last - first))
}

/// Sixteen places at a time.
const STEP: usize = 16;

const BYTES: [u8; SIZE] = {
    let mut bytes = [0; SIZE];
    let mut place = 0;
    while place < SIZE {
        bytes[place] = place as u8;
        place += 1;
    }
    bytes
};

/// For the lower and the upper half of [`STEP`] pairs the lanes that they are made of: of two vectors by turns.
const TURNS: [[u32; STEP]; 2] = {
    let mut turns = [[0; STEP]; 2];
    let mut lane = 0;
    while lane < 2 * STEP {
        turns[lane / STEP][lane % STEP] = (lane / 2 + lane % 2 * STEP) as u32;
        lane += 1;
    }
    turns
};

/// The bits become the numbers of their bytes, packed; then each begins where the one before it ends.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
fn write(starts: u64, at: usize, first: u32, places: &mut [(u32, u32); SIZE]) {
    const {
        assert!(
            offset_of!((u32, u32), 0) == 0 && offset_of!((u32, u32), 1) == 4 && size_of::<(u32, u32)>() == 8
        );
    };
    let mut packed = [0_u8; SIZE];
    // SAFETY: 64 bytes each.
    let [low, high] = unsafe {
        let bytes = _mm512_loadu_si512(BYTES.as_ptr().cast());
        _mm512_storeu_si512(packed.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(starts, bytes));
        [_mm512_loadu_si512(TURNS[0].as_ptr().cast()), _mm512_loadu_si512(TURNS[1].as_ptr().cast())]
    };
    let at = _mm512_set1_epi32((at as u32).cast_signed());
    let mut before = _mm512_set1_epi32(first.cast_signed());
    let count = starts.count_ones() as usize;
    let groups = packed.as_chunks::<STEP>().0.iter().zip(places.as_chunks_mut::<STEP>().0);
    for (numbers, places) in groups.take(count.div_ceil(STEP)) {
        // SAFETY: sixteen bytes.
        let numbers = unsafe { _mm_loadu_si128(numbers.as_ptr().cast()) };
        let ends = _mm512_add_epi32(_mm512_cvtepu8_epi32(numbers), at);
        let begins = _mm512_alignr_epi32::<15>(ends, before);
        let (lower, upper) = places.split_at_mut(STEP / 2);
        // SAFETY: eight pairs of four bytes each are a vector.
        unsafe {
            _mm512_storeu_si512(lower.as_mut_ptr().cast(), _mm512_permutex2var_epi32(begins, low, ends));
            _mm512_storeu_si512(upper.as_mut_ptr().cast(), _mm512_permutex2var_epi32(begins, high, ends));
        }
        before = ends;
    }
}
