//! The same with AVX2: 32 bytes an instruction.
//!
//! A set of ASCII characters is a table of 16 bytes: for the low half of a character, a bit for each high half with
//! which it is in the set. One shuffle looks up all bits for the low halves, another the one bit of the high halves,
//! and where that is among them the character is in the set.

#![expect(unsafe_code, reason = "loads, stores, and the call of what needs AVX2")]

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_xor_si256,
};
use std::ops::Range;

use super::ascii::{ALONE, Ascii, BLOCK, CASE, Marks, OTHER, SIGN, WORD};
use super::raw_words::RawWords;
use super::scan::Scan;
use super::sorts::Known;
use super::table::{Rules, Table};
use crate::Result;

/// For each high half of an ASCII character its bit. Other bytes have one too, which none of their low halves has: the
/// shuffle makes 0 of them.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 1, 1, 1, 1, 1, 1, 1];

/// Each set as a table.
#[derive(Debug)]
pub(super) struct Tables {
    word: [u8; 16],
    sign: [u8; 16],
    alone: [u8; 16],
    other: [u8; 16],
    case: [u8; 16],
}

impl Tables {
    /// The sets of those ASCII characters that have the flags.
    pub(super) fn of(flags: &[u8; 128]) -> Self {
        let set = |flag: u8| {
            let mut table = [0; 16];
            for (character, _) in flags.iter().enumerate().filter(|(_, flags)| *flags & flag != 0) {
                table[character % 16] |= BITS[character / 16];
            }
            table
        };
        Self { word: set(WORD), sign: set(SIGN), alone: set(ALONE), other: set(OTHER), case: set(CASE) }
    }
}

/// [`Scan::advance`] with AVX2.
pub(super) fn advance(
    ascii: &Ascii,
    rules: &Rules,
    table: &mut Table,
    text: &str,
    scan: &mut Scan,
) -> Result<bool> {
    // SAFETY: the machine was asked for the features when the width was chosen.
    unsafe { advance_with_avx2(ascii, rules, table, text, scan) }
}

/// [`RawWords::fill`] with AVX2.
pub(super) fn fill(
    ascii: &Ascii,
    rules: &Rules,
    text: &str,
    words: &mut RawWords,
    known: &mut Known,
) -> bool {
    // SAFETY: as above.
    unsafe { fill_with_avx2(ascii, rules, text, words, known) }
}

/// [`RawWords::long`] with AVX2.
pub(super) fn long(
    ascii: &Ascii,
    rules: &Rules,
    text: &str,
    words: &mut RawWords,
    known: &mut Known,
) -> Option<Range<usize>> {
    // SAFETY: as above.
    unsafe { long_with_avx2(ascii, rules, text, words, known) }
}

/// [`Ascii::sort`] with AVX2.
#[cfg(test)]
pub(super) fn sort(ascii: &Ascii, block: &[u8; BLOCK], out: &mut [u8; BLOCK]) -> Marks {
    // SAFETY: as above.
    unsafe { Sets::of(ascii).sort(block, out) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn advance_with_avx2(
    ascii: &Ascii,
    rules: &Rules,
    table: &mut Table,
    text: &str,
    scan: &mut Scan,
) -> Result<bool> {
    let sets = Sets::of(ascii);
    scan.advance(rules, table, text, |block, out| sets.sort(block, out))
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn fill_with_avx2(ascii: &Ascii, rules: &Rules, text: &str, words: &mut RawWords, known: &mut Known) -> bool {
    let sets = Sets::of(ascii);
    words.fill(text, known, rules, |block, out| sets.sort(block, out))
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn long_with_avx2(
    ascii: &Ascii,
    rules: &Rules,
    text: &str,
    words: &mut RawWords,
    known: &mut Known,
) -> Option<Range<usize>> {
    let sets = Sets::of(ascii);
    words.long(text, known, rules, |block, out| sets.sort(block, out))
}

/// The tables of the sets, each twice, because a shuffle looks up its halves apart.
#[derive(Clone, Copy)]
struct Sets {
    word: __m256i,
    sign: __m256i,
    alone: __m256i,
    other: __m256i,
    case: __m256i,
    bits: __m256i,
}

impl Sets {
    #[target_feature(enable = "avx2")]
    fn of(ascii: &Ascii) -> Self {
        Self {
            word: twice(&ascii.tables.word),
            sign: twice(&ascii.tables.sign),
            alone: twice(&ascii.tables.alone),
            other: twice(&ascii.tables.other),
            case: twice(&ascii.tables.case),
            bits: twice(&BITS),
        }
    }

    /// [`Ascii::sort`].
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sort(&self, block: &[u8; BLOCK], out: &mut [u8; BLOCK]) -> Marks {
        // Without closures: the compiler does not put one in place that is called from code without AVX2.
        let (halves, _) = block.as_chunks::<32>();
        let (outs, _) = out.as_chunks_mut::<32>();
        let low = self.sort_half(&halves[0], &mut outs[0]);
        let high = self.sort_half(&halves[1], &mut outs[1]);
        Marks {
            word: low.word | high.word << 32,
            sign: low.sign | high.sign << 32,
            alone: low.alone | high.alone << 32,
            other: low.other | high.other << 32,
            high: low.high | high.high << 32,
            inner: low.inner | high.inner << 32,
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn sort_half(&self, block: &[u8; 32], out: &mut [u8; 32]) -> Marks {
        // SAFETY: it reads the 32 bytes of the array.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
        let high_halves = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0F));
        let bits = _mm256_shuffle_epi8(self.bits, high_halves);
        let flips = _mm256_and_si256(members(self.case, bytes, bits), _mm256_set1_epi8(CASE as i8));
        // SAFETY: it writes the 32 bytes of the array.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_xor_si256(bytes, flips)) };
        Marks {
            word: mask(members(self.word, bytes, bits)),
            sign: mask(members(self.sign, bytes, bits)),
            alone: mask(members(self.alone, bytes, bits)),
            other: mask(_mm256_or_si256(members(self.other, bytes, bits), bytes)),
            high: mask(bytes),
            // As signed numbers these are the least: 0x80 to 0xBF.
            inner: mask(_mm256_cmpgt_epi8(_mm256_set1_epi8(-64), bytes)),
        }
    }
}

/// Bytes that are not ASCII are in no set.
#[inline]
#[target_feature(enable = "avx2")]
fn members(set: __m256i, bytes: __m256i, bits: __m256i) -> __m256i {
    _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(set, bytes), bits), bits)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mask(members: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(members) as u32)
}

#[inline]
#[target_feature(enable = "avx2")]
fn twice(table: &[u8; 16]) -> __m256i {
    // SAFETY: it reads the 16 bytes of the array.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}
