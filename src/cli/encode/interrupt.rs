//! Ctrl-C and SIGTERM during an encode: says what is kept and how to go on, then ends the process.
//!
//! Everything that an encode writes appears whole or not at all, so the process may end anywhere.

use super::watch::Stage;
use std::thread;
use tokio::runtime::Builder;

/// Exit code of an interrupted command.
const INTERRUPTED: i32 = 130;

/// From here on an interruption prints what `explain` says and ends the process with exit code 130.
pub(super) fn explain_with(stage: Stage, explain: impl FnOnce() -> String + Send + 'static) {
    let watch = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        // Without a runtime the system's own way to end a process remains.
        let Ok(runtime) = runtime else { return };
        if runtime.block_on(interruption()).is_some() {
            stage.clear();
            eprintln!("interrupted: {}", explain());
            std::process::exit(INTERRUPTED);
        }
    };
    // As above.
    let _ = thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(watch);
}

/// Completes when somebody wants the process to end; `None` if that cannot be watched.
async fn interruption() -> Option<()> {
    tokio::select! {
        caught = tokio::signal::ctrl_c() => caught.ok(),
        caught = terminated() => caught,
    }
}

#[cfg(unix)]
async fn terminated() -> Option<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signal = signal(SignalKind::terminate()).ok()?;
    signal.recv().await
}

#[cfg(not(unix))]
async fn terminated() -> Option<()> {
    std::future::pending().await
}
