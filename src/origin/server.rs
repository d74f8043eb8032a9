//! Listening, and stopping without breaking off what is under way.
//!
//! HTTP/1.1 and HTTP/2 with prior knowledge on the same port (RFC 9113 §3.3), both by hyper.

use super::connection::Limited;
use super::edge::Edge;
use super::{Origin, Settings};
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;

/// Longest head of a request, in bytes: all fields together.
const MAX_HEAD: u32 = 16 << 10;

/// Most fields of a request.
const MAX_FIELDS: usize = 64;

/// Most requests at once on an HTTP/2 connection.
const MAX_STREAMS: u32 = 64;

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say.
const PING: Duration = Duration::from_secs(20);

/// Serves until `shutdown` completes, then accepts no more, finishes what is in flight, and
/// returns; after the drain timeout it returns all the same.
pub async fn serve(
    listener: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let settings = origin.shared.settings.clone();
    let edge = Edge::new(origin.clone());
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
            let answer = edge.clone().answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
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
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

async fn drain(graceful: GracefulShutdown, settings: &Settings) {
    let finished = tokio::time::timeout(settings.drain_timeout, graceful.shutdown()).await;
    if finished.is_err() {
        tracing::warn!("some requests did not finish in time and were broken off");
    }
}
