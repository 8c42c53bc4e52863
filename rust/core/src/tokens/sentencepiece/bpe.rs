//! Byte-pair encoding as `SentencePiece` has it, over a table of all pairs that make a piece.
//!
//! Of all neighbours whose texts together are a piece, those are merged whose piece has the highest score, the leftmost
//! where equal: a BPE whose merges are the ways to cut each piece in two pieces or characters, and whose ranks are the
//! places of the scores, equal ones sharing a rank. So it is merged as any other BPE, in linear time, and a text may be cut
//! where no piece can be merged across. Not where pieces are unused: how those are taken apart depends on the whole text,
//! and the agenda of the original is followed.

use rustc_hash::{FxHashMap, FxHashSet};

use super::agenda::{self, Score};
use super::normalizer::Normalizer;
use super::vocabulary::{PieceKind, Vocabulary, VocabularyPiece};
use super::{Segment, UNKNOWN};
use crate::tokens::cuts::Cuts;
use crate::tokens::models::{Entry, Merges, Out, Speller, Token};
use crate::tokens::route;

/// A model of merges, or what takes the place of one.
#[derive(Debug, Clone)]
pub(super) struct Bpe {
    table: Option<Table>,
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    merges: Merges,
    /// The symbols of characters that are not pieces but parts of some.
    parts: FxHashMap<char, u32>,
    /// The symbols of ASCII characters, which most are.
    ascii: Box<[u32; 128]>,
    /// Where a text may be cut, and whether it is the text as it stands in the document.
    pub(super) cuts: Cuts,
    pub(super) takes_raw_text: bool,
    /// How many pieces there are: other symbols are none.
    pieces: u32,
}

/// The symbol of a character that is neither a piece nor part of one.
const NOTHING: u32 = u32::MAX - 1;

/// Added to the id of a user-defined symbol where it stands for itself and is never merged.
const FROZEN: u32 = 1 << 30;

/// Pieces are cut in two wherever they can be, in time of the square of their lengths. Files for which this is more have
/// no table.
const MOST_WORK: usize = 1 << 26;

impl Bpe {
    pub(super) fn new(vocabulary: &Vocabulary, normalizer: &Normalizer) -> Self {
        // A NUL that is unused is no piece at all.
        let is_unused = |piece: &VocabularyPiece| piece.kind == PieceKind::Unused && &*piece.text != "\0";
        let work: usize = vocabulary.pieces.iter().map(|piece| piece.text.len().pow(2)).sum();
        let has_table = !route::are_off() && work <= MOST_WORK && !vocabulary.pieces.iter().any(is_unused);
        Self { table: has_table.then(|| Table::new(vocabulary, normalizer)) }
    }

    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// Appends the segments of a normalized text.
    pub(super) fn segment(&self, vocabulary: &Vocabulary, text: &[u8], out: &mut Vec<Segment>) {
        match &self.table {
            Some(table) => table.segment(vocabulary, text, out),
            None => agenda::segment(vocabulary, text, out),
        }
    }
}

/// The pieces that text can turn into.
fn spelled(vocabulary: &Vocabulary) -> impl Iterator<Item = (u32, &VocabularyPiece)> {
    let pieces = (0..).zip(&vocabulary.pieces);
    pieces.filter(|(_, piece)| matches!(piece.kind, PieceKind::Normal | PieceKind::UserDefined))
}

fn only_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

impl Table {
    fn new(vocabulary: &Vocabulary, normalizer: &Normalizer) -> Self {
        let mut parts = FxHashMap::default();
        for character in spelled(vocabulary).flat_map(|(_, piece)| piece.text.chars()) {
            let next = (vocabulary.pieces.len() + parts.len()) as u32;
            if vocabulary.spelled.get(character.encode_utf8(&mut [0; 4]).as_bytes()).is_none() {
                parts.entry(character).or_insert(next);
            }
        }
        let symbol = |text: &str| {
            let of_part = || parts.get(&only_character(text)?).copied();
            vocabulary.spelled.get(text.as_bytes()).or_else(of_part)
        };
        let ranks = ranks(vocabulary);
        let (mut merges, mut joined) = (Merges::default(), FxHashSet::default());
        for (id, piece) in spelled(vocabulary) {
            let rank = ranks.get(&Score::of(piece.score)).copied().unwrap_or_default();
            let cuts = piece.text.char_indices().zip(piece.text.chars().skip(1));
            for ((begin, before), after) in cuts {
                let (left, right) = piece.text.split_at(begin + before.len_utf8());
                if let (Some(left), Some(right)) = (symbol(left), symbol(right)) {
                    merges.insert((left, right), rank, id);
                    joined.insert((before, after));
                }
                if piece.kind == PieceKind::UserDefined {
                    joined.insert((before, after));
                }
            }
        }
        let takes_raw_text = takes_raw_text(vocabulary, normalizer);
        let mark = normalizer.space.chars().next().filter(|_| takes_raw_text);
        let known = spelled(vocabulary).filter_map(|(_, piece)| only_character(&piece.text));
        let cuts = Cuts::new(joined, known, vocabulary.bytes.is_some(), mark);
        let pieces = vocabulary.pieces.len() as u32;
        let mut table = Self { merges, parts, ascii: Box::new([NOTHING; 128]), cuts, takes_raw_text, pieces };
        table.ascii = Box::new(std::array::from_fn(|byte| match byte as u8 {
            b' ' if takes_raw_text => table.symbol_of(vocabulary, normalizer.space.as_bytes()),
            byte => table.symbol_of(vocabulary, &[byte]),
        }));
        table
    }

    /// The symbol of a character.
    fn symbol_of(&self, vocabulary: &Vocabulary, character: &[u8]) -> u32 {
        let of_part = || self.parts.get(&only_character(std::str::from_utf8(character).ok()?)?).copied();
        vocabulary.spelled.get(character).or_else(of_part).unwrap_or(NOTHING)
    }

    /// Appends the segments of a normalized text.
    fn segment(&self, vocabulary: &Vocabulary, text: &[u8], out: &mut Vec<Segment>) {
        let start = out.len();
        self.merge(vocabulary, text, &mut Vec::new(), out);
        for segment in &mut out[start..] {
            *segment = self.segment_of(segment.id, segment.length as usize);
        }
    }

    /// Appends the symbols that are left of a text: normalized, or as it stands in the document where it takes that.
    /// `symbols` is room to work in.
    pub(super) fn merge(
        &self,
        vocabulary: &Vocabulary,
        text: &[u8],
        symbols: &mut Vec<Token>,
        out: &mut impl Out,
    ) {
        self.merges.merge_spelled(&mut Spelling { table: self, vocabulary, text, at: 0 }, symbols, out);
    }

    /// The segment that a symbol is, which is left when all is merged.
    #[inline]
    pub(super) fn segment_of(&self, symbol: u32, length: usize) -> Segment {
        let is_frozen = symbol != NOTHING && symbol & FROZEN != 0;
        let id = if is_frozen { symbol & !FROZEN } else { symbol };
        Segment { id: if id < self.pieces { id } else { UNKNOWN }, length: length as u32 }
    }
}

impl Entry for Segment {
    fn new(id: u32, length: usize) -> Self {
        Self { id, length: length as u32 }
    }
}

/// A text as its characters and user-defined symbols.
struct Spelling<'t> {
    table: &'t Table,
    vocabulary: &'t Vocabulary,
    text: &'t [u8],
    /// How far it is spelled.
    at: usize,
}

impl Speller for Spelling<'_> {
    fn spell(&mut self, most: usize, symbols: &mut Vec<Token>) -> bool {
        while symbols.len() < most && self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let (length, is_frozen) = self.vocabulary.symbols.longest_prefix_or_character(rest);
            let id = match &rest[..length] {
                symbol if is_frozen => self.vocabulary.spelled.get(symbol).map_or(NOTHING, |id| id | FROZEN),
                [byte] if byte.is_ascii() => self.table.ascii[usize::from(*byte)],
                symbol => self.table.symbol_of(self.vocabulary, symbol),
            };
            symbols.push(Token { id, length: length as u32 });
            self.at += length;
        }
        self.at == self.text.len()
    }

    fn restart(&mut self) {
        self.at = 0;
    }
}

/// The places of the scores, the highest first.
fn ranks(vocabulary: &Vocabulary) -> FxHashMap<Score, u32> {
    let mut scores: Vec<Score> = spelled(vocabulary).map(|(_, piece)| Score::of(piece.score)).collect();
    scores.sort_unstable();
    scores.dedup();
    scores.into_iter().rev().zip(0..).collect()
}

/// Whether a text is normalized by nothing but marks for its spaces and one before it.
fn takes_raw_text(vocabulary: &Vocabulary, normalizer: &Normalizer) -> bool {
    let mark = normalizer.space.chars().next();
    let symbols = vocabulary.pieces.iter().filter(|piece| piece.kind == PieceKind::UserDefined);
    let mut in_symbols = symbols.flat_map(|piece| piece.text.chars());
    let puts_mark_last = normalizer.add_dummy_prefix && normalizer.treat_whitespace_as_suffix;
    let does_more = normalizer.charsmap.is_some() || normalizer.remove_extra_whitespaces || puts_mark_last;
    !does_more && !in_symbols.any(|character| character == ' ' || Some(character) == mark)
}
