//! Bytes that are not UTF-8, for byte-level tokenizers: what tiktoken's `_encode_bytes` does.

use super::encode::EncodeOptions;
use super::id_batch::at_text;
use super::pipeline::SpecialText;
use super::portions::Extent;
use super::tokenizer::{Algorithm, Tokenizer};
use crate::rows::Ragged;
use crate::threads;
use crate::{Error, Result};

impl Tokenizer {
    /// The ids of texts of any bytes, a row each.
    ///
    /// Up to the first byte that cannot stand in UTF-8 a text is split into words as ever. The last of these words,
    /// with the words of white space before it, and everything from that byte on are one word: without characters
    /// there is nothing to split by (tiktoken's rule).
    pub fn encode_batch_bytes(
        &self,
        texts: &[&[u8]],
        are_pairs: bool,
        options: &EncodeOptions<'_>,
        num_threads: usize,
    ) -> Result<Ragged> {
        let Some(frame) = self.frame_of(options).filter(|_| !are_pairs) else {
            return Err(Error::new("bytes that are not UTF-8 cannot be paired, cut or padded")
                .advise("encode them alone, by a tokenizer without truncation and padding"));
        };
        let mut rows = vec![Vec::new(); texts.len()];
        let tasks: Vec<_> = texts.iter().zip(&mut rows).enumerate().collect();
        threads::for_each(
            num_threads,
            tasks,
            || (),
            |(), (index, (text, row))| {
                *row =
                    self.encode_bytes(text, options.special_text).map_err(|error| at_text(error, index))?;
                Ok(())
            },
        )?;
        let mut all = Ragged::new();
        for row in rows {
            all.ids.extend(frame.0.iter().chain(&row).chain(frame.1));
            all.close_row();
        }
        Ok(all)
    }

    fn encode_bytes(&self, text: &[u8], policy: SpecialText) -> Result<Vec<u32>> {
        let Algorithm::Pipeline(pipeline) = &self.algorithm else { return Err(reads_characters()) };
        let mut workspace = self.workspace();
        let mut ids = Vec::new();
        let (valid, rest) = match std::str::from_utf8(text) {
            Ok(whole) => (whole, &[][..]),
            Err(error) => {
                let (valid, rest) = text.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), rest)
            }
        };
        if rest.is_empty() {
            self.encode_framed((valid, Extent::WHOLE), (&[], &[]), policy, &mut workspace.own, &mut ids)?;
            return Ok(ids);
        }
        if !pipeline.reads_bytes() {
            return Err(reads_characters());
        }
        let last = pipeline.encode_but_last(&self.added, valid, &mut workspace.own, &mut ids)?;
        let unstable = self.with_white_space_before(&mut ids, last);
        let mut tokens = Vec::new();
        pipeline.model.encode_bytes(&[&unstable, rest].concat(), &mut tokens)?;
        ids.extend(tokens.iter().map(|token| token.id));
        Ok(ids)
    }

    /// Takes the last `count` ids, and those of white space before them, off `ids` and gives their bytes.
    fn with_white_space_before(&self, ids: &mut Vec<u32>, mut count: usize) -> Vec<u8> {
        let bytes = |id: u32| self.detokenizer.decode_bytes(&[id], false).unwrap_or_default();
        let is_space = |id: u32| bytes(id).iter().all(|byte| b" \n\t".contains(byte));
        if count > 0 && is_space(ids[ids.len() - count]) {
            while count < ids.len() && is_space(ids[ids.len() - count - 1]) {
                count += 1;
            }
        }
        ids.split_off(ids.len() - count).into_iter().flat_map(bytes).collect()
    }
}

fn reads_characters() -> Error {
    Error::new("errors=\"bytes\" needs a byte-level tokenizer, and this one reads characters")
        .advise("pass errors=\"replace\"")
}
