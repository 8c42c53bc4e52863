//! Many blocks of Philox side by side: a word of each block in a lane of 64 bits.
//!
//! A product of two words of 32 bits fills a lane, and the instruction that multiplies lanes looks at their low halves
//! alone: so high halves may hold anything until the end, and a round is two products, two shifts and four exclusive ors.

use super::Draws;
#[cfg(target_arch = "x86_64")]
use super::{ROUNDS, WEYL};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

/// Words of eight blocks.
pub(super) const WORDS: usize = 32;

/// The key of each round.
#[cfg(target_arch = "x86_64")]
fn round_keys(draws: &Draws) -> [[u32; 2]; ROUNDS] {
    std::array::from_fn(|round| {
        std::array::from_fn(|half| draws.key[half].wrapping_add(WEYL[half].wrapping_mul(round as u32)))
    })
}

/// Fills `words` with the draws from block `first_block` on, by the widest instructions that the machine has.
pub(super) fn fill(draws: &Draws, first_block: u32, words: &mut [[u32; WORDS]]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::has_avx512() {
        return avx512::fill(draws, first_block, words);
    } else if crate::simd::has_avx2() {
        return avx2::fill(draws, first_block, words);
    }
    let blocks = words.as_flattened_mut().as_chunks_mut::<4>().0;
    blocks.iter_mut().zip(first_block..).for_each(|(words, block)| *words = draws.block(block));
}
