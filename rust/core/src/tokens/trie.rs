//! A trie over bytes: finds the tokens that a text begins with.
//!
//! Nodes are numbered level by level, so the children of a node are neighbours and need one number and a byte each.
//! It is built in time linear in the length of all keys, whatever they are.

use std::ops::Range;

/// The number of no node and of no value.
pub(super) const NONE: u32 = u32::MAX;

/// Up to this many children are looked through in order.
const FEW: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Trie {
    /// For each node its first child; that of the next node is where its children end.
    first_child: Vec<u32>,
    /// For each node the byte that leads to it.
    labels: Vec<u8>,
    values: Vec<u32>,
    /// The children by byte, for the first nodes: those are visited most and have most children.
    tables: Vec<[u32; 256]>,
}

impl Trie {
    pub(super) const ROOT: u32 = 0;

    /// A trie of keys, each once, with their values; the first `tables` nodes get a table of their children.
    pub(super) fn new<Key: AsRef<[u8]>>(mut keys: Vec<(Key, u32)>, tables: usize) -> Self {
        keys.sort_unstable_by(|one, other| one.0.as_ref().cmp(other.0.as_ref()));
        let mut trie =
            Self { first_child: Vec::new(), labels: vec![0], values: Vec::new(), tables: Vec::new() };
        let all = 0..keys.len();
        let mut level = vec![all];
        for depth in 0.. {
            level = level.into_iter().flat_map(|range| trie.add_node(&keys, range, depth)).collect();
            if level.is_empty() {
                break;
            }
        }
        trie.first_child.push(trie.labels.len() as u32);
        let wide = 0..tables.min(trie.values.len()) as u32;
        trie.tables = wide.map(|node| trie.table(node)).collect();
        trie
    }

    /// Adds the node whose `depth` bytes all keys of `range` begin with; returns the ranges of its children.
    fn add_node<Key: AsRef<[u8]>>(
        &mut self,
        keys: &[(Key, u32)],
        mut range: Range<usize>,
        depth: usize,
    ) -> Vec<Range<usize>> {
        let byte = |place: usize| keys[place].0.as_ref().get(depth).copied();
        self.first_child.push(self.labels.len() as u32);
        let ends_here = !range.is_empty() && byte(range.start).is_none();
        self.values.push(if ends_here { keys[range.start].1 } else { NONE });
        range.start += usize::from(ends_here);
        let mut children = Vec::new();
        while let Some(label) = (!range.is_empty()).then(|| byte(range.start)).flatten() {
            let end = (range.start..range.end).find(|&place| byte(place) != Some(label)).unwrap_or(range.end);
            self.labels.push(label);
            children.push(range.start..end);
            range.start = end;
        }
        children
    }

    fn table(&self, node: u32) -> [u32; 256] {
        let mut table = [NONE; 256];
        for (label, child) in self.children(node) {
            table[usize::from(label)] = child;
        }
        table
    }

    /// The children of a node, each with the byte that leads to it.
    pub(super) fn children(&self, node: u32) -> impl Iterator<Item = (u8, u32)> {
        let children = self.range_of_children(node);
        let first = children.start as u32;
        self.labels[children].iter().copied().zip(first..)
    }

    fn range_of_children(&self, node: u32) -> Range<usize> {
        self.first_child[node as usize] as usize..self.first_child[node as usize + 1] as usize
    }

    pub(super) fn child(&self, node: u32, label: u8) -> Option<u32> {
        if let Some(table) = self.tables.get(node as usize) {
            return Some(table[usize::from(label)]).filter(|&child| child != NONE);
        }
        let children = self.range_of_children(node);
        let (first, labels) = (children.start as u32, &self.labels[children]);
        let place = if labels.len() <= FEW {
            labels.iter().position(|&other| other == label)
        } else {
            labels.binary_search(&label).ok()
        };
        Some(first + place? as u32)
    }

    /// The value of the key that ends at a node.
    pub(super) fn value(&self, node: u32) -> Option<u32> {
        Some(self.values[node as usize]).filter(|&value| value != NONE)
    }

    /// The node that `labels` lead to from `node`.
    pub(super) fn walk(&self, node: u32, labels: &[u8]) -> Option<u32> {
        labels.iter().try_fold(node, |node, &label| self.child(node, label))
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &[u8]) -> Option<u32> {
        self.value(self.walk(Self::ROOT, key)?)
    }

    pub(super) fn number_of_nodes(&self) -> usize {
        self.values.len()
    }

    /// The keys that `text` begins with, by rising length, without the empty one: (length, value).
    pub(super) fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let path = text.iter().scan(Self::ROOT, |node, &label| {
            *node = self.child(*node, label)?;
            Some(*node)
        });
        path.enumerate().filter_map(|(place, node)| Some((place + 1, self.value(node)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn finds_what_the_text_begins_with(
            keys in proptest::collection::btree_map("[a-cé]{0,4}", 0_u32..100, 0..20),
            wide in proptest::collection::vec(any::<u8>(), 0..40),
            text in "[a-cé]{0,6}",
            tables in 0_usize..5,
        ) {
            let mut keys: BTreeMap<Vec<u8>, u32> = keys.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect();
            keys.extend(wide.iter().map(|&byte| (vec![b'a', byte], u32::from(byte))));
            let trie = Trie::new(keys.iter().map(|(key, &value)| (key, value)).collect(), tables);
            let want: Vec<(usize, u32)> = (1..=text.len())
                .filter_map(|length| Some((length, *keys.get(&text.as_bytes()[..length])?)))
                .collect();
            prop_assert_eq!(trie.prefixes(text.as_bytes()).collect::<Vec<_>>(), want);
            for (key, &value) in &keys {
                prop_assert_eq!(trie.get(key), Some(value));
            }
            prop_assert_eq!(trie.get(text.as_bytes()), keys.get(text.as_bytes()).copied());
            for byte in wide {
                prop_assert_eq!(trie.prefixes(&[b'a', byte]).last(), Some((2, keys[&vec![b'a', byte]])));
            }
        }
    }
}
