//! Ctrl-C and SIGTERM during an encode: prints how many segments are kept and how to continue, then
//! ends the process. Everything that an encode writes appears whole or not at all, so it may end
//! anywhere.

use super::watch::Stage;
use std::sync::Arc;
use std::thread;
use tokio::runtime::Builder;

const INTERRUPTED: i32 = 130;

/// From here on an interruption prints how many segments are kept in `place` and ends the process
/// with exit code 130.
pub(super) fn explain_with(stage: Arc<Stage>, place: String) {
    let watch = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        // Without a runtime the system's default remains: the process ends without a message.
        let Ok(runtime) = runtime else { return };
        if runtime.block_on(interruption()).is_some() {
            stage.clear();
            match stage.kept() {
                0 => eprintln!("interrupted: no segment was finished yet"),
                count => eprintln!(
                    "interrupted: {count} finished segments are kept in {place}; the same command continues from them, with --restart it starts over"
                ),
            }
            std::process::exit(INTERRUPTED);
        }
    };
    let thread = thread::Builder::new().name("interrupt".to_owned());
    // As above, if there can be no thread.
    let _ = thread.spawn(watch);
}

/// Completes on a request to end the process; `None` if signals cannot be watched.
async fn interruption() -> Option<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).ok()?;
        tokio::select! {
            caught = tokio::signal::ctrl_c() => caught.ok(),
            caught = terminated.recv() => caught,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.ok()
}
