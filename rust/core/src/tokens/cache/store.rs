//! What is too long for the table: the ids of words with many, and long words themselves.
//!
//! Two halves are filled in turn. When one is full the other is emptied, and what the table says of it is void, which it
//! tells by the number of the filling. So half of all that was seen stays known.

use super::table::Elsewhere;

#[derive(Debug, Clone)]
pub(super) struct Store {
    /// The ids of a word, and after them the word itself where it is long: its key is a fingerprint, and a fingerprint
    /// proves nothing.
    halves: [Vec<u32>; 2],
    /// How often a half was begun: the last bit says which.
    filling: u32,
    /// How much a half holds.
    most: usize,
}

/// As many bytes of a word stand in a number.
const UNIT: usize = size_of::<u32>();

impl Store {
    /// An empty store of up to so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { halves: [Vec::new(), Vec::new()], filling: 0, most: bytes / 2 / UNIT }
    }

    pub(super) fn bytes(&self) -> usize {
        self.halves.iter().map(|half| half.capacity() * UNIT).sum()
    }

    /// Forgets all and gives the memory back.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most * 2 * UNIT);
    }

    /// Keeps a word, which may be left out, and its ids, if they are not too many for a half.
    pub(super) fn keep(&mut self, word: &[u8], ids: &[u32]) -> Option<Elsewhere> {
        let more = ids.len() + word.len().div_ceil(UNIT);
        if more > self.most {
            return None;
        }
        if self.half().len() + more > self.most {
            self.filling = self.filling.wrapping_add(1);
            self.halves[self.filling as usize % 2].clear();
        }
        let filling = self.filling;
        let half = &mut self.halves[filling as usize % 2];
        let place = Elsewhere { from: half.len(), filling, count: ids.len() };
        half.extend_from_slice(ids);
        let (numbers, rest) = word.as_chunks::<UNIT>();
        half.extend(numbers.iter().map(|&number| u32::from_ne_bytes(number)));
        if !rest.is_empty() {
            let mut number = [0; UNIT];
            number[..rest.len()].copy_from_slice(rest);
            half.push(u32::from_ne_bytes(number));
        }
        Some(place)
    }

    fn half(&self) -> &[u32] {
        &self.halves[self.filling as usize % 2]
    }

    /// The ids from a place on, of which the first belong to it; None where it is void.
    #[inline]
    pub(super) fn at(&self, place: Elsewhere) -> Option<&[u32]> {
        let half = &self.halves[place.filling as usize % 2];
        let is_void = self.filling.wrapping_sub(place.filling) > 1;
        if is_void { None } else { half.get(place.from..) }
    }
}

/// The bytes of the words that stand there: the first begin with the word whose ids stood before.
#[inline]
#[expect(unsafe_code, reason = "there is no safe way to look at numbers as bytes")]
pub(super) fn words(numbers: &[u32]) -> &[u8] {
    // SAFETY: every number is UNIT bytes, which may stand anywhere and be anything.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_it_is_forgotten_at_a_time() {
        let mut store = Store::new(112);
        let places: Vec<Elsewhere> =
            (0..10).map(|number| store.keep(&[number; 5], &[number.into(); 5]).unwrap()).collect();
        let known = places.iter().map(|&place| store.at(place).is_some()).collect::<Vec<_>>();
        // Two words fill a half.
        assert_eq!(known.iter().position(|&known| known), Some(6));
        for (number, &place) in (0_u8..).zip(&places).skip(6) {
            let ids = store.at(place).unwrap();
            assert_eq!((&ids[..5], &words(&ids[5..])[..5]), (&[number.into(); 5][..], &[number; 5][..]));
        }
        assert!(store.keep(&[], &[1; 15]).is_none() && store.keep(&[0; 57], &[]).is_none());
        assert!(store.bytes() <= 224);
        store.clear();
        assert_eq!(store.bytes(), 0);
    }
}
