//! Sets of characters.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use crate::{Error, Result};

/// The characters from `first` to `last`.
pub(super) fn of(first: char, last: char) -> ClassUnicode {
    of_ranges([(first, last)])
}

pub(super) fn of_ranges(ranges: impl IntoIterator<Item = (char, char)>) -> ClassUnicode {
    ClassUnicode::new(ranges.into_iter().map(|(first, last)| ClassUnicodeRange::new(first, last)))
}

pub(super) fn everything() -> ClassUnicode {
    of('\0', char::MAX)
}

pub(super) fn negated(mut set: ClassUnicode) -> ClassUnicode {
    set.negate();
    set
}

/// The set that a class of the regex crate's syntax stands for: `\p{L}`, `[a-z&&[^aeiou]]`.
pub(crate) fn of_class(class: &str) -> Result<ClassUnicode> {
    match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(set))) => Ok(set),
        Ok(HirKind::Class(Class::Bytes(set))) => Ok(of_ranges(
            set.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))),
        )),
        // A class of one character is a literal; one that nothing is in, or that some version lacks, fails.
        Ok(HirKind::Literal(literal)) => {
            let mut characters = std::str::from_utf8(&literal.0).unwrap_or_default().chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Ok(of(character, character)),
                _ => Err(unknown(class)),
            }
        }
        _ => Err(unknown(class)),
    }
}

fn unknown(class: &str) -> Error {
    Error::new(format!("no set of characters is called {class}"))
}

/// Whether `set` has `character`.
pub(super) fn contains(set: &ClassUnicode, character: char) -> bool {
    let ranges = set.ranges();
    let place = ranges.partition_point(|range| range.end() < character);
    ranges.get(place).is_some_and(|range| range.start() <= character)
}

/// The only character of `set`, if it has but one.
pub(super) fn single(set: &ClassUnicode) -> Option<char> {
    match set.ranges() {
        [range] if range.start() == range.end() => Some(range.start()),
        _ => None,
    }
}

/// A set in the form in which a matcher asks for it: a bit for each ASCII character, ranges for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    ascii: u128,
    ranges: Box<[(char, char)]>,
}

impl Table {
    pub(super) fn new(set: &ClassUnicode) -> Self {
        let ascii =
            (0..128u8).filter(|&byte| contains(set, char::from(byte))).fold(0, |bits, byte| bits | 1 << byte);
        let ranges = set.ranges().iter().map(|range| (range.start(), range.end()));
        Self { ascii, ranges: ranges.filter(|range| !range.1.is_ascii()).collect() }
    }

    #[inline]
    pub(super) fn contains(&self, character: char) -> bool {
        if character.is_ascii() {
            return self.ascii >> (character as u32) & 1 == 1;
        }
        let place = self.ranges.partition_point(|range| range.1 < character);
        self.ranges.get(place).is_some_and(|range| range.0 <= character)
    }
}
