//! A word in parts, where no merge crosses from one into the next.

use rustc_hash::FxHashSet;

use super::Bpe;
use super::spelling::Spelling;
use crate::Result;
use crate::tokens::cuts::Cuts;
use crate::tokens::models::Token;

impl Bpe {
    /// Where a word may be cut, `space` being what its spaces stand for. None where what stands at a place of a word is
    /// not always spelled as it is in the vocabulary.
    pub(in crate::tokens) fn cuts(&self, space: Option<char>) -> Option<Cuts> {
        let affixes = [&self.settings.continuing_subword_prefix, &self.settings.end_of_word_suffix];
        if self.bytes.is_some() || affixes.into_iter().flatten().any(|affix| !affix.is_empty()) {
            return None;
        }
        let of_bytes = self.fallback_ids.iter().flat_map(|ids| ids.iter());
        let unlike: FxHashSet<u32> = of_bytes.copied().flatten().chain(self.unk_id).collect();
        let mut joined = FxHashSet::default();
        for (left, right) in self.merges.in_order() {
            // The symbols of bytes, and of what is unknown, do not stand for their own text.
            if unlike.contains(&left) || unlike.contains(&right) {
                return None;
            }
            let (left, right) = (self.vocab.token(left)?, self.vocab.token(right)?);
            joined.insert((left.chars().next_back()?, right.chars().next()?));
        }
        let spells_all = self.fallback_ids.as_ref().is_some_and(|ids| ids.iter().all(Option::is_some));
        let tokens = self.vocab.reachable();
        let characters = tokens.filter_map(|(_, token)| {
            let mut characters = token.chars();
            characters.next().filter(|_| characters.next().is_none())
        });
        Some(Cuts::new(joined, characters, spells_all, space))
    }

    /// Appends the ids of part of a word, in which `space`, if given, is what a space stands for. Whether the part is a
    /// token is not asked. `tokens` is room to work in.
    pub(in crate::tokens) fn encode_part(
        &self,
        part: &str,
        space: Option<char>,
        tokens: &mut Vec<Token>,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let mut spelling = Spelling::new(self, part, space);
        self.merges.merge_spelled(&mut spelling, tokens, ids);
        spelling.finish()
    }
}
