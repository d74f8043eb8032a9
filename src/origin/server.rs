//! Listening, and stopping without breaking off what is under way.
//!
//! HTTP/1.1 and HTTP/2 with prior knowledge on the same port (RFC 9113 §3.3), both by hyper.

use super::Origin;
use super::connection::{Connection, Limited, Requests};
use super::edge::Edge;
use super::router::Surface;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service as _;

/// Longest head of a request, in bytes: all fields together. There may be a hundred, by hyper's
/// own limit.
const MAX_HEAD: u32 = 16 << 10;

/// Most requests at once on an HTTP/2 connection.
const MAX_STREAMS: u32 = 64;

/// Bytes of an answer that wait for an HTTP/2 client's window.
const MAX_WAITING: usize = 64 << 10;

/// How long requests to the second port may take when the first is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until `shutdown` completes; then `/readyz` says so, no more connections are accepted, what
/// is in flight is finished, and this returns; after the drain timeout it returns all the same.
pub async fn serve(
    listener: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let port = Port::open(listener, &origin, Surface::Whole);
    shutdown.await;
    close(port, &origin).await;
    Ok(())
}

/// The same on two ports: health, metrics and what players report are answered by `admin` alone,
/// and all else by `public` alone. `admin` is closed last: until then it tells that the origin stops.
pub async fn serve_apart(
    public: TcpListener,
    admin: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let public = Port::open(public, &origin, Surface::Public);
    let admin = Port::open(admin, &origin, Surface::Admin);
    shutdown.await;
    close(public, &origin).await;
    admin.close(LAST_WORDS).await;
    Ok(())
}

async fn close(port: Port, origin: &Origin) {
    origin.begin_stop();
    let limit = origin.look(|live| live.settings.drain_timeout);
    if !port.close(limit).await {
        tracing::warn!("some requests did not finish in time and were broken off");
    }
}

/// A listener and its connections, which end when this is dropped.
struct Port {
    stop: watch::Sender<()>,
}

impl Port {
    fn open(listener: TcpListener, origin: &Origin, surface: Surface) -> Self {
        let open = origin.shared.metrics.connections.clone();
        let listener = Limited::new(listener, &origin.shared.settings, open);
        let server = Arc::new(Server::new(origin.clone(), surface));
        let (stop, stopping) = watch::channel(());
        tokio::spawn(accept(listener, server, stopping));
        Self { stop }
    }

    /// Accepts no more and waits for the connections to end. False if they do not in time.
    async fn close(self, limit: Duration) -> bool {
        // Fails if nobody is there to be told.
        let _ = self.stop.send(());
        tokio::time::timeout(limit, self.stop.closed())
            .await
            .is_ok()
    }
}

/// Accepts connections until it is told to stop, or nobody is left to tell it.
async fn accept(listener: Limited, server: Arc<Server>, mut stopping: watch::Receiver<()>) {
    loop {
        let (connection, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => return,
        };
        let (server, stopping) = (Arc::clone(&server), stopping.clone());
        tokio::spawn(async move { server.attend(connection, peer, stopping).await });
    }
}

/// What all connections share.
struct Server {
    edge: Edge,
    http: auto::Builder<TokioExecutor>,
}

impl Server {
    fn new(origin: Origin, surface: Surface) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            // The connection itself watches over heads and silence.
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD as usize);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD)
            .max_send_buf_size(MAX_WAITING)
            // No pings: a client that takes nothing, or wants nothing, for too long shall be silent.
            .max_concurrent_streams(MAX_STREAMS);
        let edge = Edge::new(origin, surface);
        Self { edge, http }
    }

    /// Serves a connection until it ends.
    async fn attend(
        &self,
        connection: Connection,
        peer: SocketAddr,
        mut stopping: watch::Receiver<()>,
    ) {
        let answering = self.answering(peer, connection.requests());
        let io = TokioIo::new(connection);
        let mut talk = pin!(self.http.serve_connection(io, answering));
        let ended = tokio::select! {
            biased;
            ended = talk.as_mut() => ended,
            _ = stopping.changed() => {
                talk.as_mut().graceful_shutdown();
                talk.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!("{peer}: {error}");
        }
    }

    /// Who answers the requests of a connection.
    fn answering(
        &self,
        peer: SocketAddr,
        requests: Arc<Requests>,
    ) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Send
    + use<> {
        let edge = RefCell::new(self.edge.service(Some(peer)));
        service_fn(move |request: Request<Incoming>| {
            let preparing = requests.begin(request.version());
            let answer = edge.borrow_mut().call(request.map(body));
            async move {
                let answer = answer.await;
                drop(preparing);
                answer
            }
        })
    }
}

/// The body of a request; most have none.
fn body(incoming: Incoming) -> Body {
    match incoming.is_end_stream() {
        true => Body::empty(),
        false => Body::new(incoming),
    }
}
