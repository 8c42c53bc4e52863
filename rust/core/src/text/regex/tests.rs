//! Expected matches are what Oniguruma 6.9.10 and fancy-regex 0.20 gave.

use super::*;
use proptest::prelude::*;

/// Matches joined by `·`.
fn found(regex: &Regex, text: &str) -> String {
    let mut ranges = Vec::new();
    regex.matches(text, &mut ranges).unwrap();
    ranges.into_iter().map(|range| &text[range]).collect::<Vec<_>>().join("·")
}

#[test]
fn oniguruma_matches() {
    for (pattern, text, want) in [
        (r"a{2}?", "aaaa", "aa·aa"),
        (r"a{1,2}+b", "aaab", "aaab"),
        (r"a{2,1}a", "aaa", "aaa"),
        (r"a{,2}", "aaa{,}", "aa·a···"),
        (r"a{,}", "a{,}", "a{,}"),
        (r"a++a|b", "aab", "b"),
        (r"a??b", "aab", "ab"),
        (r"(?>ab|a)b", "abb ab", "abb"),
        (r"^.", "a\nb\n", "a·b"),
        (r".$", "a\nb\n", "a·b"),
        (r"(?m:a.b)", "a\nb", "a\nb"),
        (r"a.b", "a\nb axb", "axb"),
        (r"\Aa|b\z", "a b\nab", "a·b"),
        (r"b\Z", "ab\n", "b"),
        (r"\Ga", "aaba", "a·a"),
        (r"a\Kb", "abab", "b·b"),
        (r"\h+", "xBEEFy", "BEEF"),
        (r"\R", "a\r\n\n\u{2028}", "\r\n·\n·\u{2028}"),
        (r"\N+", "ab\nc", "ab·c"),
        (r"\O+", "ab\nc", "ab\nc"),
        (r"\w+", "a² ²\u{200d}b", "a²·²·b"),
        (r"^.+|(?<=b).+", "ab c\nd", "ab c·d"),
        (r"[\w]+", "a²b", "a·b"),
        (r"\bb", "ab b ²b", "b"),
        (r"\p{^L}+", "ab12", "12"),
        (r"\pL", "pL", "pL"),
        (r"\p{Word}", "²", "²"),
        (r"\p{Punct}+", "a+!", "!"),
        (r"[[:punct:]]+", "a+!", "+!"),
        (r"[[:^alpha:]]+", "ab 12", " 12"),
        (r"[]a]+", "a]b", "a]"),
        (r"[a-c-e]+", "b-ed", "b-e"),
        (r"[a-z&&[^aeiou]]+", "hello", "h·ll"),
        (r"[^a-z&&[aeiou]]+", "hello", "h·ll"),
        (r"[a[bc]-]+", "ab-d", "ab-"),
        (r"[\b]", "a\u{8}", "\u{8}"),
        (r"[^(\s|[.,])]+", "ab(c|d, e", "ab·c·d·e"),
        (r"[\x{41}-\x{7fffffff}]+", "1Aé", "Aé"),
        (r"\xe4\xbd\xa0\x{21}\u0021\041\cA", "你!!!\u{1}", "你!!!\u{1}"),
        (r"(?i)k|S", "kK\u{212a}sSſ", "k·K·\u{212a}·s·S·ſ"),
        (r"(?i)[ßx]", "ss SS ẞ X", "ss·SS·ẞ·X"),
        (r"(?i)[^k]+", "aK\u{212a}b", "a·b"),
        (r"(?i)\p{Lu}", "aB", "B"),
        (r"(?i)[\p{Lu}]", "aB1", "a·B"),
        (r"a(?i)b|c", "aB C", "aB"),
        (r"(?x) a b # c", "ab", "ab"),
        (r"(?#x)a", "a", "a"),
        (r"(?W)\w+", "aé_", "a·_"),
        (r"(?P)[[:alpha:]]+", "aé", "a"),
        (r"(?<=a|bc)d", "ad bcd cd", "d·d"),
        (r"(?<!a+)b", "aab b", "b"),
        (r"(?<=a.{1,2})b", "axb axyb ab", "b·b"),
        (r"\s+(?!\S)", "a   b  ", "  ·  "),
        (r"(\w)\1", "aabbc", "aa·bb"),
        (r"(?<n>a|b)(c)\k<n>", "aca bcb acb", "aca·bcb"),
        (r"(?:|a)+", "aa", "··"),
        (r"(?:a|b*)*c", "abac", "abac"),
        (r"x*", "axb", "·x·"),
        (r"(?=b)|a", "ab", "a"),
        (r"\q\-\E", "q-E", "q-E"),
        (r"a|", "ab", "a·"),
    ] {
        assert_eq!(found(&Regex::oniguruma(pattern).unwrap(), text), want, "{pattern} on {text:?}");
    }
}

#[test]
fn rust_matches() {
    for (pattern, text, want) in [
        (r"a{2}?", "aaaa", "aa·aa"),
        (r"a{1,2}+b", "aaab ab", "aab·ab"),
        (r"^.", "a\nb", "a"),
        (r"(?m)^.", "a\nb\n", "a·b"),
        (r"(?m)$|b", "ab\n", "b·"),
        (r".$", "a\nb", "b"),
        (r"b\Z", "ab\n\n", "b"),
        (r"(?s)a.b", "a\nb", "a\nb"),
        (r"\w+", "a² ²\u{200d}b", "a·\u{200d}b"),
        (r"\bb", "ab b ²b", "b·b"),
        (r"\p{Punct}+", "a+!", "!"),
        (r"[[:punct:]]+", "a+!é", "+!"),
        (r"\pL", "pL", "p·L"),
        (r"[a-z--[aeiou]]+", "hello", "h·ll"),
        (r"(?i)ß|ss", "ßẞss", "ß·ẞ·ss"),
        (r"(?i)\p{Lu}", "aB", "a·B"),
        (r"a(?i)b|c", "aB C", "aB·C"),
        (r"\xE9", "é", "é"),
        (r"\b{start}\w", "ab cd", "a·c"),
        (r"\w\b{end}", "ab cd", "b·d"),
        (r"(?<=a+)b", "aab b", "b"),
        (r"(?P<n>a)(?P=n)", "aa", "aa"),
        (r"(\w)\1", "aabbc", "aa·bb"),
        (r"(?U)a+", "aa", "a·a"),
        (r"x*", "axb", "·x·"),
    ] {
        let (regex, spelling) = Regex::rust(pattern).unwrap();
        assert_eq!(found(&regex, text), want, "{pattern} on {text:?}");
        let respelled = Regex::oniguruma(&spelling.expect(pattern)).unwrap();
        assert_eq!(found(&respelled, text), want, "{pattern} on {text:?}, as Oniguruma reads it");
    }
}

#[test]
fn what_oniguruma_refuses_is_refused() {
    for pattern in [
        "(a",
        "a)",
        "[a",
        "[]",
        "[z-a]",
        "[a-\\d]",
        "[\\d-a]",
        "*a",
        "{1}",
        "^*",
        "(?:^|a)+",
        "(?=a)?",
        "\\",
        "(?#a",
        "a{100001}",
        "\\p{Nope}",
        "\\p{L",
        "[[:nope:]]",
        "\\x80",
        "\\x{110000}",
        "(?<!(a))b",
        "(?<=a(?=b))b",
        "(?<=a\\z)",
        "(?z)",
        "(?<1>a)",
        "(?P<n>a)",
        "(?<n>a)\\1",
        "(a)\\2",
        "\\u61",
    ] {
        assert!(Regex::oniguruma(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    for (pattern, name) in [
        (r"\X", r"\X"),
        (r"\y", r"\y"),
        (r"(?~a)", "(?~...)"),
        (r"(a)?(?(1)b|c)", "a condition"),
        (r"(?{x})", "a callout (?{...})"),
        (r"(*FAIL)", "a callout (*...)"),
        (r"(a)\g<1>", "the call of a group"),
        (r"(?i)(a)\1", "a reference in any case"),
        (r"\1(a)", "a reference to group 1"),
        (r"(?<n>a)(?<n>b)", "a second group of the name \"n\""),
        (r"(?i)ss", "\"ss\" in any case, which is also 'ß'"),
        (r"(?i)ß", "'ß' in any case, which is also \"ss\""),
        (r"(?=a\K)", r"\K inside a look-around"),
        (r"(?<=\ba+.)b", "a word boundary inside a look-behind"),
        (r"(?:a|){2,}", "repetitions of what can match nothing"),
        (r"\p{In_Basic_Latin}", "the property \"In_Basic_Latin\""),
        (r"(?I)a", "the group option 'I'"),
        (r"\x{61 62}", "anything but one number"),
        (r"\b.+a", "a beginning with .*"),
        (r"(?<=a\R)b", r"\R inside a look-behind"),
        (r"[a-[b]]", "a range that ends in a class"),
    ] {
        let error = Regex::oniguruma(pattern).unwrap_err().to_string();
        assert!(error.contains(name), "{pattern}: {error}");
    }
    for (pattern, name) in [
        (r"\Ga", r"\G"),
        (r"a\Kb", r"\K"),
        (r"(a)?(?(1)b|c)", "a condition"),
        (r"(?:a|)*", "endless"),
        (r"(?Rm)$", "(?R)"),
        (r"(?:(a|\1b))+", "inside that group"),
        (r"(?<=a++.)b", "a possessive"),
        (r"(a", "does not compile"),
    ] {
        let error = Regex::rust(pattern).unwrap_err().to_string();
        assert!(error.contains(name), "{pattern}: {error}");
    }
}

#[test]
fn hostile_patterns_give_up() {
    let text = "a".repeat(40) + "b";
    let regex = Regex::oniguruma("(?:a|a)*c").unwrap();
    let error = regex.matches(&text, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("gave up"));
    for pattern in [
        "(?:(?:a{1000}){1000}){1000}".to_owned(),
        "(".repeat(5000),
        "[".repeat(5000),
        "a".to_owned() + &"+*".repeat(5000),
    ] {
        assert!(Regex::oniguruma(&pattern).is_err());
    }
}

#[test]
fn where_no_match_begins_nothing_is_tried() {
    for (pattern, text, want) in [
        (r"b*a", "ccbba", "bba"),
        (r"(?<=c)b|a", "cbxa", "b·a"),
        (r"a?(?=b)", "xab b", "a·"),
        (r"(a)?\1b", "xbaab", "aab"),
        (r"(?!c)\w", "cd", "d"),
        (r"é|漢+", "a漢漢é", "漢漢·é"),
    ] {
        assert_eq!(found(&Regex::oniguruma(pattern).unwrap(), text), want, "{pattern}");
    }
    let alternation: Vec<String> = (0..20_000).map(|number| format!("w{number}")).collect();
    let regex = Regex::oniguruma(&alternation.join("|")).unwrap();
    assert_eq!(found(&regex, &"a".repeat(1_000_000)), "");
}

#[test]
fn long_runs_take_no_stack() {
    for (pattern, matches) in
        [(r"\s+(?!\S)|\s+", 2), (r"\s*[\r\n]+|\s+(?!\S)|\s", 2), (r"\s+$", 0), (r"(?:\s)+?x", 1)]
    {
        let mut found = Vec::new();
        Regex::oniguruma(pattern).unwrap().matches(&(" ".repeat(1_000_000) + "x"), &mut found).unwrap();
        assert_eq!(found.len(), matches, "{pattern}");
    }
}

proptest! {
    #[test]
    fn known_patterns_agree_with_the_crate(text in "[ \n\r\tA-Ca-cstIil'/1²漢é\u{301}!\u{a0}ſ]{0,30}") {
        for name in ["gpt2", "cl100k_base", "o200k_base"] {
            let pattern = crate::text::known_pattern(name).unwrap();
            let crates = fancy_regex::Regex::new(pattern).unwrap();
            let want: Vec<_> = crates.find_iter(&text).map(|one| one.unwrap().range()).collect();
            let (regex, spelling) = Regex::rust(pattern).unwrap();
            for regex in [regex, Regex::oniguruma(&spelling.unwrap()).unwrap()] {
                let mut got = Vec::new();
                regex.matches(&text, &mut got).unwrap();
                prop_assert_eq!(&got, &want, "{} on {:?}", name, text);
            }
        }
    }
}
