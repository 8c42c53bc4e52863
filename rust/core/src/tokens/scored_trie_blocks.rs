//! Where the children of the nodes of a double array stand: in blocks, of which the last few are searched for room.

/// Bases have so many bits.
const BASE_BITS: u32 = 24;

/// Units that share all but the lowest eight bits of their places: the children of a node lie in one block.
pub(super) const BLOCK: usize = 256;

/// Which units and bases are free.
#[derive(Default)]
pub(super) struct Blocks {
    /// Those that have room, the newest last.
    open: Vec<Block>,
    /// How many there are besides the empty one.
    count: u32,
}

#[derive(Clone)]
struct Block {
    number: u32,
    free_units: Bits,
    free_bases: Bits,
    failures: u32,
}

/// More blocks are not searched, and one that failed so often is given up: else building would not be linear.
const BLOCKS_SEARCHED: usize = 16;
const FAILURES: u32 = 64;

impl Blocks {
    /// A base from which all `labels` lead to free units, which are taken.
    pub(super) fn base_for(&mut self, labels: &[u8]) -> Option<u32> {
        for (place, block) in self.open.iter_mut().enumerate().rev() {
            if let Some(base) = block.base_for(labels) {
                let base = block.number * BLOCK as u32 + u32::from(base);
                if block.free_units.is_empty() {
                    self.open.remove(place);
                }
                return Some(base);
            }
            block.failures += 1;
        }
        self.open.retain(|block| block.failures < FAILURES);
        if self.open.len() == BLOCKS_SEARCHED {
            self.open.remove(0);
        }
        self.count += 1;
        if (self.count + 1) * BLOCK as u32 > 1 << BASE_BITS {
            return None;
        }
        let all = Bits([u64::MAX; 4]);
        let mut block = Block { number: self.count, free_units: all, free_bases: all, failures: 0 };
        let base = block.base_for(labels)?;
        self.open.push(block);
        Some(self.count * BLOCK as u32 + u32::from(base))
    }
}

impl Block {
    fn base_for(&mut self, labels: &[u8]) -> Option<u8> {
        let (&first, rest) = labels.split_first()?;
        let base = self.free_units.iter().map(|unit| unit ^ first).find(|base| {
            self.free_bases.contains(*base) && rest.iter().all(|label| self.free_units.contains(base ^ label))
        })?;
        self.free_bases.remove(base);
        for label in labels {
            self.free_units.remove(base ^ label);
        }
        Some(base)
    }
}

/// A set of bytes.
#[derive(Clone, Copy)]
struct Bits([u64; 4]);

impl Bits {
    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] &= !(1 << (byte & 63));
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    fn iter(self) -> impl Iterator<Item = u8> {
        (0..4_u8).flat_map(move |word| {
            let mut bits = self.0[usize::from(word)];
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as u8)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }
}
