//! Listening, and stopping without breaking off what is under way.
//!
//! HTTP/1.1 and HTTP/2 with prior knowledge on the same port (RFC 9113 §3.3), both by hyper.

use super::connection::Limited;
use super::edge::edge;
use super::{Origin, Settings};
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// Longest head of a request, in bytes: all fields together.
const MAX_HEAD: u32 = 16 << 10;

/// Most fields of a request.
const MAX_FIELDS: usize = 64;

/// Most requests at once on an HTTP/2 connection.
const MAX_STREAMS: u32 = 64;

/// Serves until `shutdown` completes, then accepts no more, finishes what is in flight, and
/// returns; after the drain timeout it returns all the same.
pub async fn serve(
    listener: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let settings = origin.shared.settings.clone();
    let edge = edge(origin.clone());
    let listener = Limited::new(
        listener,
        &settings,
        origin.shared.metrics.connections.clone(),
    );
    let protocols = protocols();
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (connection, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let edge = edge.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            // On the heap, so that idle connections stay small.
            Box::pin(edge.clone().oneshot(request))
        });
        let io = TokioIo::new(connection);
        let served = protocols.serve_connection(io, answer).into_owned();
        let served = graceful.watch(served);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!("{peer}: {error}");
            }
        });
    }
    drop(listener);
    origin.shared.stopping.store(true, Ordering::Relaxed);
    drain(graceful, &settings).await;
    Ok(())
}

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connection itself watches over heads and silence.
        .header_read_timeout(None)
        .max_headers(MAX_FIELDS)
        .max_buf_size(MAX_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD)
        // No pings: a client that takes nothing, or wants nothing, for too long shall be silent.
        .max_concurrent_streams(MAX_STREAMS);
    builder
}

async fn drain(graceful: GracefulShutdown, settings: &Settings) {
    let finished = tokio::time::timeout(settings.drain_timeout, graceful.shutdown()).await;
    if finished.is_err() {
        tracing::warn!("some requests did not finish in time and were broken off");
    }
}
