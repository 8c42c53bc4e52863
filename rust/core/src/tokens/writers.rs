//! What threads write, and how it becomes one.

use std::ops::Range;

use super::batch::BorrowedWorkspace;
use super::pipeline::Workspace;
use crate::Result;
use crate::memory::reserve_large_pages;
use crate::rows::Ragged;
use crate::threads::{self, WORTH_A_THREAD};

/// A thread's workspace, and the rows of its tasks one after the other.
///
/// The rows stay in memory that was written before, as far as there is some: half of what a second thread costs is to
/// touch memory for the first time.
pub(super) struct Writer<'a> {
    workspace: BorrowedWorkspace<'a>,
    rows: Ragged,
    written: Vec<Written>,
}

/// Where in a writer the ids of a task are, and the ends of the rows that ended in it.
struct Written {
    task: usize,
    ids: Range<usize>,
    ends: Range<usize>,
}

/// Room for more ids is given back after a call.
const KEPT: usize = 1 << 21;

impl<'a> Writer<'a> {
    /// With room for so many ids.
    pub(super) fn new(mut workspace: BorrowedWorkspace<'a>, room: usize) -> Self {
        let mut rows = std::mem::take(&mut workspace.own.rows);
        reserve_large_pages(&mut rows.ids, room);
        Self { workspace, rows, written: Vec::new() }
    }

    /// Appends the rows of a task.
    pub(super) fn write(
        &mut self,
        task: usize,
        append: impl FnOnce(&mut Workspace, &mut Ragged) -> Result<()>,
    ) -> Result<()> {
        let (ids, ends) = (self.rows.ids.len(), self.rows.offsets.len());
        append(&mut self.workspace.own, &mut self.rows)?;
        let (ids, ends) = (ids..self.rows.ids.len(), ends..self.rows.offsets.len());
        self.written.push(Written { task, ids, ends });
        Ok(())
    }

    fn give_back(mut self) {
        if self.rows.ids.capacity() <= KEPT {
            self.rows.ids.clear();
            self.rows.offsets.truncate(1);
            self.workspace.own.rows = self.rows;
        }
    }
}

/// All rows in one, in the order of the tasks, copied by all threads: what costs is that the memory is new.
///
/// What only one thread wrote stays where it is, if that would be given back anyway.
pub(super) fn joined(mut writers: Vec<Writer<'_>>, num_threads: usize) -> Result<Ragged> {
    if let [only] = writers.as_mut_slice()
        && only.rows.ids.capacity() > KEPT
    {
        return Ok(std::mem::take(&mut only.rows));
    }
    let written =
        writers.iter().flat_map(|writer| writer.written.iter().map(|written| (written, &writer.rows)));
    let mut written: Vec<(&Written, &Ragged)> = written.collect();
    written.sort_unstable_by_key(|(written, _)| written.task);
    let mut rows = Ragged::new();
    rows.offsets.reserve_exact(written.iter().map(|(written, _)| written.ends.len()).sum());
    let mut base = 0;
    for (written, from) in &written {
        let ends = &from.offsets[written.ends.clone()];
        rows.offsets.extend(ends.iter().map(|end| base + end - written.ids.start as i64));
        base += written.ids.len() as i64;
    }
    let parts = written.iter().map(|(written, from)| &from.ids[written.ids.clone()]).collect();
    rows.ids = concatenated(parts, num_threads)?;
    writers.into_iter().for_each(Writer::give_back);
    Ok(rows)
}

#[expect(unsafe_code, reason = "to write zeros first would take as long as all the copying")]
fn concatenated(parts: Vec<&[u32]>, num_threads: usize) -> Result<Vec<u32>> {
    let count = parts.iter().map(|part| part.len()).sum();
    let mut ids = Vec::new();
    reserve_large_pages(&mut ids, count);
    let mut rest = &mut ids.spare_capacity_mut()[..count];
    let mut tasks = Vec::with_capacity(parts.len());
    for part in parts {
        let (own, others) = rest.split_at_mut(part.len());
        tasks.push((own, part));
        rest = others;
    }
    let num_threads = if count * size_of::<u32>() < 16 * WORTH_A_THREAD { 1 } else { num_threads };
    threads::for_each(
        num_threads,
        tasks,
        || (),
        |(), (own, part)| {
            own.iter_mut().zip(part).for_each(|(place, &id)| {
                place.write(id);
            });
            Ok(())
        },
    )?;
    // SAFETY: the parts have `count` ids in all, and each wrote its own stretch whole; an error of a thread has returned.
    unsafe { ids.set_len(count) };
    Ok(ids)
}
