//! Ids to tokens and back.

use rustc_hash::FxHashMap;

use crate::{Error, Result};

/// A vocabulary larger than this is taken for a broken file: the largest in use have about 260,000 tokens.
const HIGHEST_ID: u32 = 1 << 24;

/// The tokens of a tokenizer, added ones included, by id and by text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocab {
    ids: FxHashMap<Box<str>, u32>,
    tokens: Vec<Option<Box<str>>>,
}

impl Vocab {
    /// Adds a token under an id. Neither may be there already, except as this same pair.
    pub fn insert(&mut self, token: &str, id: u32) -> Result<()> {
        if id > HIGHEST_ID {
            return Err(Error::new(format!("token {token:?} has id {id}"))
                .advise(format!("ids above {HIGHEST_ID} are not read: the file is probably damaged")));
        }
        if self.ids.get(token) == Some(&id) {
            return Ok(());
        }
        if let Some(other) = self.ids.get(token) {
            return Err(
                Error::new(format!("token {token:?} has two ids, {other} and {id}")).advise("keep one")
            );
        }
        if let Some(other) = self.token(id) {
            return Err(
                Error::new(format!("tokens {other:?} and {token:?} both have id {id}")).advise("keep one")
            );
        }
        if self.tokens.len() <= id as usize {
            self.tokens.resize(id as usize + 1, None);
        }
        self.tokens[id as usize] = Some(token.into());
        self.ids.insert(token.into(), id);
        Ok(())
    }

    /// Adds a token under the next id. A text that is there already has two ids from now on and means the later
    /// one, as in the `tokenizers` library's lists of tokens.
    pub fn append(&mut self, token: &str) -> Result<u32> {
        let id = self.tokens.len() as u32;
        if id > HIGHEST_ID {
            return Err(Error::new(format!("there are more than {HIGHEST_ID} tokens"))
                .advise("so many are not read: the file is probably damaged"));
        }
        self.tokens.push(Some(token.into()));
        self.ids.insert(token.into(), id);
        Ok(id)
    }

    /// The id of `token`.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// The text of the token with this id; None beyond the vocabulary and in its gaps.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize)?.as_deref()
    }

    /// The highest id + 1.
    pub fn size(&self) -> usize {
        self.tokens.len()
    }

    /// All tokens with their ids, by rising id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.tokens.iter().enumerate().filter_map(|(id, token)| Some((id as u32, token.as_deref()?)))
    }

    /// The tokens that a text can become: of those with the same text the one that it means.
    pub fn reachable(&self) -> impl Iterator<Item = (u32, &str)> {
        self.iter().filter(|&(id, token)| self.id(token) == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_an_id_belong_to_each_other_alone() {
        let mut vocab = Vocab::default();
        vocab.insert("a", 2).unwrap();
        vocab.insert("a", 2).unwrap();
        for (token, id) in [("a", 3), ("b", 2), ("c", u32::MAX)] {
            assert!(vocab.insert(token, id).is_err(), "{token} {id}");
        }
        assert_eq!(
            (vocab.size(), vocab.id("a"), vocab.token(2), vocab.token(0)),
            (3, Some(2), Some("a"), None)
        );
    }

    #[test]
    fn of_texts_that_are_listed_twice_the_later_counts() {
        let mut vocab = Vocab::default();
        for (id, token) in ["a", "b", "a"].into_iter().enumerate() {
            assert_eq!(vocab.append(token).unwrap(), id as u32);
        }
        assert_eq!(
            (vocab.size(), vocab.id("a"), vocab.token(0), vocab.token(2)),
            (3, Some(2), Some("a"), Some("a"))
        );
        assert_eq!(vocab.reachable().collect::<Vec<_>>(), [(1, "b"), (2, "a")]);
    }
}
