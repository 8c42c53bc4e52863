//! Work on several threads, without a pool.
//!
//! Threads live for one call. Starting one costs some ten microseconds, which is nothing against a batch that is
//! worth sharing out (smaller ones stay on the calling thread), and nothing is left behind that a fork could break
//! or that two libraries could fight over.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};

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
/// `state` makes what a thread keeps between its tasks (a cache, a buffer), which is given back at the end. Tasks are
/// handed out in order; the error of the earliest failing task is returned, so that which error is seen does not depend
/// on timing.
pub fn for_each<Task: Send, State: Send>(
    num_threads: usize,
    tasks: Vec<Task>,
    state: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, Task) -> Result<()> + Sync,
) -> Result<Vec<State>> {
    let helpers = num_threads.min(tasks.len()).saturating_sub(1);
    if helpers == 0 {
        let mut state = state();
        tasks.into_iter().try_for_each(|task| work(&mut state, task))?;
        return Ok(vec![state]);
    }
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let failure: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let run = || {
        let mut state = state();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, task)) = next else { return state };
            if let Err(error) = work(&mut state, task) {
                // Later tasks cannot change which error is reported, so they are dropped.
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
                let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
                    *first = Some((index, error));
                }
            }
        }
    };
    let states = std::thread::scope(|scope| {
        let others: Vec<_> = (0..helpers).map(|_| scope.spawn(run)).collect();
        let mut states = vec![run()];
        states.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))),
        );
        states
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(states), |(_, error)| Err(error))
}

#[cfg(test)]
mod tests {
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
}
