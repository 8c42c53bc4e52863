//! Text to words by the known patterns, without a regular expression.
//!
//! A block of 64 bytes becomes a mask for each class of characters, and a few operations on masks say where words begin:
//! the idea of simdjson (Langdale, Lemire 2019). The regular expressions are the oracle of the tests.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod block;
mod cl100k;
mod gpt2;
#[cfg(test)]
mod tests;

use self::block::{Block, Classify, Portable, SIZE};
pub use self::cl100k::Cl100k;
use self::gpt2::Gpt2;
use super::classes::{Class, Classes};

/// A pattern that has a scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanner {
    /// GPT-2's.
    Gpt2,
    /// One of cl100k's family.
    Cl100k(Cl100k),
}

/// How many places [`Scan::fill`] needs room for at least.
pub const LEAST_ROOM: usize = SIZE + 1;

/// The words of a text, which are found a few hundred at a time.
///
/// ```
/// use fastmask_core::text::{Scan, Scanner};
/// let text = "I'll  go 2day!\n";
/// let mut words = Scan::new(Scanner::Gpt2, text);
/// let mut room = [(0, 0); 100];
/// let count = words.fill(&mut room);
/// let found: Vec<&str> = room[..count].iter().map(|&(begin, end)| &text[begin as usize..end as usize]).collect();
/// assert_eq!(found, ["I", "'ll", " ", " go", " 2", "day", "!", "\n"]);
/// assert_eq!(words.fill(&mut room), 0);
/// ```
#[derive(Debug, Clone)]
pub struct Scan<'t> {
    text: &'t [u8],
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Gpt2(Cursor<Gpt2>),
    Cl100k(Cursor<cl100k::State>),
}

/// How far a text has been scanned.
#[derive(Debug, Clone, Copy)]
struct Cursor<P> {
    /// Where the next block begins.
    at: usize,
    /// Where the word begins whose end was not found yet.
    begin: usize,
    pattern: P,
}

impl<P> Cursor<P> {
    fn new(pattern: P) -> Self {
        Self { at: 0, begin: 0, pattern }
    }
}

/// A pattern, and what it has to know of what is before a block.
trait Pattern {
    /// Where words begin in a block, and where its text does.
    fn starts(&mut self, block: &Block, around: Around<'_>) -> u64;
}

/// Where a block stands.
#[derive(Debug, Clone, Copy)]
struct Around<'t> {
    text: &'t [u8],
    at: usize,
    classes: &'t Classes,
}

impl Around<'_> {
    /// The bytes of a block that are before one that is not of `space`; the end of the text is none.
    #[inline(always)]
    fn before_solid(&self, block: &Block, space: u64) -> u64 {
        let next = self.text.get(self.at + block.length..).and_then(|rest| class_at(rest, self.classes));
        let is_solid = next.is_some_and(|class| class != Class::Space);
        (block.valid & !space) >> 1 | u64::from(is_solid) << (block.length - 1)
    }
}

/// The class of the character that bytes begin with.
#[inline]
fn class_at(bytes: &[u8], classes: &Classes) -> Option<Class> {
    match bytes.first() {
        Some(&byte) if byte.is_ascii() => Some(classes.of(u32::from(byte))),
        _ => block::decode(bytes).map(|(code, _)| classes.of(code)),
    }
}

impl<'t> Scan<'t> {
    /// The words of `text`, from its begin.
    pub fn new(scanner: Scanner, text: &'t str) -> Self {
        let state = match scanner {
            Scanner::Gpt2 => State::Gpt2(Cursor::new(Gpt2::default())),
            Scanner::Cl100k(kind) => State::Cl100k(Cursor::new(cl100k::State::new(kind))),
        };
        Self { text: text.as_bytes(), state }
    }

    /// Puts the places (begin and end) of the next words into `room`, which has room for [`LEAST_ROOM`], and returns
    /// how many these are: none only at the end of the text.
    pub fn fill(&mut self, room: &mut [(u32, u32)]) -> usize {
        match &mut self.state {
            State::Gpt2(cursor) => fill(cursor, self.text, room),
            State::Cl100k(cursor) => fill(cursor, self.text, room),
        }
    }
}

/// By the fastest instructions that the machine has.
fn fill<P: Pattern>(cursor: &mut Cursor<P>, text: &[u8], room: &mut [(u32, u32)]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::has_avx2() {
        #[expect(unsafe_code, reason = "instructions that a machine may lack")]
        // SAFETY: the machine has them.
        return unsafe { fill_with_avx2(cursor, text, room) };
    }
    fill_by::<P, Portable>(cursor, text, room)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn fill_with_avx2<P: Pattern>(cursor: &mut Cursor<P>, text: &[u8], room: &mut [(u32, u32)]) -> usize {
    fill_by::<P, avx2::Avx2>(cursor, text, room)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
fn fill_by<P: Pattern, C: Classify>(cursor: &mut Cursor<P>, text: &[u8], room: &mut [(u32, u32)]) -> usize {
    let classes = &Classes::get();
    let mut count = 0;
    while cursor.at < text.len() {
        let Some(places) = room.get_mut(count..).and_then(<[_]>::first_chunk_mut) else { return count };
        let block = Block::new::<C>(text, cursor.at, classes);
        let mut starts = cursor.pattern.starts(&block, Around { text, at: cursor.at, classes });
        // The word that begins at the begin of the text is open already.
        starts &= !u64::from(cursor.at == 0);
        count += write(starts, cursor.at, &mut cursor.begin, places);
        cursor.at += block.length;
    }
    // The last word ends with the text.
    if cursor.begin < text.len()
        && let Some(place) = room.get_mut(count)
    {
        *place = (cursor.begin as u32, text.len() as u32);
        cursor.begin = text.len();
        count += 1;
    }
    count
}

/// Writes the places of the words that end where another begins.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
fn write(mut starts: u64, at: usize, begin: &mut usize, places: &mut [(u32, u32); SIZE]) -> usize {
    let count = starts.count_ones() as usize;
    let mut last = *begin as u32;
    if count > 0 {
        *begin = at + SIZE - 1 - starts.leading_zeros() as usize;
    }
    // Without a branch for each word: what is written in vain is written over.
    let mut done = 0;
    while done < count {
        for place in &mut places[done..done + 8] {
            let next = at as u32 + starts.trailing_zeros();
            *place = (last, next);
            last = next;
            starts &= starts.wrapping_sub(1);
        }
        done += 8;
    }
    count
}
