//! The ids of a text of a BPE, part by part, where no piece can be merged across.

use super::bpe::Table;
use super::{Buffers, Segment, SentencePiece};
use crate::tokens::cache::WordCache;
use crate::tokens::models::Token;
use crate::{Error, Result};

/// So many parts are found before they are looked up.
const ROOM: usize = 512;

/// What a thread keeps between texts.
#[derive(Debug, Default)]
pub(super) struct Parts {
    cache: WordCache,
    places: Vec<(u32, u32)>,
    making: Making,
}

impl Parts {
    pub(super) fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }
}

/// What making the ids of a part needs.
#[derive(Debug, Default)]
struct Making {
    spelled: Vec<u8>,
    tokens: Vec<Token>,
    segments: Vec<Segment>,
}

impl SentencePiece {
    /// Appends the ids of a text.
    pub(super) fn encode_parts(
        &self,
        table: &Table,
        text: &str,
        buffers: &mut Buffers,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        if table.takes_raw_text {
            let prefix = if self.normalizer.add_dummy_prefix { self.normalizer.space } else { "" };
            return self.encode_parts_of(table, prefix, text, &mut buffers.parts, out);
        }
        let normalized = self.normalizer.normalize(&self.vocabulary.symbols, text, false)?;
        if let Ok(text) = std::str::from_utf8(&normalized.text) {
            return self.encode_parts_of(table, "", text, &mut buffers.parts, out);
        }
        // A rewrite rule has left half a character.
        let segments = self.segment(&normalized);
        self.append_ids(segments, &normalized.text, false, out);
        Ok(())
    }

    fn encode_parts_of(
        &self,
        table: &Table,
        prefix: &str,
        text: &str,
        parts: &mut Parts,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let Parts { cache, places, making } = parts;
        let mut encode = |part: &[u8], out: &mut Vec<u32>| {
            making.make(self, table, part, out);
            Ok(())
        };
        places.resize(ROOM, (0, 0));
        let mut words = table.cuts.words(text);
        let mut is_first = !prefix.is_empty();
        loop {
            let count = words.fill(places);
            let mut found = places.get(..count).ok_or_else(|| Error::new("there are too many parts"))?;
            if let (true, Some((&(begin, end), rest))) = (is_first, found.split_first()) {
                let first = format!("{prefix}{}", &text[begin as usize..end as usize]);
                cache.encode(first.as_bytes(), &[(0, first.len() as u32)], out, &mut encode)?;
                (found, is_first) = (rest, false);
            }
            if count == 0 {
                return Ok(());
            }
            cache.encode(text.as_bytes(), found, out, &mut encode)?;
        }
    }
}

impl Making {
    fn make(&mut self, model: &SentencePiece, table: &Table, part: &[u8], out: &mut Vec<u32>) {
        let Self { spelled, tokens, segments } = self;
        spelled.clear();
        for stretch in part.split_inclusive(|&byte| byte == b' ') {
            match stretch.strip_suffix(b" ").zip(table.cuts.space()) {
                Some((before, _)) => {
                    spelled.extend_from_slice(before);
                    spelled.extend_from_slice(model.normalizer.space.as_bytes());
                }
                None => spelled.extend_from_slice(stretch),
            }
        }
        segments.clear();
        table.segment(&model.vocabulary, spelled, tokens, segments);
        model.append_ids(segments.iter().copied(), spelled, false, out);
    }
}
