//! Listening, and stopping without breaking off responses.
//!
//! HTTP/1.1 and HTTP/2 with prior knowledge on the same port (RFC 9113 §3.3), both by hyper.

mod connection;

use super::service::{Origin, Service, Surface};
use axum::body::Body;
use axum::http::Request;
use connection::{Connection, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest head of a request, in bytes: all fields together. hyper allows a hundred fields.
const MAX_HEAD: u32 = 16 << 10;

/// Most concurrent requests of an HTTP/2 connection.
const MAX_STREAMS: u32 = 64;

/// Bytes of a response that wait for an HTTP/2 client's window.
const MAX_WAITING: usize = 64 << 10;

/// Time limit for requests to the admin port after the public one has closed.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// Serves until `shutdown` completes; then `/readyz` answers 503, no connections are accepted,
/// requests in flight are finished, and this returns; at the latest after the drain timeout.
///
/// ```no_run
/// # use promptus::origin::{Origin, Settings, serve};
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let origin = Origin::local("titles".as_ref(), Settings::default())?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// serve(listener, origin, std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
pub async fn serve(
    listener: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let port = Port::open(listener, &origin, Surface::Whole);
    shutdown.await;
    drain(port, &origin).await;
    Ok(())
}

/// The same on two ports: `admin` answers health checks, metrics and players' reports, `public` all
/// else. `admin` closes last, and until then answers that the origin is stopping.
pub async fn serve_apart(
    public: TcpListener,
    admin: TcpListener,
    origin: Origin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let public = Port::open(public, &origin, Surface::Public);
    let admin = Port::open(admin, &origin, Surface::Admin);
    shutdown.await;
    drain(public, &origin).await;
    admin.close(ADMIN_DRAIN).await;
    Ok(())
}

async fn drain(port: Port, origin: &Origin) {
    origin.begin_stop();
    if !port.close(origin.live().settings.drain_timeout).await {
        tracing::warn!("some requests did not finish in time and were aborted");
    }
}

/// A listener and its connections, which are shut down when this is dropped.
struct Port {
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<GracefulShutdown>,
}

impl Port {
    fn open(listener: TcpListener, origin: &Origin, surface: Surface) -> Self {
        let connections = origin.shared.metrics.connections.clone();
        let listener = Limited::new(listener, &origin.shared.settings, connections);
        let server = Arc::new(Server::new(origin.clone(), surface));
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, server, stopped));
        Self { stop, accepting }
    }

    /// Stops to accept, and waits for open connections to end; false if they do not in time.
    async fn close(self, limit: Duration) -> bool {
        drop(self.stop);
        let Ok(connections) = self.accepting.await else {
            return true;
        };
        timeout(limit, connections.shutdown()).await.is_ok()
    }
}

/// Accepts connections until `stopped`, and returns those that are open.
async fn accept(
    listener: Limited,
    server: Arc<Server>,
    mut stopped: oneshot::Receiver<()>,
) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    loop {
        let (connection, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return connections,
        };
        tokio::spawn(Arc::clone(&server).serve(connection, peer, connections.watcher()));
    }
}

/// What all connections of a port share.
struct Server {
    service: Service,
    http: auto::Builder<TokioExecutor>,
}

impl Server {
    fn new(origin: Origin, surface: Surface) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            // `Connection` has the deadlines.
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD as usize);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD)
            .max_send_buf_size(MAX_WAITING)
            // No keep-alive pings: they would hide that a client transfers nothing.
            .max_concurrent_streams(MAX_STREAMS);
        let service = Service::new(origin, surface);
        Self { service, http }
    }

    /// Serves a connection until it ends.
    async fn serve(self: Arc<Self>, connection: Connection, peer: SocketAddr, watcher: Watcher) {
        let requests = Arc::clone(&connection.requests);
        let service = service_fn(|request: Request<Incoming>| {
            let preparing = requests.begin(request.version());
            let server = Arc::clone(&self);
            async move {
                let response = server.service.respond(Some(peer), request.map(body)).await;
                drop(preparing);
                Ok::<_, Infallible>(response)
            }
        });
        let io = TokioIo::new(connection);
        let serving = self.http.serve_connection(io, service);
        if let Err(error) = watcher.watch(serving).await {
            tracing::debug!("{peer}: {error}");
        }
    }
}

/// The body of a request; most have none.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() {
        Body::empty()
    } else {
        Body::new(incoming)
    }
}
