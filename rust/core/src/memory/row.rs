//! Tables that are looked at all over: each look at a page that the processor has no address of costs a search for it.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use super::{LARGE, prefer_large_pages};

/// The large page of most machines. A stretch of memory is made of these only where it is as aligned as they are.
const PAGE: usize = 1 << 21;

/// A row of numbers, as many as there are once and for all: in large pages of its own, if it is large.
#[derive(Debug)]
pub(crate) struct Row<T> {
    /// Without elements: the room is what is wanted of it.
    room: Vec<T>,
    /// Where the row begins in the room.
    start: usize,
    length: usize,
}

impl<T: Copy> Row<T> {
    /// A row of one number again and again.
    pub(crate) fn filled(number: T, length: usize) -> Self {
        Self::written(length, |room| {
            room.fill(MaybeUninit::new(number));
        })
    }

    /// A row of `length` numbers, all of which `write` has to write.
    fn written(length: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        let mut room: Vec<T> = Vec::new();
        let start = if size_of::<T>() * length < LARGE {
            room.reserve_exact(length);
            0
        } else {
            let page = PAGE.div_ceil(size_of::<T>());
            room.reserve_exact(length.next_multiple_of(page) + page);
            // A size that does not divide a page may fit nowhere.
            room.as_ptr().align_offset(PAGE).min(page)
        };
        let spare = &mut room.spare_capacity_mut()[start..];
        prefer_large_pages(spare);
        write(&mut spare[..length]);
        Self { room, start, length }
    }
}

impl<T: Copy> From<&[T]> for Row<T> {
    fn from(numbers: &[T]) -> Self {
        Self::written(numbers.len(), |room| {
            for (place, &number) in room.iter_mut().zip(numbers) {
                place.write(number);
            }
        })
    }
}

impl<T: Copy> Clone for Row<T> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T> Deref for Row<T> {
    type Target = [T];

    #[inline]
    #[expect(unsafe_code, reason = "the room of a vector that begins where a page does")]
    fn deref(&self) -> &[T] {
        // SAFETY: `start + length` is within the room, and all of these were written when it was made.
        unsafe { std::slice::from_raw_parts(self.room.as_ptr().add(self.start), self.length) }
    }
}

impl<T> DerefMut for Row<T> {
    #[inline]
    #[expect(unsafe_code, reason = "as above")]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.room.as_mut_ptr().add(self.start), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    #[repr(align(64))]
    struct Line([u32; 16]);

    /// What a vector does, for any number of bytes an element.
    fn check<T: Copy + PartialEq + std::fmt::Debug>(numbers: &[T], length: usize, changes: &[usize]) {
        let mut want = vec![numbers[0]; length];
        let mut row = Row::filled(numbers[0], length);
        assert!(row[..] == want[..]);
        for (&place, &number) in changes.iter().zip(numbers.iter().cycle()).filter(|_| length > 0) {
            (want[place % length], row[place % length]) = (number, number);
        }
        let copy = row.clone();
        drop(row);
        assert!(copy[..] == want[..]);
        assert!(Row::from(&want[..])[..] == want[..]);
        if size_of::<T>() == align_of::<T>() && length * size_of::<T>() >= LARGE {
            assert_eq!(copy.as_ptr().addr() % PAGE, 0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn it_is_a_vector(
            length in prop_oneof![0_usize..3, 100_usize..300_000],
            numbers in proptest::collection::vec(any::<u32>(), 1..9),
            changes in proptest::collection::vec(any::<usize>(), 0..50),
        ) {
            check(&numbers, length, &changes);
            check(&numbers.iter().map(|&number| [number; 3]).collect::<Vec<_>>(), length, &changes);
            check(&numbers.iter().map(|&number| Line([number; 16])).collect::<Vec<_>>(), length / 4, &changes);
        }
    }
}
