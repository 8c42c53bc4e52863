//! What the `tokenizers` library learns from small texts: the rules one by one, and the quirks of its bookkeeping.

use super::bpe::BpeSettings;

pub(super) fn plain() -> BpeSettings {
    BpeSettings { vocab_size: 1000, ..BpeSettings::default() }
}

fn forms(prefix: &str, suffix: &str) -> BpeSettings {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    BpeSettings { continuing_subword_prefix: some(prefix), end_of_word_suffix: some(suffix), ..plain() }
}

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) settings: BpeSettings,
    pub(super) text: &'static str,
    pub(super) tokens: &'static str,
    pub(super) merges: &'static str,
}

const FAMOUS: &str = "low low low low low lower lower newest newest newest newest newest newest widest widest \
                      widest";

/// What the `tokenizers` library (0.23.2) gives, with its words in a fixed order.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "the example of Sennrich et al.",
            settings: BpeSettings { vocab_size: 18, ..plain() },
            text: FAMOUS,
            tokens: "d e i l n o r s t w es est lo low ew new newest dest",
            merges: "e s, es t, l o, lo w, e w, n ew, new est, d est",
        },
        Case {
            name: "text that runs out",
            settings: plain(),
            text: "ab abc",
            tokens: "a b c ab abc",
            merges: "a b, ab c",
        },
        Case {
            name: "rare pairs are left",
            settings: BpeSettings { min_frequency: 6, ..plain() },
            text: FAMOUS,
            tokens: "d e i l n o r s t w es est lo low ew new newest",
            merges: "e s, es t, l o, lo w, e w, n ew, new est",
        },
        Case {
            name: "special tokens come first, and a merge may give one",
            settings: BpeSettings {
                vocab_size: 5,
                special_tokens: vec!["<s>".into(), "ab".into()],
                ..plain()
            },
            text: "abab ab",
            tokens: "<s> ab a b abab",
            merges: "a b, ab ab",
        },
        Case {
            name: "a special token of one character lets it in",
            settings: BpeSettings { special_tokens: vec!["b".into()], limit_alphabet: Some(1), ..plain() },
            text: "ba",
            tokens: "b a ba",
            merges: "b a",
        },
        Case {
            name: "rare characters are passed over",
            settings: BpeSettings { limit_alphabet: Some(1), ..plain() },
            text: "aabaa aacaa aaa",
            tokens: "a aa aaaa aaa",
            merges: "a a, aa aa, aa a",
        },
        Case {
            name: "of equally rare characters the lower ones stay",
            settings: BpeSettings { limit_alphabet: Some(2), ..plain() },
            text: "dcba",
            tokens: "a b ba",
            merges: "b a",
        },
        Case {
            name: "the initial alphabet is kept first",
            settings: BpeSettings { limit_alphabet: Some(2), initial_alphabet: vec!['z', 'c'], ..plain() },
            text: "aaab c",
            tokens: "c z",
            merges: "",
        },
        Case {
            name: "a prefix",
            settings: forms("##", ""),
            text: "ab abab b",
            tokens: "a b ##a ##b ab ##ab abab",
            merges: "a ##b, ##a ##b, ab ##ab",
        },
        Case {
            name: "a suffix",
            settings: forms("", "</w>"),
            text: "ab abab b",
            tokens: "a b b</w> ab</w> ab abab</w>",
            merges: "a b</w>, a b, ab ab</w>",
        },
        Case {
            name: "a prefix and a suffix",
            settings: forms("##", "</w>"),
            text: "abab b",
            tokens: "a b ##a ##b b</w> ##b</w> ab ##ab</w> abab</w>",
            merges: "a ##b, ##a ##b</w>, ab ##ab</w>",
        },
        Case {
            name: "tokens stay below a length",
            settings: BpeSettings { max_token_length: Some(4), ..plain() },
            text: "abcdef abcdef abcd",
            tokens: "a b c d e f ab cd ef",
            merges: "a b, c d, e f",
        },
        Case {
            name: "pairs of characters merge whatever the length",
            settings: BpeSettings { max_token_length: Some(1), ..plain() },
            text: "abc abc",
            tokens: "a b c ab",
            merges: "a b",
        },
        Case {
            name: "pairs that overlap are merged from the left",
            settings: plain(),
            text: "aaaaa aaa",
            tokens: "a aa aaa aaaaa",
            merges: "a a, aa a, aa aaa",
        },
        Case {
            name: "a pair is merged everywhere in the words in which it was seen",
            settings: forms("##", "b"),
            text: "漢bab漢ba é漢bab漢",
            tokens: "a b é 漢 ##a ##b ##漢 ##ab ##漢b ##bab ##漢bab é漢bab 漢bab é漢bab漢b 漢bab漢bab",
            merges: "##a ##b, ##漢 ##bab, é ##漢bab, 漢 ##bab, ##b ##ab, é漢bab ##漢b, 漢bab ##漢bab",
        },
        Case {
            name: "of two times that a pair is merged the last one holds",
            settings: forms("##", "b"),
            text: "aaabaabbbabaaa abaab",
            tokens: "a b ##a ##b ##ab ##bb ##aa ##baa ##baabb aaa abaa ##abaa ##babaa ##baabbbabaa \
                     aaabaabbbabaa abaabb aaabaabbbabaaab",
            merges: "##a ##a, ##b ##aa, ##b ##b, a ##aa, a ##baa, ##a ##baa, ##b ##abaa, ##baa ##bb, \
                     ##baabb ##babaa, aaa ##baabbbabaa, abaa ##bb, aaabaabbbabaa ##ab",
        },
        Case {
            name: "a token that arises again beside itself",
            settings: BpeSettings { min_frequency: 5, ..forms("#", "b") },
            text: "abbbbb abbbbbb abb bbbbbb bbbbbb abbbbbb abbbb abb",
            tokens: "a b #b #bb #bbbb #bbb",
            merges: "#b #b, #bb #bb, #b #bb",
        },
        Case {
            name: "one token, two lengths",
            settings: BpeSettings { max_token_length: Some(2), ..forms("#", "") },
            text: "#aab #a ##aa",
            tokens: "# a b ## #a #b #aa ##a",
            merges: "# #a, # ##, #a #a, ## #a",
        },
        Case {
            name: "a pair that is taken away more often than it was there",
            settings: BpeSettings { max_token_length: Some(2), ..forms("#", "</w>") },
            text: "#baa",
            tokens: "# a b #a #b #a</w> #aa</w> #ba",
            merges: "# #b, #a #a</w>, #b #a",
        },
    ]
}
