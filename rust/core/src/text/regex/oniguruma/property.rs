//! Named sets: `\w`, `[[:alpha:]]`, `\p{Han}`.
//!
//! Oniguruma 6.9.10 and regex-syntax 0.8 both carry Unicode 16. The POSIX names differ between them and are spelled
//! out here; all others that both know were found equal, character by character.

use regex_syntax::hir::ClassUnicode;

use super::super::{set, unsupported};
use super::Options;
use crate::Result;

/// A set whose members Oniguruma's options can restrict to ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Digit,
    Space,
    HexDigit,
    Other,
}

const ALPHABETIC: &str = r"\p{Alphabetic}";
const GRAPHIC: &str = r"[^\p{White_Space}\p{Cc}\p{Cn}]";

/// The POSIX names, in the syntax of regex-syntax.
const POSIX: [(&str, Kind, &str); 14] = [
    ("alnum", Kind::Other, r"[\p{Alphabetic}\p{Nd}]"),
    ("alpha", Kind::Other, ALPHABETIC),
    ("ascii", Kind::Other, r"[\x00-\x7F]"),
    ("blank", Kind::Other, r"[\p{Zs}\t]"),
    ("cntrl", Kind::Other, r"\p{Cc}"),
    ("digit", Kind::Digit, r"\p{Nd}"),
    ("graph", Kind::Other, GRAPHIC),
    ("lower", Kind::Other, r"\p{Lowercase}"),
    ("print", Kind::Other, r"[[^\p{White_Space}\p{Cc}\p{Cn}]\p{Zs}]"),
    ("punct", Kind::Other, r"[\p{P}\p{S}]"),
    ("space", Kind::Space, r"\p{White_Space}"),
    ("upper", Kind::Other, r"\p{Uppercase}"),
    ("word", Kind::Word, r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]"),
    ("xdigit", Kind::HexDigit, r"[0-9A-Fa-f]"),
];

/// `\d`, `\s`, `\h`, and `\w` inside a class.
pub(super) fn of_kind(kind: Kind, options: Options) -> ClassUnicode {
    let entry = POSIX.iter().find(|entry| entry.1 == kind);
    entry.and_then(|entry| of_entry(entry, options).ok()).unwrap_or_else(ClassUnicode::empty)
}

/// `\w` outside a class: Oniguruma asks a table of Latin-1 there, in which `²³¹¼½¾` are characters of words.
pub(super) fn word(options: Options) -> ClassUnicode {
    let mut word = of_kind(Kind::Word, options);
    if !(options.ascii_word || options.ascii_posix) {
        word.union(&set::of_ranges(['²', '³', '¹', '¼', '½', '¾'].map(|character| (character, character))));
    }
    word
}

/// `[[:name:]]`.
pub(super) fn posix(name: &str, options: Options) -> Result<ClassUnicode> {
    match POSIX.iter().find(|entry| entry.0 == name) {
        Some(entry) => of_entry(entry, options),
        None => Err(unsupported(format!("the POSIX class [:{name}:]"))),
    }
}

/// Case, spaces, `-` and `_` do not matter in the name of a property.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|character| !matches!(character, ' ' | '-' | '_'));
    letters.map(|character| character.to_ascii_lowercase()).collect()
}

/// Whether `\p{name}` is `\w`.
pub(super) fn is_word(name: &str) -> bool {
    plain(name) == "word"
}

/// `\p{name}`.
pub(super) fn named(name: &str, options: Options) -> Result<ClassUnicode> {
    // The tables here take a prefix "Is" off a name, Oniguruma does not.
    if plain(name).starts_with("is") {
        return Err(unsupported(format!("the property {name}")));
    }
    let plain = plain(name);
    match plain.as_str() {
        // As a property it is the general category.
        "punct" => return Ok(restricted(set::of_class(r"\p{P}")?, options.ascii_posix)),
        "cs" | "surrogate" => return Ok(ClassUnicode::empty()),
        _ => {}
    }
    if let Some(entry) = POSIX.iter().find(|entry| entry.0 == plain) {
        return of_entry(entry, options);
    }
    let is_name = plain.chars().all(|character| character.is_ascii_alphanumeric());
    let found = if is_name { set::of_class(&format!(r"\p{{{plain}}}")).ok() } else { None };
    found.ok_or_else(|| unsupported(format!("the property {name:?}")))
}

fn of_entry(&(_, kind, class): &(&str, Kind, &str), options: Options) -> Result<ClassUnicode> {
    let of_this_kind = match kind {
        Kind::Word => options.ascii_word,
        Kind::Digit => options.ascii_digit,
        Kind::Space => options.ascii_space,
        Kind::HexDigit | Kind::Other => false,
    };
    Ok(restricted(set::of_class(class)?, of_this_kind || options.ascii_posix))
}

fn restricted(mut set: ClassUnicode, to_ascii: bool) -> ClassUnicode {
    if to_ascii {
        set.intersect(&set::of('\0', '\x7f'));
    }
    set
}
