//! Accepted connections: a limited number, each with deadlines against slow clients.
//!
//! A head must be complete within the header timeout after its first byte. And within the idle
//! timeout bytes must be transferred: by a client that requests something, or that reads enough of
//! a response for the system's send buffer, which is kept small, to take more. While a handler
//! prepares a response there is no deadline here; the handler has its own.
//!
//! The deadlines are checked periodically rather than set at every transfer, and so are exceeded by
//! up to a quarter of the shorter one.

use crate::origin::settings::Settings;
use axum::http::Version;
use prometheus_client::metrics::gauge::Gauge;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// The system's send buffer of a connection in bytes (Linux doubles it): more than ten segments,
/// and small enough that a client's progress shows.
const SEND_BUFFER: usize = 128 << 10;

/// Delay after a failed accept, as for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A listener that accepts a limited number of connections.
pub(super) struct Limited {
    inner: TcpListener,
    permits: Arc<Semaphore>,
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
            permits: Arc::new(Semaphore::new(most)),
            idle: settings.idle_timeout,
            head: settings.header_timeout,
            open,
        }
    }

    /// The next connection, once there is a permit.
    pub(super) async fn accept(&self) -> (Connection, SocketAddr) {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        loop {
            match self.inner.accept().await {
                Ok((stream, peer)) => {
                    let tuned = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
                    if let Err(error) = tuned.and_then(|()| stream.set_nodelay(true)) {
                        tracing::debug!("{peer}: cannot set socket options: {error}");
                    }
                    return (Connection::new(stream, self, permit), peer);
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// The requests of a connection, as far as its deadlines depend on them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Requests whose head is complete.
    begun: AtomicU64,
    /// Those of them whose response has begun, or never will.
    answered: AtomicU64,
    /// Whether the connection is HTTP/2, where received bytes may belong to no request.
    http2: AtomicBool,
}

impl Requests {
    /// Notes a request; its response is being prepared for as long as the result lives.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Preparing {
        self.begun.fetch_add(1, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.http2.store(true, Ordering::Relaxed);
        }
        Preparing(Arc::clone(self))
    }
}

/// A request whose response is being prepared.
pub(super) struct Preparing(Arc<Requests>);

impl Drop for Preparing {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection that fails when a deadline has passed.
pub(super) struct Connection {
    stream: TcpStream,
    /// Where its requests are to be noted.
    pub(super) requests: Arc<Requests>,
    idle: Duration,
    head: Duration,
    checks: Interval,
    /// Number of requests at the last check.
    begun: u64,
    /// Whether bytes were transferred since the last check.
    moved: bool,
    /// Whether received bytes may belong to an incomplete head.
    reading: bool,
    /// The first check that found `reading` set.
    reading_since: Option<Instant>,
    /// The last check that found that bytes were transferred.
    last_use: Instant,
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
        let period = (limits.idle.min(limits.head) / 4).max(Duration::from_millis(1));
        let now = Instant::now();
        let mut checks = interval_at(now + period, period);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        limits.open.inc();
        Self {
            stream,
            requests: Arc::default(),
            idle: limits.idle,
            head: limits.head,
            checks,
            begun: 0,
            moved: false,
            reading: false,
            reading_since: None,
            last_use: now,
            open: limits.open.clone(),
            _permit: permit,
        }
    }

    /// Passes a transfer on; while it is pending, checks the deadlines.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        transfer: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        while transfer.is_pending() {
            let now = ready!(self.checks.poll_tick(cx));
            self.check(now)?;
        }
        transfer
    }

    /// Passes a transfer of bytes of a response on: when they are sent, its request's head is
    /// complete.
    fn sent(
        &mut self,
        cx: &mut Context<'_>,
        transfer: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if transfer.is_ready() {
            self.moved = true;
            (self.reading, self.reading_since) = (false, None);
        }
        self.watch(cx, transfer)
    }

    /// Fails if a deadline has passed.
    fn check(&mut self, now: Instant) -> io::Result<()> {
        let begun = self.requests.begun.load(Ordering::Relaxed);
        let preparing = begun > self.requests.answered.load(Ordering::Relaxed);
        let http2 = self.requests.http2.load(Ordering::Relaxed);
        if begun != self.begun || preparing || http2 {
            self.begun = begun;
            (self.reading, self.reading_since) = (false, None);
        }
        if std::mem::take(&mut self.moved) || preparing {
            self.last_use = now;
        }
        if self.reading {
            self.reading_since.get_or_insert(now);
        }
        let passed = |since: Instant, limit| now.duration_since(since) >= limit;
        let late = |since| passed(since, self.head);
        if self.reading_since.is_some_and(late) || passed(self.last_use, self.idle) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let transfer = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.reading = true;
            self.moved = true;
        }
        self.watch(cx, transfer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let transfer = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(cx, transfer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let transfer = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.sent(cx, transfer)
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
