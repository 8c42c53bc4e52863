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
        if self.ascii.is_done(raw) || self.is_kept(raw, known) {
            return visit(raw);
        }
        if self.normalize_one(raw, known, &mut pieces.word) {
            return if pieces.word.is_empty() { Ok(()) } else { visit(&pieces.word) };
        }
        let text = std::str::from_utf8(raw).map_err(|_| {
            Error::new("a word was cut within a character").advise("report it, with the text")
        })?;
        self.scan_pieces(text, known, pieces, visit)
    }

    /// Whether a word is one as it stands: nothing becomes of its characters but themselves.
    fn is_kept(&self, mut raw: &[u8], known: &Known) -> bool {
        while !raw.is_empty() {
            let (character, width) = first_character(raw);
            let (first, rest) = raw.split_at_checked(width).unwrap_or((raw, &[]));
            if !(known.kept(character).is_some() || self.ascii.is_done(first)) {
                return false;
            }
            raw = rest;
        }
        true
    }

    /// Normalizes a raw word that becomes one word or nothing, character by character; false if it may be otherwise.
    fn normalize_one(&self, mut raw: &[u8], known: &mut Known, word: &mut Vec<u8>) -> bool {
        word.clear();
        let mut last = Kind::Gap as u8;
        while !raw.is_empty() {
            let (character, width) = first_character(raw);
            let (first, rest) = raw.split_at_checked(width).unwrap_or((raw, &[]));
            raw = rest;
            let kind = if let Some(kind) = known.kept(character) {
                word.extend_from_slice(first);
                kind
            } else {
                let mut entry = *known.table.seen(character);
                if !entry.is_plain() {
                    let Some(character) = char::from_u32(character) else { return false };
                    entry = known.table.entry(character, &self.rules);
                }
                if !entry.is_plain() {
                    return false;
                }
                if entry.length() == 0 {
                    continue;
                }
                word.extend_from_slice(&entry.bytes()[..entry.length()]);
                entry.kind()
            };
            let is_first = last == Kind::Gap as u8;
            if kind == Kind::Gap as u8 || !is_first && (kind != last || kind == Kind::Alone as u8) {
                return false;
            }
            last = kind;
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
