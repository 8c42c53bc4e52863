//! What threads write, brought to one place in the order of the tasks, while they work.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::batch::BorrowedWorkspace;
use super::pipeline::Workspace;
use crate::memory::reserve_large_pages;
use crate::rows::Ragged;
use crate::{Error, Result};

/// Room for the ids of all tasks, which is given out in their order.
///
/// A task knows where its ids go once all tasks before it are finished, which is soon: tasks are begun in their order. So
/// its thread copies them from where they were just written, which its cache still has, and writes the next ones there.
pub(super) struct Sequence<'a>(Mutex<Places<'a>>);

struct Places<'a> {
    room: &'a mut [MaybeUninit<u32>],
    given: usize,
    /// The first task that has no place.
    next: usize,
    /// How many ids tasks have that were finished before one that was begun earlier.
    finished: BTreeMap<usize, usize>,
    /// Places that are still to be written.
    waiting: BTreeMap<usize, Place<'a>>,
}

struct Place<'a> {
    start: usize,
    room: &'a mut [MaybeUninit<u32>],
}

impl<'a> Sequence<'a> {
    pub(super) fn new(room: &'a mut [MaybeUninit<u32>]) -> Self {
        let (finished, waiting) = (BTreeMap::new(), BTreeMap::new());
        Self(Mutex::new(Places { room, given: 0, next: 0, finished, waiting }))
    }

    fn lock(&self) -> MutexGuard<'_, Places<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how many ids a task has. Where there is no room any more, no later task has a place.
    fn finish(&self, task: usize, count: usize) {
        let mut places = self.lock();
        places.finished.insert(task, count);
        while let Some(&count) = places.finished.get(&places.next)
            && count <= places.room.len()
        {
            let (room, rest) = std::mem::take(&mut places.room).split_at_mut(count);
            let (task, start) = (places.next, places.given);
            places.finished.remove(&task);
            places.waiting.insert(task, Place { start, room });
            (places.room, places.next, places.given) = (rest, task + 1, start + count);
        }
    }

    fn take_place(&self, task: usize) -> Option<Place<'a>> {
        self.lock().waiting.remove(&task)
    }
}

/// A thread's workspace, and the rows of those of its tasks that have no place yet.
pub(super) struct Writer<'a> {
    workspace: BorrowedWorkspace<'a>,
    rows: Ragged,
    waiting: Vec<Written>,
    copied: Vec<Written>,
}

/// Where in a writer the ids of a task are, and the ends of the rows that ended in it; where in the sequence they are.
struct Written {
    task: usize,
    ids: Range<usize>,
    ends: Range<usize>,
    start: usize,
}

/// Room for more ids is given back after a call.
const KEPT: usize = 1 << 21;

impl<'a> Writer<'a> {
    pub(super) fn new(mut workspace: BorrowedWorkspace<'a>) -> Self {
        let rows = std::mem::take(&mut workspace.own.rows);
        Self { workspace, rows, waiting: Vec::new(), copied: Vec::new() }
    }

    /// Writes the rows of a task, and copies what has a place by now.
    pub(super) fn write(
        &mut self,
        task: usize,
        sequence: &Sequence<'_>,
        append: impl FnOnce(&mut Workspace, &mut Ragged) -> Result<()>,
    ) -> Result<()> {
        let (ids, ends) = (self.rows.ids.len(), self.rows.offsets.len());
        append(&mut self.workspace.own, &mut self.rows)?;
        let (ids, ends) = (ids..self.rows.ids.len(), ends..self.rows.offsets.len());
        sequence.finish(task, ids.len());
        self.waiting.push(Written { task, ids, ends, start: 0 });
        self.copy(sequence);
        Ok(())
    }

    fn copy(&mut self, sequence: &Sequence<'_>) {
        for mut written in std::mem::take(&mut self.waiting) {
            let Some(place) = sequence.take_place(written.task) else {
                self.waiting.push(written);
                continue;
            };
            written.start = place.start;
            for (place, &id) in place.room.iter_mut().zip(&self.rows.ids[written.ids.clone()]) {
                place.write(id);
            }
            self.copied.push(written);
        }
        if self.waiting.is_empty() {
            self.rows.ids.clear();
        }
    }

    fn give_back(mut self) {
        if self.rows.ids.capacity() <= KEPT {
            self.rows.ids.clear();
            self.rows.offsets.truncate(1);
            self.workspace.own.rows = self.rows;
        }
    }
}

/// Has threads write to a sequence with room for so many ids, and returns all rows in the order of the tasks.
#[expect(unsafe_code, reason = "to write zeros first would take as long as all the copying")]
pub(super) fn rows_of<'a>(
    room: usize,
    write: impl FnOnce(&Sequence<'_>) -> Result<Vec<Writer<'a>>>,
) -> Result<Ragged> {
    let mut ids = Vec::new();
    reserve_large_pages(&mut ids, room);
    let sequence = Sequence::new(&mut ids.spare_capacity_mut()[..room]);
    let mut writers = write(&sequence)?;
    for writer in &mut writers {
        writer.copy(&sequence);
    }
    let given = sequence.lock().given;
    let copied: usize =
        writers.iter().flat_map(|writer| &writer.copied).map(|written| written.ids.len()).sum();
    if given != copied {
        return Err(Error::new(format!("threads wrote {copied} of {given} ids")));
    }
    // SAFETY: the places that were given are the first `given` of the room, one after the other, and each is written whole
    // by the one who takes it. All were taken, since as many ids were copied.
    unsafe { ids.set_len(given) };
    append_rest(&mut writers, &mut ids);
    let offsets = ends_of(&writers);
    writers.into_iter().for_each(Writer::give_back);
    Ok(Ragged { ids, offsets })
}

/// Appends what there was no room for.
fn append_rest(writers: &mut [Writer<'_>], ids: &mut Vec<u32>) {
    let rest = writers.iter_mut().flat_map(|Writer { rows, waiting, .. }| {
        let rows = &*rows;
        waiting.iter_mut().map(move |written| (written, rows))
    });
    let mut rest: Vec<(&mut Written, &Ragged)> = rest.collect();
    rest.sort_unstable_by_key(|(written, _)| written.task);
    for (written, rows) in rest {
        written.start = ids.len();
        ids.extend_from_slice(&rows.ids[written.ids.clone()]);
    }
}

fn ends_of(writers: &[Writer<'_>]) -> Vec<i64> {
    let all = writers.iter().flat_map(|writer| {
        writer.copied.iter().chain(&writer.waiting).map(|written| (written, &writer.rows.offsets))
    });
    let mut all: Vec<(&Written, &Vec<i64>)> = all.collect();
    all.sort_unstable_by_key(|(written, _)| written.task);
    let mut offsets =
        Vec::with_capacity(1 + all.iter().map(|(written, _)| written.ends.len()).sum::<usize>());
    offsets.push(0);
    for (written, from) in all {
        let ends = &from[written.ends.clone()];
        offsets.extend(ends.iter().map(|end| written.start as i64 + end - written.ids.start as i64));
    }
    offsets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::Tokenizer;

    fn tokenizer() -> Tokenizer {
        let file = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": null, "post_processor": null, "decoder": null,
            "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
        });
        Tokenizer::from_json(file.to_string().as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn rows_stand_in_the_order_of_the_tasks(
            counts in proptest::collection::vec(proptest::collection::vec(0_usize..9, 0..3), 0..20),
            room in 0_usize..200, order in any::<u64>(), num_writers in 1_usize..5,
        ) {
            let tokenizer = tokenizer();
            let mut want = Ragged::new();
            for (task, lengths) in counts.iter().enumerate() {
                for &length in lengths {
                    want.push(&vec![task as u32; length]);
                }
            }
            let rows = rows_of(room, |sequence| {
                let mut writers: Vec<_> = (0..num_writers).map(|_| Writer::new(tokenizer.workspace())).collect();
                // Tasks end in another order than they begin in, as they do on threads.
                let mut tasks: Vec<usize> = (0..counts.len()).collect();
                tasks.sort_by_key(|&task| ((task as u64 * 7919) ^ order) % 5 + task as u64 / 4 * 5);
                for task in tasks {
                    writers[task * 31 % num_writers].write(task, sequence, |_, rows| {
                        counts[task].iter().for_each(|&length| rows.push(&vec![task as u32; length]));
                        Ok(())
                    })?;
                }
                Ok(writers)
            });
            prop_assert_eq!(rows.unwrap(), want);
        }
    }

    #[test]
    fn what_a_thread_holds_back_is_no_more_than_what_waits() {
        let tokenizer = tokenizer();
        let rows = rows_of(1000, |sequence| {
            let mut writers = [Writer::new(tokenizer.workspace()), Writer::new(tokenizer.workspace())];
            let ten = |_: &mut Workspace, rows: &mut Ragged| {
                rows.push(&[7; 10]);
                Ok(())
            };
            for task in [1, 2, 0, 3] {
                writers[usize::from(task == 0)].write(task, sequence, ten)?;
                let held: Vec<usize> = writers.iter().map(|writer| writer.rows.ids.len()).collect();
                assert_eq!(held, [[20, 0], [10, 0], [20, 0], [0, 0]][task], "{task}");
            }
            Ok(writers.into())
        });
        assert_eq!(rows.unwrap().offsets, [0, 10, 20, 30, 40]);
    }
}
