//! Stretches of a text that can go through the normalizer and the pre-tokenizer alone.
//!
//! Most of a text is said again and again. Where the parts never look across certain places, what lies between those
//! is counted as it stands, and only distinct stretches go through the parts: a text of 50 MB has a few megabytes
//! of them. Which places these are follows from the parts; of others than those named here nothing is assumed.

use crate::text::{Normalizer, Pattern, PreTokenizer, PrependScheme};

/// Where a text is cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// At white space, which becomes part of no word; and around ASCII punctuation, if each is a word.
    Bare { punctuation: bool },
    /// Before a space between plain characters; and before a line's end between such, if that becomes a space.
    Marked { lines: bool },
}

impl Chunks {
    /// How texts may be cut that go through these parts, if it is known.
    pub(super) fn of_parts(
        normalizer: Option<&Normalizer>,
        pre_tokenizer: Option<&PreTokenizer>,
    ) -> Option<Self> {
        let mut steps = Vec::new();
        if let Some(normalizer) = normalizer {
            flatten(normalizer, &mut steps);
        }
        let pre_tokenizer = pre_tokenizer.filter(|one| !one.needs_origins())?;
        if let Some(first) = drops_white_space(pre_tokenizer)
            && !pre_tokenizer.has_first()
            && steps.iter().all(|step| keeps_white_space_apart(step))
        {
            // An accent can compose with punctuation: "<" and U+338 are one character.
            let never_composes =
                |step: &&Normalizer| matches!(step, Normalizer::BertNormalizer(_) | Normalizer::Lowercase {});
            let punctuation = matches!(first, PreTokenizer::BertPreTokenizer {});
            return Some(Self::Bare { punctuation: punctuation && steps.iter().all(never_composes) });
        }
        let strips = steps.iter().any(|step| matches!(step, Normalizer::Strip { .. }));
        let cuts_before_spaces = match pre_tokenizer {
            // Where the space before a word was stripped, its mark is put there again.
            PreTokenizer::Metaspace(step) => step.splits() && step.prepend_scheme() == PrependScheme::Always,
            PreTokenizer::ByteLevel(step) => step.use_regex && !strips,
            _ => false,
        };
        let lines = matches!(steps.first(), Some(Normalizer::Nmt {}));
        (cuts_before_spaces && steps.iter().all(|step| keeps_single_spaces(step)))
            .then_some(Self::Marked { lines })
    }

    /// Gives the chunks of a text.
    pub(super) fn of(self, text: &str, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::Bare { punctuation } => bare(text, punctuation, visit),
            Self::Marked { .. } => {
                let mut rest = text;
                while let Some(place) = self.cut(rest, 1) {
                    let (head, tail) = rest.split_at(place);
                    visit(head);
                    rest = tail;
                }
                visit(rest);
            }
        }
    }

    /// The first place from `from` on at which a text may be cut.
    pub(super) fn cut(self, text: &str, from: usize) -> Option<usize> {
        let bytes = text.as_bytes().get(from..)?;
        match self {
            Self::Bare { .. } => {
                bytes.iter().position(|&byte| is_white_space(byte)).map(|place| from + place)
            }
            Self::Marked { lines } => {
                let mut candidates = bytes.iter().enumerate().filter(|(_, byte)| is_space(**byte, lines));
                let place = candidates.find(|&(place, _)| is_between_plain_characters(text, from + place));
                place.map(|(place, _)| from + place)
            }
        }
    }

    /// Whether a chunk may stand among others of its kind, `between` between them.
    pub(super) fn joins(self, chunk: &str) -> bool {
        match self {
            Self::Bare { .. } => true,
            Self::Marked { lines } => {
                let mut characters = chunk.chars();
                chunk.bytes().next().is_some_and(|byte| is_space(byte, lines))
                    && characters.nth(1).is_some_and(is_plain)
                    && chunk.chars().next_back().is_some_and(is_plain)
            }
        }
    }

    /// What stands between chunks in a text.
    pub(super) fn between(self) -> &'static str {
        match self {
            Self::Bare { .. } => " ",
            Self::Marked { .. } => "",
        }
    }
}

fn flatten<'a>(normalizer: &'a Normalizer, steps: &mut Vec<&'a Normalizer>) {
    match normalizer {
        Normalizer::Sequence { normalizers } => normalizers.iter().for_each(|one| flatten(one, steps)),
        step => steps.push(step),
    }
}

/// The first step, if that cuts at white space and drops it.
fn drops_white_space(pre_tokenizer: &PreTokenizer) -> Option<&PreTokenizer> {
    match pre_tokenizer {
        PreTokenizer::Sequence { pretokenizers } => pretokenizers.first().and_then(drops_white_space),
        PreTokenizer::Whitespace {}
        | PreTokenizer::WhitespaceSplit {}
        | PreTokenizer::BertPreTokenizer {} => Some(pre_tokenizer),
        _ => None,
    }
}

/// Whether what such a step makes of a text is what it makes of the stretches between ASCII white space, with white
/// space between them. Nothing composes with white space, and marks are not put in order across it.
fn keeps_white_space_apart(step: &Normalizer) -> bool {
    matches!(step, Normalizer::BertNormalizer(_) | Normalizer::StripAccents {} | Normalizer::Strip { .. })
        || keeps_single_spaces(step) && !matches!(step, Normalizer::Replace { .. })
}

/// Whether what such a step makes of a text is what it makes of its two parts, if a space between plain characters
/// begins the second (but that `Strip` takes away that space), and plain characters become no spaces and do not vanish.
fn keeps_single_spaces(step: &Normalizer) -> bool {
    match step {
        Normalizer::Nmt {}
        | Normalizer::Nfc {}
        | Normalizer::Nfd {}
        | Normalizer::Nfkc {}
        | Normalizer::Nfkd {}
        | Normalizer::Lowercase {}
        | Normalizer::Strip { .. } => true,
        Normalizer::Replace { pattern, content } => {
            content == " " && Pattern::oniguruma(" {2,}").is_ok_and(|spaces| spaces == *pattern)
        }
        _ => false,
    }
}

#[inline]
fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[inline]
fn is_space(byte: u8, lines: bool) -> bool {
    byte == b' ' || (byte == b'\n' && lines)
}

/// Whether a character is itself whatever stands beside it, and stays a visible one in every normal form. Letters are,
/// but for one that is a space and a mark, and those from U+FB00 on, which have more like it.
#[inline]
fn is_plain(character: char) -> bool {
    character.is_ascii_graphic()
        || (matches!(character, '\u{c0}'..='\u{d7ff}') && character != '\u{37a}' && character.is_alphabetic())
}

#[inline]
fn is_between_plain_characters(text: &str, place: usize) -> bool {
    let bytes = text.as_bytes();
    let is_graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let (before, after) = (bytes.get(place.wrapping_sub(1)), bytes.get(place + 1));
    (is_graphic(before) || text[..place].chars().next_back().is_some_and(is_plain))
        && (is_graphic(after) || text[place + 1..].chars().next().is_some_and(is_plain))
}

fn bare(text: &str, punctuation: bool, visit: &mut dyn FnMut(&str)) {
    let mut start = 0;
    for (place, &byte) in text.as_bytes().iter().enumerate() {
        let alone = punctuation && byte.is_ascii_punctuation();
        if alone || is_white_space(byte) {
            if start < place {
                visit(&text[start..place]);
            }
            start = place + 1;
            if alone {
                visit(&text[place..start]);
            }
        }
    }
    if start < text.len() {
        visit(&text[start..]);
    }
}
