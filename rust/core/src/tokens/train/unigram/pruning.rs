//! Which pieces are worth keeping.
//!
//! A piece is worth what the likelihood of the text falls by when the next best way to spell it takes its place
//! (Kudo, *Subword Regularization*, ACL 2018, section 3.3). The fall is estimated as `SentencePiece` does it: each time
//! that the piece is on the best way through the text, its parts are instead.

use super::best_way::BestWay;
use super::lattice::Lattice;
use super::model::Model;
use super::passes::over_segments;
use crate::{Result, threads};

/// Pieces are handed to threads in runs of this many.
const PIECES_A_RUN: usize = 1 << 12;

/// Says which pieces to keep: at most `number`, single characters that occur before all others.
pub(super) fn most_useful(
    lattice: &Lattice,
    model: &Model,
    number: usize,
    num_threads: usize,
) -> Result<Vec<bool>> {
    let counts = best_counts(lattice, model, num_threads)?;
    let sum: u64 = counts.iter().sum();
    // What is lost without a piece; None if that is nothing.
    let losses = for_each_piece(model, num_threads, |way, piece| {
        if counts[piece] == 0 {
            return None;
        }
        let length = model.length(piece);
        if length == 1 {
            return Some(f64::INFINITY);
        }
        let other = way.find(lattice, model, model.place(piece), length, true);
        (other <= model.score(piece)).then(|| loss(&counts, sum, piece, way))
    })?;
    let mut order: Vec<(f64, usize)> =
        losses.iter().enumerate().filter_map(|(piece, loss)| Some(((*loss)?, piece))).collect();
    order.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut kept = vec![false; model.len()];
    order.iter().take(number).for_each(|&(_, piece)| kept[piece] = true);
    Ok(kept)
}

/// Says which pieces would ever be chosen: those that are no less probable than their parts.
pub(super) fn reachable(lattice: &Lattice, model: &Model, num_threads: usize) -> Result<Vec<bool>> {
    for_each_piece(model, num_threads, |way, piece| {
        let length = model.length(piece);
        length == 1 || way.find(lattice, model, model.place(piece), length, true) <= model.score(piece)
    })
}

/// How often each piece is on the best way.
fn best_counts(lattice: &Lattice, model: &Model, num_threads: usize) -> Result<Vec<u64>> {
    let start = || (vec![0_u64; model.len()], BestWay::default());
    let parts = over_segments(lattice, num_threads, start, |(counts, way), segment| {
        let (start, length) = lattice.segments.place(segment);
        way.find(lattice, model, start, length, false);
        way.pieces().for_each(|piece| counts[piece] += lattice.segments.counts[segment]);
    })?;
    let mut sums = vec![0; model.len()];
    for (counts, _) in &parts {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    Ok(sums)
}

fn loss(counts: &[u64], sum: u64, piece: usize, parts: &BestWay) -> f64 {
    let (count, sum) = (counts[piece] as f64, sum as f64);
    let with = count.ln() - sum.ln();
    let number = parts.pieces().count() as f64;
    let without: f64 = parts.pieces().map(|part| (counts[part] as f64 + count).ln()).sum();
    count / sum * (with - (without - number * (sum + count * (number - 1.0)).ln()))
}

/// Calls `judge` with every piece that has not been dropped. What it gives for the others is its default.
fn for_each_piece<Judged: Clone + Default + Send>(
    model: &Model,
    num_threads: usize,
    judge: impl Fn(&mut BestWay, usize) -> Judged + Sync,
) -> Result<Vec<Judged>> {
    let mut judged = vec![Judged::default(); model.len()];
    let runs = judged.chunks_mut(PIECES_A_RUN).zip((0..).step_by(PIECES_A_RUN)).collect();
    threads::for_each(num_threads, runs, BestWay::default, |way, (run, first): (&mut [Judged], usize)| {
        for (judged, piece) in run.iter_mut().zip(first..).filter(|(_, piece)| model.alive()[*piece]) {
            *judged = judge(way, piece);
        }
        Ok(())
    })?;
    Ok(judged)
}
