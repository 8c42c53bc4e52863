//! A pass over the text on all threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lattice::Lattice;
use crate::{Result, threads};

/// Segments are handed to threads in runs of about this many edges.
const EDGES_A_RUN: usize = 1 << 16;

/// Calls `work` with runs of segments on as many threads as are worth it, and returns what each thread has gathered
/// in a value that `start` made. Which thread gets which run is a matter of chance: what is gathered must not
/// depend on it.
pub(super) fn over_segments<Gathered: Send>(
    lattice: &Lattice,
    num_threads: usize,
    start: impl Fn() -> Gathered,
    work: impl Fn(&mut Gathered, usize) + Sync,
) -> Result<Vec<Gathered>> {
    let runs = runs(lattice);
    let number = num_threads.clamp(1, runs.len().max(1));
    let mut gathered: Vec<Gathered> = (0..number).map(|_| start()).collect();
    let next = AtomicUsize::new(0);
    threads::for_each(
        num_threads,
        gathered.iter_mut().collect(),
        || (),
        |(), gathered| {
            while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                run.clone().for_each(|segment| work(gathered, segment));
            }
            Ok(())
        },
    )?;
    Ok(gathered)
}

fn runs(lattice: &Lattice) -> Vec<Range<usize>> {
    let number = lattice.segments.counts.len();
    let (mut runs, mut first) = (Vec::new(), 0);
    for segment in 0..number {
        if lattice.before(segment + 1) - lattice.before(first) >= EDGES_A_RUN || segment + 1 == number {
            runs.push(first..segment + 1);
            first = segment + 1;
        }
    }
    runs
}
