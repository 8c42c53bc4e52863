//! What becomes of a raw word: it is normalized, and may turn out to be several words, or none.

#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::scan::Scan;
use super::sorts::{Known, first_character};
use super::table::Table;
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
        if self.ascii.is_done(raw) {
            return visit(raw);
        }
        if self.normalize_one(raw, &mut known.table, &mut pieces.word) {
            return if pieces.word.is_empty() { Ok(()) } else { visit(&pieces.word) };
        }
        let text = std::str::from_utf8(raw).map_err(|_| {
            Error::new("a word was cut within a character").advise("report it, with the text")
        })?;
        self.scan_pieces(text, known, pieces, visit)
    }

    /// Normalizes a raw word that becomes one word or nothing, by the table alone; false if it may be otherwise.
    fn normalize_one(&self, mut raw: &[u8], table: &mut Table, word: &mut Vec<u8>) -> bool {
        word.clear();
        let mut kind = Kind::Gap as u8;
        while !raw.is_empty() {
            let (character, width) = first_character(raw);
            raw = raw.get(width..).unwrap_or_default();
            let mut entry = *table.seen(character);
            if !entry.is_plain() {
                let Some(character) = char::from_u32(character) else { return false };
                entry = table.entry(character, &self.rules);
            }
            if !entry.is_plain() {
                return false;
            }
            if entry.length() == 0 {
                continue;
            }
            let is_first = word.is_empty();
            if entry.kind() == Kind::Gap as u8
                || !is_first && (entry.kind() != kind || kind == Kind::Alone as u8)
            {
                return false;
            }
            kind = entry.kind();
            word.extend_from_slice(&entry.bytes()[..entry.length()]);
        }
        true
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
