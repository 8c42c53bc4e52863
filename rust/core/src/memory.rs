//! Memory that is asked for in large stretches.

/// Less is not worth a call.
#[cfg(target_os = "linux")]
const LARGE: usize = 1 << 20;

/// Asks the system to back the room of `numbers` that was not written yet with large pages: it then comes in a few
/// hundred times fewer steps, each of which interrupts the program. A system that knows no large pages does nothing.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a call of the system")]
pub(crate) fn prefer_large_pages<T>(numbers: &mut Vec<T>) {
    let page = 1 << 12;
    let room = numbers.spare_capacity_mut().as_mut_ptr_range();
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
pub(crate) fn prefer_large_pages<T>(_numbers: &mut Vec<T>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_pages_changes() {
        for room in [0, 1, 1 << 18, 1 << 22] {
            let mut numbers = vec![7_u64; 3];
            numbers.reserve_exact(room);
            let (address, capacity) = (numbers.as_ptr(), numbers.capacity());
            prefer_large_pages(&mut numbers);
            assert_eq!(
                (numbers.as_ptr(), numbers.capacity(), &numbers[..]),
                (address, capacity, &[7; 3][..])
            );
            numbers.resize(room + 3, 8);
            assert!(numbers[3..].iter().all(|&number| number == 8));
        }
    }
}
