//! Memory that is asked for in large stretches.

mod row;

use std::ops::Range;

pub(crate) use row::{Row, Zero};

/// Less is not worth a call.
const LARGE: usize = 1 << 20;

/// Makes room for `more` numbers, in large pages where the system has any: it then comes in a few hundred times fewer
/// steps, each of which interrupts the program.
pub(crate) fn reserve_large_pages<T>(numbers: &mut Vec<T>, more: usize) {
    numbers.reserve(more);
    let start = numbers.as_ptr();
    prefer_large_pages(start..start.wrapping_add(numbers.capacity()));
}

/// Asks the memory for what is at a place, which will be looked at soon; there need not be such a place.
#[inline]
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "there is no safe way to say it")]
pub(crate) fn fetch<T>(numbers: &[T], place: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: it reads nothing, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(numbers.as_ptr().wrapping_add(place).cast()) };
}

#[inline]
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fetch<T>(_numbers: &[T], _place: usize) {}

/// Asks the system to back memory with large pages, where it was not written yet. A system that knows none does nothing.
///
/// The page that it begins in is asked for whole: a stretch of which only a part is asked for can no longer be moved
/// without a copy when it grows.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a call of the system")]
fn prefer_large_pages<T>(Range { start, end }: Range<*const T>) {
    let page = 1 << 12;
    let before = start.addr() % page;
    let bytes = end.addr() - start.addr();
    if bytes >= LARGE {
        let start = start.cast_mut().cast::<libc::c_void>().wrapping_byte_sub(before);
        // SAFETY: it changes neither what stands in the memory nor whether it may be used; nor does an error.
        unsafe {
            libc::madvise(start, bytes + before, libc::MADV_HUGEPAGE);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages<T>(_memory: Range<*const T>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_room_changes() {
        for room in [0, 1, 1 << 18, 1 << 22] {
            let mut numbers = vec![7_u64; 3];
            reserve_large_pages(&mut numbers, room);
            assert_eq!((numbers.capacity() >= room + 3, &numbers[..]), (true, &[7; 3][..]));
            let address = numbers.as_ptr();
            numbers.resize(room + 3, 8);
            assert!(numbers[3..].iter().all(|&number| number == 8));
            assert_eq!(numbers.as_ptr(), address);
        }
    }
}
