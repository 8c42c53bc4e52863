//! The ids of a text of a BPE, part by part, where no piece can be merged across.

use super::bpe::Table;
use super::{Buffers, Segment, SentencePiece};
use crate::tokens::cache::WordCache;
use crate::tokens::models::{Out, Token};
use crate::tokens::portions::Extent;
use crate::{Error, Result};

/// So many parts are found before they are looked up.
const ROOM: usize = 512;

/// What a thread keeps between texts.
#[derive(Debug, Default)]
pub(super) struct Parts {
    cache: WordCache,
    places: Vec<(u32, u32)>,
    symbols: Vec<Token>,
}

impl Parts {
    pub(super) fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }
}

impl SentencePiece {
    /// Appends the ids of a text.
    pub(super) fn encode_parts(
        &self,
        table: &Table,
        text: &str,
        extent: Extent,
        buffers: &mut Buffers,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        if table.takes_raw_text {
            let has_prefix = self.normalizer.add_dummy_prefix && extent.begins;
            let prefix = if has_prefix { self.normalizer.space } else { "" };
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
        let Parts { cache, places, symbols } = parts;
        let mut encode = |part: &[u8], out: &mut Vec<u32>| {
            let mut ids = Ids { model: self, table, text: part, end: 0, after_unknown: false, out };
            table.merge(&self.vocabulary, part, symbols, &mut ids);
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

/// The ids of a part, from the symbols that are left of it.
struct Ids<'t> {
    model: &'t SentencePiece,
    table: &'t Table,
    text: &'t [u8],
    /// How far it is done, and whether what is done ends with unknown text.
    end: usize,
    after_unknown: bool,
    out: &'t mut Vec<u32>,
}

impl Out for Ids<'_> {
    #[inline]
    fn push(&mut self, id: u32, length: usize) {
        let text = &self.text[self.end..self.end + length];
        let is_space = text == b" " && self.table.takes_raw_text;
        let text = if is_space { self.model.normalizer.space.as_bytes() } else { text };
        let segment = Segment { length: text.len() as u32, ..self.table.segment_of(id, length) };
        self.after_unknown = self.model.append_ids([segment], text, self.after_unknown, self.out);
        self.end += length;
    }

    fn len(&self) -> usize {
        self.out.len()
    }

    fn truncate(&mut self, length: usize) {
        self.out.truncate(length);
        (self.end, self.after_unknown) = (0, false);
    }
}
