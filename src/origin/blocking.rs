//! Work that occupies the processor for long leaves the threads that answer requests: content
//! coding, hashing and parsing of what is large.

use tokio::task::spawn_blocking;

/// Up to so many bytes, the work is done sooner (about 0.1 ms) than another thread would begin.
const LIGHT: usize = 64 << 10;

/// The result of `work` on so many bytes: on a thread for such work if they are many.
pub(super) async fn process<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= LIGHT {
        return work();
    }
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels such work, and this future with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn only_much_work_goes_to_another_thread() {
        let id = || thread::current().id();
        assert_eq!(process(LIGHT, id).await, id());
        assert_ne!(process(LIGHT + 1, id).await, id());
    }
}
