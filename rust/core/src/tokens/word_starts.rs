//! Which tokens begin a word, judged by the token alone.
//!
//! Whole-word masking on ids wants to know this. The words meant are those of BERT's tokenizer: white space separates
//! words, and a character of punctuation, a symbol or a CJK ideograph begins one (Devlin et al. 2019, `BasicTokenizer`;
//! ALBERT's rule for SentencePiece, `_is_start_piece_sp`, is close to it). Byte-level patterns cut before
//! punctuation too; on English the answer agrees with GPT-2's words for 92 % of tokens, where "begins with a space"
//! (fairseq) agrees for 74 %.
//!
//! The limit: a token cannot know the one before it. A letter after punctuation or an ideograph is taken to go on
//! with its word, and `!` `!` is two words. Where only the end of a word is marked (`</w>`), or nothing, every token
//! begins a word: a group of tokens then never spans two words, and whole-word masking is masking of tokens.

use unicode_categories::UnicodeCategories;

use super::decode::{Decoder, byte_of};
use super::vocab::Vocab;
use crate::text::byte_level;

/// How the tokens of a vocabulary show where words begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordMarks {
    /// A prefix continues words (`##`): every token without it begins one, as in BERT's whole-word masking.
    ContinuingPrefix(String),
    /// Tokens spell bytes, the white space before a word among them.
    Bytes,
    /// This character stands for the space before a word (`▁`); tokens such as `<0xE4>` are bytes.
    Space(char),
    /// A suffix ends words, or nothing is marked.
    Unknown,
}

impl WordMarks {
    /// The marks that this decoder turns back into spaces.
    pub fn of(decoder: &Decoder) -> Self {
        match decoder {
            Decoder::WordPiece { prefix, .. } if !prefix.is_empty() => Self::ContinuingPrefix(prefix.clone()),
            Decoder::ByteLevel { .. } => Self::Bytes,
            Decoder::Metaspace(metaspace) => Self::Space(metaspace.replacement()),
            Decoder::Replace(replace) => match replace.as_strings() {
                Some((text, " ")) if text.chars().count() == 1 => {
                    text.chars().next().map_or(Self::Unknown, Self::Space)
                }
                _ => Self::Unknown,
            },
            Decoder::Sequence { decoders } => {
                decoders.iter().map(Self::of).find(|marks| *marks != Self::Unknown).unwrap_or(Self::Unknown)
            }
            _ => Self::Unknown,
        }
    }

    /// For each id whether its token begins a word. `added` tokens do, being found in the text before there are
    /// words, and so do ids without a token.
    pub fn word_starts(&self, vocab: &Vocab, added: impl IntoIterator<Item = u32>) -> Vec<bool> {
        let mut starts = vec![true; vocab.size()];
        for (id, token) in vocab.iter() {
            starts[id as usize] = self.begins_word(token);
        }
        for id in added {
            if let Some(start) = starts.get_mut(id as usize) {
                *start = true;
            }
        }
        starts
    }

    fn begins_word(&self, token: &str) -> bool {
        match self {
            Self::ContinuingPrefix(prefix) => {
                !token.starts_with(prefix.as_str()) || token.len() == prefix.len()
            }
            Self::Bytes => bytes_begin_word(&byte_level::bytes_of(token)),
            Self::Space(mark) => match byte_of(token) {
                Some(byte) => bytes_begin_word(&[byte]),
                None => token.chars().next().is_none_or(|first| first == *mark || begins_word(first)),
            },
            Self::Unknown => true,
        }
    }
}

/// A token may end within its first character. Then it begins a word if both the first and the last character that
/// it can become do: the bytes of most ideographs and quotation marks show what they are.
fn bytes_begin_word(bytes: &[u8]) -> bool {
    let Some(chunk) = bytes.utf8_chunks().next() else { return true };
    if let Some(first) = chunk.valid().chars().next() {
        return begins_word(first);
    }
    let becomes = |filler| completed(chunk.invalid(), filler).is_some_and(begins_word);
    chunk.invalid().len() == bytes.len() && becomes(0x80) && becomes(0xBF)
}

/// The character that begins with `bytes` and goes on with `filler`.
fn completed(bytes: &[u8], filler: u8) -> Option<char> {
    let width = match bytes.first()? {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let mut character = bytes.to_vec();
    character.resize(width, filler);
    std::str::from_utf8(&character).ok()?.chars().next()
}

fn begins_word(first: char) -> bool {
    first.is_whitespace()
        || first.is_ascii_punctuation()
        || is_ideograph(first)
        || first.is_punctuation()
        || first.is_symbol()
}

/// The CJK ideographs that BERT's tokenizer sets apart; not kana nor Hangul, whose words have spaces or none at all.
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}
