//! Eight blocks at a time.

#![expect(unsafe_code, reason = "instructions that a machine may lack, behind a check that it has them")]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_mask_shuffle_epi32, _mm512_mul_epu32, _mm512_permutex2var_epi64,
    _mm512_set_epi64, _mm512_set1_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_ternarylogic_epi64,
};

use super::super::{Draws, MULTIPLIERS, ROUNDS};
use super::{WORDS, round_keys};

/// As [`super::fill`]. To be called only where the machine has these instructions.
pub(super) fn fill(draws: &Draws, first_block: u32, words: &mut [[u32; WORDS]]) {
    // SAFETY: the machine has the instructions, as the caller knows.
    unsafe { fill_lanes(draws, first_block, words) }
}

#[target_feature(enable = "avx512f")]
fn fill_lanes(draws: &Draws, first_block: u32, words: &mut [[u32; WORDS]]) {
    let keys = round_keys(draws).map(|key| key.map(|half| all(half.into())));
    let mut blocks = _mm512_add_epi64(all(first_block.into()), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    let rest = [draws.sample[0], draws.sample[1], draws.tag].map(|word| all(word.into()));
    for out in words {
        let lanes = philox(blocks, rest, &keys);
        blocks = _mm512_add_epi64(blocks, all(8));
        store(lanes, out);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn philox(blocks: __m512i, rest: [__m512i; 3], keys: &[[__m512i; 2]; ROUNDS]) -> [__m512i; 4] {
    let (mut c0, [mut c1, mut c2, mut c3]) = (blocks, rest);
    let multipliers = MULTIPLIERS.map(|multiplier| all(multiplier));
    for [k0, k1] in keys {
        let p0 = _mm512_mul_epu32(c0, multipliers[0]);
        let p1 = _mm512_mul_epu32(c2, multipliers[1]);
        (c0, c1, c2, c3) = (mixed(p1, c1, *k0), p1, mixed(p0, c3, *k1), p0);
    }
    [c0, c1, c2, c3]
}

/// The high half of a product, mixed with a word and the key.
#[inline]
#[target_feature(enable = "avx512f")]
fn mixed(product: __m512i, word: __m512i, key: __m512i) -> __m512i {
    const EXCLUSIVE_OR: i32 = 0b1001_0110;
    _mm512_ternarylogic_epi64::<EXCLUSIVE_OR>(_mm512_srli_epi64::<32>(product), word, key)
}

/// Writes the low halves of the lanes block by block.
#[inline]
#[target_feature(enable = "avx512f")]
fn store([c0, c1, c2, c3]: [__m512i; 4], out: &mut [u32; WORDS]) {
    // Words 0 and 1 of a block in a lane, words 2 and 3 in the same lane of another vector.
    let (first, second) = (paired(c0, c1), paired(c2, c3));
    let low = _mm512_permutex2var_epi64(first, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), second);
    let high = _mm512_permutex2var_epi64(first, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), second);
    let out = out.as_mut_ptr();
    // SAFETY: 32 words of 32 bits are twice 512 bits.
    unsafe {
        _mm512_storeu_si512(out.cast(), low);
        _mm512_storeu_si512(out.add(WORDS / 2).cast(), high);
    }
}

/// The low halves of `low` where they are, those of `high` above them.
#[inline]
#[target_feature(enable = "avx512f")]
fn paired(low: __m512i, high: __m512i) -> __m512i {
    const LOWER_TO_UPPER: i32 = 0b1010_0000;
    _mm512_mask_shuffle_epi32::<LOWER_TO_UPPER>(low, 0xAAAA, high)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}
