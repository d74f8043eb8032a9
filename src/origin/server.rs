//! Listening, and stopping without breaking off what is under way.

use super::connection::Limited;
use super::{Origin, router};
use std::future::{Future, IntoFuture, pending};
use std::io;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Serves until `shutdown` completes, then accepts no more, finishes what is in flight, and
/// returns; after the drain timeout it returns all the same.
pub async fn serve(
    listener: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let settings = origin.shared.settings.clone();
    let (stopping, stopped) = oneshot::channel();
    let signal = async move {
        shutdown.await;
        // The receiver lives as long as this future.
        let _ = stopping.send(());
    };
    let overdue = async move {
        match stopped.await {
            Ok(()) => tokio::time::sleep(settings.drain_timeout).await,
            Err(_) => pending().await,
        }
    };
    let listener = Limited::new(listener, settings.max_connections, settings.idle_timeout);
    let serving = axum::serve(listener, router(origin))
        .with_graceful_shutdown(signal)
        .into_future();
    tokio::select! {
        served = serving => served,
        () = overdue => {
            tracing::warn!("some requests did not finish in time and were broken off");
            Ok(())
        }
    }
}
