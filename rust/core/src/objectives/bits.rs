//! A set of small numbers, a bit for each.

/// Numbers below a bound. It is kept between rows, so that no row allocates.
#[derive(Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Makes it empty, with room for the numbers below `bound`.
    pub(super) fn clear(&mut self, bound: usize) {
        self.words.clear();
        self.words.resize(bound.div_ceil(64), 0);
    }

    /// Adds a number; false where it was there before.
    pub(super) fn insert(&mut self, number: usize) -> bool {
        let (word, bit) = (&mut self.words[number / 64], 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// The numbers, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        ones(self.words.iter().copied())
    }
}

/// Where the ones of a string of bits are, which comes in words of 64, the lowest bit first.
pub(super) fn ones(mut words: impl Iterator<Item = u64>) -> impl Iterator<Item = usize> {
    let (mut word, mut next) = (0_u64, 0);
    std::iter::from_fn(move || {
        while word == 0 {
            word = words.next()?;
            next += 64;
        }
        let bit = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(next - 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_once_and_in_order() {
        let mut bits = Bits::default();
        bits.clear(200);
        let new: Vec<bool> = [199, 0, 64, 63, 0, 128, 199].map(|number| bits.insert(number)).to_vec();
        assert_eq!(new, [true, true, true, true, false, true, false]);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 128, 199]);
        bits.clear(10);
        assert_eq!(bits.iter().count(), 0);
        bits.clear(0);
        assert_eq!(bits.iter().count(), 0);
    }
}
