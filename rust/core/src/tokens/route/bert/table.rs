//! What becomes of each character, worked out when it is first seen.

use crate::text::normalize::CharacterSteps;
use crate::text::{Kind, Kinds, Normalizer};

/// What is to be done to each character of a text.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) steps: CharacterSteps,
    pub(super) kinds: Kinds,
    /// For the runs that must be normalized together: what `steps` are made of.
    pub(super) normalizer: Option<Normalizer>,
    /// The kind of all ideographs, if it is one and they are left as they are.
    pub(super) ideographs: Option<Kind>,
}

impl Rules {
    pub(super) fn new(steps: CharacterSteps, kinds: Kinds, normalizer: Option<Normalizer>) -> Self {
        let mut rules = Self { steps, kinds, normalizer, ideographs: None };
        if !rules.kinds.name_one(is_ideograph) {
            rules.ideographs = Entry::of(IDEOGRAPH, &rules).kind_if_kept(IDEOGRAPH);
        }
        rules
    }
}

const IDEOGRAPH: char = '\u{4e00}';

/// Whether it is one of those of which a text has thousands, and which are all alike to Unicode but for their form.
pub(super) fn is_ideograph(character: char) -> bool {
    matches!(character, IDEOGRAPH..='\u{9fa5}')
}

/// What becomes of a character: up to [`Entry::LONGEST`] bytes of one kind. They are sixteen bytes that can be copied
/// at once, wanted or not.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub(super) struct Entry([u8; 16]);

/// The character has not been seen yet.
const UNSEEN: u8 = 1;
/// It meets its neighbours: see `text/normalize/characters.rs`.
const MEETS: u8 = 2;
/// What becomes of it is too long, or of several kinds.
const MIXED: u8 = 4;

impl Entry {
    const LONGEST: usize = 13;
    const UNSEEN: Self = Self::new(&[], Kind::Gap, UNSEEN);

    const fn new(text: &[u8], kind: Kind, flags: u8) -> Self {
        let mut entry = [0; 16];
        let mut place = 0;
        while place < text.len() {
            entry[place] = text[place];
            place += 1;
        }
        entry[Self::LONGEST] = text.len() as u8;
        entry[Self::LONGEST + 1] = kind as u8;
        entry[Self::LONGEST + 2] = flags;
        Self(entry)
    }

    /// What becomes of a character.
    pub(super) fn of(character: char, rules: &Rules) -> Self {
        let changed = rules.steps.apply(character);
        let mut text = &changed.text[..];
        let mut kinds: Vec<Kind> = text.iter().map(|&character| rules.kinds.of(character)).collect();
        if let ([_, _, _], [Kind::Gap, middle, Kind::Gap]) = (text, &mut kinds[..])
            && *middle != Kind::Gap
        {
            // With a gap before and a gap after it is a word of its own.
            (text, kinds) = (&text[1..2], vec![Kind::Alone]);
        }
        let kind = kinds.first().copied().unwrap_or(Kind::Gap);
        let bytes: String = text.iter().collect();
        let is_one = bytes.len() <= Self::LONGEST
            && kinds.iter().all(|&other| other == kind)
            && (kind != Kind::Alone || kinds.len() == 1);
        let meets = if changed.meets_neighbours { MEETS } else { 0 };
        match (is_one, kind) {
            (false, _) => Self::new(&[], Kind::Gap, meets | MIXED),
            // A gap is as long as it is not nothing.
            (true, Kind::Gap) => Self::new(&b" "[..bytes.len().min(1)], kind, meets),
            (true, _) => Self::new(bytes.as_bytes(), kind, meets),
        }
    }

    /// A character that nothing becomes of but itself.
    pub(super) fn as_it_is(character: char, kind: Kind) -> Self {
        Self::new(character.encode_utf8(&mut [0; 4]).as_bytes(), kind, 0)
    }

    /// The kind of the character, if nothing becomes of it but itself.
    pub(super) fn kind_if_kept(&self, character: char) -> Option<Kind> {
        let kinds = [Kind::Word, Kind::Sign, Kind::Alone];
        kinds.into_iter().find(|&kind| self.0 == Self::as_it_is(character, kind).0)
    }

    /// Sixteen bytes, of which the first [`Entry::length`] are what becomes of the character.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    #[inline]
    pub(super) fn length(&self) -> usize {
        usize::from(self.0[Self::LONGEST])
    }

    /// A [`Kind`] as a number.
    #[inline]
    pub(super) fn kind(&self) -> u8 {
        self.0[Self::LONGEST + 1]
    }

    #[inline]
    fn flags(&self) -> u8 {
        self.0[Self::LONGEST + 2]
    }

    /// Whether it is what becomes of the character wherever it stands.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.flags() == 0
    }

    /// Whether it is what becomes of the character where nothing of its neighbours is to be put in order with it.
    pub(super) fn is_plain_alone(&self) -> bool {
        self.flags() & !MEETS == 0
    }

    pub(super) fn meets_neighbours(&self) -> bool {
        self.flags() & MEETS != 0
    }

    /// Whether nothing becomes of the character.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_plain_alone() && self.length() == 0
    }
}

/// The characters of a page.
const PAGE: usize = 128;

/// The entries of all characters that were seen, in pages.
#[derive(Debug)]
pub(super) struct Table {
    /// For each page of Unicode its place in `pages`; that of those of which nothing was seen is 0.
    places: Box<[u16]>,
    pages: Vec<[Entry; PAGE]>,
}

impl Default for Table {
    fn default() -> Self {
        let places = vec![0; (char::MAX as usize + 1) / PAGE].into_boxed_slice();
        Self { places, pages: vec![[Entry::UNSEEN; PAGE]] }
    }
}

impl Table {
    /// The entry of a character, or one that is not plain.
    #[inline]
    pub(super) fn seen(&self, character: u32) -> &Entry {
        let place = self.places.get(character as usize / PAGE).copied().unwrap_or(0);
        &self.pages[usize::from(place)][character as usize % PAGE]
    }

    /// The entry of a character.
    #[cold]
    pub(super) fn entry(&mut self, character: char, rules: &Rules) -> Entry {
        let known = *self.seen(character as u32);
        if known.flags() != UNSEEN {
            return known;
        }
        let entry = Entry::of(character, rules);
        self.keep(character, entry);
        entry
    }

    pub(super) fn keep(&mut self, character: char, entry: Entry) {
        let place = &mut self.places[character as usize / PAGE];
        if *place == 0 {
            // There are fewer than 2^16 pages.
            *place = self.pages.len() as u16;
            self.pages.push([Entry::UNSEEN; PAGE]);
        }
        self.pages[usize::from(*place)][character as usize % PAGE] = entry;
    }
}
