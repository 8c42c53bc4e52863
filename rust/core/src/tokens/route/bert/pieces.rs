//! What becomes of a raw word: it is normalized, and may turn out to be several words, or none.

#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::scan::Scan;
use super::sorts::{Known, first_character};
use super::table::{Entry, Table};
use super::{Way, ascii};
use crate::text::Kind;
use crate::tokens::models::check_length;
use crate::{Error, Result};

/// Room for what a raw word becomes.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// A single word.
    word: Vec<u8>,
    scan: Scan,
}

impl Way {
    /// Calls `visit` with the words that become of a raw word as [`super::raw_words::RawWords`] gives it.
    pub(super) fn each_piece(
        &self,
        raw: &[u8],
        known: &mut Known,
        pieces: &mut Pieces,
        visit: &mut impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if self.is_kept(raw, known) {
            return visit(raw);
        }
        if let Some(length) = self.normalize_one(raw, known, &mut pieces.word) {
            return if length == 0 { Ok(()) } else { visit(&pieces.word[..length]) };
        }
        let text = std::str::from_utf8(raw).map_err(|_| {
            Error::new("a word was cut within a character").advise("report it, with the text")
        })?;
        self.scan_pieces(text, known, pieces, visit)
    }

    /// Whether a word is one as it stands: nothing becomes of its characters but themselves.
    fn is_kept(&self, mut raw: &[u8], known: &Known) -> bool {
        while let Some(&first) = raw.first() {
            let (character, width) = first_character(raw);
            let is_kept =
                if first < 0x80 { self.ascii.is_done(first) } else { known.kept(character).is_some() };
            if !is_kept {
                return false;
            }
            raw = raw.get(width..).unwrap_or_default();
        }
        true
    }

    /// Normalizes a raw word that becomes one word or nothing, character by character, and says how long it becomes;
    /// None if it may be otherwise.
    fn normalize_one(&self, mut raw: &[u8], known: &mut Known, word: &mut Vec<u8>) -> Option<usize> {
        let room = (raw.len() + 1) * size_of::<Entry>();
        if word.len() < room {
            word.resize(room, 0);
        }
        let (mut end, mut last) = (0, Kind::Gap as u8);
        while !raw.is_empty() {
            let (character, width) = first_character(raw);
            let entry = match known.kept(character).zip(char::from_u32(character)) {
                Some((kind, character)) => Entry::as_it_is(character, kind),
                None => self.entry(character, known)?,
            };
            raw = raw.get(width..).unwrap_or_default();
            if entry.length() == 0 {
                continue;
            }
            // Sixteen bytes at once, wanted or not.
            *word.get_mut(end..)?.first_chunk_mut()? = *entry.bytes();
            end += entry.length();
            let kind = entry.kind();
            let is_first = last == Kind::Gap as u8;
            if kind == Kind::Gap as u8 || !is_first && (kind != last || kind == Kind::Alone as u8) {
                return None;
            }
            last = kind;
        }
        Some(end)
    }

    /// What becomes of a character wherever it stands, if that is so.
    #[inline]
    fn entry(&self, character: u32, known: &mut Known) -> Option<Entry> {
        let mut entry = *known.table.seen(character);
        if !entry.is_plain() {
            entry = known.table.entry(char::from_u32(character)?, &self.rules);
        }
        entry.is_plain().then_some(entry)
    }

    /// The same for any text, whatever becomes of it.
    pub(super) fn scan_pieces(
        &self,
        text: &str,
        known: &mut Known,
        pieces: &mut Pieces,
        visit: &mut impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let scan = &mut pieces.scan;
        scan.begin();
        loop {
            let is_done = self.advance(text, &mut known.table, scan)?;
            let (buffer, places) = scan.words();
            check_length(scan.open_word())?;
            places.iter().try_for_each(|&(begin, end)| visit(&buffer[begin as usize..end as usize]))?;
            if is_done {
                return Ok(());
            }
            scan.shorten_open_word(self.longest);
            scan.forget_words();
        }
    }

    /// [`Scan::advance`].
    fn advance(&self, text: &str, table: &mut Table, scan: &mut Scan) -> Result<bool> {
        match self.ascii.width {
            ascii::Width::Portable => {
                scan.advance(&self.rules, table, text, |block, out| self.ascii.sort(block, out))
            }
            #[cfg(target_arch = "x86_64")]
            ascii::Width::Avx2 => avx2::advance(&self.ascii, &self.rules, table, text, scan),
        }
    }
}
