//! ASCII, 64 bytes at a time: for each byte a bit that says what it is.

use super::table::{Rules, Table};
#[cfg(target_arch = "x86_64")]
use crate::simd;
use crate::text::Kind;

/// So many bytes are looked at together: a bit for each fits into a word of the machine.
pub(super) const BLOCK: usize = 64;

/// The bits of [`Ascii::flags`].
pub(super) const WORD: u8 = 1;
pub(super) const SIGN: u8 = 2;
pub(super) const ALONE: u8 = 4;
/// Nothing becomes of it, or something that a flipped bit does not tell.
pub(super) const OTHER: u8 = 8;
/// The bit in which small letters and capitals differ: where it is set, that bit is to be flipped.
pub(super) const CASE: u8 = 0x20;

/// For each byte of a block a bit, the first byte's the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) word: u64,
    pub(super) sign: u64,
    pub(super) alone: u64,
    /// Not ASCII, or not to be told so.
    pub(super) other: u64,
    /// Not ASCII.
    pub(super) high: u64,
    /// Within a character: not its first byte.
    pub(super) inner: u64,
}

/// How the bytes of a block are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// What becomes of each ASCII character.
#[derive(Debug)]
pub(super) struct Ascii {
    pub(super) width: Width,
    pub(super) flags: [u8; 128],
    /// The same for wide instructions.
    #[cfg(target_arch = "x86_64")]
    pub(super) tables: super::avx2::Tables,
}

impl Width {
    /// The widest that this machine has; `FASTMASK_SIMD=off` in the environment forbids all but the portable one.
    pub(super) fn of_machine() -> Self {
        #[cfg(target_arch = "x86_64")]
        if simd::has_avx2() {
            return Self::Avx2;
        }
        Self::Portable
    }
}

impl Ascii {
    pub(super) fn new(rules: &Rules, width: Width) -> Self {
        let mut table = Table::default();
        // A block may be changed before it is known whether it has to be normalized, which then must change no more.
        let mut is_kept = |byte: u8| {
            let entry = table.entry(char::from(byte), rules);
            entry.is_plain() && entry.length() == 1 && entry.bytes()[0] == byte
        };
        let kept: [bool; 128] = std::array::from_fn(|byte| is_kept(byte as u8));
        let flags = std::array::from_fn(|byte| {
            let byte = byte as u8;
            let entry = table.entry(char::from(byte), rules);
            let flags = match entry.kind() {
                kind if kind == Kind::Gap as u8 => 0,
                kind if kind == Kind::Word as u8 => WORD,
                kind if kind == Kind::Sign as u8 => SIGN,
                _ => ALONE,
            };
            match entry.bytes()[0] ^ byte {
                _ if !entry.is_plain() || entry.length() != 1 => OTHER,
                difference @ (0 | CASE) if kept[usize::from(byte ^ difference)] => flags | difference,
                // What stands in a gap is not looked at.
                _ if flags == 0 => 0,
                _ => OTHER,
            }
        });
        Self {
            width,
            flags,
            #[cfg(target_arch = "x86_64")]
            tables: super::avx2::Tables::of(&flags),
        }
    }

    /// Whether it is a character between words, wherever it stands.
    pub(super) fn is_gap(&self, byte: u8) -> bool {
        self.flags.get(usize::from(byte)).is_some_and(|flags| flags & (WORD | SIGN | ALONE | OTHER) == 0)
    }

    /// Sorts the bytes of a block, and writes what becomes of them; those of [`Marks::other`] as they are.
    #[inline]
    pub(super) fn sort(&self, block: &[u8; BLOCK], out: &mut [u8; BLOCK]) -> Marks {
        let mut marks = Marks::default();
        for (place, (&byte, out)) in block.iter().zip(out).enumerate() {
            let flags = self.flags.get(usize::from(byte)).copied().unwrap_or(OTHER);
            *out = byte ^ flags & CASE;
            marks.word |= u64::from(flags & WORD) << place;
            marks.sign |= u64::from(flags & SIGN) >> 1 << place;
            marks.alone |= u64::from(flags & ALONE) >> 2 << place;
            marks.other |= u64::from(flags >> 3 & 1) << place;
            marks.high |= u64::from(byte >> 7) << place;
            marks.inner |= u64::from(byte & 0xC0 == 0x80) << place;
        }
        marks
    }

    /// Whether a byte that [`Ascii::sort`] has written is ASCII that nothing more is to be done to.
    #[inline]
    pub(super) fn is_done(&self, byte: u8) -> bool {
        self.flags.get(usize::from(byte)).is_some_and(|flags| flags & OTHER == 0)
    }
}
