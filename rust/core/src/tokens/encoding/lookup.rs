//! From tokens to words, characters and texts, and back.

use std::ops::Range;

use super::Encoding;

impl Encoding {
    /// How many texts there are.
    pub fn sequence_count(&self) -> usize {
        self.ranges.len().max(1)
    }

    /// For each token the number of its text, -1 for none.
    pub fn sequence_ids(&self) -> Vec<i32> {
        let mut sequences = vec![-1; self.len()];
        for sequence in 0..self.sequence_count() {
            if let Some(tokens) = sequences.get_mut(self.range(sequence)) {
                tokens.fill(sequence as i32);
            }
        }
        sequences
    }

    /// The number of the text that the token belongs to.
    pub fn token_to_sequence(&self, token: usize) -> Option<usize> {
        if token >= self.len() {
            return None;
        }
        if self.ranges.is_empty() {
            return Some(0);
        }
        self.ranges.iter().find_map(|(&sequence, range)| range.contains(&token).then_some(sequence))
    }

    /// The word of the token.
    pub fn token_to_word(&self, token: usize) -> Option<u32> {
        self.token_to_sequence(token)?;
        u32::try_from(self.tokens.get(token)?.word_id).ok()
    }

    /// The characters of the token; None where it is of no text.
    pub fn token_to_characters(&self, token: usize) -> Option<(u32, u32)> {
        self.token_to_sequence(token)?;
        Some(self.tokens.get(token)?.span)
    }

    /// The tokens of a word: from its first token to its last.
    pub fn word_to_tokens(&self, word: u32, sequence: usize) -> Option<Range<usize>> {
        let word = i32::try_from(word).ok()?;
        let range = self.range(sequence);
        let tokens = self.tokens.get(range.clone())?;
        let upto = tokens.iter().position(|token| token.word_id > word).unwrap_or(tokens.len());
        let tokens = tokens.get(..upto)?;
        let first = tokens.iter().position(|token| token.word_id == word)?;
        let last = tokens.iter().rposition(|token| token.word_id == word)?;
        Some(range.start + first..range.start + last + 1)
    }

    /// The characters of a word.
    pub fn word_to_characters(&self, word: u32, sequence: usize) -> Option<(u32, u32)> {
        let tokens = self.tokens.get(self.word_to_tokens(word, sequence)?)?;
        Some((tokens.first()?.span.0, tokens.last()?.span.1))
    }

    /// The token that covers a character.
    pub fn character_to_token(&self, character: u32, sequence: usize) -> Option<usize> {
        let range = self.range(sequence);
        let covers = |span: (u32, u32)| span.0 <= character && character < span.1;
        let place = self.tokens.get(range.clone())?.iter().position(|token| covers(token.span))?;
        Some(range.start + place)
    }

    /// The word that covers a character.
    pub fn character_to_word(&self, character: u32, sequence: usize) -> Option<u32> {
        self.token_to_word(self.character_to_token(character, sequence)?)
    }

    /// The tokens of a text; of a text that is not known, all.
    fn range(&self, sequence: usize) -> Range<usize> {
        self.ranges.get(&sequence).cloned().unwrap_or(0..self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EncodedToken, NO_WORD};
    use super::*;

    /// `[CLS] i love hugging ##face [SEP] do you ? [SEP]`, of "I love hugging..." and "Do you?".
    fn pair() -> Encoding {
        let special = EncodedToken::special(0, 0);
        let word = |span, word| EncodedToken::new(1, 0, span, word);
        let first =
            vec![special, word((0, 1), 0), word((2, 6), 1), word((7, 14), 2), word((14, 18), 2), special];
        let second = vec![word((0, 2), 0), word((3, 6), 1), word((6, 7), 2), special];
        let (mut first, mut second) = (Encoding::from(first), Encoding::from(second));
        first.set_only_range(0, 1..5);
        second.set_only_range(1, 0..3);
        first.append(second, false).unwrap();
        first
    }

    #[test]
    fn texts() {
        let pair = pair();
        assert_eq!(pair.sequence_count(), 2);
        assert_eq!(pair.sequence_ids(), [-1, 0, 0, 0, 0, -1, 1, 1, 1, -1]);
        for (token, want) in
            [(0, None), (2, Some(0)), (5, None), (6, Some(1)), (9, None), (10, None), (1200, None)]
        {
            assert_eq!(pair.token_to_sequence(token), want, "{token}");
        }
        let alone = Encoding::from(vec![EncodedToken::special(0, 0)]);
        assert_eq!(
            (alone.sequence_count(), alone.sequence_ids(), alone.token_to_sequence(0)),
            (1, vec![0], Some(0))
        );
    }

    #[test]
    fn tokens() {
        for (token, word, characters) in [
            (0, None, None),
            (2, Some(1), Some((2, 6))),
            (4, Some(2), Some((14, 18))),
            (5, None, None),
            (6, Some(0), Some((0, 2))),
            (99, None, None),
        ] {
            assert_eq!(
                (pair().token_to_word(token), pair().token_to_characters(token)),
                (word, characters),
                "{token}"
            );
        }
        let mut padded = Encoding::from(vec![EncodedToken::padding(0, 0)]);
        padded.set_sequence_id(0);
        assert_eq!((padded.tokens[0].word_id, padded.token_to_word(0)), (NO_WORD, None));
    }

    #[test]
    fn words() {
        for (word, sequence, tokens, characters) in [
            (0, 0, Some(1..2), Some((0, 1))),
            (2, 0, Some(3..5), Some((7, 18))),
            (6, 0, None, None),
            (0, 1, Some(6..7), Some((0, 2))),
            (2, 1, Some(8..9), Some((6, 7))),
            (u32::MAX, 1, None, None),
        ] {
            assert_eq!(pair().word_to_tokens(word, sequence), tokens, "{word} {sequence}");
            assert_eq!(pair().word_to_characters(word, sequence), characters, "{word} {sequence}");
        }
    }

    #[test]
    fn characters() {
        for (character, sequence, token, word) in [
            (0, 0, Some(1), Some(0)),
            (1, 0, None, None),
            (2, 0, Some(2), Some(1)),
            (17, 0, Some(4), Some(2)),
            (0, 1, Some(6), Some(0)),
            (2, 1, None, None),
            (3, 1, Some(7), Some(1)),
        ] {
            let found = (
                pair().character_to_token(character, sequence),
                pair().character_to_word(character, sequence),
            );
            assert_eq!(found, (token, word), "{character} {sequence}");
        }
    }
}
