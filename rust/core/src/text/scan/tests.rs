use fancy_regex::Regex;
use proptest::prelude::*;

use super::*;

/// A scanner and the pattern that it stands for.
struct Case {
    scanner: Scanner,
    regex: Regex,
}

impl Case {
    fn new(scanner: Scanner, pattern: &str) -> Self {
        Self { scanner, regex: Regex::new(pattern).unwrap() }
    }

    fn all() -> Vec<Self> {
        let gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
        let cl100k = |digits: &str, end: &str| {
            format!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{end}\s*[\r\n]+|\s+(?!\S)|\s+"
            )
        };
        let kind = |most_digits, end_is_whole| Scanner::Cl100k(Cl100k { most_digits, end_is_whole });
        vec![
            Self::new(Scanner::Gpt2, gpt2),
            Self::new(kind(3, false), &cl100k(r"\p{N}{1,3}", "")),
            Self::new(kind(3, true), &cl100k(r"\p{N}{1,3}", r"\s+$|")),
            Self::new(kind(1, false), &cl100k(r"\p{N}", "")),
        ]
    }

    fn check(&self, text: &str) {
        let want: Vec<(u32, u32)> = self
            .regex
            .find_iter(text)
            .map(|found| found.unwrap())
            .map(|found| (found.start() as u32, found.end() as u32))
            .collect();
        assert_eq!(found(self.scanner, text, LEAST_ROOM), want, "{:?} on {text:?}", self.scanner);
        assert_eq!(by_portable(self.scanner, text), want, "{:?} without SIMD on {text:?}", self.scanner);
    }
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
    };
    room.truncate(count);
    room
}

const NASTY: [&str; 40] = [
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
    "\u{1d7ce}\u{1d7ce}\u{1d7ce}\u{1d7ce}a",
];

#[test]
fn words_are_those_of_the_pattern_wherever_blocks_end() {
    for case in Case::all() {
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
    for case in Case::all() {
        let mut text = String::new();
        for character in '\0'..=char::MAX {
            for around in [["a", " ", "1"], [" ", "a", " "], ["'", "s", "\n"], ["!", "\n", "!"]] {
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

proptest! {
    #[test]
    fn words_are_those_of_the_pattern_on_any_text(text in "\\PC*") {
        Case::all().iter().for_each(|case| case.check(&text));
    }

    #[test]
    fn words_are_those_of_the_pattern_on_dense_text(
        text in "[ \r\n\t'/!a-esltrvmdSERVELAéſ1²漢\u{a0}\u{301}\u{3000}]{0,200}",
    ) {
        Case::all().iter().for_each(|case| case.check(&text));
    }

    #[test]
    fn words_are_those_of_the_pattern_on_runs(
        runs in proptest::collection::vec(("[ \n\t'aA1!é漢\u{a0}\u{301}]", 0_usize..70), 0..8),
    ) {
        let text: String = runs.iter().map(|(character, count)| character.repeat(*count)).collect();
        Case::all().iter().for_each(|case| case.check(&text));
    }

    #[test]
    fn room_does_not_matter(text in "[ \n'as1!漢]{0,400}", room in LEAST_ROOM..200) {
        for case in Case::all() {
            prop_assert_eq!(found(case.scanner, &text, room), found(case.scanner, &text, 1000));
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn all_instructions_see_the_same_classes(bytes in proptest::collection::vec(any::<u8>(), SIZE)) {
        let bytes = bytes.first_chunk().unwrap();
        if crate::simd::has_avx2() {
            prop_assert_eq!(avx2::Avx2::ascii(bytes), Portable::ascii(bytes));
        }
    }
}
