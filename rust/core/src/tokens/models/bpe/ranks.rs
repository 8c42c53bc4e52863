//! BPE as `tiktoken` has it: no merges, only tokens with ranks, which are their ids.
//!
//! There, of all neighbours whose bytes together are a token, those of the lowest rank are joined first, whichever
//! way the token is cut between the two. Yet only one way ever occurs. When a token comes to be in a word, all that
//! was joined within it before was joined inside its bounds, in the order of rank and place, and so in the same order
//! as in the token alone: what happens around it neither changes nor reorders that. So a token has one last pair, which
//! encoding the token alone with all shorter tokens leaves over, and a list of these pairs is an ordinary BPE with the
//! same ids. A token that is not left over as two symbols is never merged to: it is met only as a whole word.

use super::bytes::NO_SYMBOL;
use super::{Bpe, BpeSettings, Token};
use crate::text::byte_level;
use crate::tokens::Vocab;
use crate::{Error, Result};

impl Bpe {
    /// A model from the tokens of a `tiktoken` encoding and their ranks, which are their ids. It reads bytes, and a
    /// word that is a token is that token.
    ///
    /// In the vocabulary tokens are spelled in the byte-level alphabet of GPT-2, as in files of byte-level models:
    /// the token of the bytes `" the"` is `"Ġthe"`. What [`crate::tokens::Model::to_json`] writes gives the same ids
    /// in the `tokenizers` library, exactly.
    ///
    /// All 256 bytes must be tokens: without one of them `tiktoken` itself fails on a text that has it.
    ///
    /// ```
    /// use fastmask_core::tokens::{Bpe, Model, Token};
    /// let bytes = (0..=255).map(|byte| (vec![byte], u32::from(byte)));
    /// let more = [(b"lo".to_vec(), 256), (b"low".to_vec(), 257)];
    /// let model = Model::Bpe(Bpe::from_ranks(bytes.chain(more))?);
    /// let mut tokens = Vec::new();
    /// model.encode_bytes(b"slow", &mut tokens)?;
    /// assert_eq!(tokens, [Token { id: 115, length: 1 }, Token { id: 257, length: 3 }]);
    /// # Ok::<(), fastmask_core::Error>(())
    /// ```
    pub fn from_ranks(tokens: impl IntoIterator<Item = (Vec<u8>, u32)>) -> Result<Self> {
        let mut tokens: Vec<(Vec<u8>, u32)> = tokens.into_iter().collect();
        let mut vocab = Vocab::default();
        for (bytes, rank) in &tokens {
            let spelled: String = bytes.iter().map(|&byte| byte_level::char_of(byte)).collect();
            vocab.insert(&spelled, *rank)?;
        }
        let no_merges: [(&str, &str); 0] = [];
        let settings = BpeSettings { ignore_merges: true, ..BpeSettings::default() };
        let mut model = Self::new(vocab, no_merges, settings)?;
        let byte_ids = model.byte_ids().filter(|ids| !ids.contains(&NO_SYMBOL));
        let byte_ids = byte_ids.ok_or_else(|| lacks_a_byte(&model))?;
        tokens.sort_unstable_by_key(|(bytes, _)| bytes.len());
        let mut symbols = Vec::new();
        let mut merged = vec![false; model.vocab.size()];
        for (bytes, rank) in tokens {
            symbols.clear();
            symbols.extend(bytes.iter().map(|&byte| Token { id: byte_ids[usize::from(byte)], length: 1 }));
            model.merges.apply(&mut symbols, 0);
            if let [left, right] = symbols[..] {
                model.merges.insert((left.id, right.id), rank, rank);
                merged[rank as usize] = true;
            }
        }
        model.read_bytes_knowing(|id| merged.get(id as usize).copied().unwrap_or_default());
        Ok(model)
    }
}

fn lacks_a_byte(model: &Bpe) -> Error {
    let is_missing = |&byte: &u8| model.characters.id(byte_level::char_of(byte), true, true).is_none();
    let missing = (0..=255).find(is_missing).unwrap_or_default();
    Error::new(format!("no token is the byte {missing:#04x} alone"))
        .advise("the ranks of all 256 bytes are needed: the file is probably cut short")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Model;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The definition: of neighbours that together are a token those of the lowest rank, the leftmost, are joined.
    fn by_definition(ranks: &BTreeMap<Vec<u8>, u32>, word: &[u8]) -> Vec<u32> {
        if let Some(&rank) = ranks.get(word) {
            return vec![rank];
        }
        let mut parts: Vec<Vec<u8>> = word.iter().map(|&byte| vec![byte]).collect();
        loop {
            let pairs = parts.windows(2).enumerate();
            let best = pairs.filter_map(|(place, pair)| Some((*ranks.get(&pair.concat())?, place))).min();
            let Some((_, place)) = best else { break };
            let right = parts.remove(place + 1);
            parts[place].extend(right);
        }
        parts.iter().map(|part| ranks[part]).collect()
    }

    fn tokens_of(model: &Model, word: &[u8]) -> Vec<Token> {
        let mut tokens = Vec::new();
        model.encode_bytes(word, &mut tokens).unwrap();
        tokens
    }

    proptest! {
        #[test]
        fn one_pair_a_token_is_enough(
            texts in proptest::collection::btree_set("[ab]{2,7}|a{2,20}|[abc]{2,3}", 0..40),
            order in any::<u64>(),
            words in proptest::collection::vec("[abc]{0,70}", 1..10),
        ) {
            let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
            tokens.extend(texts.into_iter().map(String::into_bytes));
            // Any order will do: ranks need not rise with the length, and ids may have gaps.
            tokens.sort_by_key(|token| token.iter().fold(order, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)));
            let ranks: BTreeMap<Vec<u8>, u32> =
                tokens.into_iter().enumerate().map(|(rank, token)| (token, rank as u32 * 2)).collect();
            let model = Model::Bpe(Bpe::from_ranks(ranks.clone()).unwrap());
            let mut read_back = Model::from_json(model.to_json()).unwrap();
            read_back.read_bytes();
            for word in words {
                let found = tokens_of(&model, word.as_bytes());
                prop_assert_eq!(&tokens_of(&read_back, word.as_bytes()), &found);
                let ids: Vec<u32> = found.iter().map(|token| token.id).collect();
                prop_assert_eq!(ids, by_definition(&ranks, word.as_bytes()), "{}", word);
            }
        }
    }

    #[test]
    fn a_token_that_is_never_merged_to_is_met_as_a_whole_word() {
        // "abc" alone becomes "ab" and "c", and then the token; "cab" has the pair "c" and "ab", "bca" has none.
        let more = ["ab", "abc", "cab", "bca"];
        let bytes = (0..=255_u8).map(|byte| vec![byte]);
        let tokens = bytes.chain(more.map(|token| token.as_bytes().to_vec())).zip(0..);
        let model = Model::Bpe(Bpe::from_ranks(tokens).unwrap());
        let ids = |word: &str| -> Vec<u32> {
            tokens_of(&model, word.as_bytes()).iter().map(|token| token.id).collect()
        };
        assert_eq!(ids("bca"), [259]);
        assert_eq!(ids("xbca"), [120, 98, 99, 97]);
        assert_eq!((ids("xcab"), ids("cabc")), (vec![120, 258], vec![99, 257]));
        assert_eq!(model.vocab().token(32), Some("\u{120}"));
    }

    #[test]
    fn damaged_ranks_are_refused() {
        let bytes = || (0..=255_u8).map(|byte| (vec![byte], u32::from(byte)));
        for (tokens, want) in [
            (bytes().skip(1).collect::<Vec<_>>(), "no token is the byte 0x00 alone"),
            (bytes().chain([(b"ab".to_vec(), 7)]).collect(), "both have id 7"),
            (bytes().chain([(b"a".to_vec(), 300)]).collect(), "two ids"),
            (bytes().chain([(b"ab".to_vec(), u32::MAX)]).collect(), "has id 4294967295"),
        ] {
            let error = Bpe::from_ranks(tokens).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
