//! Memory that is asked for in large stretches.

mod row;

use std::mem::MaybeUninit;

pub(crate) use row::{Row, Zero};

/// Less is not worth a call.
const LARGE: usize = 1 << 20;

/// Makes room for `more` numbers, in large pages where the system has any: it then comes in a few hundred times fewer
/// steps, each of which interrupts the program.
pub(crate) fn reserve_large_pages<T>(numbers: &mut Vec<T>, more: usize) {
    numbers.reserve(more);
    prefer_large_pages(numbers.spare_capacity_mut());
}

/// Asks the system to back room that was not written yet with large pages. A system that knows none does nothing.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a call of the system")]
fn prefer_large_pages<T>(room: &mut [MaybeUninit<T>]) {
    let page = 1 << 12;
    let room = room.as_mut_ptr_range();
    let skipped = room.start.addr().wrapping_neg() % page;
    let bytes = (room.end.addr() - room.start.addr()).saturating_sub(skipped);
    if bytes >= LARGE {
        // SAFETY: it changes neither what stands in the memory nor whether it may be used; nor does an error.
        unsafe {
            libc::madvise(room.start.cast::<libc::c_void>().byte_add(skipped), bytes, libc::MADV_HUGEPAGE);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages<T>(_room: &mut [MaybeUninit<T>]) {}

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
