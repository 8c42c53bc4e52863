//! The symbols that words are made of before anything is merged.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::bpe::BpeSettings;
use super::vocabulary::Vocabulary;
use crate::text::byte_level;

/// Characters below this, which are most, are looked up in a table. It holds the byte-level alphabet.
const TABLE: usize = 0x250;

/// The characters that spell the 256 bytes in a byte-level vocabulary: the whole of its `initial_alphabet`.
pub fn byte_alphabet() -> Vec<char> {
    (0..=255).map(byte_level::char_of).collect()
}

/// What is known of a character.
#[derive(Debug, Clone, Copy)]
struct Seen {
    count: u64,
    /// Whether it occurs in this position, see `form`.
    in_form: [bool; 4],
    /// The symbol that it is in each position.
    symbols: [Option<u32>; 4],
}

const UNSEEN: Seen = Seen { count: 0, in_form: [false; 4], symbols: [None; 4] };

/// A character's position in its word is its form: bit 0 is set if it continues a word, bit 1 if it ends one.
const fn form(continues: bool, ends: bool) -> usize {
    continues as usize | (ends as usize) << 1
}

/// The symbols of words, by character and position.
pub(super) struct Alphabet {
    low: Vec<Seen>,
    high: FxHashMap<char, Seen>,
    bytes: Option<[char; 256]>,
}

impl Alphabet {
    /// Finds the characters of the words, leaves out the rarest if there are too many, and puts them into the
    /// vocabulary: first the characters in the order of their code points, then the forms that a prefix or a
    /// suffix gives them, likewise.
    ///
    /// Which of equally rare characters are left out, and the order of the forms, are matters of hashing in the
    /// `tokenizers` library, other in every process. Here higher code points are left out first, and forms are in
    /// the order continuing, ending, continuing and ending.
    pub(super) fn new(words: &[(&str, u64)], settings: &BpeSettings, vocabulary: &mut Vocabulary) -> Self {
        let mut alphabet = Self {
            low: vec![UNSEEN; TABLE],
            high: FxHashMap::default(),
            bytes: settings.byte_level.then(|| std::array::from_fn(|byte| byte_level::char_of(byte as u8))),
        };
        for &(word, count) in words {
            alphabet.count(word, count);
        }
        for &character in &settings.initial_alphabet {
            alphabet.seen_mut(character).count = u64::MAX;
        }
        let mut kept = alphabet.most_frequent(settings.limit_alphabet.unwrap_or(usize::MAX));
        kept.sort_unstable();
        for character in &kept {
            vocabulary.id(character.encode_utf8(&mut [0; 4]));
        }
        // A special token of one character lets that character in, whatever the limit.
        let mut known = alphabet.characters();
        known.retain(|character| vocabulary.get(character.encode_utf8(&mut [0; 4])).is_some());
        known.sort_unstable();
        let prefix = settings.continuing_subword_prefix.as_deref().unwrap_or_default();
        let suffix = settings.end_of_word_suffix.as_deref().unwrap_or_default();
        for form in 0..4 {
            let prefix = if form & 1 == 0 { "" } else { prefix };
            let suffix = if form & 2 == 0 { "" } else { suffix };
            for &character in &known {
                let seen = alphabet.seen_mut(character);
                if seen.in_form[form] {
                    seen.symbols[form] = Some(vocabulary.id(&format!("{prefix}{character}{suffix}")));
                }
            }
        }
        alphabet
    }

    fn seen_mut(&mut self, character: char) -> &mut Seen {
        entry(&mut self.low, &mut self.high, character)
    }

    fn count(&mut self, word: &str, count: u64) {
        let Self { low, high, bytes } = self;
        for_each_character(bytes.as_ref(), word, |character, form| {
            let seen = entry(low, high, character);
            seen.count = seen.count.saturating_add(count);
            seen.in_form[form] = true;
        });
    }

    /// All characters seen or asked for.
    fn characters(&self) -> Vec<char> {
        let low = ('\0'..).zip(&self.low).filter(|(_, seen)| seen.count > 0);
        let mut all: Vec<char> = low.map(|(character, _)| character).collect();
        all.extend(self.high.keys());
        all
    }

    fn most_frequent(&self, limit: usize) -> Vec<char> {
        let mut characters = self.characters();
        if limit < characters.len() {
            let count = |character: char| match self.low.get(character as usize) {
                Some(seen) => seen.count,
                None => self.high[&character].count,
            };
            characters.sort_unstable_by_key(|&character| (Reverse(count(character)), character));
            characters.truncate(limit);
        }
        characters
    }

    /// Gives the symbols of a word in order; characters that are not of the alphabet are passed over.
    pub(super) fn symbols(&self, word: &str, mut symbol: impl FnMut(u32)) {
        for_each_character(self.bytes.as_ref(), word, |character, form| {
            let seen = self.low.get(character as usize).or_else(|| self.high.get(&character));
            if let Some(id) = seen.and_then(|seen| seen.symbols[form]) {
                symbol(id);
            }
        });
    }
}

fn entry<'a>(low: &'a mut [Seen], high: &'a mut FxHashMap<char, Seen>, character: char) -> &'a mut Seen {
    match low.get_mut(character as usize) {
        Some(seen) => seen,
        None => high.entry(character).or_insert(UNSEEN),
    }
}

/// Gives each character of a word (for a byte-level vocabulary, each byte's) with its form.
fn for_each_character(bytes: Option<&[char; 256]>, word: &str, mut each: impl FnMut(char, usize)) {
    match bytes {
        Some(spelled) => {
            for (index, byte) in word.bytes().enumerate() {
                each(spelled[usize::from(byte)], form(index > 0, index + 1 == word.len()));
            }
        }
        None => {
            for (index, character) in word.char_indices() {
                each(character, form(index > 0, index + character.len_utf8() == word.len()));
            }
        }
    }
}
