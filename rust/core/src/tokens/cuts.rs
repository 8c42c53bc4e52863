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
    /// Whether it may between an ASCII character and another: most are, so these are known exactly.
    ascii: Box<[[bool; ASCII]; ASCII]>,
    /// What is known of the others, and of these, by code.
    facts: Vec<Facts>,
    /// Whether a character that is no symbol is spelled by others.
    spells_all: bool,
    /// What a space in the text stands for.
    space: Option<char>,
}

const ASCII: usize = 128;

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
        let mut cuts =
            Self { ascii: Box::new([[false; ASCII]; ASCII]), facts: Vec::new(), spells_all, space };
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
                cuts.ascii[left][right] = stand_alone && !joined.contains(&pair);
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
        let (last, length) = character_at(text, 0);
        Words { cuts: self, text, begin: 0, at: length.min(text.len()), last }
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
    /// How far it is read, and the character before that.
    at: usize,
    last: char,
}

impl Words<'_> {
    /// Writes the next words to `places`, which has room for two or more, and returns how many there are; none where the
    /// text is at its end.
    pub(super) fn fill(&mut self, places: &mut [Place]) -> usize {
        let Some(most) = places.len().checked_sub(1).filter(|_| self.begin < self.text.len()) else {
            return 0;
        };
        let Self { cuts, text, begin, mut at, mut last } = *self;
        places[0].0 = begin as u32;
        let mut count = 0;
        while count < most && at < text.len() {
            let (character, length) = character_at(text, at);
            let cut = if (last as u32 | character as u32) < ASCII as u32 {
                cuts.ascii[last as usize % ASCII][character as usize % ASCII]
            } else {
                cuts.may_cut_beyond_ascii(last, character)
            };
            // Written whether it is a cut or not: words are short, and so a branch would often be mistaken.
            places[count].1 = at as u32;
            places[count + 1].0 = at as u32;
            count += usize::from(cut);
            (last, at) = (character, at + length);
        }
        (self.at, self.last) = (at, last);
        self.begin = places[count].0 as usize;
        if at == text.len() && count <= most {
            places[count].1 = at as u32;
            self.begin = at;
            count += 1;
        }
        count
    }
}

/// The character at a place that is not the end, and its length.
#[inline]
fn character_at(text: &str, place: usize) -> (char, usize) {
    let first = text.as_bytes().get(place).copied().unwrap_or_default();
    if first.is_ascii() {
        return (char::from(first), 1);
    }
    let character = text[place..].chars().next().unwrap_or_default();
    (character, character.len_utf8())
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
            for room in 2..5 {
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
            text in "[abc ▁é中文😀]{0,20}",
            space in proptest::option::of(Just('▁')),
            spells_all in any::<bool>(),
            room in 2_usize..6,
        ) {
            let first = |text: &String| text.chars().next().unwrap();
            let joined: Vec<(char, char)> = joined.iter().map(|(left, right)| (first(left), first(right))).collect();
            let cuts = Cuts::new(joined.iter().copied(), ['a', 'b', '▁', '中'], spells_all, space);
            let found = words(&cuts, &text, room);
            prop_assert_eq!(found.concat(), text);
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
