//! The Unicode classes that the split patterns distinguish.
//!
//! The tables are those of the regex crates, so a hand-written scanner and a regex agree on every character by
//! construction, whichever Unicode version the crates carry.

use std::sync::LazyLock;

use regex_syntax::hir::{Class as HirClass, HirKind};

/// The class of a character in the patterns of byte-level BPE: `\p{L}`, `\p{N}`, `\s`, or none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Anything else: punctuation, symbols, marks, control and unassigned characters.
    Other = 0,
    /// `\p{L}`.
    Letter = 1,
    /// `\p{N}`.
    Number = 2,
    /// `\s`.
    Space = 3,
}

/// One byte a code point, zero (and so untouched, never resident memory) where nothing is assigned.
static TABLE: LazyLock<Box<[Class]>> = LazyLock::new(|| {
    let mut table = vec![Class::Other; char::MAX as usize + 1].into_boxed_slice();
    for (pattern, class) in [(r"\p{L}", Class::Letter), (r"\p{N}", Class::Number), (r"\s", Class::Space)] {
        for (first, last) in ranges(pattern) {
            table[first as usize..=last as usize].fill(class);
        }
    }
    table
});

/// The same with marks (`\p{M}`) as letters.
static WITH_MARKS: LazyLock<Box<[Class]>> = LazyLock::new(|| {
    let mut table = TABLE.clone();
    for (first, last) in ranges(r"\p{M}") {
        table[first as usize..=last as usize].fill(Class::Letter);
    }
    table
});

static SIGN: LazyLock<Vec<(char, char)>> = LazyLock::new(|| ranges(r"[\p{P}\p{S}]"));

static WORD: LazyLock<Vec<(char, char)>> = LazyLock::new(|| ranges(r"\w"));

/// The table of classes, for those who look up many characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classes {
    table: &'static [Class],
}

impl Classes {
    pub(super) fn get() -> Self {
        Self { table: &TABLE }
    }

    pub(super) fn with_marks() -> Self {
        Self { table: &WITH_MARKS }
    }

    /// The class of the character with this number.
    #[inline]
    pub(super) fn of(&self, code: u32) -> Class {
        self.table.get(code as usize).copied().unwrap_or(Class::Other)
    }
}

/// The class of a character in the patterns that tell capitals from small letters and know marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Anything else.
    Other = 0,
    /// `\p{Lu}` and `\p{Lt}`.
    Capital = 1,
    /// `\p{Ll}`.
    Small = 2,
    /// `\p{Lm}` and `\p{Lo}`.
    Caseless = 3,
    /// `\p{M}`.
    Mark = 4,
    /// `\p{N}`.
    Number = 5,
    /// `\s`.
    Space = 6,
}

impl Kind {
    pub(super) fn is_letter(self) -> bool {
        matches!(self, Self::Capital | Self::Small | Self::Caseless)
    }

    pub(super) fn is_capital_or_both(self) -> bool {
        matches!(self, Self::Capital | Self::Caseless | Self::Mark)
    }

    pub(super) fn is_small_or_both(self) -> bool {
        matches!(self, Self::Small | Self::Caseless | Self::Mark)
    }
}

static KINDS: LazyLock<Box<[Kind]>> = LazyLock::new(|| {
    let mut table = vec![Kind::Other; char::MAX as usize + 1].into_boxed_slice();
    for (pattern, kind) in [
        (r"[\p{Lu}\p{Lt}]", Kind::Capital),
        (r"\p{Ll}", Kind::Small),
        (r"[\p{Lm}\p{Lo}]", Kind::Caseless),
        (r"\p{M}", Kind::Mark),
        (r"\p{N}", Kind::Number),
        (r"\s", Kind::Space),
    ] {
        for (first, last) in ranges(pattern) {
            table[first as usize..=last as usize].fill(kind);
        }
    }
    table
});

/// The table of kinds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds {
    table: &'static [Kind],
}

impl Kinds {
    pub(super) fn get() -> Self {
        Self { table: &KINDS }
    }

    /// The kind of the character with this number.
    #[inline]
    pub(super) fn of(&self, code: u32) -> Kind {
        self.table.get(code as usize).copied().unwrap_or(Kind::Other)
    }
}

/// The class of `character`.
#[inline]
pub fn class_of(character: char) -> Class {
    TABLE[character as usize]
}

/// Whether `\w` matches `character`.
pub fn is_word_character(character: char) -> bool {
    contains(&WORD, character)
}

/// Whether `character` is punctuation or a symbol.
pub fn is_sign(character: char) -> bool {
    contains(&SIGN, character)
}

fn contains(ranges: &[(char, char)], character: char) -> bool {
    let place = ranges.partition_point(|&(_, last)| last < character);
    ranges.get(place).is_some_and(|&(first, _)| first <= character)
}

pub(super) fn ranges(pattern: &str) -> Vec<(char, char)> {
    match regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(HirClass::Unicode(class))) => {
            class.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        // The patterns are the constants above, and the tests look every one of them up.
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (class, members) in [
            (Class::Letter, "aZéßжあ漢ªʰ𝒜"),
            (Class::Number, "09²½Ⅷ٣一".trim_end_matches('一')),
            (Class::Space, " \t\n\r\u{b}\u{c}\u{85}\u{a0}\u{2003}\u{2028}\u{3000}"),
            (Class::Other, "!_'-\0\u{301}\u{200b}\u{200d}\u{feff}👍\u{e000}\u{10ffff}"),
        ] {
            for character in members.chars() {
                assert_eq!(class_of(character), class, "{character:?}");
            }
        }
    }

    #[test]
    fn word_characters() {
        assert!("aé_9漢\u{301}\u{200d}".chars().all(is_word_character));
        assert!(!" -!👍\0".chars().any(is_word_character));
    }

    #[test]
    fn signs() {
        assert!("!_-$+^`~¡€“。、👍🤣×".chars().all(is_sign));
        assert!(!"a1é漢 \u{301}\u{200d}\0\u{e000}\u{e00}".chars().any(is_sign));
    }
}
