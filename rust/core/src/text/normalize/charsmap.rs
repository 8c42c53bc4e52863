//! `SentencePiece`'s rewrite rules: a trie over bytes in a double array, and the texts that its keys turn into.
//!
//! The blob is the trie's size in bytes, the trie, and the texts, each ended by NUL; numbers are little-endian. The
//! trie is one of darts-clone (Yata 2007): a unit of 32 bits holds the byte that leads to it (bits 0 to 7), whether a
//! key ends there (bit 8), and the way to its children (bits 9 to 31); a key's value lies where byte 0 would lead.

use crate::{Error, Result};

/// Rewrite rules from bytes to text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charsmap {
    units: Vec<u32>,
    texts: String,
    /// Bit `b` says that the ASCII character `b` is a key by itself.
    ascii_keys: u128,
}

impl Charsmap {
    /// Reads a blob, and walks the whole trie so that no text can lead out of it.
    pub fn parse(blob: &[u8]) -> Result<Self> {
        let (size, rest) = blob.split_first_chunk().ok_or_else(|| broken("it is shorter than its header"))?;
        let size = u32::from_le_bytes(*size) as usize;
        let (trie, texts) =
            rest.split_at_checked(size).ok_or_else(|| broken("it is shorter than its trie"))?;
        let (units, []) = trie.as_chunks() else {
            return Err(broken("its trie is cut off"));
        };
        let units: Vec<u32> = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        let texts = std::str::from_utf8(texts).map_err(|_| broken("its texts are not UTF-8"))?.to_owned();
        check(&units, &texts)?;
        let mut charsmap = Self { units, texts, ascii_keys: 0 };
        let is_key = |byte: &u8| charsmap.shortest_prefix(&[*byte]).is_some();
        charsmap.ascii_keys = (0..128).filter(is_key).fold(0, |keys, byte| keys | 1 << byte);
        Ok(charsmap)
    }

    /// The longest key that `text` begins with: its length in bytes, and what it turns into.
    pub fn longest_prefix(&self, text: &[u8]) -> Option<(usize, &str)> {
        self.prefixes(text).last().map(|(length, value)| (length, self.text_at(value)))
    }

    /// The shortest key that `text` begins with: its length in bytes, and what it turns into.
    pub fn shortest_prefix(&self, text: &[u8]) -> Option<(usize, &str)> {
        self.prefixes(text).next().map(|(length, value)| (length, self.text_at(value)))
    }

    /// All keys with what they turn into; None where there are more than `limit`.
    pub(crate) fn keys(&self, limit: usize) -> Option<Vec<(Vec<u8>, &str)>> {
        let mut keys = Vec::new();
        let mut open = vec![(Vec::new(), self.units.first().map_or(0, |root| way(*root)))];
        let mut seen = 0;
        while let Some((key, base)) = open.pop() {
            // Where tries share their ends there may be far more ways than units.
            seen += 1;
            if seen > 8 * limit {
                return None;
            }
            for byte in 1..=255_u8 {
                let child = base ^ usize::from(byte);
                let Some(&unit) = self.units.get(child).filter(|unit| leads_to(**unit, byte)) else {
                    continue;
                };
                let (mut key, base) = (Vec::clone(&key), child ^ way(unit));
                key.push(byte);
                if has_value(unit) {
                    let value = self.units.get(base).copied().map_or(0, value);
                    keys.push((key.clone(), self.text_at(value)));
                }
                open.push((key, base));
                if keys.len() > limit {
                    return None;
                }
            }
        }
        Some(keys)
    }

    /// Whether `text` may begin a key or begins with one: if not, nothing that begins so does.
    pub(crate) fn may_begin_key(&self, text: &[u8]) -> bool {
        let mut base = self.root();
        for &byte in text.iter().take_while(|byte| **byte != 0) {
            let child = base ^ usize::from(byte);
            match self.units.get(child).copied().filter(|unit| leads_to(*unit, byte)) {
                Some(unit) if has_value(unit) => return true,
                Some(unit) => base = child ^ way(unit),
                None => return false,
            }
        }
        !text.contains(&0)
    }

    /// Whether this ASCII character is a key by itself.
    pub fn is_ascii_key(&self, byte: u8) -> bool {
        byte < 128 && self.ascii_keys >> byte & 1 == 1
    }

    /// The keys that `text` begins with, from the shortest, each with its value. No key holds a NUL.
    fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
        let mut base = self.units.first().map_or(0, |root| way(*root));
        let steps = text.iter().take_while(|byte| **byte != 0).enumerate().map_while(move |(place, byte)| {
            let child = base ^ usize::from(*byte);
            let unit = *self.units.get(child).filter(|unit| leads_to(**unit, *byte))?;
            base = child ^ way(unit);
            let value = has_value(unit).then(|| self.units.get(base).copied().map_or(0, value));
            Some(value.map(|value| (place + 1, value)))
        });
        steps.flatten()
    }

    /// What the next character of a key can be when `base` was reached: each with the base that it leads to, and with what
    /// the key turns into if it ends there. None where keys are not characters.
    pub(crate) fn steps(&self, base: usize) -> Option<Vec<Step<'_>>> {
        let mut steps = Vec::new();
        let mut open = vec![([0; 4], 0, base)];
        while let Some((bytes, length, base)) = open.pop() {
            for (byte, child) in children(&self.units, base) {
                let (mut bytes, length, unit) = (bytes, length + 1, self.units[child]);
                *bytes.get_mut(length - 1)? = byte;
                let base = child ^ way(unit);
                let value = has_value(unit).then(|| self.units.get(base).copied().map_or(0, value));
                let value = value.map(|value| self.text_at(value));
                match std::str::from_utf8(&bytes[..length]).map(|text| text.chars().next()) {
                    Ok(Some(character)) => steps.push(Step { character, base, value }),
                    _ if value.is_some() => return None,
                    _ => open.push((bytes, length, base)),
                }
            }
        }
        Some(steps)
    }

    /// The base from which all keys begin.
    pub(crate) fn root(&self) -> usize {
        self.units.first().map_or(0, |root| way(*root))
    }

    fn text_at(&self, value: usize) -> &str {
        let text = self.texts.get(value..).unwrap_or_default();
        text.split_once('\0').map_or(text, |(text, _)| text)
    }
}

/// A character of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'c> {
    pub(crate) character: char,
    pub(crate) base: usize,
    pub(crate) value: Option<&'c str>,
}

/// The bytes that lead on from a base, in no order, with the places of their units.
fn children(units: &[u32], base: usize) -> impl Iterator<Item = (u8, usize)> {
    const LANES: usize = 16;
    let first = base & !0xFF;
    let block = units.get(first..first + 256).unwrap_or_default();
    let leads = move |place: usize, unit: u32| leads_to(unit, (place ^ base) as u8);
    let groups = block.chunks_exact(LANES).enumerate();
    // Most groups have none, and sixteen at once are seen not to be one.
    let with_some = groups.filter(move |(group, units)| {
        let begin = group * LANES;
        (0..LANES).fold(false, |found, lane| found | leads(begin + lane, units[lane]))
    });
    with_some.flat_map(move |(group, units)| {
        let places = (group * LANES..).zip(units);
        places
            .filter(move |&(place, &unit)| leads(place, unit) && (place ^ base) as u8 != 0)
            .map(move |(place, _)| ((place ^ base) as u8, first + place))
    })
}

fn way(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 0x200) >> 6)) as usize
}

/// Units that hold values have the highest bit set, so no byte leads to them.
fn leads_to(unit: u32, byte: u8) -> bool {
    unit & 0x8000_00FF == u32::from(byte)
}

fn has_value(unit: u32) -> bool {
    unit & 0x100 != 0
}

fn value(unit: u32) -> usize {
    (unit & 0x7FFF_FFFF) as usize
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Never,
    Open,
    Done,
}

/// Checks every unit that a text can reach. Tries may share their ends, but a circle would make a search as long as
/// the text.
fn check(units: &[u32], texts: &str) -> Result<()> {
    let mut visits = vec![Visit::Never; units.len()];
    // A place is left when it is met again from the other side.
    let mut path: Vec<(usize, bool)> = vec![(0, false)];
    while let Some((place, leaves)) = path.pop() {
        if leaves {
            visits[place] = Visit::Done;
            continue;
        }
        match visits.get(place) {
            None => return Err(broken("it has no trie")),
            Some(Visit::Open) => return Err(broken("its trie has a circle")),
            Some(Visit::Done) => continue,
            Some(Visit::Never) => visits[place] = Visit::Open,
        }
        let base = place ^ way(units[place]);
        check_unit(units, texts, base, place > 0 && has_value(units[place]))?;
        path.push((place, true));
        path.extend(children(units, base).map(|(_, child)| (child, false)));
    }
    Ok(())
}

/// Checks that all children of a unit are in the trie, and that its value is the place of a text.
fn check_unit(units: &[u32], texts: &str, base: usize, has_value: bool) -> Result<()> {
    if base | 0xFF >= units.len() {
        return Err(broken("its trie leads out of itself"));
    }
    if has_value && (units[base] >> 31 == 0 || !texts.is_char_boundary(value(units[base]))) {
        return Err(broken("its trie leads to no text"));
    }
    Ok(())
}

fn broken(why: &str) -> Error {
    Error::new(format!("the precompiled charsmap is broken: {why}")).advise("take the original file")
}

/// Blobs for tests, here and in other rooms.
#[cfg(test)]
pub(crate) mod blob {
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Node {
        value: Option<usize>,
        children: BTreeMap<u8, Node>,
    }

    /// The blob of a map from keys to texts.
    pub(crate) fn of(rules: &[(&str, &str)]) -> Vec<u8> {
        let (mut root, mut texts) = (Node::default(), String::new());
        for (key, text) in rules {
            let node = key.bytes().fold(&mut root, |node, byte| node.children.entry(byte).or_default());
            node.value = Some(texts.len());
            texts.push_str(text);
            texts.push('\0');
        }
        let mut units = vec![0; 256];
        write(&root, 0, 0, &mut units);
        let mut blob = (units.len() as u32 * 4).to_le_bytes().to_vec();
        blob.extend(units.iter().flat_map(|unit: &u32| unit.to_le_bytes()));
        blob.extend(texts.bytes());
        blob
    }

    /// Every node's children have a block of their own: large, and simple.
    fn write(node: &Node, place: usize, label: u32, units: &mut Vec<u32>) {
        let base = units.len();
        units.resize(base + 256, 0);
        units[place] = ((place ^ base) as u32) << 10 | u32::from(node.value.is_some()) << 8 | label;
        if let Some(value) = node.value {
            units[base] = 1 << 31 | value as u32;
        }
        for (byte, child) in &node.children {
            write(child, base ^ usize::from(*byte), u32::from(*byte), units);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Charsmap {
        let rules = [
            ("\t", " "),
            ("ﬁ", "fi"),
            ("e\u{301}", "é"),
            ("a", "x"),
            ("ab", "y"),
            ("abcd", ""),
            ("\u{ad}", ""),
        ];
        Charsmap::parse(&blob::of(&rules)).unwrap()
    }

    #[test]
    fn prefixes() {
        for (text, shortest, longest) in [
            ("", None, None),
            ("e", None, None),
            ("e\u{301}\u{301}", Some((3, "é")), Some((3, "é"))),
            ("ﬁn", Some((3, "fi")), Some((3, "fi"))),
            ("a", Some((1, "x")), Some((1, "x"))),
            ("abc", Some((1, "x")), Some((2, "y"))),
            ("abcde", Some((1, "x")), Some((4, ""))),
            ("\u{ad}", Some((2, "")), Some((2, ""))),
            ("\0", None, None),
            ("ab\0cd", Some((1, "x")), Some((2, "y"))),
        ] {
            assert_eq!(example().shortest_prefix(text.as_bytes()), shortest, "{text:?}");
            assert_eq!(example().longest_prefix(text.as_bytes()), longest, "{text:?}");
        }
        let keys: Vec<u8> = (0..=255).filter(|byte| example().is_ascii_key(*byte)).collect();
        assert_eq!(keys, b"\ta");
    }

    type Change = Box<dyn FnOnce(&mut Vec<u8>)>;

    fn refusal(change: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut bytes = blob::of(&[("a", "x"), ("ab", "é")]);
        change(&mut bytes);
        Charsmap::parse(&bytes).unwrap_err().to_string()
    }

    fn set_unit(bytes: &mut [u8], place: usize, unit: u32) {
        bytes[4 + place * 4..8 + place * 4].copy_from_slice(&unit.to_le_bytes());
    }

    #[test]
    fn broken_blobs_are_refused() {
        let size = blob::of(&[("a", "x"), ("ab", "é")]).len();
        let a = 256 + usize::from(b'a');
        let cases: [(&str, Change); 9] = [
            ("shorter than its header", Box::new(|blob| blob.truncate(3))),
            ("shorter than its trie", Box::new(|blob| blob.truncate(99))),
            ("cut off", Box::new(|blob| blob[0] += 1)),
            ("has no trie", Box::new(|blob| *blob = vec![0, 0, 0, 0, b'x', 0])),
            ("not UTF-8", Box::new(move |blob| blob[size - 3] = b'a')),
            ("leads out of itself", Box::new(|blob| set_unit(blob, 0, u32::MAX >> 1))),
            ("leads to no text", Box::new(|blob| set_unit(blob, 512, 1 << 31 | 3))),
            ("leads to no text", Box::new(|blob| set_unit(blob, 512, 0))),
            (
                "has a circle",
                Box::new(move |blob| set_unit(blob, a, ((a ^ 256) as u32) << 10 | u32::from(b'a'))),
            ),
        ];
        for (why, change) in cases {
            let refusal = refusal(change);
            assert!(refusal.contains(why), "{why}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_through_all_keys_finds(
            rules in proptest::collection::btree_map("[abé]{1,4}", "[xé]{0,3}", 0..12), text in "[abé\0]{0,8}",
        ) {
            let pairs: Vec<(&str, &str)> = rules.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
            let charsmap = Charsmap::parse(&blob::of(&pairs)).unwrap();
            let prefixes = rules.iter().filter(|(key, _)| text.starts_with(key.as_str()));
            let mut prefixes: Vec<_> = prefixes.map(|(key, text)| (key.len(), text.as_str())).collect();
            prefixes.sort_unstable();
            prop_assert_eq!(charsmap.shortest_prefix(text.as_bytes()), prefixes.first().copied());
            prop_assert_eq!(charsmap.longest_prefix(text.as_bytes()), prefixes.last().copied());
            let mut keys = charsmap.keys(12).unwrap();
            keys.sort_unstable();
            let all: Vec<_> = pairs.iter().map(|(key, text)| (key.as_bytes().to_vec(), *text)).collect();
            prop_assert_eq!(keys, all);
        }

        #[test]
        fn garbage_never_panics(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
            text in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes = blob::of(&[("a", "x"), ("ab", "é"), ("ﬁ", "fi"), ("\t", " ")]);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(charsmap) = Charsmap::parse(&bytes) {
                let longest = charsmap.longest_prefix(&text).map_or(0, |(length, _)| length);
                prop_assert!(longest <= text.len());
            }
            let _ = Charsmap::parse(&text);
        }
    }
}
