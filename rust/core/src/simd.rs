//! Which instructions the machine has, beyond those that every machine has.

use std::sync::LazyLock;

/// Whether AVX2 and what came with it may be used. `FASTMASK_SIMD=off` in the environment forbids it.
pub(crate) fn has_avx2() -> bool {
    static FOUND: LazyLock<bool> = LazyLock::new(|| !is_off() && is_there());
    *FOUND
}

fn is_off() -> bool {
    std::env::var_os("FASTMASK_SIMD").is_some_and(|value| value == "off")
}

#[cfg(target_arch = "x86_64")]
fn is_there() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("bmi1") && has!("bmi2") && has!("popcnt") && has!("lzcnt")
}

#[cfg(not(target_arch = "x86_64"))]
fn is_there() -> bool {
    false
}
