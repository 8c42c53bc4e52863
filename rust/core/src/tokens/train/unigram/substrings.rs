//! The frequent substrings of the segments: what pieces are chosen from.
//!
//! `SentencePiece` takes the inner nodes of the suffix tree of its sentences (substrings that go on in more than one
//! way), out of a suffix array. A word that a space always follows is none: it is the space that goes on in more than
//! one way. So segments know what follows them. A piece has at most some sixteen characters and a segment ends what begins in it, so
//! here suffixes are sorted character by character, as deep as a piece may be and no deeper. That is linear in the
//! text, needs one array, takes any number of threads, and the groups of equal suffixes on the way are the nodes.
//! Counts are those of the text: each distinct segment is looked at once, with its count.

use crate::{Result, threads};

use super::segments::{END, SEVERAL, SPACE_MARK, Segments};

/// A substring that begins at each of some suffixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Substring {
    /// How often it occurs in the text.
    pub(super) count: u64,
    pub(super) length: u32,
    /// The suffixes that begin with it, as a range of `Suffixes::sorted`.
    pub(super) first: u32,
    pub(super) last: u32,
}

/// The places at which substrings begin, sorted so that equal substrings stand together.
pub(super) struct Suffixes {
    pub(super) sorted: Vec<u32>,
    /// The single characters, in the order of their code points.
    pub(super) characters: Vec<Substring>,
    /// Longer substrings that go on in more than one way and occur at least twice.
    pub(super) substrings: Vec<Substring>,
}

impl Suffixes {
    pub(super) fn new(segments: &Segments, max_length: usize, num_threads: usize) -> Result<Self> {
        let mut sorted = by_first_character(&segments.text);
        let weights = Weights::new(segments);
        let mut buckets = Vec::new();
        let (mut rest, mut first) = (sorted.as_mut_slice(), 0);
        while let Some(&place) = rest.first() {
            let character = segments.text[place as usize];
            let size = rest.partition_point(|&place| segments.text[place as usize] <= character);
            let (bucket, others) = rest.split_at_mut(size);
            buckets.push(Bucket { suffixes: bucket, first, found: Vec::new(), count: 0 });
            rest = others;
            first += size as u32;
        }
        threads::for_each(
            num_threads,
            buckets.iter_mut().collect(),
            Vec::new,
            |keys, bucket: &mut Bucket<'_>| {
                let mut walk = Walk {
                    text: &segments.text,
                    weights: &weights,
                    max_length,
                    keys,
                    found: &mut bucket.found,
                };
                bucket.count = walk.group(bucket.suffixes, bucket.first, 1);
                Ok(())
            },
        )?;
        let mut characters = Vec::with_capacity(buckets.len());
        let mut substrings = Vec::with_capacity(buckets.iter().map(|bucket| bucket.found.len()).sum());
        for bucket in &mut buckets {
            let last = bucket.first + bucket.suffixes.len() as u32;
            characters.push(Substring { count: bucket.count, length: 1, first: bucket.first, last });
            substrings.append(&mut bucket.found);
        }
        Ok(Self { sorted, characters, substrings })
    }
}

struct Bucket<'a> {
    suffixes: &'a mut [u32],
    first: u32,
    found: Vec<Substring>,
    count: u64,
}

/// All places of characters, by character and then by place.
fn by_first_character(text: &[u32]) -> Vec<u32> {
    let mut keys: Vec<u64> = text
        .iter()
        .zip(0_u32..)
        .filter(|(code, _)| **code != END)
        .map(|(&code, place)| key(code, place))
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

fn key(code: u32, place: u32) -> u64 {
    u64::from(code) << 32 | u64::from(place)
}

/// How often the segment occurs that a place is in.
struct Weights<'a> {
    segments: &'a Segments,
    of: Vec<u32>,
}

impl<'a> Weights<'a> {
    fn new(segments: &'a Segments) -> Self {
        let mut of = Vec::with_capacity(segments.text.len());
        for (end, index) in segments.starts.iter().skip(1).zip(0_u32..) {
            of.resize(*end as usize, index);
        }
        Self { segments, of }
    }

    fn at(&self, place: u32) -> u64 {
        self.segments.counts[self.of[place as usize] as usize]
    }

    /// What follows the segment.
    fn follower(&self, place: u32) -> u32 {
        self.segments.followers[self.of[place as usize] as usize]
    }
}

struct Walk<'a, 'b> {
    text: &'a [u32],
    weights: &'a Weights<'a>,
    max_length: usize,
    keys: &'b mut Vec<u64>,
    found: &'b mut Vec<Substring>,
}

impl Walk<'_, '_> {
    /// Looks at suffixes whose first `length` characters are the same, notes the substrings that begin with those,
    /// and returns how often they occur.
    fn group(&mut self, suffixes: &mut [u32], first: u32, mut length: usize) -> u64 {
        if let [place] = *suffixes {
            let count = self.weights.at(place);
            while length <= self.max_length && self.text[place as usize + length] != END {
                length += 1;
            }
            if length <= self.max_length && self.weights.follower(place) == SEVERAL {
                self.note(suffixes, first, length, count);
            }
            return count;
        }
        let code = |place: u32, length: usize| self.text[place as usize + length];
        let next = suffixes.first().map_or(END, |&place| code(place, length));
        let goes_on_alike = self.goes_on_alike(suffixes, length);
        if suffixes.iter().all(|&place| code(place, length) == next) {
            if next != END && length < self.max_length {
                return self.group(suffixes, first, length + 1);
            }
            let count = suffixes.iter().map(|&place| self.weights.at(place)).sum();
            if !goes_on_alike {
                self.note(suffixes, first, length, count);
            }
            return count;
        }
        self.keys.clear();
        self.keys.extend(suffixes.iter().map(|&place| key(self.text[place as usize + length], place)));
        self.keys.sort_unstable();
        for (suffix, key) in suffixes.iter_mut().zip(self.keys.iter()) {
            *suffix = *key as u32;
        }
        let count = if length == self.max_length {
            suffixes.iter().map(|&place| self.weights.at(place)).sum()
        } else {
            self.groups_of(suffixes, first, length)
        };
        if !goes_on_alike {
            self.note(suffixes, first, length, count);
        }
        count
    }

    /// Whether the same character follows the first `length` ones everywhere.
    fn goes_on_alike(&self, suffixes: &[u32], length: usize) -> bool {
        let follower = |place: u32| match self.text[place as usize + length] {
            END => self.weights.follower(place),
            code => code,
        };
        let next = suffixes.first().map_or(SEVERAL, |&place| follower(place));
        next != SEVERAL && suffixes.iter().all(|&place| follower(place) == next)
    }

    /// The same for suffixes that go on differently and are sorted by how they go on.
    fn groups_of(&mut self, suffixes: &mut [u32], mut first: u32, length: usize) -> u64 {
        let (mut count, mut rest) = (0, suffixes);
        while let Some(&place) = rest.first() {
            let code = self.text[place as usize + length];
            let size = rest.partition_point(|&place| self.text[place as usize + length] <= code);
            let (group, others) = std::mem::take(&mut rest).split_at_mut(size);
            count += if code == END {
                group.iter().map(|&place| self.weights.at(place)).sum()
            } else {
                self.group(group, first, length + 1)
            };
            rest = others;
            first += size as u32;
        }
        count
    }

    /// Notes a substring, if it may be a piece. A space mark begins a piece or is one.
    fn note(&mut self, suffixes: &[u32], first: u32, length: usize, count: u64) {
        let Some(&place) = suffixes.first() else { return };
        if length > 1 && count > 1 && self.text[place as usize + length - 1] != SPACE_MARK as u32 + 1 {
            let last = first + suffixes.len() as u32;
            self.found.push(Substring { count, length: length as u32, first, last });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::tokens::train::WordCounts;
    use crate::tokens::train::unigram::segments::alphabet;

    fn found(words: &[(String, u64)], max_length: usize, num_threads: usize) -> BTreeMap<String, u64> {
        let mut counts = WordCounts::new();
        for (word, count) in words {
            counts.add(word, *count);
        }
        let alphabet = alphabet(&counts, 1.0, &[]);
        let segments = Segments::new(&counts, &alphabet, false).unwrap();
        let suffixes = Suffixes::new(&segments, max_length, num_threads).unwrap();
        let all = suffixes.characters.iter().chain(&suffixes.substrings);
        let mut map = BTreeMap::new();
        for substring in all {
            let places = &suffixes.sorted[substring.first as usize..substring.last as usize];
            let texts: Vec<String> =
                places.iter().map(|&place| segments.piece(place, substring.length as usize)).collect();
            assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
            assert!(map.insert(texts[0].clone(), substring.count).is_none(), "{:?} twice", texts[0]);
        }
        map
    }

    /// By definition: each substring with its count, if what follows it is not always the same character.
    fn expected(words: &[(String, u64)], max_length: usize) -> BTreeMap<String, u64> {
        let mut seen: BTreeMap<String, (u64, Vec<char>)> = BTreeMap::new();
        for (word, count) in words {
            let characters: Vec<char> = word.chars().collect();
            for start in 0..characters.len() {
                for end in start + 1..=characters.len().min(start + max_length) {
                    let (sum, next) = seen.entry(characters[start..end].iter().collect()).or_default();
                    *sum += count;
                    next.push(characters.get(end).copied().unwrap_or(SPACE_MARK));
                }
            }
        }
        seen.retain(|text, (count, next)| {
            let goes_on_alike = next.iter().all(|one| *one == next[0]);
            let long = text.chars().count() > 1;
            !long || (*count > 1 && !goes_on_alike && !text.ends_with(SPACE_MARK))
        });
        seen.into_iter().map(|(text, (count, _))| (text, count)).collect()
    }

    proptest! {
        #[test]
        fn substrings_are_those_that_go_on_in_more_than_one_way(
            words in prop::collection::btree_map("▁?[ab漢]{1,9}▁?", 1_u64..4, 1..20),
            max_length in 1_usize..8,
            num_threads in 1_usize..4,
        ) {
            let words: Vec<(String, u64)> = words.into_iter().collect();
            prop_assert_eq!(found(&words, max_length, num_threads), expected(&words, max_length));
        }
    }
}
