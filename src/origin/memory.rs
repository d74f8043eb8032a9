//! Memory that conversations leave behind goes back to the system.
//!
//! What hyper keeps of a connection is let go when the connection comes to rest, but the C library
//! holds on to it for its next use: after a rush it would be kept for good. Handing it back takes
//! a walk through all of it, which is worth it only once many have come to rest and no more do.

#![allow(unsafe_code)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often it is looked after.
const TICK: Duration = Duration::from_millis(500);

/// As many have to come to rest before it is worth a walk: they leave about 10 MB.
const MANY: usize = 500;

/// As many in a tick are too few to wait for more.
const FEW: usize = MANY / 10;

/// Connections that came to rest and whose memory is still here.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftBehind(Arc<AtomicUsize>);

impl LeftBehind {
    /// One more.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it is time to hand memory back, `seen` at the last tick; then it starts over.
    fn is_due(&self, seen: &mut usize) -> bool {
        let now = self.0.load(Ordering::Relaxed);
        let came = now - std::mem::replace(seen, now);
        let due = now >= MANY && came < FEW;
        if due {
            self.0.fetch_sub(now, Ordering::Relaxed);
            *seen = 0;
        }
        due
    }

    /// Hands memory back whenever it is time, for ever.
    pub(super) async fn look_after(self) -> Infallible {
        let mut seen = 0;
        loop {
            tokio::time::sleep(TICK).await;
            if self.is_due(&mut seen) {
                // It can only fail by a panic, and it has none.
                let _ = tokio::task::spawn_blocking(hand_back).await;
            }
        }
    }
}

/// Hands whole free pages of all heaps back; without effect where the C library is not GNU's.
fn hand_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes a plain number and locks the allocator itself.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_goes_back_once_when_a_rush_is_over() {
        let (left, mut seen) = (LeftBehind::default(), 0);
        let rest = |count: usize| (0..count).for_each(|_| left.add());
        rest(MANY - 1);
        assert!(!left.is_due(&mut seen), "a rush that goes on");
        assert!(!left.is_due(&mut seen), "too few for a walk");
        rest(FEW);
        assert!(!left.is_due(&mut seen), "more may follow");
        rest(1);
        assert!(left.is_due(&mut seen));
        rest(FEW);
        assert!(!left.is_due(&mut seen), "it is back already");
    }
}
