//! Accepted connections: at most so many at once, none silent for longer than a while, none that
//! keeps a request or an answer dragging on.
//!
//! Three deadlines guard against slow clients. From the first byte of a request (or from the start
//! of the connection) to the first byte of its answer, the time for a head and for a handler may
//! pass. Between requests, a connection may be silent for the idle time. While an answer is being
//! sent, the system's buffer, which is kept small, must take more of it within the idle time: a
//! client that reads too slowly for that is left behind.

use super::Settings;
use prometheus_client::metrics::gauge::Gauge;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes of answers that the system buffers for a connection (Linux doubles it): more than ten
/// segments, and little enough that progress shows.
const SEND_BUFFER: usize = 128 << 10;

/// How long to wait after accepting failed, as for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Accepts connections while there is room for them.
pub(super) struct Limited {
    inner: TcpListener,
    room: Arc<Semaphore>,
    idle: Duration,
    head: Duration,
    open: Gauge,
}

impl Limited {
    /// Accepts from `inner`; `open` counts connections.
    pub(super) fn new(inner: TcpListener, settings: &Settings, open: Gauge) -> Self {
        let most = settings.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            inner,
            room: Arc::new(Semaphore::new(most)),
            idle: settings.idle_timeout,
            head: settings.header_timeout + settings.request_timeout,
            open,
        }
    }

    /// The next connection; waits while there are too many.
    pub(super) async fn accept(&self) -> (Connection, SocketAddr) {
        // The semaphore is never closed; without a permit a connection would only go uncounted.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        loop {
            match self.inner.accept().await {
                Ok((stream, address)) => {
                    prepare(&stream, address);
                    return (Connection::new(stream, self, permit), address);
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }
}

fn prepare(stream: &TcpStream, address: SocketAddr) {
    let small = SockRef::from(stream).set_send_buffer_size(SEND_BUFFER);
    if let Err(error) = small.and_then(|()| stream.set_nodelay(true)) {
        tracing::debug!("{address}: cannot be tuned: {error}");
    }
}

/// A connection that ends itself when nothing has moved for too long.
pub(super) struct Connection {
    stream: TcpStream,
    idle: Duration,
    head: Duration,
    last_use: Instant,
    /// When the request that is being read must have been answered.
    due: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    open: Gauge,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Connection {
    fn new(stream: TcpStream, limits: &Limited, permit: Option<OwnedSemaphorePermit>) -> Self {
        let now = Instant::now();
        limits.open.inc();
        Self {
            stream,
            open: limits.open.clone(),
            idle: limits.idle,
            head: limits.head,
            last_use: now,
            due: Some(now + limits.head),
            timer: Box::pin(sleep(limits.idle.min(limits.head))),
            _permit: permit,
        }
    }

    /// Passes on progress; without any, waits for it until the deadline.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            return progress;
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let silent = self.last_use + self.idle;
            let due = self.due.map_or(silent, |due| due.min(silent));
            if due <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.timer.as_mut().reset(due);
        }
    }

    /// Notes that bytes of a request came in.
    fn heard(&mut self) {
        self.last_use = Instant::now();
        if self.due.is_none() {
            let due = self.last_use + self.head;
            self.due = Some(due);
            if self.timer.deadline() > due {
                self.timer.as_mut().reset(due);
            }
        }
    }

    /// Notes that bytes of an answer went out.
    fn said(&mut self) {
        self.last_use = Instant::now();
        self.due = None;
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let progress = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.heard();
        }
        self.watch(cx, progress)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if progress.is_ready() {
            self.said();
        }
        self.watch(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if progress.is_ready() {
            self.said();
        }
        self.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
