//! Expected pieces are what `tokenizers` 0.23.2 gave.

use serde_json::{Value, json};

use super::*;
use crate::text::Aligned;

fn read(json: Value) -> PreTokenizer {
    serde_json::from_value(json).unwrap()
}

/// The pieces joined by `|`.
fn cut(step: &PreTokenizer, text: &str, with_origins: bool) -> String {
    let mut pieces = Pieces::new(Aligned::new(text, 0, with_origins));
    step.apply(&mut pieces).unwrap();
    pieces.iter().collect::<Vec<_>>().join("|")
}

fn byte_level(add_prefix_space: bool, use_regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": true, "use_regex": use_regex})
}

fn metaspace(prepend_scheme: &str, split: bool) -> Value {
    json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": prepend_scheme, "split": split})
}

fn split(pattern: impl serde::Serialize, behavior: &str, invert: bool) -> Value {
    json!({"type": "Split", "pattern": json!(pattern), "behavior": behavior, "invert": invert})
}

fn sequence(steps: &[Value]) -> Value {
    json!({"type": "Sequence", "pretokenizers": steps})
}

fn cases() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"type": "Whitespace"}), "Hey, you_2! \u{200d}é\n", "Hey|,|you_2|!|\u{200d}é"),
        (json!({"type": "WhitespaceSplit"}), " a\u{a0}b,c\u{3000}\n d", "a|b,c|d"),
        (json!({"type": "BertPreTokenizer"}), "don't—a+b  c", "don|'|t|—|a|+|b|c"),
        (json!({"type": "CharDelimiterSplit", "delimiter": "-"}), "-a--b", "a|b"),
        (json!({"type": "Punctuation"}), "a,,b", "a|,|,|b"),
        (json!({"type": "Punctuation", "behavior": "Contiguous"}), "a,,b", "a|,,|b"),
        (json!({"type": "Digits", "individual_digits": true}), "a12½b", "a|1|2|½|b"),
        (json!({"type": "Digits", "individual_digits": false}), "a12½b", "a|12½|b"),
        (json!({"type": "FixedLength"}), "abcdefgé", "abcde|fgé"),
        (json!({"type": "FixedLength", "length": 1}), "aé", "a|é"),
        (json!({"type": "UnicodeScripts"}), " どこで生れ。Yes", "どこで生れ|。|Yes"),
        (json!({"type": "UnicodeScripts"}), "ᲐA\u{953}\u{61c}!ー", "A|\u{953}|\u{61c}!|ー"),
        (byte_level(true, true), "Hi é\n ", "ĠHi|ĠÃ©|ĊĠ"),
        (byte_level(false, true), "I'll go", "I|'ll|Ġgo"),
        (byte_level(true, false), "a b", "ĠaĠb"),
        (metaspace("always", true), "a  b", "▁a|▁|▁b"),
        (metaspace("never", true), "a b", "a|▁b"),
        (metaspace("first", false), "a b", "▁a▁b"),
        (metaspace("always", false), "▁a b", "▁a▁b"),
        (split(json!({"String": "."}), "Removed", false), "a.b", "a|b"),
        (split(json!({"String": ""}), "Isolated", false), "aé", "a|é"),
        (
            split(json!({"Regex": "-"}), "MergedWithPrevious", false),
            "the-final--countdown",
            "the-|final-|-|countdown",
        ),
        (
            split(json!({"Regex": "-"}), "MergedWithNext", false),
            "the-final--countdown",
            "the|-final|-|-countdown",
        ),
        (
            split(json!({"Regex": "-"}), "Contiguous", false),
            "the-final--countdown",
            "the|-|final|--|countdown",
        ),
        (split(json!({"Regex": r"\w+"}), "Removed", true), "ab, cd", "ab|cd"),
        (split(json!({"Regex": "(?=[A-Z])"}), "Isolated", false), "aBcD", "a|Bc|D"),
        (split(json!({"Regex": r"\p{N}{1,3}"}), "Isolated", false), "12345a", "123|45|a"),
        (sequence(&[json!({"type": "WhitespaceSplit"}), metaspace("always", true)]), "a b", "▁a|▁b"),
        (sequence(&[json!({"type": "WhitespaceSplit"}), metaspace("first", true)]), "a b", "▁a|b"),
        (sequence(&[json!({"type": "WhitespaceSplit"}), metaspace("first", true)]), " a b", "a|b"),
        (
            sequence(&[json!({"type": "Digits", "individual_digits": true}), byte_level(false, true)]),
            "a 12",
            "a|Ġ|1|2",
        ),
        (sequence(&[]), "a b", "a b"),
    ]
}

#[test]
fn pieces_of_every_pre_tokenizer() {
    for (json, text, want) in cases() {
        let step = read(json.clone());
        assert_eq!(cut(&step, text, true), want, "{json} on {text:?}");
        assert_eq!(cut(&step, text, false), want, "{json} on {text:?} without origins");
        assert_eq!(cut(&step, "", true), "", "{json}");
    }
}

#[test]
fn what_is_read_is_written_again() {
    for (json, ..) in cases() {
        let step = read(json);
        let again = serde_json::to_value(&step).unwrap();
        assert_eq!(read(again.clone()), step, "{again}");
    }
    let legacy = json!({"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": true});
    assert_eq!(serde_json::to_value(read(legacy)).unwrap(), metaspace("always", true));
    let short = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true});
    assert_eq!(serde_json::to_value(read(short)).unwrap(), byte_level(false, true));
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (json, name) in [
        (json!({"type": "Nope"}), "Nope"),
        (json!({"type": "Whitespace", "extra": 1}), "extra"),
        (json!({"type": "Delimiter", "delimiter": "x"}), "Delimiter"),
        (json!({"type": "ByteLevel", "add_prefix_space": true}), "trim_offsets"),
        (json!({"type": "Metaspace", "replacement": "▁▁"}), "▁▁"),
        (json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": false}), "prepend_scheme"),
        (json!({"type": "Metaspace", "replacement": "▁", "mark": "▁"}), "mark"),
        (json!({"type": "FixedLength", "length": 0}), "0"),
        (json!({"type": "Punctuation", "behavior": "isolated"}), "isolated"),
        (json!({"type": "Sequence", "pretokenizers": [{"type": "Nope"}]}), "Nope"),
        (split(json!({"Regex": r"\X"}), "Isolated", false), r"\X"),
        (split(json!({"Regex": "("}), "Isolated", false), "parenthesis"),
        (split(json!("-"), "Isolated", false), "-"),
    ] {
        let error = serde_json::from_value::<PreTokenizer>(json.clone()).unwrap_err().to_string();
        assert!(error.contains(name), "{json}: {error}");
    }
}

#[test]
fn origins_follow_the_pieces() {
    let step = read(sequence(&[json!({"type": "Punctuation"}), byte_level(true, true)]));
    let mut pieces = Pieces::new(Aligned::new("é,b", 5, true));
    step.apply(&mut pieces).unwrap();
    assert_eq!(pieces.iter().collect::<Vec<_>>(), ["ĠÃ©", "Ġ,", "Ġb"]);
    assert_eq!(
        (0..3).map(|index| pieces.origin_of(index, 0..3)).collect::<Vec<_>>(),
        [Some((5, 7)), Some((7, 8)), Some((8, 9))]
    );
}

#[test]
fn bytes_are_left_to_the_model() {
    let mut step =
        read(sequence(&[json!({"type": "Digits", "individual_digits": true}), byte_level(true, true)]));
    assert!(step.leave_bytes());
    assert_eq!(cut(&step, "é b1", false), " é| b| 1");
    // It is a state, not a setting.
    assert_eq!(serde_json::to_value(&step).unwrap()["pretokenizers"][1], byte_level(true, true));
    for other in [
        json!({"type": "Whitespace"}),
        sequence(&[]),
        sequence(&[byte_level(true, true), metaspace("never", true)]),
    ] {
        assert!(!read(other).leave_bytes());
    }
}

#[test]
fn who_asks_for_origins() {
    let white = json!({"type": "WhitespaceSplit"});
    for (json, has_first, needs_origins) in [
        (white.clone(), false, false),
        (metaspace("first", true), true, false),
        (metaspace("always", true), false, false),
        (sequence(&[white.clone(), metaspace("first", true)]), true, false),
        (sequence(&[metaspace("always", true), metaspace("first", true)]), true, true),
        (
            sequence(&[sequence(&[byte_level(true, true)]), sequence(&[white, metaspace("first", true)])]),
            true,
            true,
        ),
    ] {
        let step = read(json.clone());
        assert_eq!((step.has_first(), step.needs_origins()), (has_first, needs_origins), "{json}");
    }
}

#[test]
fn gpt2s_scanner_and_its_pattern_cut_alike() {
    let pattern = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    let regex =
        read(sequence(&[split(json!({"Regex": pattern}), "Isolated", false), byte_level(false, false)]));
    let scanner = read(byte_level(false, true));
    let text: String =
        ('\0'..=char::MAX).flat_map(|character| ['a', character, ' ', character, '1']).collect();
    assert_eq!(cut(&regex, &text, false), cut(&scanner, &text, false));
}
