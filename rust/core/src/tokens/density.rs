//! How much room ids need.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many ids texts had of late. It says how much room to make, and no id depends on it.
///
/// Room for what any text may need is mostly never written. But large stretches of memory are new in each call, where
/// smaller ones are what the call before gave back.
#[derive(Debug, Default)]
pub(super) struct Density(AtomicUsize);

/// So many bytes have as many ids as a density says.
const UNIT: usize = 1 << 10;

/// Batches of fewer bytes say little.
const TELLING: usize = 1 << 16;

/// For so many ids more than one for two bytes there is room at once.
const SPARE_ROOM: usize = 32 << 20;

impl Density {
    /// For how many ids to make room, where texts have about so many bytes.
    pub(super) fn room(&self, bytes: usize) -> usize {
        // As much as any text needs that is not very long: to move ids costs more than such room.
        let most = bytes.min(bytes / 2 + SPARE_ROOM);
        match self.0.load(Relaxed) {
            0 => most,
            density => most.min((bytes / UNIT + 1).saturating_mul(density + density / 4 + 1)),
        }
    }

    /// Notes how many ids some texts had. What was seen before is forgotten slowly.
    pub(super) fn note(&self, bytes: usize, ids: usize) {
        if bytes >= TELLING {
            let old = self.0.load(Relaxed);
            self.0.store((ids / (bytes / UNIT)).max(old - old / 8), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_follows_what_was_seen() {
        let density = Density::default();
        let (small, large) = (4 << 20, 1 << 30);
        assert_eq!((density.room(small), density.room(large)), (small, (1 << 29) + SPARE_ROOM));
        density.note(small, small / 4);
        assert!((small / 4..small / 3).contains(&density.room(small)));
        assert!((large / 4..large / 3).contains(&density.room(large)));
        // A batch of another kind has its room at once; the first kind has its own again after a while.
        density.note(small, small / 2);
        assert!((small / 2..small).contains(&density.room(small)));
        for _ in 0..20 {
            density.note(small, small / 4);
        }
        assert!((small / 4..small / 3).contains(&density.room(small)));
        density.note(TELLING - 1, 0);
        assert!(density.room(small) > small / 4);
        density.note(small, 0);
        assert!(density.room(100) <= 100);
    }
}
