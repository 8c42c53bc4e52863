//! `WordPiece`: the longest token first, then the longest that continues the word (Schuster and Nakajima 2012).
//!
//! The search is linear in the word, with the failure links of Song et al., *Fast `WordPiece` Tokenization* (EMNLP
//! 2021). A trie is followed as far as it goes. Where it does not go on, the longest tokens of what was read are
//! known from the path alone, and so is the node from which the rest of it is read: both are kept at each node.
//! Here the tokens that begin a word and those that continue one hang under two nodes of the trie, so that a word
//! that spells the prefix (`##ing`) is no special case.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::trie::{NONE, Trie};
use super::{Token, file, no_unknown_token};
use crate::Result;
use crate::tokens::Vocab;

/// The bytes that lead from the trie's root to the tokens that begin a word, and to those that continue one.
const BEGIN: u8 = 0;
const CONTINUE: u8 = 1;

/// A vocabulary of the beginnings of words and of what continues them.
#[derive(Debug, Clone)]
pub struct WordPiece {
    vocab: Vocab,
    unk_token: String,
    unk_id: Option<u32>,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    trie: Trie,
    begin: u32,
    going_on: u32,
    /// For each node of the trie.
    links: Vec<Link>,
    pops: Vec<Pops>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordPieceFile {
    #[serde(rename = "type")]
    _kind: Option<String>,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: Map<String, Value>,
}

/// What to do where the trie does not go on: put out the tokens of `pops`, go on at the node `next`; or give up.
#[derive(Debug, Clone, Copy)]
struct Link {
    next: u32,
    pops: u32,
}

impl Link {
    const FAIL: Self = Self { next: NONE, pops: NONE };
}

/// A row of tokens. Rows share their parts: written out they could take the square of the vocabulary's size.
#[derive(Debug, Clone, Copy)]
enum Pops {
    One(Token),
    Both(u32, u32),
}

impl WordPiece {
    /// A model from its vocabulary. The unknown token may be missing from it: then unknown words are errors.
    pub fn new(
        vocab: Vocab,
        unk_token: String,
        continuing_subword_prefix: String,
        max_input_chars_per_word: usize,
    ) -> Self {
        let mut model = Self {
            trie: trie(&vocab, &continuing_subword_prefix),
            unk_id: vocab.id(&unk_token),
            vocab,
            unk_token,
            continuing_subword_prefix,
            max_input_chars_per_word,
            begin: NONE,
            going_on: NONE,
            links: Vec::new(),
            pops: Vec::new(),
        };
        model.begin = model.trie.child(Trie::ROOT, BEGIN).unwrap_or(NONE);
        model.going_on = model.trie.child(Trie::ROOT, CONTINUE).unwrap_or(NONE);
        model.add_links();
        model
    }

    pub(super) fn from_json(model: Value) -> Result<Self> {
        let fields: WordPieceFile = file::fields(model)?;
        let (unk_token, prefix) = (fields.unk_token, fields.continuing_subword_prefix);
        Ok(Self::new(file::vocab(&fields.vocab)?, unk_token, prefix, fields.max_input_chars_per_word))
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "type": "WordPiece",
            "unk_token": self.unk_token,
            "continuing_subword_prefix": self.continuing_subword_prefix,
            "max_input_chars_per_word": self.max_input_chars_per_word,
            "vocab": file::vocab_to_json(&self.vocab),
        })
    }

    pub(super) fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// A node's link follows from its parent's and from those of nodes nearer to the root, which come first.
    fn add_links(&mut self) {
        self.links = vec![Link::FAIL; self.trie.number_of_nodes()];
        let mut length = vec![0; self.trie.number_of_nodes()];
        for node in self.begin..self.trie.number_of_nodes() as u32 {
            let children: Vec<(u8, u32)> = self.trie.children(node).collect();
            for (label, child) in children {
                length[child as usize] = length[node as usize] + 1;
                self.links[child as usize] = match self.trie.value(child) {
                    Some(id) => {
                        let token = Token { id, length: length[child as usize] };
                        Link { next: self.going_on, pops: self.add_pops(Pops::One(token)) }
                    }
                    None => self.link_after(self.links[node as usize], label),
                };
            }
        }
    }

    /// The link of the node that `label` leads to, from the link of the node before it.
    fn link_after(&mut self, mut link: Link, label: u8) -> Link {
        while link.next != NONE {
            if let Some(next) = self.trie.child(link.next, label) {
                return Link { next, pops: link.pops };
            }
            let more = self.links[link.next as usize];
            if more.next == NONE {
                break;
            }
            link = Link { next: more.next, pops: self.add_pops(Pops::Both(link.pops, more.pops)) };
        }
        Link::FAIL
    }

    fn add_pops(&mut self, pops: Pops) -> u32 {
        self.pops.push(pops);
        self.pops.len() as u32 - 1
    }

    pub(super) fn encode_word(&self, word: &str, tokens: &mut Vec<Token>) -> Result<()> {
        let start = tokens.len();
        let limit = self.max_input_chars_per_word;
        let is_too_long = word.len() > limit && word.chars().count() > limit;
        if is_too_long || !self.push_longest(word.as_bytes(), tokens) {
            let id = self.unk_id.ok_or_else(|| no_unknown_token(word, &self.unk_token))?;
            tokens.truncate(start);
            tokens.push(Token { id, length: word.len() as u32 });
        }
        Ok(())
    }

    /// Appends the tokens of a word; false where some of it is no token.
    fn push_longest(&self, word: &[u8], tokens: &mut Vec<Token>) -> bool {
        let mut node = self.begin;
        for &label in word {
            node = loop {
                match self.trie.child(node, label) {
                    Some(child) => break child,
                    None => match self.follow_link(node, tokens) {
                        Some(next) => node = next,
                        None => return false,
                    },
                }
            };
        }
        while node != self.going_on {
            match self.follow_link(node, tokens) {
                Some(next) => node = next,
                None => return false,
            }
        }
        true
    }

    fn follow_link(&self, node: u32, tokens: &mut Vec<Token>) -> Option<u32> {
        let link = self.links[node as usize];
        if link.next == NONE {
            return None;
        }
        let (mut pops, mut later) = (link.pops, Vec::new());
        loop {
            match self.pops[pops as usize] {
                Pops::Both(first, second) => {
                    later.push(second);
                    pops = first;
                }
                Pops::One(token) => {
                    tokens.push(token);
                    let Some(next) = later.pop() else { return Some(link.next) };
                    pops = next;
                }
            }
        }
    }
}

fn trie(vocab: &Vocab, prefix: &str) -> Trie {
    let key = |kind: u8, text: &str| [&[kind], text.as_bytes()].concat();
    let mut keys = vec![(key(BEGIN, ""), NONE), (key(CONTINUE, ""), NONE)];
    for (id, token) in vocab.reachable().filter(|(_, token)| !token.is_empty()) {
        keys.push((key(BEGIN, token), id));
        if let Some(text) = token.strip_prefix(prefix).filter(|text| !text.is_empty()) {
            keys.push((key(CONTINUE, text), id));
        }
    }
    // The root and the two nodes under it.
    Trie::new(keys, 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(tokens: &[&str], prefix: &str, limit: usize) -> WordPiece {
        let mut vocab = Vocab::default();
        for token in tokens {
            vocab.append(token).unwrap();
        }
        WordPiece::new(vocab, "[UNK]".into(), prefix.into(), limit)
    }

    /// The definition: of all tokens that fit the longest, again and again.
    fn by_definition(model: &WordPiece, word: &str) -> Option<Vec<Token>> {
        let (mut tokens, mut begin) = (Vec::new(), 0);
        while begin < word.len() {
            let ends = (begin + 1..=word.len()).rev().filter(|&end| word.is_char_boundary(end));
            let prefix = if begin > 0 { model.continuing_subword_prefix.as_str() } else { "" };
            let mut fitting = ends
                .filter_map(|end| Some((end, model.vocab.id(&format!("{prefix}{}", &word[begin..end]))?)));
            let (end, id) = fitting.next()?;
            tokens.push(Token { id, length: (end - begin) as u32 });
            begin = end;
        }
        Some(tokens)
    }

    fn found(model: &WordPiece, word: &str) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        model.push_longest(word.as_bytes(), &mut tokens).then_some(tokens)
    }

    proptest! {
        #[test]
        fn links_find_what_the_definition_says(
            tokens in proptest::collection::btree_set("(##|#)?[abé]{0,5}", 0..24),
            prefix in "#{0,2}",
            words in proptest::collection::vec("#{0,3}[abé]{1,12}", 1..20),
        ) {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let model = model(&tokens, &prefix, 100);
            for word in words {
                prop_assert_eq!(found(&model, &word), by_definition(&model, &word), "{} with {:?}", word, tokens);
            }
        }
    }

    #[test]
    fn a_word_of_a_megabyte_is_no_trouble_whatever_the_vocabulary() {
        // Longest first, by definition, this takes the square of the length: each search runs to the word's end.
        let long = format!("{}b", "a".repeat(100_000));
        let model = model(&["[UNK]", "a", "##a", &long, &format!("##{long}")], "##", usize::MAX);
        let word = "a".repeat(1_000_000);
        assert_eq!(found(&model, &word).unwrap().len(), 1_000_000);
        assert_eq!(found(&model, &format!("{word}b")).unwrap().len(), 1_000_000 - 100_000 + 1);
        let mut tokens = Vec::new();
        model.encode_word(&format!("{word}c"), &mut tokens).unwrap();
        assert_eq!(tokens, [Token { id: 0, length: 1_000_001 }]);
    }
}
