//! Eight blocks at a time, four in each of two vectors.

#![expect(unsafe_code, reason = "instructions that a machine may lack, behind a check that it has them")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_blend_epi32, _mm256_mul_epu32, _mm256_permute2x128_si256,
    _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_shuffle_epi32, _mm256_srli_epi64, _mm256_storeu_si256,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::super::{Draws, MULTIPLIERS, ROUNDS};
use super::{WORDS, round_keys};

/// As [`super::fill`]. To be called only where the machine has these instructions.
pub(super) fn fill(draws: &Draws, first_block: u32, words: &mut [[u32; WORDS]]) {
    // SAFETY: the machine has the instructions, as the caller knows.
    unsafe { fill_lanes(draws, first_block, words) }
}

#[target_feature(enable = "avx2")]
fn fill_lanes(draws: &Draws, first_block: u32, words: &mut [[u32; WORDS]]) {
    let keys = round_keys(draws).map(|key| key.map(|half| all(half.into())));
    let mut blocks = _mm256_add_epi64(all(first_block.into()), _mm256_set_epi64x(3, 2, 1, 0));
    let rest = [draws.sample[0], draws.sample[1], draws.tag].map(|word| all(word.into()));
    for out in words {
        let next = _mm256_add_epi64(blocks, all(4));
        let lanes = philox([blocks, next], rest, &keys);
        blocks = _mm256_add_epi64(next, all(4));
        let (low, high) = out.split_at_mut(WORDS / 2);
        store(lanes.map(|both| both[0]), low);
        store(lanes.map(|both| both[1]), high);
    }
}

type Both = [__m256i; 2];

#[inline]
#[target_feature(enable = "avx2")]
fn philox(blocks: Both, rest: [__m256i; 3], keys: &[[__m256i; 2]; ROUNDS]) -> [Both; 4] {
    let (mut c0, [mut c1, mut c2, mut c3]) = (blocks, rest.map(|word| [word; 2]));
    for [k0, k1] in keys {
        let (p0, p1) = (products(c0, MULTIPLIERS[0]), products(c2, MULTIPLIERS[1]));
        (c0, c1, c2, c3) = (mixed(p1, c1, *k0), p1, mixed(p0, c3, *k1), p0);
    }
    [c0, c1, c2, c3]
}

#[inline]
#[target_feature(enable = "avx2")]
fn products([first, second]: Both, multiplier: u64) -> Both {
    [_mm256_mul_epu32(first, all(multiplier)), _mm256_mul_epu32(second, all(multiplier))]
}

/// The high half of a product, mixed with a word and the key.
#[inline]
#[target_feature(enable = "avx2")]
fn mixed(products: Both, words: Both, key: __m256i) -> Both {
    std::array::from_fn(|half| {
        let high = _mm256_srli_epi64::<32>(products[half]);
        _mm256_xor_si256(_mm256_xor_si256(high, words[half]), key)
    })
}

/// Writes the low halves of four lanes block by block.
#[inline]
#[target_feature(enable = "avx2")]
fn store([c0, c1, c2, c3]: [__m256i; 4], out: &mut [u32]) {
    // Words 0 and 1 of a block in a lane, words 2 and 3 in the same lane of another vector.
    let (first, second) = (paired(c0, c1), paired(c2, c3));
    // Blocks 0 and 2, and blocks 1 and 3.
    let (even, odd) = (_mm256_unpacklo_epi64(first, second), _mm256_unpackhi_epi64(first, second));
    let low = _mm256_permute2x128_si256::<0x20>(even, odd);
    let high = _mm256_permute2x128_si256::<0x31>(even, odd);
    let (first, second) = out[..WORDS / 2].split_at_mut(WORDS / 4);
    // SAFETY: eight words of 32 bits are 256 bits.
    unsafe {
        _mm256_storeu_si256(first.as_mut_ptr().cast(), low);
        _mm256_storeu_si256(second.as_mut_ptr().cast(), high);
    }
}

/// The low halves of `low` where they are, those of `high` above them.
#[inline]
#[target_feature(enable = "avx2")]
fn paired(low: __m256i, high: __m256i) -> __m256i {
    const LOWER_TO_UPPER: i32 = 0b1010_0000;
    _mm256_blend_epi32::<0b1010_1010>(low, _mm256_shuffle_epi32::<LOWER_TO_UPPER>(high))
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(word: u64) -> __m256i {
    _mm256_set1_epi64x(word.cast_signed())
}
