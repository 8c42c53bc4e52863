use super::*;
use crate::text::byte_level;
use crate::tokens::models::bpe::{Bpe, BpeSettings, heap};
use crate::tokens::{Vocab, models::Token};
use proptest::prelude::*;

/// A model that knows all bytes, and merges of what is there already, by rising rank as they are given: a text may be
/// made in several ways. With an `order` other than 0 ranks are shuffled, so that what a merge needs may be made after it.
fn model(pairs: &[(usize, usize)], order: u64) -> Bpe {
    // Two halves of a character, so that words are UTF-8 and yet cut within characters.
    let letters = [b'a', b'b', b'c', 0xC3, 0xA9];
    let mut texts: Vec<String> = letters.iter().map(|&byte| byte_level::char_of(byte).to_string()).collect();
    let mut merges = Vec::new();
    for &(left, right) in pairs {
        let (left, right) = (texts[left % texts.len()].clone(), texts[right % texts.len()].clone());
        texts.push(format!("{left}{right}"));
        merges.push((left, right));
    }
    if order != 0 {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        merges.sort_by_key(|(left, right)| left.bytes().chain(right.bytes()).fold(order, hash));
    }
    let mut vocab = Vocab::default();
    let bytes = (0..=255).map(|byte| byte_level::char_of(byte).to_string());
    for text in bytes.chain(texts.iter().map(String::clone)) {
        if vocab.id(&text).is_none() {
            vocab.append(&text).unwrap();
        }
    }
    let mut model = Bpe::new(vocab, merges, BpeSettings::default()).unwrap();
    model.read_bytes();
    model
}

/// What the heap gives, which is the definition whatever the merges are.
fn by_heap(model: &Bpe, word: &[u8]) -> Vec<(u32, u32)> {
    let bytes = model.bytes.as_ref().unwrap();
    let mut found = Vec::new();
    heap::merge(&model.merges, &Spelled { bytes, word }, &mut found);
    found
}

fn encoded(model: &Bpe, word: &[u8]) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    model.bytes.as_ref().unwrap().encode(&model.merges, word, &mut found);
    found
}

fn words() -> impl Strategy<Value = Vec<String>> {
    let repeated = ("[abcé]{1,4}", 0_usize..80).prop_map(|(part, times)| part.repeat(times));
    // What no merge knows is where words are cut, before, in and after the first 64 bytes.
    let cut =
        ("[abcé]{0,70}", "[xyzé]{1,3}", "[abcé]{0,70}").prop_map(|(one, two, three)| one + &two + &three);
    proptest::collection::vec(
        prop_oneof!["[abcé]{0,12}", "[abcé]{50,70}", "[a-e]{0,200}", repeated, cut],
        1..12,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn parts_and_glue_are_the_definition(
        pairs in proptest::collection::vec((0_usize..30, 0_usize..30), 0..60),
        order in prop_oneof![Just(0), any::<u64>()],
        words in words(),
    ) {
        let model = model(&pairs, order);
        for word in words {
            let want = by_heap(&model, word.as_bytes());
            prop_assert_eq!(encoded(&model, word.as_bytes()), want, "{}", word);
        }
    }

    #[test]
    fn merges_of_two_bytes_are_the_definition(
        pairs in proptest::collection::vec((0_usize..5, 0_usize..5), 0..20),
        more in proptest::collection::vec((0_usize..40, 0_usize..5), 0..20),
        order in prop_oneof![Just(0), any::<u64>()],
        words in proptest::collection::vec("[abcé]{0,40}", 1..20),
    ) {
        let model = model(&[pairs, more].concat(), order);
        for word in words {
            prop_assert_eq!(encoded(&model, word.as_bytes()), by_heap(&model, word.as_bytes()), "{}", word);
        }
    }
}

#[test]
fn all_short_words_are_the_definition() {
    // "ab" is joined before "bc", and takes part in something that has a lower rank than itself, so not at once.
    let tables: [&[(usize, usize)]; 4] = [
        &[(0, 1), (1, 2), (5, 2), (0, 0), (2, 6)],
        &[(1, 2), (0, 1), (0, 0), (7, 0), (2, 2)],
        &[(0, 0), (5, 5), (5, 0), (0, 5), (0, 1)],
        &[(0, 1), (5, 2), (2, 0), (0, 2), (6, 1)],
    ];
    for pairs in tables {
        let model = model(pairs, 0);
        for length in 0..=7_u32 {
            for number in 0..3_usize.pow(length) {
                let word: Vec<u8> =
                    (0..length).map(|place| b"abc"[number / 3_usize.pow(place) % 3]).collect();
                assert_eq!(encoded(&model, &word), by_heap(&model, &word), "{word:?}");
            }
        }
    }
}

#[test]
fn a_merge_that_comes_before_what_it_is_made_of() {
    // "ab" + "c" has a lower rank than "a" + "b": when "ab" is joined, "abc" is at once, before "cd", though that has a
    // lower rank than "ab" itself. So the two are not joined before their time.
    let mut vocab = Vocab::default();
    for byte in 0..=255 {
        vocab.append(&byte_level::char_of(byte).to_string()).unwrap();
    }
    for text in ["ab", "abc", "cd"] {
        vocab.append(text).unwrap();
    }
    let merges = [("ab", "c"), ("c", "d"), ("a", "b")];
    let mut model = Bpe::new(vocab, merges, BpeSettings::default()).unwrap();
    model.read_bytes();
    let mut tokens = Vec::new();
    model.encode_bytes(b"abcdabc", &mut tokens).unwrap();
    assert_eq!(tokens, [(256, 2), (258, 2), (257, 3)].map(|(id, length)| Token { id, length }));
}

#[test]
fn words_that_are_tokens_are_these_tokens_where_merges_are_ignored() {
    // "ab" and "abc" come of merging; "ca" comes of no merge, and "bc" of one that never has its turn in "abc".
    let mut vocab = Vocab::default();
    for byte in 0..=255 {
        vocab.append(&byte_level::char_of(byte).to_string()).unwrap();
    }
    for text in ["ab", "abc", "ca", "bc", "bca", "日"] {
        vocab.append(text).unwrap();
    }
    for (ignore_merges, want) in [(true, [256, 257, 258, 259, 260]), (false, [256, 257, 0, 259, 0])] {
        let merges = [("a", "b"), ("ab", "c"), ("b", "c"), ("b", "ca")];
        let settings = BpeSettings { ignore_merges, ..BpeSettings::default() };
        let mut model = Bpe::new(vocab.clone(), merges, settings).unwrap();
        model.read_bytes();
        assert_eq!(model.bytes.as_ref().unwrap().whole_words.len(), if ignore_merges { 2 } else { 0 });
        for (word, want) in ["ab", "abc", "ca", "bc", "bca"].into_iter().zip(want) {
            let mut ids = Vec::new();
            model.encode_byte_ids(word.as_bytes(), &mut ids).unwrap();
            let is_whole = want > 0;
            assert_eq!(ids.len() == 1, is_whole, "{word}");
            assert!(!is_whole || ids == [want], "{word}");
        }
    }
}

#[test]
fn bytes_that_no_text_has_may_be_missing() {
    let vocab = |lacks: &[u8]| {
        let mut vocab = Vocab::default();
        for byte in (0..=255).filter(|byte| !lacks.contains(byte)) {
            vocab.append(&byte_level::char_of(byte).to_string()).unwrap();
        }
        vocab
    };
    let no_merges: [(&str, &str); 0] = [];
    let never: Vec<u8> = (0..=255).filter(|&byte| is_never_in_utf8(byte)).collect();
    assert_eq!(never, [0xC0, 0xC1, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF]);
    let model = |lacks: &[u8]| {
        let mut model = Bpe::new(vocab(lacks), no_merges, BpeSettings::default()).unwrap();
        model.read_bytes();
        model
    };
    assert!(!model(&[0x41]).reads_bytes() && !model(&[0xF4]).reads_bytes());
    let model = model(&never);
    assert!(model.can_read_bytes() && model.reads_bytes());
    let (mut ids, mut tokens) = (Vec::new(), Vec::new());
    model.encode_byte_ids("\u{10FFFF}\u{80}é".as_bytes(), &mut ids).unwrap();
    assert!(!ids.contains(&NO_SYMBOL) && ids.len() == 8);
    for word in [&b"a\xFF"[..], b"\xC0\x80"] {
        for error in [model.encode_byte_ids(word, &mut ids), model.encode_bytes(word, &mut tokens)] {
            assert!(error.unwrap_err().to_string().contains("no token is the byte 0x"));
        }
    }
    assert!(tokens.is_empty());
}
