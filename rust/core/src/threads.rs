//! Work on several threads, without a pool.
//!
//! Threads live for one call. Starting one costs some ten microseconds, which is nothing against a batch that is
//! worth sharing out (smaller ones stay on the calling thread), and nothing is left behind that a fork could break
//! or that two libraries could fight over.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::{Error, Result};

/// Below this many ids (or bytes) a second thread costs more than it brings.
pub const WORTH_A_THREAD: usize = 1 << 15;

/// The number of threads to use: the caller's, else `FASTMASK_NUM_THREADS`, else one per processor.
pub fn resolve(num_threads: Option<usize>) -> Result<usize> {
    let asked = match num_threads {
        Some(count) => Some(count),
        None => from_environment()?,
    };
    match asked {
        Some(0) => {
            Err(Error::new("num_threads is 0").advise("give at least 1, or None for one per processor"))
        }
        Some(count) => Ok(count),
        None => Ok(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
    }
}

fn from_environment() -> Result<Option<usize>> {
    let Ok(value) = std::env::var("FASTMASK_NUM_THREADS") else { return Ok(None) };
    let advice = "set it to a whole number of at least 1";
    value
        .parse()
        .map(Some)
        .map_err(|_| Error::new(format!("FASTMASK_NUM_THREADS is {value:?}")).advise(advice))
}

/// Calls `work` with every task, on at most `num_threads` threads of which the caller's is one.
///
/// `state` makes what a thread keeps between its tasks (a cache, a buffer), first for the calling thread; at the end it is
/// given back, that of the calling thread last. Tasks are
/// handed out in order; the error of the earliest failing task is returned, so that which error is seen does not depend
/// on timing.
pub fn for_each<Task: Send, State: Send>(
    num_threads: usize,
    tasks: Vec<Task>,
    state: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, Task) -> Result<()> + Sync,
) -> Result<Vec<State>> {
    let all = |push: &mut dyn FnMut(Task)| {
        tasks.into_iter().for_each(push);
        Ok(())
    };
    for_each_fed(num_threads, all, state, work)
}

/// The same for tasks that are made on the calling thread while the others work; then it helps them.
///
/// `feed` pushes each task when it is ready. Threads start with the second task, so what is only one costs none. An
/// error of `feed` is the one that is returned, whatever tasks failed by then.
pub fn for_each_fed<Task: Send, State: Send>(
    num_threads: usize,
    feed: impl FnOnce(&mut dyn FnMut(Task)) -> Result<()>,
    state: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, Task) -> Result<()> + Sync,
) -> Result<Vec<State>> {
    let queue = Queue::new();
    let run = |mut state: State| {
        while let Some((index, task)) = queue.next() {
            if let Err(error) = work(&mut state, task) {
                queue.fail(index, error);
            }
        }
        state
    };
    let run_new = || run(state());
    // Before all others, so that a calling thread has again what it had in its last call, which its caches still know.
    let own = state();
    let states = std::thread::scope(|scope| {
        let mut helpers = Vec::new();
        let feeding = Feeding(&queue);
        let end = feed(&mut |task| {
            let is_first = queue.push(task) == 0;
            if !is_first && helpers.len() + 1 < num_threads {
                helpers.push(scope.spawn(run_new));
            }
        });
        if end.is_err() {
            queue.forget();
        }
        drop(feeding);
        end?;
        let own = run(own);
        let ends =
            helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok(ends.chain([own]).collect())
    })?;
    queue.failure().map_or(Ok(states), Err)
}

/// Tasks between the thread that makes them and those that work.
struct Queue<Task> {
    inside: Mutex<Inside<Task>>,
    has_changed: Condvar,
}

struct Inside<Task> {
    waiting: VecDeque<(usize, Task)>,
    pushed: usize,
    may_grow: bool,
    /// The earliest.
    failure: Option<(usize, Error)>,
}

impl<Task> Queue<Task> {
    fn new() -> Self {
        let inside = Inside { waiting: VecDeque::new(), pushed: 0, may_grow: true, failure: None };
        Self { inside: Mutex::new(inside), has_changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside<Task>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a task, and says how many there were before.
    fn push(&self, task: Task) -> usize {
        let mut inside = self.lock();
        let index = inside.pushed;
        inside.pushed += 1;
        // A later task cannot change which error is reported.
        if inside.failure.is_none() {
            inside.waiting.push_back((index, task));
            self.has_changed.notify_one();
        }
        index
    }

    /// Waits for a task; None where there will be no more.
    fn next(&self) -> Option<(usize, Task)> {
        let is_early = |inside: &mut Inside<Task>| inside.waiting.is_empty() && inside.may_grow;
        let inside = self.has_changed.wait_while(self.lock(), is_early);
        inside.unwrap_or_else(PoisonError::into_inner).waiting.pop_front()
    }

    fn fail(&self, index: usize, error: Error) {
        let mut inside = self.lock();
        if inside.failure.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
            inside.failure = Some((index, error));
        }
        drop(inside);
        self.forget();
    }

    /// Drops what waits.
    fn forget(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        drop(waiting);
    }

    fn failure(self) -> Option<Error> {
        let inside = self.inside.into_inner().unwrap_or_else(PoisonError::into_inner);
        inside.failure.map(|(_, error)| error)
    }
}

/// Ends the feeding when it is dropped, so that nobody waits for a feed that panicked.
struct Feeding<'a, Task>(&'a Queue<Task>);

impl<Task> Drop for Feeding<'_, Task> {
    fn drop(&mut self) {
        self.0.lock().may_grow = false;
        self.0.has_changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_task_is_done_once_on_any_number_of_threads() {
        for num_threads in [1, 2, 7] {
            let mut cells = vec![0_u32; 100];
            let tasks: Vec<_> = cells.iter_mut().enumerate().collect();
            let counts = for_each(
                num_threads,
                tasks,
                || 0,
                |count, (index, cell)| {
                    *cell += index as u32;
                    *count += 1;
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!((counts.len(), counts.iter().sum::<usize>()), (num_threads, 100));
            assert!(cells.iter().enumerate().all(|(index, &cell)| cell == index as u32));
        }
    }

    #[test]
    fn the_earliest_error_is_the_one_reported() {
        for num_threads in [1, 2, 4] {
            let result = for_each(
                num_threads,
                (0..1000).collect(),
                || (),
                |(), task: usize| {
                    if task % 10 == 3 { Err(Error::new(format!("task {task}"))) } else { Ok(()) }
                },
            );
            assert_eq!(result.unwrap_err().to_string(), "task 3");
        }
    }

    #[test]
    fn no_task_is_no_work() {
        for_each(4, Vec::<()>::new(), || (), |(), ()| Err(Error::new("called"))).unwrap();
    }

    /// Feeds 100 numbers; `at` is called before each.
    fn numbers(at: impl Fn(usize) -> Result<()>) -> impl FnOnce(&mut dyn FnMut(usize)) -> Result<()> {
        move |push| (0..100).try_for_each(|number| at(number).map(|()| push(number)))
    }

    fn fails_from(first: usize) -> impl Fn(&mut (), usize) -> Result<()> {
        move |(), number| if number >= first { Err(Error::new(format!("task {number}"))) } else { Ok(()) }
    }

    #[test]
    fn what_comes_slowly_is_done_once() {
        for num_threads in [1, 2, 7] {
            let slow = numbers(|number| {
                if number % 10 == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            });
            let add = |seen: &mut Vec<usize>, number| {
                seen.push(number);
                Ok(())
            };
            let mut seen = for_each_fed(num_threads, slow, Vec::new, add).unwrap().concat();
            seen.sort_unstable();
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn threads_work_while_tasks_are_made() {
        let done = Mutex::new(0);
        let feed = |push: &mut dyn FnMut(())| {
            push(());
            push(());
            while *done.lock().unwrap() < 2 {
                std::thread::yield_now();
            }
            Ok(())
        };
        let count = |(): &mut (), ()| {
            *done.lock().unwrap() += 1;
            Ok(())
        };
        for_each_fed(2, feed, || (), count).unwrap();
    }

    #[test]
    fn one_task_starts_no_thread() {
        let own = std::thread::current().id();
        let feed = |push: &mut dyn FnMut(())| {
            push(());
            Ok(())
        };
        let check = |(): &mut (), ()| {
            assert_eq!(std::thread::current().id(), own);
            Ok(())
        };
        assert_eq!(for_each_fed(8, feed, || (), check).unwrap().len(), 1);
    }

    #[test]
    fn an_error_of_the_feed_is_the_one_reported() {
        let feed = || numbers(|number| if number == 60 { Err(Error::new("feed")) } else { Ok(()) });
        for num_threads in [1, 2, 4] {
            for first in [0, 30, 100] {
                let result = for_each_fed(num_threads, feed(), || (), fails_from(first));
                assert_eq!(result.unwrap_err().to_string(), "feed");
            }
            let result = for_each_fed(num_threads, numbers(|_| Ok(())), || (), fails_from(30));
            assert_eq!(result.unwrap_err().to_string(), "task 30");
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_nobody_waits() {
        let bad = |number| {
            assert_ne!(number, 60, "on purpose");
            Ok(())
        };
        for num_threads in [1, 2, 4] {
            let of_feed = catch_unwind(|| for_each_fed(num_threads, numbers(bad), || (), |(), _| Ok(())));
            let of_work = catch_unwind(|| {
                for_each_fed(num_threads, numbers(|_| Ok(())), || (), |(), number| bad(number))
            });
            assert!(of_feed.is_err() && of_work.is_err());
        }
    }
}
