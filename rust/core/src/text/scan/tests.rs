use std::sync::LazyLock;

use proptest::prelude::*;

use super::known::{Dialect, all};
use super::*;
use crate::text::Pattern;

/// A scanner and a spelling of the pattern that it stands for.
struct Case {
    scanner: Scanner,
    pattern: Pattern,
}

/// Every spelling in both dialects.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let case = |(spelling, dialect)| Case {
        scanner: Scanner::of(spelling, dialect).unwrap(),
        pattern: match dialect {
            Dialect::Rust => Pattern::rust(spelling).unwrap(),
            Dialect::Oniguruma => Pattern::oniguruma(spelling).unwrap(),
        },
    };
    let dialects = [Dialect::Rust, Dialect::Oniguruma];
    all().flat_map(|spelling| dialects.map(|dialect| (spelling, dialect))).map(case).collect()
});

impl Case {
    fn check(&self, text: &str) {
        let mut want = Vec::new();
        self.pattern.matches(text, &mut want).unwrap();
        let want: Vec<(u32, u32)> =
            want.into_iter().map(|range| (range.start as u32, range.end as u32)).collect();
        assert_eq!(found(self.scanner, text, LEAST_ROOM), want, "{:?} on {text:?}", self.scanner);
        assert_eq!(by_portable(self.scanner, text), want, "{:?} without SIMD on {text:?}", self.scanner);
    }
}

/// One case for each scanner.
fn one_each() -> Vec<&'static Case> {
    let mut cases: Vec<&Case> = Vec::new();
    for case in &*CASES {
        if cases.iter().all(|other| other.scanner != case.scanner) {
            cases.push(case);
        }
    }
    cases
}

fn found(scanner: Scanner, text: &str, room: usize) -> Vec<(u32, u32)> {
    let (mut scan, mut room, mut all) = (Scan::new(scanner, text), vec![(7, 7); room], Vec::new());
    loop {
        let count = scan.fill(&mut room);
        if count == 0 {
            return all;
        }
        all.extend(&room[..count]);
    }
}

fn by_portable(scanner: Scanner, text: &str) -> Vec<(u32, u32)> {
    let mut room = vec![(7, 7); text.len() + LEAST_ROOM];
    let mut scan = Scan::new(scanner, text);
    let count = match &mut scan.state {
        State::Gpt2(cursor) => fill_by::<_, Portable>(cursor, scan.text, &mut room),
        State::Cl100k(cursor) => fill_by::<_, Portable>(cursor, scan.text, &mut room),
        State::O200k(cursor) => fill_by::<_, Portable>(cursor, scan.text, &mut room),
    };
    room.truncate(count);
    room
}

const NASTY: [&str; 52] = [
    "",
    " ",
    "  ",
    "a",
    " a",
    "  a",
    "\n a",
    " \na",
    "\n\na",
    "a \n",
    "'s",
    " 's",
    "''s",
    "'ll'd",
    "'S",
    "'re're",
    "don't",
    "1st 2nd",
    "x² ½",
    "\u{a0}a",
    " \u{a0}a",
    "\u{3000}漢字",
    "\u{3000}\u{3000}漢字",
    "e\u{301}e",
    "👍👍 👍",
    "\0\0 \0",
    "a\r\n\tb",
    "\u{85} x",
    "'",
    " ' ",
    "v've",
    "_a_",
    "x'",
    "x'l",
    "'ſt",
    "!\r\n\r\n  \n x",
    "1234567 89",
    "a\n \n  ",
    "/\n/\n/",
    "aB HTMLParser ABc",
    "AB漢CD",
    "AB漢CDe",
    "漢ABe漢A",
    "!!\u{301}a",
    "!\u{301}a \u{301}AB",
    "\u{301}AB\u{301}",
    "a's's b'LL'llX",
    "x'rEx'",
    "ǅaǅA ʰA",
    "!\n/!/x\n/x",
    "a\u{2028}\u{2028} b",
    "\u{1d7ce}\u{1d7ce}\u{1d7ce}\u{1d7ce}a",
];

#[test]
fn words_are_those_of_the_pattern_wherever_blocks_end() {
    for case in one_each() {
        for text in NASTY {
            for fill in ["x", " ", "\n", "漢", "7", "!", "\u{3000}"] {
                for before in [0, 1, 20, 21, 61, 62, 63, 64, 65, 126, 127, 128] {
                    case.check(&format!("{}{text}{fill}{text}", fill.repeat(before)));
                }
            }
        }
    }
}

#[test]
fn words_are_those_of_the_pattern_around_every_character() {
    for case in one_each() {
        let mut text = String::new();
        for character in '\0'..=char::MAX {
            for around in [["a", " ", "1"], [" ", "A", " "], ["'", "s", "\n"], ["!", "\n", "!"]] {
                text.extend([
                    around[0],
                    &character.to_string(),
                    around[1],
                    &character.to_string(),
                    around[2],
                ]);
            }
            if text.len() > 4000 {
                case.check(&text);
                text.clear();
            }
        }
        case.check(&text);
    }
}

/// GPT-2's pattern as its own library has it matched (Radford et al. 2019, `encoder.py`).
static ORIGINAL: LazyLock<fancy_regex::Regex> = LazyLock::new(|| {
    fancy_regex::Regex::new(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
        .unwrap()
});

fn assert_agrees_with_the_original(text: &str) {
    let want: Vec<&str> = ORIGINAL.find_iter(text).map(|found| found.unwrap().as_str()).collect();
    let mut got = Vec::new();
    Scanner::Gpt2.words(text, |word| got.push(word)).unwrap();
    assert_eq!(got, want, "{text:?}");
    assert_eq!(got.concat(), text);
}

#[test]
fn gpt2_agrees_with_the_original_on_cases() {
    NASTY.into_iter().for_each(assert_agrees_with_the_original);
}

#[test]
fn gpt2_agrees_with_the_original_around_every_character() {
    for character in '\0'..=char::MAX {
        assert_agrees_with_the_original(&format!("a{character} {character}1"));
    }
}

#[test]
fn letters_by_their_first_byte_are_letters() {
    let codes = |ranges: [(u8, u8); 2], bits: u32| {
        let bytes = ranges.into_iter().flat_map(|(first, last)| first..=last);
        bytes.flat_map(move |byte| {
            let first = (u32::from(byte) & 0x1F) << bits & 0xFFFF;
            first..first + (1 << bits)
        })
    };
    for code in codes(block::TWO, 6).chain(codes(block::THREE, 12)) {
        assert_eq!(Classes::get().of(code), Class::Letter, "{code:x}");
    }
}

proptest! {
    #[test]
    fn gpt2_agrees_with_the_original_on_any_text(text in "\\PC*") {
        assert_agrees_with_the_original(&text);
    }

    #[test]
    fn gpt2_agrees_with_the_original_on_dense_text(text in "[ \n\t'a-esltrvmdé1²漢!\u{a0}\u{301}]{0,40}") {
        assert_agrees_with_the_original(&text);
    }

    #[test]
    fn words_are_those_of_the_pattern_on_any_text(text in "\\PC*") {
        CASES.iter().for_each(|case| case.check(&text));
    }

    #[test]
    fn words_are_those_of_the_pattern_on_dense_text(
        text in "[ \r\n\t'/!a-esltrvmdSERVELAéÉſǅʰ1²漢\u{a0}\u{301}\u{3000}]{0,200}",
        ascii in "[ \r\n\t'/!a-esltrvmdSERVELA1]{0,200}",
    ) {
        CASES.iter().for_each(|case| case.check(&text));
        CASES.iter().for_each(|case| case.check(&ascii));
    }

    #[test]
    fn words_are_those_of_the_pattern_on_runs(
        runs in proptest::collection::vec(("[ \n\t'aA1!é漢\u{a0}\u{301}]", 0_usize..70), 0..8),
    ) {
        let text: String = runs.iter().map(|(character, count)| character.repeat(*count)).collect();
        CASES.iter().for_each(|case| case.check(&text));
    }

    #[test]
    fn room_does_not_matter(text in "[ \n'as1!漢]{0,400}", room in LEAST_ROOM..200) {
        for case in one_each() {
            prop_assert_eq!(found(case.scanner, &text, room), found(case.scanner, &text, 1000));
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn all_instructions_see_the_same_classes(bytes in proptest::collection::vec(any::<u8>(), SIZE)) {
        let bytes = bytes.first_chunk().unwrap();
        if crate::simd::has_avx2() {
            prop_assert_eq!(avx2::Avx2::ascii(bytes), Portable::ascii(bytes));
            prop_assert_eq!(avx2::Avx2::letters(bytes), Portable::letters(bytes));
        }
        if crate::simd::has_avx512() {
            prop_assert_eq!(avx512::Avx512::ascii(bytes), Portable::ascii(bytes));
            prop_assert_eq!(avx512::Avx512::letters(bytes), Portable::letters(bytes));
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn all_instructions_write_the_same_places(starts: u64, thinner: u64, at in 0_usize..1 << 31, back in 0_u32..9) {
        for starts in [starts, starts & thinner, 0, 1, u64::MAX] {
            let written = |write: fn(u64, usize, u32, &mut [(u32, u32); SIZE])| {
                let mut places = [(7, 7); SIZE];
                write(starts, at, (at as u32).saturating_sub(back), &mut places);
                places[..starts.count_ones() as usize].to_vec()
            };
            if crate::simd::has_avx512() {
                prop_assert_eq!(written(avx512::Avx512::write), written(Portable::write));
            }
        }
    }
}
