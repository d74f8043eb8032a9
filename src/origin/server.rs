//! Listening, and stopping without breaking off what is under way.
//!
//! HTTP/1.1 and HTTP/2 with prior knowledge on the same port (RFC 9113 §3.3), both by hyper.

use super::connection::{Connection, Limited, Speaks};
use super::edge::Edge;
use super::memory::LeftBehind;
use super::{Origin, Settings};
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service as _;

/// Longest head of a request, in bytes: all fields together. There may be a hundred, by hyper's
/// own limit.
const MAX_HEAD: u32 = 16 << 10;

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
    let open = origin.shared.metrics.connections.clone();
    let listener = Limited::new(listener, &settings, open);
    let server = Arc::new(Server::new(origin.clone()));
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    let mut upkeep = pin!(server.left_behind.clone().look_after());
    loop {
        let (connection, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
            never = &mut upkeep => match never {},
        };
        let (server, stopping) = (Arc::clone(&server), stopping.clone());
        tokio::spawn(async move { server.attend(connection, peer, stopping).await });
    }
    drop((listener, stopping));
    origin.shared.stopping.store(true, Ordering::Relaxed);
    drain(stop, &settings).await;
    Ok(())
}

/// What all connections share.
struct Server {
    edge: Edge,
    http1: http1::Builder,
    any: auto::Builder<TokioExecutor>,
    left_behind: LeftBehind,
}

impl Server {
    fn new(origin: Origin) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // The connection itself watches over heads and silence.
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD as usize);
        let mut any = auto::Builder::new(TokioExecutor::new());
        any.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD as usize);
        any.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD)
            // No pings: a client that takes nothing, or wants nothing, for too long shall be silent.
            .max_concurrent_streams(MAX_STREAMS);
        Self {
            edge: Edge::new(origin),
            http1,
            any,
            left_behind: LeftBehind::default(),
        }
    }

    /// Serves a connection until it ends. Between requests it may come to rest, and then nothing
    /// is kept of it but itself.
    async fn attend(
        &self,
        mut connection: Connection,
        peer: SocketAddr,
        mut stopping: watch::Receiver<()>,
    ) {
        loop {
            let speaks = tokio::select! {
                speaks = connection.speaks() => speaks,
                _ = stopping.changed() => return,
            };
            let ended = match speaks {
                Ok(Speaks::Http1) => self.talk(connection, peer, &mut stopping).await,
                Ok(Speaks::Other) => self.talk_any(connection, peer, &mut stopping).await,
                Err(error) => Err(error.into()),
            };
            match ended {
                Ok(Some(rested)) => {
                    connection = rested;
                    self.left_behind.add();
                }
                Ok(None) => return,
                Err(error) => return tracing::debug!("{peer}: {error}"),
            }
        }
    }

    /// Answers requests in HTTP/1; gives the connection back if it comes to rest.
    async fn talk(
        &self,
        mut connection: Connection,
        peer: SocketAddr,
        stopping: &mut watch::Receiver<()>,
    ) -> Result<Option<Connection>, BoxError> {
        let token = Arc::new(());
        connection.talk(Some(&token));
        let io = TokioIo::new(connection);
        // On the heap, so that connections at rest stay small.
        let mut talk = Box::pin(self.http1.serve_connection(io, self.answering(peer, token)));
        tokio::select! {
            biased;
            ended = talk.as_mut() => ended?,
            _ = stopping.changed() => {
                talk.as_mut().graceful_shutdown();
                talk.as_mut().await?;
            }
        }
        let parts = (*Pin::into_inner(talk)).into_parts();
        Ok(parts.io.into_inner().rested())
    }

    /// Answers requests in whatever protocol the client turns out to speak.
    async fn talk_any(
        &self,
        mut connection: Connection,
        peer: SocketAddr,
        stopping: &mut watch::Receiver<()>,
    ) -> Result<Option<Connection>, BoxError> {
        connection.talk(None);
        let io = TokioIo::new(connection);
        let answering = self.answering(peer, Arc::default());
        let mut talk = Box::pin(self.any.serve_connection(io, answering));
        tokio::select! {
            biased;
            ended = talk.as_mut() => ended?,
            _ = stopping.changed() => {
                talk.as_mut().graceful_shutdown();
                talk.as_mut().await?;
            }
        }
        Ok(None)
    }

    /// Who answers the requests of a connection. Every answer holds the token until it is sent.
    fn answering(
        &self,
        peer: SocketAddr,
        token: Arc<()>,
    ) -> impl Service<Request<Incoming>, Response = Response<Held>, Error = Infallible, Future: Send>
    + Send
    + Unpin
    + use<> {
        let edge = RefCell::new(self.edge.service(Some(peer)));
        service_fn(move |request: Request<Incoming>| {
            let answer = edge.borrow_mut().call(request.map(body));
            let token = Arc::clone(&token);
            async move {
                Ok(answer.await?.map(|body| Held {
                    body,
                    _token: token,
                }))
            }
        })
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request; most have none.
fn body(incoming: Incoming) -> Body {
    match incoming.is_end_stream() {
        true => Body::empty(),
        false => Body::new(incoming),
    }
}

/// The body of an answer, which shows by being there that the answer is not sent yet.
struct Held {
    body: Body,
    _token: Arc<()>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Tells all connections to end, and waits for them.
async fn drain(stop: watch::Sender<()>, settings: &Settings) {
    // Fails if nobody is there to be told.
    let _ = stop.send(());
    let finished = tokio::time::timeout(settings.drain_timeout, stop.closed()).await;
    if finished.is_err() {
        tracing::warn!("some requests did not finish in time and were broken off");
    }
}
