//! What is too long for the table: the ids of words with many, and long words themselves.
//!
//! Two halves are filled in turn. When one is full the other is emptied, and what the table says of it is void, which it
//! tells by the number of the filling. So half of all that was seen stays known.

use super::table::Elsewhere;

#[derive(Debug, Clone)]
pub(super) struct Store {
    halves: [Half; 2],
    /// How often a half was begun: the last bit says which.
    filling: u32,
    /// How much a half holds.
    most_ids: usize,
    most_bytes: usize,
}

#[derive(Debug, Clone, Default)]
struct Half {
    ids: Vec<u32>,
    /// Long words themselves: their keys are fingerprints, and a fingerprint proves nothing.
    words: Vec<u8>,
}

impl Store {
    /// An empty store for up to so many bytes of ids, and as many of words.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            halves: [Half::default(), Half::default()],
            filling: 0,
            most_ids: bytes / 2 / size_of::<u32>(),
            most_bytes: bytes / 2,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.halves.iter().map(|half| half.ids.capacity() * size_of::<u32>() + half.words.capacity()).sum()
    }

    /// Forgets all and gives the memory back.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most_bytes * 2);
    }

    /// Keeps a word, which may be left out, and its ids, if they are not too many for a half.
    pub(super) fn keep(&mut self, word: &[u8], ids: &[u32]) -> Option<Elsewhere> {
        if ids.len() > self.most_ids || word.len() > self.most_bytes {
            return None;
        }
        let half = self.half();
        if half.ids.len() + ids.len() > self.most_ids || half.words.len() + word.len() > self.most_bytes {
            self.filling = self.filling.wrapping_add(1);
            let half = &mut self.halves[self.filling as usize % 2];
            half.ids.clear();
            half.words.clear();
        }
        let filling = self.filling;
        let half = &mut self.halves[filling as usize % 2];
        let place =
            Elsewhere { from: half.ids.len(), word_from: half.words.len(), filling, count: ids.len() };
        half.ids.extend_from_slice(ids);
        half.words.extend_from_slice(word);
        Some(place)
    }

    fn half(&self) -> &Half {
        &self.halves[self.filling as usize % 2]
    }

    /// The ids from a place on, of which the first belong to it, and the words from there on; None where it is void.
    #[inline]
    pub(super) fn at(&self, place: Elsewhere) -> Option<(&[u32], &[u8])> {
        let half = &self.halves[place.filling as usize % 2];
        let is_void = self.filling.wrapping_sub(place.filling) > 1;
        if is_void { None } else { half.ids.get(place.from..).zip(half.words.get(place.word_from..)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_it_is_forgotten_at_a_time() {
        let mut store = Store::new(80);
        let places: Vec<Elsewhere> =
            (0..10).map(|number| store.keep(&[number; 5], &[number.into(); 5]).unwrap()).collect();
        let known = places.iter().map(|&place| store.at(place).is_some()).collect::<Vec<_>>();
        // Two words fill a half.
        assert_eq!(known.iter().position(|&known| known), Some(6));
        for (number, &place) in (0_u8..).zip(&places).skip(6) {
            let (ids, words) = store.at(place).unwrap();
            assert_eq!((&ids[..5], &words[..5]), (&[number.into(); 5][..], &[number; 5][..]));
        }
        assert!(store.keep(&[], &[1; 11]).is_none() && store.keep(&[0; 41], &[]).is_none());
        assert!(store.bytes() <= 160);
        store.clear();
        assert_eq!(store.bytes(), 0);
    }
}
