//! Frames in parallel: each worker thread computes whole frames, which is faster than several threads on
//! one frame where operations are small. Results come back in order, so they do not depend on the number
//! of workers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::encode::EncodeError;

/// Threads that run one job each at a time.
#[derive(Debug)]
pub(super) struct Workers {
    /// One single-threaded pool per worker, so that a job uses no other thread.
    pools: Vec<ThreadPool>,
}

impl Workers {
    pub(super) fn new(count: usize) -> Result<Self, EncodeError> {
        let pool = |_| ThreadPoolBuilder::new().num_threads(1).build();
        let pools = (0..count.max(1)).map(pool).collect::<Result<_, _>>()?;
        Ok(Self { pools })
    }

    /// `job` of every item; the results in the items' order, or the first error in that order.
    pub(super) fn map<I: Sync, O: Send>(
        &self,
        items: &[I],
        job: impl Fn(&I) -> Result<O, EncodeError> + Sync,
    ) -> Result<Vec<O>, EncodeError> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(items.len()));
        let work = || loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = job(item);
            if let Ok(mut done) = done.lock() {
                done.push((index, result));
            }
        };
        thread::scope(|scope| {
            for pool in &self.pools {
                scope.spawn(|| pool.install(work));
            }
        });
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{EncodeError, Workers};

    #[test]
    fn results_are_in_order_and_the_first_error_wins() {
        let workers = Workers::new(3).unwrap();
        let items: Vec<u32> = (0..50).collect();
        let doubled = workers.map(&items, |x| Ok(2 * x)).unwrap();
        assert!(doubled.iter().zip(&items).all(|(d, x)| *d == 2 * x));
        let error = workers.map(&items, |&x| match x {
            10.. => Err(EncodeError::Input(x.to_string())),
            _ => Ok(x),
        });
        assert_eq!(error.unwrap_err().to_string(), "10");
    }
}
