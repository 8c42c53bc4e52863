//! Which instructions the machine has, beyond those that every machine has.

use std::sync::LazyLock;

/// Whether AVX2 and what came with it may be used. `FASTMASK_SIMD=off` in the environment forbids it.
pub(crate) fn has_avx2() -> bool {
    static FOUND: LazyLock<bool> = LazyLock::new(|| !forbidden_by(&["off"]) && is_there::avx2());
    *FOUND
}

/// Whether AVX-512 with its operations on bytes may be used, and all of AVX2. `FASTMASK_SIMD=avx2` forbids it, and `off`
/// too.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx512() -> bool {
    static FOUND: LazyLock<bool> =
        LazyLock::new(|| !forbidden_by(&["off", "avx2"]) && is_there::avx2() && is_there::avx512());
    *FOUND
}

fn forbidden_by(values: &[&str]) -> bool {
    std::env::var_os("FASTMASK_SIMD").is_some_and(|value| values.iter().any(|&other| value == *other))
}

#[cfg(target_arch = "x86_64")]
mod is_there {
    use std::arch::is_x86_feature_detected as has;

    pub(super) fn avx2() -> bool {
        has!("avx2") && has!("bmi1") && has!("bmi2") && has!("popcnt") && has!("lzcnt")
    }

    pub(super) fn avx512() -> bool {
        has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512vbmi2")
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod is_there {
    pub(super) fn avx2() -> bool {
        false
    }
}
