//! Processor-bound work (content coding, hashing, parsing) of large inputs leaves the threads that
//! serve requests.

use tokio::task::spawn_blocking;

/// Inputs up to this size, in bytes, are processed in place: that takes about 0.1 ms, less than it
/// takes another thread to start.
const LIGHT: usize = 64 << 10;

/// The result of `work` on an input of so many bytes, on a blocking thread if it is large.
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
    async fn only_large_inputs_go_to_another_thread() {
        let id = || thread::current().id();
        assert_eq!(process(LIGHT, id).await, id());
        assert_ne!(process(LIGHT + 1, id).await, id());
    }
}
