//! The least of many keys, with the widest vectors that the machine has.

use std::sync::LazyLock;

use super::word::NONE;

/// As many keys as are compared at once.
pub(super) const LANES: usize = 8;

/// Work in which [`least`] is used. It is compiled once for each kind of machine, so it has to be inlined.
pub(super) trait Step {
    fn run(&mut self);
}

/// The least of keys, whose number is a multiple of [`LANES`].
#[inline(always)]
pub(super) fn least(keys: &[i32]) -> i32 {
    let mut least = [NONE; LANES];
    for keys in keys.chunks_exact(LANES) {
        for (least, &key) in least.iter_mut().zip(keys) {
            *least = key.min(*least);
        }
    }
    // Halves against halves, as the lanes of a vector are compared.
    let four = [0, 1, 2, 3].map(|lane| least[lane].min(least[lane + 4]));
    four[0].min(four[2]).min(four[1].min(four[3]))
}

/// Runs a step with the instructions that this machine has.
#[inline]
#[cfg(target_arch = "x86_64")]
pub(super) fn run(step: &mut impl Step) {
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn run_wide(step: &mut impl Step) {
        step.run();
    }
    if *IS_WIDE {
        // SAFETY: the machine has these instructions: IS_WIDE has just said so.
        #[expect(unsafe_code, reason = "a function for certain machines is called after asking for them")]
        unsafe {
            run_wide(step);
        }
    } else {
        step.run();
    }
}

#[inline]
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn run(step: &mut impl Step) {
    step.run();
}

#[cfg(target_arch = "x86_64")]
static IS_WIDE: LazyLock<bool> = LazyLock::new(|| {
    let is_off = std::env::var_os("FASTMASK_SIMD").is_some_and(|value| value == "off");
    !is_off
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
});
