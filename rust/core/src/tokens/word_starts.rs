//! Which tokens begin a word, judged by the token alone.
//!
//! Whole-word masking on ids wants to know this. The words meant are those of BERT's tokenizer: white space separates
//! words, and a character of punctuation, a symbol or a CJK ideograph begins one (Devlin et al. 2019, `BasicTokenizer`;
//! ALBERT has the same for `SentencePiece`, `_is_start_piece_sp`). Byte-level patterns cut before
//! punctuation too; on English the answer agrees with GPT-2's words for 92 % of tokens, where "begins with a space"
//! (fairseq) agrees for 74 %.
//!
//! The limit: a token cannot know the one before it. A letter after punctuation or an ideograph is taken to go on
//! with its word, and `!` `!` is two words. Where only the end of a word is marked (`</w>`), or nothing, every token
//! begins a word: a group of tokens then never spans two words, and whole-word masking is masking of tokens.

use unicode_categories::UnicodeCategories;

use super::decode::{Decoder, byte_of};
use super::vocab::Vocab;
use crate::text::{byte_level, is_sign};

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

/// A token may end within its first character. Then it begins a word if most characters that it can become do: the
/// first two bytes of most ideographs, quotation marks and emoji show what they are.
fn bytes_begin_word(bytes: &[u8]) -> bool {
    let Some(chunk) = bytes.utf8_chunks().next() else { return true };
    if let Some(first) = chunk.valid().chars().next() {
        return begins_word(first);
    }
    if chunk.invalid().len() < bytes.len() {
        return false;
    }
    let (mut beginning, mut going_on) = (0, 0);
    let becomes = completions(bytes).unwrap_or(0..0);
    // A sample is enough where a single byte leaves a quarter of a million characters open.
    let step = becomes.len().div_ceil(1 << 12).max(1);
    for character in becomes.step_by(step).filter_map(char::from_u32) {
        beginning += usize::from(begins_word(character));
        going_on +=
            usize::from(character.is_alphanumeric() && !begins_word(character) || character.is_mark());
    }
    beginning > going_on
}

/// The code points whose UTF-8 begins with `bytes`, which are fewer than it takes.
fn completions(bytes: &[u8]) -> Option<std::ops::Range<u32>> {
    let (&lead, rest) = bytes.split_first()?;
    let (width, lowest) = match lead {
        0xC2..=0xDF => (2, 0x80),
        0xE0..=0xEF => (3, 0x800),
        0xF0..=0xF4 => (4, 0x1_0000),
        _ => return None,
    };
    let bits =
        rest.iter().fold(u32::from(lead) & (0x7F >> width), |bits, byte| bits << 6 | u32::from(byte & 0x3F));
    let open = 6 * (width - bytes.len());
    Some((bits << open).max(lowest)..(bits + 1) << open)
}

fn begins_word(first: char) -> bool {
    first.is_whitespace() || is_sign(first) || is_ideograph(first)
}

/// The CJK ideographs that BERT's tokenizer sets apart; not kana nor Hangul, whose words have spaces or none at all.
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marks: &WordMarks, starting: &[&str], continuing: &[&str]) {
        for (tokens, want) in [(starting, true), (continuing, false)] {
            for token in tokens {
                assert_eq!(marks.begins_word(token), want, "{token:?}");
            }
        }
    }

    #[test]
    fn a_prefix_continues() {
        let marks = WordMarks::ContinuingPrefix("##".to_owned());
        check(&marks, &["the", "漢", ",", "#", "##", "[CLS]"], &["##ing", "##漢"]);
    }

    #[test]
    fn bytes() {
        // E4 B8 begins ideographs, E2 80 quotation marks, F0 9F emoji, E3 81 kana, E0 B8 Thai.
        let partial = [[0xE4, 0xB8], [0xE2, 0x80], [0xF0, 0x9F], [0xE3, 0x81], [0xE0, 0xB8]]
            .map(|bytes| bytes.map(byte_level::char_of).into_iter().collect::<String>());
        let full = |text: &str| text.bytes().map(byte_level::char_of).collect::<String>();
        check(
            &WordMarks::Bytes,
            &[
                "Ġthe",
                "Ċ",
                ".",
                "'s",
                "$",
                &full("漢字"),
                &full("“"),
                &full("\u{3000}"),
                &partial[0],
                &partial[1],
                &partial[2],
                "ä",
            ],
            &["the", "1", &full("é"), &full("の"), &full("한"), &partial[3], &partial[4], "ł", "Ã", "×", "ñ"],
        );
    }

    #[test]
    fn a_character_for_the_space() {
        check(
            &WordMarks::Space('▁'),
            &["▁the", "▁", "漢", ".", "\n", "<0x0A>", "<0xE4>"],
            &["the", "é", "の", "<0x41>", "<0xB8>", "<0xC3>", "1"],
        );
        check(&WordMarks::Unknown, &["a", "a</w>"], &[]);
    }

    #[test]
    fn of_decoders() {
        let read = |file: &str| WordMarks::of(&serde_json::from_str(file).unwrap());
        for (file, want) in [
            (
                r###"{"type":"WordPiece","prefix":"##","cleanup":true}"###,
                WordMarks::ContinuingPrefix("##".to_owned()),
            ),
            (r#"{"type":"WordPiece","prefix":"","cleanup":true}"#, WordMarks::Unknown),
            (r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true}"#, WordMarks::Bytes),
            (r#"{"type":"Metaspace","replacement":"▁"}"#, WordMarks::Space('▁')),
            (
                r#"{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"▁"},"content":" "}]}"#,
                WordMarks::Space('▁'),
            ),
            (r#"{"type":"BPEDecoder","suffix":"</w>"}"#, WordMarks::Unknown),
        ] {
            assert_eq!(read(file), want, "{file}");
        }
    }

    #[test]
    fn added_tokens_and_gaps_begin_words() {
        let mut vocab = Vocab::default();
        for (token, id) in [("the", 0), ("▁a", 1), ("</s>", 4), ("b", 3)] {
            vocab.insert(token, id).unwrap();
        }
        assert_eq!(WordMarks::Space('▁').word_starts(&vocab, [3, 99]), [false, true, true, true, true]);
    }
}
