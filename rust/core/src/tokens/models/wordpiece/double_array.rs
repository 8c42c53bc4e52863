//! A trie in which a step costs one look at memory: a double array (Aoe 1989), with exclusive or for its addition.
//!
//! The child of a node under a label stands at `base ^ label`, if what stands there says that the node is its parent.
//! So all children of a node lie in one block of 256 places. Only the last few blocks are searched for room, which
//! makes building linear and leaves few places empty.

use std::collections::VecDeque;

use crate::memory::Row;
use crate::tokens::trie::{NONE, Trie};

/// Labels are bytes, so children are spread over so many places.
const BLOCK: usize = 256;

/// How many blocks are searched for room.
const OPEN_BLOCKS: usize = 16;

/// A place: a node, or none.
#[derive(Debug, Clone, Copy)]
#[repr(align(8))]
struct Place {
    base: u32,
    /// The place of its parent; [`NONE`] where no node stands.
    parent: u32,
}

impl Place {
    const EMPTY: Self = Self { base: 0, parent: NONE };
}

#[derive(Debug, Clone)]
pub(super) struct DoubleArray {
    places: Row<Place>,
}

impl DoubleArray {
    /// The same trie, and for each of its nodes the place.
    pub(super) fn of(trie: &Trie) -> (Self, Vec<u32>) {
        let mut building = Building::new();
        let mut place_of = vec![0; trie.number_of_nodes()];
        // Depth first, so that the nodes of a word stand near each other.
        let mut nodes = vec![Trie::ROOT];
        let mut children: Vec<(u8, u32)> = Vec::new();
        while let Some(node) = nodes.pop() {
            children.clear();
            children.extend(trie.children(node));
            let base = building.add_children(place_of[node as usize], &children);
            for &(label, child) in &children {
                place_of[child as usize] = base ^ u32::from(label);
            }
            nodes.extend(children.iter().rev().map(|&(_, child)| child));
        }
        (Self { places: Row::from(&building.places[..]) }, place_of)
    }

    #[inline]
    pub(super) fn child(&self, node: u32, label: u8) -> Option<u32> {
        let child = self.places[node as usize].base ^ u32::from(label);
        (self.places[child as usize].parent == node).then_some(child)
    }

    /// The number of places.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

struct Building {
    places: Vec<Place>,
    /// The last blocks.
    open: VecDeque<OpenBlock>,
}

/// A block that is searched for room.
struct OpenBlock {
    first: u32,
    /// The free places, and some that were taken since they were counted.
    free: Vec<u32>,
    taken: usize,
}

impl Building {
    fn new() -> Self {
        let mut building = Self { places: Vec::new(), open: VecDeque::new() };
        building.add_block();
        // The root has no parent, but nothing else may stand there.
        building.open[0].free.retain(|&place| place != Trie::ROOT);
        building
    }

    fn add_block(&mut self) {
        let first = self.places.len() as u32;
        self.places.resize(self.places.len() + BLOCK, Place::EMPTY);
        self.open.push_back(OpenBlock { first, free: (first..first + BLOCK as u32).collect(), taken: 0 });
        if self.open.len() > OPEN_BLOCKS {
            self.open.pop_front();
        }
    }

    /// Finds room for children and puts them there; returns their base.
    fn add_children(&mut self, parent: u32, children: &[(u8, u32)]) -> u32 {
        let Some(&(first, _)) = children.first() else { return 0 };
        let base = self.base_for(first, children).unwrap_or_else(|| {
            self.add_block();
            (self.places.len() - BLOCK) as u32
        });
        self.places[parent as usize].base = base;
        for &(label, _) in children {
            self.places[(base ^ u32::from(label)) as usize].parent = parent;
        }
        let first_of_block = base - base % BLOCK as u32;
        if let Some(block) = self.open.iter_mut().find(|block| block.first == first_of_block) {
            block.taken += children.len();
            if block.taken * 2 > block.free.len() {
                block.free.retain(|&place| self.places[place as usize].parent == NONE);
                block.taken = 0;
            }
        }
        base
    }

    fn base_for(&self, first: u8, children: &[(u8, u32)]) -> Option<u32> {
        let fits = |base: &u32| {
            children.iter().all(|&(label, _)| {
                let place = base ^ u32::from(label);
                place != Trie::ROOT && self.places[place as usize].parent == NONE
            })
        };
        let free = self.open.iter().flat_map(|block| &block.free);
        free.map(|&place| place ^ u32::from(first)).find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_same_trie(keys in proptest::collection::btree_set(
            proptest::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..6), 0..200,
        )) {
            let keys = keys.into_iter().zip(0_u32..).collect::<Vec<_>>();
            let trie = Trie::new(keys, 1);
            let (array, place_of) = DoubleArray::of(&trie);
            for node in 0..trie.number_of_nodes() as u32 {
                for label in 0..=u8::MAX {
                    prop_assert_eq!(
                        array.child(place_of[node as usize], label),
                        trie.child(node, label).map(|child| place_of[child as usize])
                    );
                }
            }
        }
    }
}
