//! Byte-pair encoding: a word is its characters, joined pair by pair in the order in which training joined them.
//!
//! Sennrich, Haddow, Birch: *Neural machine translation of rare words with subword units* (ACL 2016); on bytes:
//! Radford et al. 2019. The lowest-ranked pair is joined first, the leftmost where several have that rank.

mod bytes;
mod few;
mod file;
mod glue;
mod heap;
mod long;
mod merge;
mod out;
mod pairs;
mod parts;
mod ranks;
mod results;
mod spelling;
mod symbols;
mod vectors;
mod window;
mod word;

use self::bytes::Bytes;
pub(in crate::tokens) use self::merge::Merges;
pub(in crate::tokens) use self::out::{Entry, Out};
pub(in crate::tokens) use self::spelling::Speller;
use self::spelling::Spelling;
use self::symbols::Characters;
use super::{Token, file::byte_fallback_ids, file::quoted, reads_characters};
use crate::text::byte_level;
use crate::tokens::Vocab;
use crate::{Error, Result};

/// A longer prefix or suffix is refused: where it is spelled as bytes each character of a text brings it along.
const LONGEST_AFFIX: usize = 256;

/// What a BPE does besides merging: the fields of the file, with their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BpeSettings {
    /// The token of characters that the vocabulary lacks. Without one they are dropped.
    pub unk_token: Option<String>,
    /// Whether unknown characters that are neighbours become one token.
    pub fuse_unk: bool,
    /// What the tokens of all characters but a word's first are spelled with, before.
    pub continuing_subword_prefix: Option<String>,
    /// What the token of a word's last character is spelled with, behind.
    pub end_of_word_suffix: Option<String>,
    /// Whether characters that the vocabulary lacks are spelled as bytes: `<0x00>` to `<0xFF>`.
    pub byte_fallback: bool,
    /// Whether a word that is a token is that token, whatever the merges say.
    pub ignore_merges: bool,
}

/// A vocabulary and the merges that lead to its tokens.
#[derive(Debug, Clone)]
pub struct Bpe {
    vocab: Vocab,
    settings: BpeSettings,
    merges: Merges,
    characters: Characters,
    unk_id: Option<u32>,
    fallback_ids: Option<Box<[Option<u32>; 256]>>,
    /// Set when words are bytes as they are.
    bytes: Option<Bytes>,
}

impl Bpe {
    /// A model from its vocabulary and its merges, in order of rank, as pairs of tokens.
    pub fn new<Text: AsRef<str>>(
        vocab: Vocab,
        merges: impl IntoIterator<Item = (Text, Text)>,
        settings: BpeSettings,
    ) -> Result<Self> {
        let prefix = affix(settings.continuing_subword_prefix.as_deref(), "continuing_subword_prefix")?;
        let suffix = affix(settings.end_of_word_suffix.as_deref(), "end_of_word_suffix")?;
        let merges = merges.into_iter();
        let mut table = Merges::with_room(merges.size_hint().0);
        for (rank, (left, right)) in merges.enumerate() {
            let (pair, id) = merge_ids(&vocab, left.as_ref(), right.as_ref(), prefix)
                .map_err(|error| error.at(format!("model.merges[{rank}]")))?;
            table.insert(pair, rank as u32, id);
        }
        Ok(Self {
            merges: table,
            characters: Characters::new(&vocab, prefix, suffix),
            unk_id: settings.unk_token.as_deref().and_then(|token| vocab.id(token)),
            fallback_ids: settings.byte_fallback.then(|| byte_fallback_ids(&vocab)),
            bytes: None,
            vocab,
            settings,
        })
    }

    /// The tokens.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// What it does besides merging.
    pub fn settings(&self) -> &BpeSettings {
        &self.settings
    }

    /// The merges: pairs of ids by rising rank, each once.
    pub fn merges(&self) -> Vec<(u32, u32)> {
        self.merges.in_order()
    }

    /// Whether reading bytes gives the same ids and spans as reading them spelled in the byte-level alphabet: every
    /// byte that UTF-8 has is a token, and characters are spelled the same wherever they stand.
    ///
    /// Of a vocabulary that lacks bytes the ids could still be the same (without an unknown token lacking bytes are
    /// dropped), but not the spans: those shift by what is dropped, in bytes of the spelling.
    pub fn can_read_bytes(&self) -> bool {
        self.byte_ids().is_some()
    }

    fn byte_ids(&self) -> Option<Box<[u32; 256]>> {
        let affixes = [&self.settings.continuing_subword_prefix, &self.settings.end_of_word_suffix];
        if affixes.into_iter().flatten().any(|affix| !affix.is_empty()) {
            return None;
        }
        let id = |byte| {
            let id = self.characters.id(byte_level::char_of(byte), true, true);
            id.or(bytes::is_never_in_utf8(byte).then_some(bytes::NO_SYMBOL))
        };
        let ids: Option<Vec<u32>> = (0..=255).map(id).collect();
        ids.and_then(|ids| ids.into_boxed_slice().try_into().ok())
    }

    /// Takes words as they are from now on, not spelled in the byte-level alphabet, if that changes nothing.
    pub fn read_bytes(&mut self) {
        self.read_bytes_knowing(|_| false);
    }

    /// The same where `is_merged` says of some tokens that their texts are merged to them.
    fn read_bytes_knowing(&mut self, is_merged: impl Fn(u32) -> bool) {
        let Some(ids) = self.byte_ids() else { return };
        let Some(mut bytes) = Bytes::new(ids, &self.merges, &self.vocab) else { return };
        if self.settings.ignore_merges {
            bytes.note_whole_words(&self.merges, self.vocab.reachable().filter(|&(id, _)| !is_merged(id)));
        }
        self.bytes = Some(bytes);
    }

    /// Whether it takes words as they are.
    pub fn reads_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    pub(super) fn encode_bytes(&self, word: &[u8], tokens: &mut Vec<Token>) -> Result<()> {
        let bytes = self.bytes.as_ref().ok_or_else(reads_characters)?;
        bytes.check(word)?;
        bytes.encode(&self.merges, word, tokens);
        Ok(())
    }

    /// The ids of what [`Bpe::encode_bytes`] gives.
    pub(super) fn encode_byte_ids(&self, word: &[u8], ids: &mut Vec<u32>) -> Result<()> {
        let bytes = self.bytes.as_ref().ok_or_else(reads_characters)?;
        bytes.check(word)?;
        bytes.encode(&self.merges, word, ids);
        Ok(())
    }

    pub(super) fn encode_word(&self, word: &str, tokens: &mut Vec<Token>) -> Result<()> {
        if self.bytes.is_some() {
            return self.encode_bytes(word.as_bytes(), tokens);
        }
        self.encode_characters(word, &mut Vec::new(), tokens)
    }

    /// Appends the tokens of a word that is read as characters. `symbols` is room to work in.
    pub(super) fn encode_characters(
        &self,
        word: &str,
        symbols: &mut Vec<Token>,
        out: &mut impl Out,
    ) -> Result<()> {
        if let Some(id) = self.vocab.id(word).filter(|_| self.settings.ignore_merges) {
            out.push(id, word.len());
            return Ok(());
        }
        let mut spelling = Spelling::new(self, word, None);
        self.merges.merge_spelled(&mut spelling, symbols, out);
        spelling.finish()
    }
}

/// The pair of ids that a merge joins, and what it becomes: both texts, the right one without its prefix.
fn merge_ids(vocab: &Vocab, left: &str, right: &str, prefix: &str) -> Result<((u32, u32), u32)> {
    let id = |token: &str| {
        vocab.id(token).ok_or_else(|| {
            let (left, right, token) = (quoted(left), quoted(right), quoted(token));
            Error::new(format!("{left} + {right} needs the token {token}, which is not in model.vocab"))
                .advise("the file is damaged, or its vocab and merges are of different models")
        })
    };
    let pair = (id(left)?, id(right)?);
    // As many bytes as the prefix has, whatever they are: so the `tokenizers` library.
    let end = right.get(prefix.len()..).ok_or_else(|| {
        Error::new(format!("{} does not begin with the prefix {prefix:?}", quoted(right)))
            .advise("all tokens that continue a word have the prefix")
    })?;
    Ok((pair, id(&format!("{left}{end}"))?))
}

fn affix<'a>(affix: Option<&'a str>, field: &str) -> Result<&'a str> {
    let affix = affix.unwrap_or_default();
    if affix.len() > LONGEST_AFFIX {
        return Err(Error::new(format!("it has {} bytes", affix.len()))
            .at(format!("model.{field}"))
            .advise(format!("up to {LONGEST_AFFIX} are read: the file is probably damaged")));
    }
    Ok(affix)
}
