use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// A word has as many ids as its first byte says.
fn ids_of(word: &[u8]) -> Vec<u32> {
    (0..u32::from(word[0] % 6)).map(|place| place * 1000 + word.len() as u32 + u32::from(word[0])).collect()
}

/// The ids of `places` from the cache, checked against what they are.
fn check(cache: &mut WordCache, text: &[u8], places: &[(u32, u32)]) {
    let words = || places.iter().map(|&(begin, end)| &text[begin as usize..end as usize]);
    let mut ids = vec![7];
    cache
        .encode(text, places, &mut ids, |word, ids| {
            ids.extend(ids_of(word));
            Ok(())
        })
        .unwrap();
    let want: Vec<u32> = [7].into_iter().chain(words().flat_map(ids_of)).collect();
    assert_eq!(ids, want);
    for word in words() {
        assert!(cache.get(word).is_none_or(|ids| ids == ids_of(word)), "{word:?}");
    }
}

fn text_and_places() -> impl Strategy<Value = (Vec<u8>, Vec<(u32, u32)>)> {
    let word = prop_oneof![
        6 => proptest::collection::vec(0_u8..4, 1..4),
        2 => proptest::collection::vec(0_u8..2, 13..19),
        1 => proptest::collection::vec(0_u8..2, 30..300),
    ];
    proptest::collection::vec((0_usize..3, word), 0..200).prop_map(|words| {
        let (mut text, mut places) = (Vec::new(), Vec::new());
        for (gap, word) in words {
            text.resize(text.len() + gap, 9);
            places.push((text.len() as u32, (text.len() + word.len()) as u32));
            text.extend(word);
        }
        (text, places)
    })
}

proptest! {
    #[test]
    fn it_gives_what_the_model_gives_whatever_its_size(
        texts in proptest::collection::vec(text_and_places(), 1..4),
        limit in prop_oneof![Just(0_usize), Just(200), Just(3000), Just(1 << 20)],
    ) {
        let mut cache = WordCache::with_limit(limit);
        for (text, places) in texts {
            check(&mut cache, &text, &places);
            check(&mut cache, &text, &places);
        }
    }

    #[test]
    fn it_is_a_map_as_long_as_nothing_is_forgotten(
        words in proptest::collection::vec(proptest::collection::vec(0_u8..3, 1..20), 0..300),
    ) {
        let (mut cache, mut map) = (WordCache::default(), HashMap::new());
        for (number, word) in words.iter().enumerate() {
            let ids = vec![number as u32; number % 6];
            cache.insert(word, &ids);
            map.insert(word.clone(), ids);
        }
        prop_assert_eq!(cache.len(), map.len());
        for word in words.iter().flat_map(|word| [&word[..], &word[1..]]).filter(|word| !word.is_empty()) {
            prop_assert_eq!(cache.get(word), map.get(word).map(|ids| &ids[..]));
        }
    }
}

#[test]
fn a_fingerprint_is_not_taken_for_the_word() {
    let (word, other) = ([5; 30], [6; 30]);
    let mut cache = WordCache::default();
    cache.insert(&word, &[1]);
    // The same key, as if the fingerprints were equal.
    let key = Key::new(&word, 0, word.len());
    assert_eq!((cache.find(&word, key), cache.find(&other, key)), (Some(&[1][..]), None));
}

#[test]
fn memory_is_bounded() {
    let mut cache = WordCache::with_limit(1 << 20);
    let mut most = 0;
    for number in 0..200_000_u32 {
        let digits = format!("{number:0length$}", length = 6 + number as usize % 30);
        cache.insert(digits.as_bytes(), &vec![number; number as usize % 7]);
        most = most.max(cache.bytes());
    }
    assert!(most <= (1 << 20) + (1 << 19), "{most}");
    cache.insert(&[b'a'; WordCache::LONGEST + 1], &[1]);
    assert_eq!((cache.get(&[b'a'; WordCache::LONGEST + 1]), cache.get(b"")), (None, None));
    cache.clear();
    assert_eq!((cache.len(), cache.bytes()), (0, 128));
}

#[test]
fn an_error_of_the_model_is_passed_on() {
    let mut cache = WordCache::default();
    let error = cache
        .encode(b"ab", &[(0, 1), (1, 2)], &mut Vec::new(), |_, _| Err(crate::Error::new("no")))
        .unwrap_err();
    assert_eq!((error.to_string().as_str(), cache.len()), ("no", 0));
}
