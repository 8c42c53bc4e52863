//! Where a text may be cut without a change to what byte-pair encoding makes of it.
//!
//! A model of whole texts (Llama, Mistral, Gemma) has no pre-tokenizer, yet its merges respect words: none of them joins
//! a symbol that ends in a letter with one that begins with the mark of a space. Where two characters meet of which no
//! merge has the one at the end of its left side and the other at the begin of its right side, no merge ever crosses, so
//! either side is merged as it is alone, and both are merged as if the other were not there. This is read off the merges
//! themselves, so it holds for any of them.

use rustc_hash::FxHashSet;

/// A word: its begin and end in the text.
pub(super) type Place = (u32, u32);

/// Between which characters a text may be cut.
#[derive(Debug, Clone)]
pub(super) struct Cuts {
    /// 1 where it may between two ASCII characters, by the two bytes as they stand in a text: most characters are ASCII,
    /// so these are known exactly.
    ascii: Box<[u8; PAIRS]>,
    /// What is known of the others, and of these, by code.
    facts: Vec<Facts>,
    /// Whether a character that is no symbol is spelled by others.
    spells_all: bool,
    /// What a space in the text stands for.
    space: Option<char>,
}

const ASCII: usize = 128;

/// All pairs of bytes, so that any is an index.
const PAIRS: usize = 1 << 16;

/// So many bytes are looked at before the words in them are written.
const BLOCK: usize = 64;

/// What merges do with a character. Characters that it meets are told apart by their class.
#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    /// Whether it is a symbol.
    is_known: bool,
    /// The classes of what follows it, as bits.
    right: u8,
    /// The classes of what goes before it.
    left: u8,
}

impl Cuts {
    /// Cuts from the pairs of characters that merges may join, and the characters that are symbols. Where not
    /// `spells_all`, a character that is none depends on its neighbours: it is dropped, or becomes one with them.
    pub(super) fn new(
        joined: impl IntoIterator<Item = (char, char)>,
        known: impl IntoIterator<Item = char>,
        spells_all: bool,
        space: Option<char>,
    ) -> Self {
        let pairs: Vec<(char, char)> = joined.into_iter().collect();
        #[expect(clippy::large_stack_arrays, reason = "64 KiB, once, on their way to the heap")]
        let ascii = Box::new([0; PAIRS]);
        let mut cuts = Self { ascii, facts: Vec::new(), spells_all, space };
        for character in known {
            cuts.facts_mut(character).is_known = true;
        }
        for &(left, right) in &pairs {
            let (class_of_left, class_of_right) = (cuts.class(left), cuts.class(right));
            cuts.facts_mut(left).right |= class_of_right;
            cuts.facts_mut(right).left |= class_of_left;
        }
        let joined: FxHashSet<(char, char)> = pairs.into_iter().collect();
        let character = |place: usize| char::from(place as u8);
        for left in 0..ASCII {
            for right in 0..ASCII {
                let pair = (cuts.seen(character(left)), cuts.seen(character(right)));
                let stand_alone = spells_all || (cuts.facts(pair.0).is_known && cuts.facts(pair.1).is_known);
                cuts.ascii[left | right << 8] = u8::from(stand_alone && !joined.contains(&pair));
            }
        }
        cuts
    }

    /// What a space in the text stands for, if it is not itself.
    pub(super) fn space(&self) -> Option<char> {
        self.space
    }

    /// The words of a text.
    pub(super) fn words<'t>(&'t self, text: &'t str) -> Words<'t> {
        let last = text.chars().next().unwrap_or_default();
        Words { cuts: self, text, begin: 0, block: 0, pending: 0, at: last.len_utf8().min(text.len()), last }
    }

    /// The first place from `from` on where a text may be cut.
    pub(super) fn cut(&self, text: &str, from: usize) -> Option<usize> {
        let from = (from..text.len()).find(|&place| text.is_char_boundary(place))?;
        let mut last = text[..from].chars().next_back();
        text[from..].char_indices().find_map(|(place, character)| {
            let may_cut = last.replace(character).is_some_and(|last| self.may_cut(last, character));
            may_cut.then_some(from + place)
        })
    }

    fn facts_mut(&mut self, character: char) -> &mut Facts {
        let place = character as usize;
        if self.facts.len() <= place {
            self.facts.resize(place + 1, Facts::default());
        }
        &mut self.facts[place]
    }

    #[inline]
    fn facts(&self, character: char) -> Facts {
        self.facts.get(character as usize).copied().unwrap_or_default()
    }

    /// A character as the model sees it.
    #[inline]
    fn seen(&self, character: char) -> char {
        match self.space {
            Some(mark) if character == ' ' => mark,
            _ => character,
        }
    }

    /// One bit of eight.
    #[inline]
    fn class(&self, character: char) -> u8 {
        match character {
            _ if self.space == Some(character) => 1,
            'a'..='z' | 'A'..='Z' => 1 << 1,
            '0'..='9' => 1 << 2,
            '\0'..='\u{7F}' => 1 << 3,
            '\u{80}'..='\u{7FF}' => 1 << 4,
            '\u{800}'..='\u{2E7F}' => 1 << 5,
            '\u{2E80}'..='\u{33FF}' => 1 << 6,
            _ => 1 << 7,
        }
    }

    /// Whether a text may be cut between two ASCII characters, 1 or 0.
    #[inline]
    fn may_cut_ascii(&self, left: u8, right: u8) -> u8 {
        self.ascii[usize::from(u16::from_le_bytes([left, right]))]
    }

    /// Whether a text may be cut between two characters.
    #[inline]
    fn may_cut(&self, left: char, right: char) -> bool {
        if (left as u32 | right as u32) < ASCII as u32 {
            return self.may_cut_ascii(left as u8, right as u8) != 0;
        }
        self.may_cut_beyond_ascii(left, right)
    }

    /// Whether a text may be cut between two characters, by their classes.
    #[inline]
    fn may_cut_beyond_ascii(&self, left: char, right: char) -> bool {
        let (left, right) = (self.seen(left), self.seen(right));
        let (of_left, of_right) = (self.facts(left), self.facts(right));
        (self.spells_all || (of_left.is_known && of_right.is_known))
            && (of_left.right & self.class(right) == 0 || of_right.left & self.class(left) == 0)
    }
}

/// A text on its way to words.
#[derive(Debug)]
pub(super) struct Words<'t> {
    cuts: &'t Cuts,
    text: &'t str,
    /// Where the word begins that is read.
    begin: usize,
    /// Where the last block began that was looked at, and the places in it where words begin that are still to be
    /// written, a bit a byte.
    block: usize,
    pending: u64,
    /// How far the text was looked at, and the character before that.
    at: usize,
    last: char,
}

impl Words<'_> {
    /// Writes the next words to `places` and returns how many there are; none where the text is at its end.
    pub(super) fn fill(&mut self, places: &mut [Place]) -> usize {
        let mut count = 0;
        loop {
            count += self.write(&mut places[count..]);
            if self.pending != 0 || count == places.len() {
                return count;
            }
            if self.at == self.text.len() {
                break;
            }
            self.look();
        }
        if self.begin < self.at {
            places[count] = (self.begin as u32, self.at as u32);
            self.begin = self.at;
            count += 1;
        }
        count
    }

    /// Writes the words that end where pending ones begin, as many as there is room for.
    #[inline]
    fn write(&mut self, places: &mut [Place]) -> usize {
        let count = places.len().min(self.pending.count_ones() as usize);
        for place in &mut places[..count] {
            let end = self.block + self.pending.trailing_zeros() as usize;
            *place = (self.begin as u32, end as u32);
            self.begin = end;
            self.pending &= self.pending.wrapping_sub(1);
        }
        count
    }

    /// Looks at the next block, which has a character before it.
    #[inline]
    fn look(&mut self) {
        self.block = self.at;
        let bytes = self.text.as_bytes()[self.at - 1..].first_chunk::<{ BLOCK + 1 }>();
        if let Some(bytes) = bytes.filter(|bytes| bytes.is_ascii()) {
            self.pending = self.cuts.in_ascii(bytes);
            self.at += BLOCK;
            self.last = char::from(bytes[BLOCK]);
        } else {
            self.look_at_characters();
        }
    }

    /// Looks at the characters that begin in the next block.
    fn look_at_characters(&mut self) {
        let (mut last, mut pending, mut length) = (self.last, 0, 0);
        for (place, character) in self.text[self.block..].char_indices() {
            length = place;
            if place >= BLOCK {
                break;
            }
            pending |= u64::from(self.cuts.may_cut(last, character)) << place;
            last = character;
            length += character.len_utf8();
        }
        (self.last, self.pending, self.at) = (last, pending, self.block + length);
    }
}

impl Cuts {
    /// The places in a block of ASCII where it may be cut, a bit a byte. The first byte is the one before the block.
    ///
    /// Two neighbouring bytes are an index as they stand, so that no byte waits for another.
    #[inline]
    fn in_ascii(&self, bytes: &[u8; BLOCK + 1]) -> u64 {
        (0..BLOCK).step_by(8).fold(0, |cuts, from| {
            let eight = (0..8).fold(0, |eight, place| {
                eight | self.may_cut_ascii(bytes[from + place], bytes[from + place + 1]) << place
            });
            cuts | u64::from(eight) << from
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(cuts: &Cuts, text: &str, room: usize) -> Vec<String> {
        let mut words = cuts.words(text);
        let mut places = vec![(0, 0); room];
        let mut found = Vec::new();
        loop {
            let count = words.fill(&mut places);
            if count == 0 {
                return found;
            }
            found.extend(
                places[..count].iter().map(|&(begin, end)| text[begin as usize..end as usize].to_owned()),
            );
        }
    }

    #[test]
    fn cut_where_no_merge_crosses() {
        let letters = || ('a'..='z').chain(['é', '中', '文', '▁']);
        let joined = [('▁', 'a'), ('▁', '▁'), ('a', 'b'), ('a', 'é'), ('é', 'a'), ('中', '文'), ('▁', '中')];
        let cuts = Cuts::new(joined, letters(), true, Some('▁'));
        for (text, want) in [
            ("", vec![]),
            ("a", vec!["a"]),
            (" ab ab", vec![" ab", " ab"]),
            ("ab▁ab", vec!["ab", "▁ab"]),
            ("  ab  c", vec!["  ab", "  ", "c"]),
            ("aéa é", vec!["aéa", " ", "é"]),
            ("中文中 中☃文", vec!["中文", "中", " 中", "☃", "文"]),
        ] {
            for room in 1..5 {
                assert_eq!(words(&cuts, text, room), want, "{text}");
            }
        }
        // What is unknown stays with its neighbours.
        let cuts = Cuts::new(joined, letters(), false, Some('▁'));
        assert_eq!(words(&cuts, "c☃d c", 9), ["c☃d", " ", "c"]);
    }

    proptest! {
        #[test]
        fn no_cut_between_what_is_joined(
            joined in proptest::collection::vec(("[ab ▁é中]", "[ab ▁é中]"), 0..12),
            text in prop_oneof!["[abc ▁é中文😀]{0,20}", "[abc ]{0,300}", "([abc ]{20,90}|[ab ▁é中文😀]){0,9}"],
            space in proptest::option::of(Just('▁')),
            spells_all in any::<bool>(),
            room in 1_usize..6,
        ) {
            let first = |text: &String| text.chars().next().unwrap();
            let joined: Vec<(char, char)> = joined.iter().map(|(left, right)| (first(left), first(right))).collect();
            let cuts = Cuts::new(joined.iter().copied(), ['a', 'b', '▁', '中'], spells_all, space);
            let found = words(&cuts, &text, room);
            prop_assert_eq!(found.concat(), text.as_str());
            let mut begin = 0;
            for word in &found {
                let end = begin + word.len();
                prop_assert_eq!(cuts.cut(&text, begin + 1), (end < text.len()).then_some(end));
                begin = end;
            }
            let may_cut = |pair: &[char]| cuts.may_cut(pair[0], pair[1]);
            let characters: Vec<char> = text.chars().collect();
            let expected = characters.windows(2).filter(|pair| may_cut(pair)).count() + usize::from(!text.is_empty());
            prop_assert_eq!(found.len(), expected);
            let seen = |character| space.filter(|_| character == ' ').unwrap_or(character);
            for pair in found.windows(2) {
                let left = seen(pair[0].chars().next_back().unwrap());
                let right = seen(pair[1].chars().next().unwrap());
                prop_assert!(!joined.contains(&(left, right)));
                let known = |character| "ab▁中".contains(character);
                prop_assert!(spells_all || (known(left) && known(right)));
            }
        }
    }
}
