//! The same with AVX2: 32 bytes an instruction.
//!
//! A set of ASCII characters is a table of 16 bytes: for the low half of a character, a bit for each high half with
//! which it is in the set. One shuffle looks up all bits for the low halves, another the one bit of the high halves,
//! and where that is among them the character is in the set.

#![expect(unsafe_code, reason = "loads, stores, and the call of what needs AVX2")]

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_xor_si256,
};

use super::ascii::{ALONE, Ascii, BLOCK, CASE, Marks, OTHER, SIGN, WORD};
use super::scan::Scan;
use super::table::Rules;
use crate::Result;

/// For each high half of an ASCII character its bit; no other byte has one.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

/// [`Scan::advance`] with AVX2.
pub(super) fn advance(ascii: &Ascii, rules: &Rules, text: &str, scan: &mut Scan) -> Result<bool> {
    // SAFETY: the machine was asked for the features when the width was chosen.
    unsafe { advance_with_avx2(ascii, rules, text, scan) }
}

/// [`Ascii::sort`] with AVX2.
#[cfg(test)]
pub(super) fn sort(ascii: &Ascii, block: &[u8; BLOCK], out: &mut [u8; BLOCK]) -> Marks {
    // SAFETY: as above.
    unsafe { Sets::of(ascii).sort(block, out) }
}

#[target_feature(enable = "avx2,bmi1")]
fn advance_with_avx2(ascii: &Ascii, rules: &Rules, text: &str, scan: &mut Scan) -> Result<bool> {
    let sets = Sets::of(ascii);
    scan.advance(rules, text, |block, out| sets.sort(block, out))
}

/// The tables of the sets, each twice, because a shuffle looks up its halves apart.
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
        let set = |flag: u8| {
            let mut table = [0; 16];
            for (character, _) in ascii.flags.iter().enumerate().filter(|(_, flags)| *flags & flag != 0) {
                table[character % 16] |= BITS[character / 16];
            }
            twice(&table)
        };
        Self {
            word: set(WORD),
            sign: set(SIGN),
            alone: set(ALONE),
            other: set(OTHER),
            case: set(CASE),
            bits: twice(&BITS),
        }
    }

    /// [`Ascii::sort`].
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sort(&self, block: &[u8; BLOCK], out: &mut [u8; BLOCK]) -> Marks {
        let (halves, _) = block.as_chunks::<32>();
        let (outs, _) = out.as_chunks_mut::<32>();
        let [low, high] = [0, 1].map(|half| self.sort_half(&halves[half], &mut outs[half]));
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        Marks {
            word: join(low[0], high[0]),
            sign: join(low[1], high[1]),
            alone: join(low[2], high[2]),
            other: join(low[3], high[3]),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn sort_half(&self, block: &[u8; 32], out: &mut [u8; 32]) -> [u32; 4] {
        // SAFETY: it reads the 32 bytes of the array.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
        let high_halves = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0F));
        let bits = _mm256_shuffle_epi8(self.bits, high_halves);
        // Of bytes that are not ASCII the shuffle makes 0, and they have no bit: they are in all sets.
        let members =
            |set: __m256i| _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(set, bytes), bits), bits);
        let flips = _mm256_and_si256(members(self.case), _mm256_set1_epi8(CASE as i8));
        // SAFETY: it writes the 32 bytes of the array.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_xor_si256(bytes, flips)) };
        [self.word, self.sign, self.alone, self.other].map(|set| _mm256_movemask_epi8(members(set)) as u32)
    }
}

#[target_feature(enable = "avx2")]
fn twice(table: &[u8; 16]) -> __m256i {
    // SAFETY: it reads the 16 bytes of the array.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}
