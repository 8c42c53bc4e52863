//! Which tokens can stand next to each other.
//!
//! *A row of tokens, each of which is what its own text is merged to, is what the text of the row is merged to if and
//! only if each two neighbours are what the text of these two is merged to* (Berglund, van der Merwe: *Formalizing BPE
//! Tokenization*, 2023; van Antwerpen, Neubeck: *So many tokens, so little time*, 2024). For as long as no merge crosses
//! an edge between tokens, each is merged as it is alone, whatever stands beside it; and the first merge that crosses an
//! edge joins symbols of the two tokens there, which would be joined as well if these two were alone.
//!
//! Whether two tokens can be neighbours is seen from their last merges, if every merge comes after those that made what
//! it joins. Then merges come in the order of rank, and of place within a rank. So the last symbol of the one token and
//! the first of the other are known at every rank, without merging anything: going back in time, the later of the two
//! falls apart each time. They are joined if they have a merge that comes before either of them is joined with what is
//! on its own side. Merges of one rank join the same two symbols, from left to right: the one within the left token comes
//! before the one that crosses, and that comes before the one within the right token.

use super::merge::Merges;
use super::pairs::Merge;

/// Ids may be so far apart, however few they are.
const FEW: usize = 1024;

/// How a token comes to be.
#[derive(Debug, Clone, Copy)]
struct Origin {
    left: u32,
    right: u32,
    /// One more than the rank of the merge of the two; 0 for a symbol that words begin as.
    order: u32,
}

/// A token that no text is ever merged to.
const NEVER: Origin = Origin { left: 0, right: 0, order: u32::MAX };

/// The merges from which tokens come to be, if every one comes after those that made what it joins.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    origins: Vec<Origin>,
}

impl Origins {
    /// None where a merge may come before those that made what it joins, so that merges are not in the order of rank;
    /// or where ids are too far apart for a table.
    ///
    /// A token comes to be by one merge at most, though several may be given that lead to it: what is merged within its
    /// bounds does not depend on what is around it.
    pub(super) fn new(merges: &Merges, symbols: &[u32]) -> Option<Self> {
        let in_order = merges.by_rank()?;
        let highest = in_order.iter().map(|merge| merge.id).chain(symbols.iter().copied()).max()?;
        if highest as usize > 8 * (in_order.len() + symbols.len()) + FEW {
            return None;
        }
        let mut origins = Self { origins: vec![NEVER; highest as usize + 1] };
        for &symbol in symbols {
            origins.origins[symbol as usize] = Origin { left: symbol, right: symbol, order: 0 };
        }
        let mut waiting: Vec<Merge> = Vec::new();
        for merge in in_order {
            if !origins.comes_to_be(merge.left) || !origins.comes_to_be(merge.right) {
                waiting.push(merge);
            } else if origins.compatible_before(merges, merge.left, merge.right, merge.rank) {
                let origin = &mut origins.origins[merge.id as usize];
                if origin.order != NEVER.order {
                    return None;
                }
                *origin = Origin { left: merge.left, right: merge.right, order: merge.rank + 1 };
            }
        }
        let comes_late = |merge: &Merge| origins.comes_to_be(merge.left) && origins.comes_to_be(merge.right);
        (!waiting.iter().any(comes_late)).then_some(origins)
    }

    /// Whether there is a text that is merged to this token: its own is.
    pub(super) fn comes_to_be(&self, token: u32) -> bool {
        self.origins.get(token as usize).is_some_and(|origin| origin.order != NEVER.order)
    }

    /// How many tokens come to be.
    pub(super) fn count(&self) -> usize {
        self.origins.iter().filter(|origin| origin.order != NEVER.order).count()
    }

    /// Whether no merge of a rank below `limit` crosses the edge between two tokens.
    fn compatible_before(&self, merges: &Merges, one: u32, other: u32, limit: u32) -> bool {
        let (mut last, mut first, mut limit) = (one, other, limit);
        loop {
            if merges.get(last, first).is_some_and(|merge| merge.rank < limit) {
                return false;
            }
            let (left, right) = (self.origins[last as usize], self.origins[first as usize]);
            if left.order > right.order {
                (limit, last) = (left.order - 1, left.right);
            } else if right.order > 0 {
                (limit, first) = (right.order, right.left);
            } else {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::models::bpe::merge::tests::{by_definition, merges_of};
    use proptest::prelude::*;

    #[test]
    fn runs_of_one_letter_are_joined_from_the_left() {
        // 0 0 becomes 1, 1 0 becomes 2, 0 1 becomes 3, and 1 1 becomes 4.
        let mut merges = Merges::default();
        for (rank, pair) in (0..).zip([(0, 0), (1, 0), (0, 1), (1, 1)]) {
            merges.insert(pair, rank, rank + 1);
        }
        let origins = Origins::new(&merges, &[0]).unwrap();
        // Three are 1 0, so 2: nothing is merged to 3.
        assert_eq!([0, 1, 2, 3, 4].map(|token| origins.comes_to_be(token)), [true, true, true, false, true]);
        let compatible = |one, other| origins.compatible_before(&merges, one, other, u32::MAX);
        for (one, other, want) in [
            (4, 1, true),
            (4, 2, true),
            (4, 4, true),
            (4, 0, false),
            (0, 0, false),
            (0, 1, false),
            (1, 1, false),
            (2, 0, false),
        ] {
            assert_eq!(compatible(one, other), want, "{one} {other}");
        }
    }

    #[test]
    fn merges_out_of_order_are_refused() {
        let merges = |pairs: &[((u32, u32), u32)]| {
            let mut merges = Merges::default();
            for (rank, &(pair, id)) in (0..).zip(pairs) {
                merges.insert(pair, rank, id);
            }
            merges
        };
        let is_known = |pairs: &[((u32, u32), u32)]| Origins::new(&merges(pairs), &[0, 1, 2]).is_some();
        assert!(is_known(&[((0, 1), 3), ((3, 2), 4)]));
        assert!(!is_known(&[((3, 2), 4), ((0, 1), 3)]), "the part of a merge comes after it");
        assert!(is_known(&[((3, 2), 4)]), "the part of a merge never comes");
        assert!(
            is_known(&[((0, 1), 3), ((1, 2), 4), ((0, 4), 5), ((3, 2), 5)]),
            "two ways, of which one is taken"
        );
        assert!(!is_known(&[((0, 1), 1)]), "a merge that adds nothing");
        assert!(!is_known(&[((0, 1), 9_999)]), "ids too far apart");
    }

    proptest! {
        #[test]
        fn two_tokens_are_compatible_if_they_stay(
            pairs in proptest::collection::vec((0_usize..40, 0_usize..40), 0..60),
            letters in 1_u32..4,
            shuffle in prop_oneof![4 => Just(1_u32), 1 => 1_u32..1009],
        ) {
            let (merges, texts) = merges_of(&pairs, shuffle);
            let symbols: Vec<u32> = (0..letters).collect();
            let Some(origins) = Origins::new(&merges, &symbols) else { return Ok(()) };
            let stays = |tokens: &[u32]| {
                let text = tokens.iter().flat_map(|&token| texts[token as usize].iter().copied()).collect::<Vec<_>>();
                by_definition(&merges, &text).iter().map(|&(id, _)| id).eq(tokens.iter().copied())
            };
            let spelled = |&token: &u32| texts[token as usize].iter().all(|&letter| letter < letters);
            let tokens: Vec<u32> = (0..texts.len() as u32).filter(spelled).collect();
            for &token in &tokens {
                prop_assert_eq!(origins.comes_to_be(token), stays(&[token]), "{}", token);
            }
            let known: Vec<u32> = tokens.into_iter().filter(|&token| origins.comes_to_be(token)).collect();
            for &one in &known {
                for &other in &known {
                    prop_assert_eq!(origins.compatible_before(&merges, one, other, u32::MAX), stays(&[one, other]), "{} {}", one, other);
                }
            }
        }
    }
}
