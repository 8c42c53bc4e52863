//! Sixteen characters at a time: each is spelled in the last bytes of 32 bits, and the bytes that are none are left out.

#![expect(unsafe_code, reason = "instructions that a machine may lack, behind a check that it has them")]

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_cmpeq_epi32_mask, _mm512_cmpge_epu32_mask, _mm512_cmpgt_epu32_mask,
    _mm512_loadu_si512, _mm512_mask_mov_epi32, _mm512_maskz_compress_epi8, _mm512_movepi8_mask,
    _mm512_or_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srli_epi32,
    _mm512_storeu_si512,
};

use super::{LONGEST, SURROGATES, push_each};

const LANES: usize = 16;

/// As [`push_each`]. To be called only where the machine has these instructions.
pub(super) fn push(text: &mut String, code_points: &[u32]) -> bool {
    let (blocks, rest) = code_points.as_chunks::<LANES>();
    // SAFETY: the machine has the instructions, as the caller knows.
    unsafe { push_blocks(text, blocks) && push_each(text, rest) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2")]
fn push_blocks(text: &mut String, blocks: &[[u32; LANES]]) -> bool {
    text.reserve(blocks.len() * LANES * LONGEST);
    // SAFETY: only whole characters are appended below.
    let bytes = unsafe { text.as_mut_vec() };
    let (start, mut length) = (bytes.as_mut_ptr(), bytes.len());
    for block in blocks {
        // SAFETY: sixteen numbers of 32 bits are 512 bits.
        let numbers = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        if !are_characters(numbers) {
            return false;
        }
        let (spelled, count) = spelled(numbers);
        // SAFETY: room was made for 64 bytes a block, and the blocks before this one took no more.
        unsafe { _mm512_storeu_si512(start.add(length).cast(), spelled) };
        length += count;
    }
    // SAFETY: so many bytes were written, and they are the UTF-8 of characters.
    unsafe { bytes.set_len(length) };
    true
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn are_characters(numbers: __m512i) -> bool {
    let block = _mm512_and_si512(numbers, all(!(SURROGATES.end - SURROGATES.start - 1)));
    let surrogates = _mm512_cmpeq_epi32_mask(block, all(SURROGATES.start));
    surrogates | _mm512_cmpgt_epu32_mask(numbers, all(char::MAX as u32)) == 0
}

/// The bytes of sixteen characters, and how many they are.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2")]
fn spelled(numbers: __m512i) -> (__m512i, usize) {
    let two = _mm512_cmpge_epu32_mask(numbers, all(0x80));
    let three = _mm512_cmpge_epu32_mask(numbers, all(0x800));
    let four = _mm512_cmpge_epu32_mask(numbers, all(0x1_0000));
    // What says how many bytes there are, the first of them in the lowest bits.
    let mut signs = _mm512_mask_mov_epi32(_mm512_setzero_si512(), two, all(0x80C0_0000));
    signs = _mm512_mask_mov_epi32(signs, three, all(0x8080_E000));
    signs = _mm512_mask_mov_epi32(signs, four, all(0x8080_80F0));
    let last = _mm512_slli_epi32::<24>(numbers);
    // Of ASCII the last byte has seven bits, of anything else six.
    let last = _mm512_and_si512(last, _mm512_mask_mov_epi32(all(0x7F00_0000), two, all(0x3F00_0000)));
    let before = _mm512_and_si512(_mm512_slli_epi32::<10>(numbers), all(0x003F_0000));
    let second = _mm512_and_si512(_mm512_srli_epi32::<4>(numbers), all(0x0000_3F00));
    let first = _mm512_srli_epi32::<18>(numbers);
    // The bits of ASCII beyond six are in the byte before, too, which is left out.
    let bits = _mm512_or_si512(_mm512_or_si512(last, before), _mm512_or_si512(second, first));
    let is_there = _mm512_movepi8_mask(signs) | 0x8888_8888_8888_8888;
    let bytes = _mm512_maskz_compress_epi8(is_there, _mm512_or_si512(bits, signs));
    (bytes, is_there.count_ones() as usize)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(number: u32) -> __m512i {
    _mm512_set1_epi32(number.cast_signed())
}
