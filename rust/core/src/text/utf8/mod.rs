//! Code points written as UTF-8: what Python holds becomes what everything here reads.

#[cfg(target_arch = "x86_64")]
mod avx512;

use std::ops::Range;

use crate::memory::reserve_large_pages;

/// The code points that are halves of characters in UTF-16, and no characters.
const SURROGATES: Range<u32> = 0xD800..0xE000;

/// The most bytes of a character.
const LONGEST: usize = 4;

/// Appends characters. If one of the numbers is none, as a lone surrogate is, the text is left as it was, and false
/// returned.
///
/// ```
/// let mut text = String::from("é: ");
/// assert!(fastmask_core::text::push_code_points(&mut text, &[0xE9, 0x1F600]));
/// assert!(!fastmask_core::text::push_code_points(&mut text, &[0x61, 0xD800]));
/// assert_eq!(text, "é: é😀");
/// ```
pub fn push_code_points(text: &mut String, code_points: &[u32]) -> bool {
    let length = text.len();
    make_room(text, code_points.len() * LONGEST);
    let is_text = push(text, code_points);
    if !is_text {
        text.truncate(length);
    }
    is_text
}

/// Texts are pushed one after the other, so much room is made at once for what is long already: it costs nothing until it
/// is written.
#[expect(unsafe_code, reason = "room is made for a text as it is for numbers")]
fn make_room(text: &mut String, bytes: usize) {
    const LONG: usize = 1 << 20;
    if text.len() >= LONG && text.capacity() - text.len() < bytes {
        let more = bytes.max(8 * text.len());
        // SAFETY: nothing is written.
        reserve_large_pages(unsafe { text.as_mut_vec() }, more);
    } else {
        text.reserve(bytes);
    }
}

#[cfg(target_arch = "x86_64")]
fn push(text: &mut String, code_points: &[u32]) -> bool {
    if crate::simd::has_avx512() { avx512::push(text, code_points) } else { push_each(text, code_points) }
}

#[cfg(not(target_arch = "x86_64"))]
fn push(text: &mut String, code_points: &[u32]) -> bool {
    push_each(text, code_points)
}

/// What every machine can do.
fn push_each(text: &mut String, code_points: &[u32]) -> bool {
    code_points.iter().all(|&number| {
        let character = char::from_u32(number);
        text.extend(character);
        character.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(code_points: &[u32]) {
        let want: Option<String> = code_points.iter().map(|&number| char::from_u32(number)).collect();
        for before in ["", "ab"] {
            for push in [push_code_points, push_each] as [fn(&mut String, &[u32]) -> bool; 2] {
                let mut text = before.to_owned();
                assert_eq!(push(&mut text, code_points), want.is_some(), "{code_points:x?}");
                if let Some(want) = &want {
                    assert_eq!(text.strip_prefix(before), Some(&want[..]), "{code_points:x?}");
                }
            }
        }
        let mut text = "ab".to_owned();
        let is_text = push_code_points(&mut text, code_points);
        assert!(is_text || text == "ab");
    }

    #[test]
    fn the_first_and_the_last_of_each_length() {
        let edges = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x1_0000, 0x10_FFFF];
        let none = [0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0x11_0000, u32::MAX];
        for length in 0..70 {
            let numbers: Vec<u32> = edges.iter().copied().cycle().skip(length % 7).take(length).collect();
            check(&numbers);
            for (place, none) in (0..length).zip(none.iter().cycle()) {
                let mut numbers = numbers.clone();
                numbers[place] = *none;
                check(&numbers);
            }
        }
    }

    #[test]
    fn much_is_pushed_in_parts() {
        let (part, mut text) = (vec![0xE9; 50_000], String::new());
        for _ in 0..40 {
            assert!(push_code_points(&mut text, &part));
        }
        assert!(text.len() == 4_000_000 && text.chars().all(|character| character == 'é'));
    }

    proptest! {
        #[test]
        fn it_is_what_the_standard_library_does(
            code_points in proptest::collection::vec(
                prop_oneof![
                    4 => 0_u32..0x80, 2 => 0x80_u32..0x800, 2 => 0x800_u32..0xD800, 1 => 0xE000_u32..0x11_0000,
                ],
                0..200,
            ),
        ) {
            check(&code_points);
        }
    }
}
