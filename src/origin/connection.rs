//! Accepted connections: at most so many at once, none silent for longer than a while, none that
//! keeps a request or an answer dragging on.
//!
//! Two deadlines guard against slow clients. From the first byte of a request, the time for a head
//! may pass until a handler has it. And nothing may be silent for longer than the idle time: a
//! client that asks nothing, or that does not take enough of an answer for the system's buffer,
//! which is kept small, to take more. While a handler prepares an answer there is no deadline here:
//! the handler has its own.
//!
//! The clock is read once a tick and not at every byte: a deadline passes up to a tick late.

use super::Settings;
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
use tokio::time::{Instant, Sleep, sleep};

/// Bytes of answers that the system buffers for a connection (Linux doubles it): more than ten
/// segments, and little enough that progress shows.
const SEND_BUFFER: usize = 128 << 10;

/// How long to wait after accepting failed, as for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Longest time between two looks at the clock while bytes move.
const LONGEST_TICK: Duration = Duration::from_secs(1);

/// Accepts connections while there is room for them.
pub(super) struct Limited {
    inner: TcpListener,
    room: Arc<Semaphore>,
    times: Times,
    open: Gauge,
}

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
struct Times {
    idle: Duration,
    head: Duration,
    tick: Duration,
}

impl Times {
    fn new(settings: &Settings) -> Self {
        let (idle, head) = (settings.idle_timeout, settings.header_timeout);
        let tick = (idle.min(head) / 4).min(LONGEST_TICK);
        Self { idle, head, tick }
    }
}

impl Limited {
    /// Accepts from `inner`; `open` counts connections.
    pub(super) fn new(inner: TcpListener, settings: &Settings, open: Gauge) -> Self {
        let most = settings.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            inner,
            room: Arc::new(Semaphore::new(most)),
            times: Times::new(settings),
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

/// The requests of a connection, as far as its deadlines depend on them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Heads that were read to their end.
    begun: AtomicU64,
    /// Those of them whose answer has begun, or never will.
    answered: AtomicU64,
    /// Whether they are of HTTP/2, where bytes that come may be of no request.
    http2: AtomicBool,
}

impl Requests {
    /// Notes a request; its answer is being prepared for as long as what is returned lives.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Preparing {
        self.begun.fetch_add(1, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.http2.store(true, Ordering::Relaxed);
        }
        Preparing(Arc::clone(self))
    }
}

/// A request whose answer is being prepared.
pub(super) struct Preparing(Arc<Requests>);

impl Drop for Preparing {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection that ends itself when nothing has moved for too long.
pub(super) struct Connection {
    stream: TcpStream,
    times: Times,
    requests: Arc<Requests>,
    /// Requests that had begun at the last tick.
    begun: u64,
    /// Whether bytes came or went since the last tick.
    moved: bool,
    /// Whether bytes came that may be of a request which has not begun.
    reading: bool,
    /// The last tick that found that bytes had moved.
    last_use: Instant,
    /// When the head that is being read must be complete.
    due: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer is set to a deadline, as nothing moves.
    resting: bool,
    /// Whether the timer, which has not passed, knows whom to wake.
    armed: bool,
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
        let times = limits.times;
        limits.open.inc();
        Self {
            stream,
            times,
            requests: Arc::default(),
            begun: 0,
            moved: false,
            reading: false,
            last_use: Instant::now(),
            due: None,
            timer: Box::pin(sleep(times.idle)),
            resting: true,
            armed: false,
            open: limits.open.clone(),
            _permit: permit,
        }
    }

    /// Where its requests are to be noted.
    pub(super) fn requests(&self) -> Arc<Requests> {
        Arc::clone(&self.requests)
    }

    fn wake_at(&mut self, time: Instant) {
        self.timer.as_mut().reset(time);
        self.armed = false;
    }

    /// Waits for the timer. It is polled once: that one task serves a connection to its end, and
    /// it is asked for twice a request.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.armed && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        let passed = self.timer.as_mut().poll(cx);
        self.armed = passed.is_pending();
        passed
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
            ready!(self.poll_timer(cx));
            self.tick(Instant::now())?;
        }
    }

    /// Notes that bytes of an answer went, if they did.
    fn note_sent<T>(&mut self, progress: &Poll<T>) {
        if progress.is_ready() {
            (self.reading, self.due) = (false, None);
            self.note_move();
        }
    }

    /// Notes that bytes came or went.
    fn note_move(&mut self) {
        self.moved = true;
        if self.resting {
            self.resting = false;
            self.wake_at(Instant::now() + self.times.tick);
        }
    }

    /// Looks at what happened since the last tick. Fails if a deadline has passed.
    fn tick(&mut self, now: Instant) -> io::Result<()> {
        let moved = std::mem::take(&mut self.moved);
        let begun = self.requests.begun.load(Ordering::Relaxed);
        let preparing = begun > self.requests.answered.load(Ordering::Relaxed);
        let http2 = self.requests.http2.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.begun, begun) != begun || preparing || http2 {
            (self.reading, self.due) = (false, None);
        }
        if moved || preparing {
            self.last_use = now;
        }
        if self.reading {
            self.due.get_or_insert(now + self.times.head);
        }
        let silent = self.last_use + self.times.idle;
        let deadline = self.due.map_or(silent, |due| due.min(silent));
        if deadline <= now {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.resting = !moved && !preparing;
        self.wake_at(match self.resting {
            true => deadline,
            false => deadline.min(now + self.times.tick),
        });
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
        let progress = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.reading = true;
            self.note_move();
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
        self.note_sent(&progress);
        self.watch(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let progress = match slices {
            // The system takes a single slice in a shorter way.
            [bytes] => stream.poll_write(cx, bytes),
            slices => stream.poll_write_vectored(cx, slices),
        };
        self.note_sent(&progress);
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
