//! The classes of 64 bytes by AVX2.

#![expect(unsafe_code, reason = "instructions that a machine may lack, behind a check that it has them")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8,
};

use super::block::{Ascii, Classify, SIZE, THREE, TWO};

/// To be used only on machines that have AVX2.
#[derive(Debug)]
pub(super) struct Avx2;

impl Classify for Avx2 {
    #[inline]
    fn ascii(bytes: &[u8; SIZE]) -> Ascii {
        // SAFETY: this type is named only behind a check for AVX2 (`super::fill`).
        unsafe { ascii(bytes) }
    }

    #[inline]
    fn letters(bytes: &[u8; SIZE]) -> (u64, u64) {
        // SAFETY: as above.
        unsafe { (in_ranges(bytes, TWO), in_ranges(bytes, THREE)) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn ascii(bytes: &[u8; SIZE]) -> Ascii {
    let (low, high) = (load(bytes, 0), load(bytes, SIZE / 2));
    Ascii {
        letter: mask(letters(low), letters(high)),
        capital: mask(range(low, b'A', b'Z'), range(high, b'A', b'Z')),
        number: mask(range(low, b'0', b'9'), range(high, b'0', b'9')),
        space: mask(spaces(low), spaces(high)),
        blank: mask(equal(low, b' '), equal(high, b' ')),
        newline: mask(newlines(low), newlines(high)),
        apostrophe: mask(equal(low, b'\''), equal(high, b'\'')),
        slash: mask(equal(low, b'/'), equal(high, b'/')),
        high: mask(low, high),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn in_ranges(bytes: &[u8; SIZE], [one, other]: [(u8, u8); 2]) -> u64 {
    let (low, high) = (load(bytes, 0), load(bytes, SIZE / 2));
    mask(
        _mm256_or_si256(range(low, one.0, one.1), range(low, other.0, other.1)),
        _mm256_or_si256(range(high, one.0, one.1), range(high, other.0, other.1)),
    )
}

// No closures: the functions that call them would have to be inlined, and lack the instructions.

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; SIZE], from: usize) -> __m256i {
    debug_assert!(from <= SIZE / 2);
    // SAFETY: `from` is 0 or 32, so that 32 bytes lie in the array; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().add(from).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn letters(bytes: __m256i) -> __m256i {
    range(_mm256_or_si256(bytes, all(b' ')), b'a', b'z')
}

#[inline]
#[target_feature(enable = "avx2")]
fn spaces(bytes: __m256i) -> __m256i {
    _mm256_or_si256(equal(bytes, b' '), range(bytes, b'\t', b'\r'))
}

#[inline]
#[target_feature(enable = "avx2")]
fn newlines(bytes: __m256i) -> __m256i {
    _mm256_or_si256(equal(bytes, b'\n'), equal(bytes, b'\r'))
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(byte: u8) -> __m256i {
    _mm256_set1_epi8(byte.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(bytes: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(bytes, all(byte))
}

/// Which bytes lie between two, which are in the range too.
#[inline]
#[target_feature(enable = "avx2")]
fn range(bytes: __m256i, first: u8, last: u8) -> __m256i {
    let above = _mm256_add_epi8(bytes, all(first.wrapping_neg()));
    _mm256_cmpeq_epi8(_mm256_min_epu8(above, all(last - first)), above)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask(low: __m256i, high: __m256i) -> u64 {
    let (low, high) = (_mm256_movemask_epi8(low), _mm256_movemask_epi8(high));
    u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32
}
