//! The least of many keys, with the widest vectors that the machine has.

#![expect(
    clippy::inline_always,
    reason = "what runs on certain machines only has to be compiled for them whole"
)]

use super::word::NONE;

/// As many keys as are compared at once.
pub(super) const LANES: usize = 8;

/// A way to find the least key.
pub(super) trait Vectors {
    /// [`LANES`] keys.
    type Keys: Copy;

    /// The least of keys, whose number is a multiple of [`LANES`].
    fn least(keys: &[i32]) -> i32;

    /// Keys that are all [`NONE`].
    fn none() -> Self::Keys;

    /// The keys with another one in a lane.
    fn with(keys: Self::Keys, lane: usize, key: i32) -> Self::Keys;

    fn least_of(keys: Self::Keys) -> i32;
}

/// Work in which [`Vectors::least`] is used. It is compiled once for each kind of machine, so it has to be inlined.
pub(super) trait Step {
    fn run<V: Vectors>(&mut self);
}

/// What every machine has.
pub(super) struct Portable;

impl Vectors for Portable {
    type Keys = [i32; LANES];

    #[inline(always)]
    fn none() -> Self::Keys {
        [NONE; LANES]
    }

    #[inline(always)]
    fn with(mut keys: Self::Keys, lane: usize, key: i32) -> Self::Keys {
        keys[lane] = key;
        keys
    }

    #[inline(always)]
    fn least_of(keys: Self::Keys) -> i32 {
        keys.into_iter().fold(NONE, i32::min)
    }

    #[inline(always)]
    fn least(keys: &[i32]) -> i32 {
        let mut least = [NONE; LANES];
        for keys in keys.as_chunks::<LANES>().0 {
            least = std::array::from_fn(|lane| least[lane].min(keys[lane]));
        }
        least.into_iter().fold(NONE, i32::min)
    }
}

/// Runs a step with the instructions that this machine has.
#[inline]
#[cfg(target_arch = "x86_64")]
pub(super) fn run(step: &mut impl Step) {
    if crate::simd::has_avx2() {
        // SAFETY: the machine has these instructions: it was asked.
        #[expect(unsafe_code, reason = "a function for certain machines is called after asking for them")]
        unsafe {
            wide::run(step);
        }
    } else {
        step.run::<Portable>();
    }
}

#[inline]
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn run(step: &mut impl Step) {
    step.run::<Portable>();
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cvtsi128_si32, _mm_min_epi32, _mm_shuffle_epi32, _mm256_blendv_epi8,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_min_epi32,
        _mm256_set1_epi32,
    };

    use super::{LANES, NONE, Step, Vectors};

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    pub(super) fn run(step: &mut impl Step) {
        step.run::<Wide>();
    }

    /// Vectors of eight. Only [`run`] uses it.
    struct Wide;

    /// Eight zeros, the highest number once, and seven zeros: of sixteen bytes each.
    static LANE: [i32; 2 * LANES] = [0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0];

    impl Vectors for Wide {
        type Keys = __m256i;

        #[inline(always)]
        fn none() -> Self::Keys {
            // SAFETY: as below.
            #[expect(unsafe_code, reason = "as below")]
            unsafe {
                _mm256_set1_epi32(NONE)
            }
        }

        #[inline(always)]
        fn with(keys: Self::Keys, lane: usize, key: i32) -> Self::Keys {
            let lanes = &LANE[LANES - lane % LANES..][..LANES];
            // SAFETY: as below, and eight numbers are loaded as in the function `least`.
            #[expect(unsafe_code, clippy::cast_ptr_alignment, reason = "as below")]
            unsafe {
                let lanes = _mm256_loadu_si256(lanes.as_ptr().cast::<__m256i>());
                _mm256_blendv_epi8(keys, _mm256_set1_epi32(key), lanes)
            }
        }

        #[inline(always)]
        fn least_of(keys: Self::Keys) -> i32 {
            // SAFETY: as below.
            #[expect(unsafe_code, reason = "as below")]
            unsafe {
                least_of(keys)
            }
        }

        #[inline(always)]
        fn least(keys: &[i32]) -> i32 {
            // SAFETY: only `run` names this type, and it is called on machines that have these instructions.
            #[expect(
                unsafe_code,
                reason = "the compiler does not see through the trait where it is called from"
            )]
            unsafe {
                least(keys)
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn least(keys: &[i32]) -> i32 {
        let mut all = _mm256_set1_epi32(NONE);
        for keys in keys.as_chunks::<LANES>().0 {
            // SAFETY: eight numbers of 32 bits are 256 bits, and no alignment is asked for.
            #[expect(unsafe_code, clippy::cast_ptr_alignment, reason = "a vector is loaded from any pointer")]
            let keys = unsafe { _mm256_loadu_si256(keys.as_ptr().cast::<__m256i>()) };
            all = _mm256_min_epi32(all, keys);
        }
        least_of(all)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn least_of(all: __m256i) -> i32 {
        let four = _mm_min_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all));
        let two = least_of_halves::<0b01_00_11_10>(four);
        _mm_cvtsi128_si32(least_of_halves::<0b10_11_00_01>(two))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn least_of_halves<const SWAP: i32>(keys: __m128i) -> __m128i {
        _mm_min_epi32(keys, _mm_shuffle_epi32::<SWAP>(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Least<'k>(&'k [i32], i32);

    impl Step for Least<'_> {
        #[inline(always)]
        fn run<V: Vectors>(&mut self) {
            self.1 = V::least(self.0);
        }
    }

    proptest! {
        #[test]
        fn the_least_is_the_least_on_all_machines(mut keys in proptest::collection::vec(any::<i32>(), 0..70)) {
            keys.truncate(keys.len() / LANES * LANES);
            let want = keys.iter().copied().min().unwrap_or(NONE);
            let mut step = Least(&keys, 0);
            run(&mut step);
            prop_assert_eq!((step.1, Portable::least(&keys)), (want, want));
        }
    }
}
