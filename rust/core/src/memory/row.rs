//! Tables that are looked at all over: each look at a page that the processor has no address of costs a search for it.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use super::{LARGE, prefer_large_pages};

/// The large page of most machines. A stretch of memory is made of these only where it is as aligned as they are.
const PAGE: usize = 1 << 21;

/// What memory is asked for in.
const UNIT: usize = size_of::<u64>();

/// What may consist of zeros alone.
///
/// # Safety
///
/// Bytes that are all zero are a value of the type.
#[expect(unsafe_code, reason = "the compiler knows no such types")]
pub(crate) unsafe trait Zero: Copy {}

/// A row of numbers, as many as there are once and for all: in large pages of its own, if it is large.
#[derive(Debug)]
pub(crate) struct Row<T> {
    /// Zeros, or without elements: then the room is what is wanted of it.
    room: Vec<u64>,
    /// Where the row begins in the room, in [`UNIT`]s.
    start: usize,
    length: usize,
    what: PhantomData<T>,
}

impl<T: Copy> Row<T> {
    /// A row of one number again and again.
    pub(crate) fn filled(number: T, length: usize) -> Self {
        Self::written(length, |room| {
            room.fill(MaybeUninit::new(number));
        })
    }

    /// A row of zeros. The system gives each page of it when it is first written, so that what is not used of a large one
    /// takes neither memory nor time.
    pub(crate) fn zeroed(length: usize) -> Self
    where
        T: Zero,
    {
        Self::placed(vec![0; Self::units(length)], length)
    }

    /// A row of `length` numbers, all of which `write` has to write.
    fn written(length: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        let mut row = Self::placed(Vec::with_capacity(Self::units(length)), length);
        write(row.places());
        row
    }

    /// How much to ask for so that a row can begin where it should.
    fn units(length: usize) -> usize {
        (size_of::<T>() * length + Self::alignment(length)).div_ceil(UNIT)
    }

    fn alignment(length: usize) -> usize {
        if size_of::<T>() * length < LARGE { align_of::<T>() } else { PAGE }
    }

    fn placed(room: Vec<u64>, length: usize) -> Self {
        let start = room.as_ptr().align_offset(Self::alignment(length));
        let mut row = Self { room, start, length, what: PhantomData };
        prefer_large_pages(row.places().as_ptr_range());
        row
    }

    /// The numbers, written or not.
    #[expect(unsafe_code, reason = "the room of a vector that begins where the row should")]
    fn places(&mut self) -> &mut [MaybeUninit<T>] {
        // SAFETY: `units` asked for `alignment` bytes more than the row takes, so it ends within the room, and `start` is
        // where a T may stand.
        unsafe { std::slice::from_raw_parts_mut(self.room.as_mut_ptr().add(self.start).cast(), self.length) }
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
    #[expect(unsafe_code, reason = "as in `places`")]
    fn deref(&self) -> &[T] {
        // SAFETY: as in `places`, and all of these were written when it was made, or may be zero.
        unsafe { std::slice::from_raw_parts(self.room.as_ptr().add(self.start).cast(), self.length) }
    }
}

impl<T> DerefMut for Row<T> {
    #[inline]
    #[expect(unsafe_code, reason = "as in `places`")]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.room.as_mut_ptr().add(self.start).cast(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    #[repr(align(64))]
    struct Line([u32; 16]);

    // SAFETY: numbers.
    #[expect(unsafe_code, reason = "the trait says so")]
    unsafe impl Zero for Line {}

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
        if length * size_of::<T>() >= LARGE {
            assert_eq!(copy.as_ptr().addr() % PAGE, 0);
        }
    }

    #[test]
    fn zeros_can_be_written() {
        for length in [0, 1, 5, 1 << 13, 1 << 15] {
            let mut row = Row::zeroed(length);
            assert!(row.len() == length && row.iter().all(|&line| line == Line([0; 16])));
            for (number, line) in (0..).zip(row.iter_mut()) {
                *line = Line([number; 16]);
            }
            assert!((0..).zip(&*row.clone()).all(|(number, &line)| line == Line([number; 16])));
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
