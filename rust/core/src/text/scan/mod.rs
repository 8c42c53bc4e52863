//! Text to words by the known patterns, without a regular expression.
//!
//! A block of 64 bytes becomes a mask for each class of characters, and a few operations on masks say where words begin:
//! the idea of simdjson (Langdale, Lemire 2019). The regular expressions are the oracle of the tests.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod cl100k;
mod gpt2;
mod known;
mod o200k;
#[cfg(test)]
mod tests;

pub(super) use self::block::decode;
use self::block::{Block, Classify, Portable, SIZE};
pub use self::cl100k::Cl100k;
use self::gpt2::Gpt2;
pub(super) use self::known::Dialect;
pub use self::o200k::O200k;
use super::classes::{Class, Classes};
use crate::{Error, Result};

/// A pattern that has a scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanner {
    /// GPT-2's.
    Gpt2,
    /// One of cl100k's family.
    Cl100k(Cl100k),
    /// One of o200k's family.
    O200k(O200k),
}

impl Scanner {
    /// Calls `visit` with the words of a text, in order and without gaps.
    ///
    /// ```
    /// use fastmask_core::text::Scanner;
    /// let mut words = Vec::new();
    /// Scanner::Gpt2.words("I'll  go 2day!\n", |word| words.push(word))?;
    /// assert_eq!(words, ["I", "'ll", " ", " go", " 2", "day", "!", "\n"]);
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn words<'t>(self, text: &'t str, mut visit: impl FnMut(&'t str)) -> Result<()> {
        let mut rest = text;
        // Places are of 32 bits.
        while u32::try_from(rest.len()).is_err() {
            let end = safe_cut(rest, LONGEST / 2).filter(|&end| end <= LONGEST).ok_or_else(|| {
                Error::new(format!("a text has {LONGEST} bytes and no letter with white space after it"))
                    .advise("give it in shorter texts")
            })?;
            let (stretch, others) = rest.split_at(end);
            self.words_of_stretch(stretch, &mut visit);
            rest = others;
        }
        self.words_of_stretch(rest, &mut visit);
        Ok(())
    }

    fn words_of_stretch<'t>(self, text: &'t str, visit: &mut impl FnMut(&'t str)) {
        let mut places = [(0, 0); LEAST_ROOM];
        let mut scan = Scan::new(self, text);
        loop {
            let count = scan.fill(&mut places);
            if count == 0 {
                return;
            }
            places[..count].iter().for_each(|&(begin, end)| visit(&text[begin as usize..end as usize]));
        }
    }
}

/// The longest text whose places fit.
const LONGEST: usize = u32::MAX as usize;

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
    O200k(Cursor<o200k::State>),
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
    /// The classes of characters that it knows.
    fn classes(&self) -> Classes {
        Classes::get()
    }

    /// Where words begin in a block, if masks can say it.
    fn starts(&mut self, block: &Block, around: Around<'_>) -> Option<u64>;

    /// Where the word ends that begins at `at`, before the end of the text; a block may begin there as a text does. It
    /// is asked for where masks could not say it.
    fn word(&mut self, text: &[u8], at: usize) -> usize {
        let _ = at;
        text.len()
    }
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
    #[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
    fn before_solid(&self, block: &Block, space: u64) -> u64 {
        let next = self.text.get(self.at + block.length..).and_then(|rest| class_at(rest, self.classes));
        let is_solid = next.is_some_and(|class| class != Class::Space);
        (block.valid & !space) >> 1 | u64::from(is_solid) << (block.length - 1)
    }
}

/// The first place from `from` on where a letter is followed by white space of ASCII.
///
/// A text can be cut there, and the words of every scanner are those of the parts: in no pattern does white space follow
/// a letter in one word, so that a word ends there; none looks behind; and only white space looks ahead, which at the end
/// of the first part there is none of.
///
/// ```
/// use fastmask_core::text::safe_cut;
/// assert_eq!((safe_cut("1 a b", 0), safe_cut("1 a b", 4), safe_cut("漢\n", 1)), (Some(3), None, Some(3)));
/// ```
pub fn safe_cut(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_white = |place: &usize| matches!(bytes[*place], b' ' | b'\t'..=b'\r');
    let is_behind_letter =
        |place: &usize| text[..*place].chars().next_back().map(super::class_of) == Some(Class::Letter);
    (from..bytes.len()).filter(is_white).find(is_behind_letter)
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
            Scanner::O200k(kind) => State::O200k(Cursor::new(o200k::State::new(kind))),
        };
        Self { text: text.as_bytes(), state }
    }

    /// Puts the places (begin and end) of the next words into `room`, which has room for [`LEAST_ROOM`], and returns
    /// how many these are: none only at the end of the text.
    pub fn fill(&mut self, room: &mut [(u32, u32)]) -> usize {
        match &mut self.state {
            State::Gpt2(cursor) => fill(cursor, self.text, room),
            State::Cl100k(cursor) => fill(cursor, self.text, room),
            State::O200k(cursor) => fill(cursor, self.text, room),
        }
    }
}

/// By the fastest instructions that the machine has.
fn fill<P: Pattern>(cursor: &mut Cursor<P>, text: &[u8], room: &mut [(u32, u32)]) -> usize {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "instructions that a machine may lack")]
    if crate::simd::has_avx512() {
        // SAFETY: the machine has them.
        return unsafe { fill_with_avx512(cursor, text, room) };
    } else if crate::simd::has_avx2() {
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi1,bmi2,popcnt,lzcnt")]
fn fill_with_avx512<P: Pattern>(cursor: &mut Cursor<P>, text: &[u8], room: &mut [(u32, u32)]) -> usize {
    fill_by::<P, avx512::Avx512>(cursor, text, room)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
fn fill_by<P: Pattern, C: Classify>(cursor: &mut Cursor<P>, text: &[u8], room: &mut [(u32, u32)]) -> usize {
    let classes = &cursor.pattern.classes();
    let mut count = 0;
    while cursor.at < text.len() {
        let Some(places) = room.get_mut(count..).and_then(<[_]>::first_chunk_mut) else { return count };
        let block = Block::new::<C>(text, cursor.at, classes);
        if let Some(mut starts) = cursor.pattern.starts(&block, Around { text, at: cursor.at, classes }) {
            // The word that begins with the first block, or behind another that was matched alone, is open already.
            starts &= !u64::from(cursor.at == cursor.begin);
            count += write::<C>(starts, cursor.at, &mut cursor.begin, places);
            cursor.at += block.length;
        } else {
            let end = (cursor.at + SIZE).min(text.len());
            count += match_words(cursor, text, end, places);
        }
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

/// Matches word by word from the one that is open, to `end` or beyond it, or until there is no room.
#[inline(never)]
fn match_words<P: Pattern>(
    cursor: &mut Cursor<P>,
    text: &[u8],
    end: usize,
    places: &mut [(u32, u32); SIZE],
) -> usize {
    let mut count = 0;
    while cursor.begin < end
        && let Some(place) = places.get_mut(count)
    {
        let word_end = cursor.pattern.word(text, cursor.begin);
        *place = (cursor.begin as u32, word_end as u32);
        cursor.begin = word_end;
        count += 1;
    }
    cursor.at = cursor.begin;
    count
}

/// Writes the places of the words that end where another begins.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it takes the instructions of its caller")]
fn write<C: Classify>(starts: u64, at: usize, begin: &mut usize, places: &mut [(u32, u32); SIZE]) -> usize {
    C::write(starts, at, *begin as u32, places);
    if starts != 0 {
        *begin = at + SIZE - 1 - starts.leading_zeros() as usize;
    }
    starts.count_ones() as usize
}
