//! The longest token again and again, in time linear in the word: the failure links of Song et al., *Fast `WordPiece`
//! Tokenization* (EMNLP 2021).
//!
//! A trie is followed as far as it goes. Where it does not go on, the longest tokens of what was read are known from
//! the path alone, and so is the node from which the rest of it is read: both are kept at each node. Here the tokens
//! that begin a word and those that continue one hang under two nodes of the trie, so that a word that spells the
//! prefix (`##ing`) is no special case.

use super::double_array::DoubleArray;
use crate::memory::Row;
use crate::tokens::Vocab;
use crate::tokens::trie::{NONE, Trie};

/// The bytes that lead from the trie's root to the tokens that begin a word, and to those that continue one.
const BEGIN: u8 = 0;
const CONTINUE: u8 = 1;

#[derive(Debug, Clone)]
pub(super) struct Automaton {
    trie: DoubleArray,
    /// For each place of the trie what to do where it does not go on: apart from it, since most steps do go on.
    links: Row<Link>,
    begin: u32,
    going_on: u32,
    rows: Rows,
}

/// What to do where the trie does not go on: put out the tokens of `row`, go on at the node `next`; or give up.
#[derive(Debug, Clone, Copy)]
struct Link {
    next: u32,
    row: u32,
}

impl Link {
    const FAIL: Self = Self { next: NONE, row: NONE };
}

impl Automaton {
    pub(super) fn new(vocab: &Vocab, prefix: &str) -> Self {
        let trie = trie(vocab, prefix);
        let begin = trie.child(Trie::ROOT, BEGIN).unwrap_or(NONE);
        let going_on = trie.child(Trie::ROOT, CONTINUE).unwrap_or(NONE);
        let mut rows = Rows::default();
        let links = links(&trie, begin, going_on, &mut rows);
        let (array, place_of) = DoubleArray::of(&trie);
        let place = |node: u32| place_of.get(node as usize).copied().unwrap_or(NONE);
        let mut placed = Row::filled(Link::FAIL, array.len());
        for (&place_of_node, link) in place_of.iter().zip(&links) {
            placed[place_of_node as usize] = Link { next: place(link.next), row: link.row };
        }
        Self { trie: array, links: placed, begin: place(begin), going_on: place(going_on), rows }
    }

    /// Appends the ids of a word; false, and perhaps some of them, where a part of it is no token.
    pub(super) fn push_longest(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let mut node = self.begin;
        for &label in word {
            node = loop {
                match self.trie.child(node, label) {
                    Some(child) => break child,
                    None => match self.follow_link(node, ids) {
                        Some(next) => node = next,
                        None => return false,
                    },
                }
            };
        }
        while node != self.going_on {
            match self.follow_link(node, ids) {
                Some(next) => node = next,
                None => return false,
            }
        }
        true
    }

    #[inline]
    fn follow_link(&self, node: u32, ids: &mut Vec<u32>) -> Option<u32> {
        let link = self.links[node as usize];
        if link.next == NONE {
            return None;
        }
        self.rows.push(link.row, ids);
        Some(link.next)
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

/// A node's link follows from its parent's and from those of nodes nearer to the root, which come first.
fn links(trie: &Trie, begin: u32, going_on: u32, rows: &mut Rows) -> Vec<Link> {
    let mut links = vec![Link::FAIL; trie.number_of_nodes()];
    for node in begin..trie.number_of_nodes() as u32 {
        for (label, child) in trie.children(node) {
            links[child as usize] = match trie.value(child) {
                Some(id) => Link { next: going_on, row: Rows::one(id) },
                None => link_after(trie, &links, links[node as usize], label, rows),
            };
        }
    }
    links
}

/// The link of the node that `label` leads to, from the link of the node before it.
fn link_after(trie: &Trie, links: &[Link], mut link: Link, label: u8, rows: &mut Rows) -> Link {
    while link.next != NONE {
        if let Some(next) = trie.child(link.next, label) {
            return Link { next, row: link.row };
        }
        let more = links[link.next as usize];
        if more.next == NONE {
            break;
        }
        link = Link { next: more.next, row: rows.both(link.row, more.row) };
    }
    Link::FAIL
}

/// Rows of tokens, each told by a number: a token's own id, or [`Rows::LIST`] and more.
///
/// Short ones are written out. Long ones share their parts: written out they could take the square of the
/// vocabulary's size.
#[derive(Debug, Clone, Default)]
struct Rows {
    lists: Vec<List>,
    ids: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
enum List {
    Written { start: u32, length: u32 },
    Both(u32, u32),
}

impl Rows {
    /// Above all ids: those of a vocabulary go up to 2^24.
    const LIST: u32 = 1 << 28;
    const SHORT: usize = 8;

    fn one(id: u32) -> u32 {
        id
    }

    /// One row and then the other.
    fn both(&mut self, first: u32, second: u32) -> u32 {
        let start = self.ids.len();
        let written = [first, second].iter().all(|&row| {
            let length = self.ids.len() - start;
            length < Self::SHORT && self.write(row, Self::SHORT - length)
        });
        if written {
            let length = (self.ids.len() - start) as u32;
            self.lists.push(List::Written { start: start as u32, length });
        } else {
            self.ids.truncate(start);
            self.lists.push(List::Both(first, second));
        }
        Self::LIST + self.lists.len() as u32 - 1
    }

    /// Appends a row to `ids` if it is no longer than `room`.
    fn write(&mut self, row: u32, room: usize) -> bool {
        match row.checked_sub(Self::LIST).map(|list| self.lists[list as usize]) {
            None => self.ids.push(row),
            Some(List::Written { start, length }) if length as usize <= room => {
                self.ids.extend_from_within(start as usize..(start + length) as usize);
            }
            Some(_) => return false,
        }
        true
    }

    #[inline]
    fn push(&self, row: u32, ids: &mut Vec<u32>) {
        if row < Self::LIST {
            ids.push(row);
        } else {
            self.push_list(row, ids);
        }
    }

    /// With a stack of its own: lists can be as deep as the longest token is long.
    fn push_list(&self, mut row: u32, ids: &mut Vec<u32>) {
        let mut later = Vec::new();
        loop {
            match row.checked_sub(Self::LIST).map(|list| self.lists[list as usize]) {
                None => ids.push(row),
                Some(List::Written { start, length }) => {
                    ids.extend_from_slice(&self.ids[start as usize..(start + length) as usize]);
                }
                Some(List::Both(first, second)) => {
                    later.push(second);
                    row = first;
                    continue;
                }
            }
            let Some(next) = later.pop() else { return };
            row = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_put_out_in_order_short_and_long() {
        let mut rows = Rows::default();
        let (mut row, mut want) = (Rows::one(0), vec![0]);
        for id in 1..50 {
            let pair = rows.both(Rows::one(id), Rows::one(id + 100));
            row = if id % 2 == 0 { rows.both(row, pair) } else { rows.both(pair, row) };
            let pair = [id, id + 100];
            want = if id % 2 == 0 { [&want[..], &pair].concat() } else { [&pair, &want[..]].concat() };
            let mut ids = vec![7];
            rows.push(row, &mut ids);
            assert_eq!(ids[1..], want);
        }
    }
}
