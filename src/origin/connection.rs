//! Accepted connections: at most so many at once, none silent for longer than a while, none that
//! keeps a request or an answer dragging on.
//!
//! Three deadlines guard against slow clients. From the first byte of a request (or from the start
//! of the connection) to the first byte of its answer, the time for a head and for a handler may
//! pass. Between requests, a connection may be silent for the idle time. While an answer is being
//! sent, the system's buffer, which is kept small, must take more of it within the idle time: a
//! client that reads too slowly for that is left behind.
//!
//! The clock is read once a tick and not at every byte: a deadline passes up to a tick late.
//!
//! A connection on which nothing moved for a whole tick, and nothing is to be answered, comes to
//! rest: it tells HTTP/1 that its client is gone, so that all that belongs to a conversation is
//! let go, and waits with its socket alone for the next request.

use super::Settings;
use prometheus_client::metrics::gauge::Gauge;
use socket2::SockRef;
use std::future::poll_fn;
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

/// Longest time between two looks at the clock.
const LONGEST_TICK: Duration = Duration::from_secs(1);

/// What an HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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
        let idle = settings.idle_timeout;
        let head = settings.header_timeout + settings.request_timeout;
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

/// What a client begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    /// HTTP/2, or too little to tell.
    Other,
}

/// What a connection is doing.
enum Phase {
    /// It waits for the first bytes of a request.
    Waiting,
    /// It is read from and written to. What it may rest by is shared with whoever answers, and with
    /// every answer that is being made or sent.
    Talking(Option<Arc<()>>),
    /// It has told that its client is gone.
    Resting,
}

/// A connection that ends itself when nothing has moved for too long.
pub(super) struct Connection {
    stream: TcpStream,
    times: Times,
    phase: Phase,
    /// Whether bytes came or went since the last tick.
    moved: bool,
    /// Whether a request has begun that is not being answered yet.
    asked: bool,
    /// Whether all that was to be written has been handed to the system.
    flushed: bool,
    /// The last tick that found that bytes had moved.
    last_use: Instant,
    /// When the request that is being read must have been answered.
    due: Option<Instant>,
    timer: Pin<Box<Sleep>>,
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
        let (now, times) = (Instant::now(), limits.times);
        limits.open.inc();
        Self {
            stream,
            times,
            phase: Phase::Waiting,
            moved: false,
            asked: false,
            flushed: true,
            last_use: now,
            due: Some(now + times.head),
            timer: Box::pin(sleep(times.idle.min(times.head))),
            armed: false,
            open: limits.open.clone(),
            _permit: permit,
        }
    }

    /// Waits for the first bytes of a request and looks at them; they are still there to be read.
    /// Fails when the client is gone or was silent for too long.
    pub(super) async fn speaks(&mut self) -> io::Result<Speaks> {
        let mut bytes = [0; PREFACE.len()];
        let mut buffer = ReadBuf::new(&mut bytes);
        let came = poll_fn(|cx| {
            let progress = self.stream.poll_peek(cx, &mut buffer);
            self.watch(cx, progress)
        });
        match came.await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            came if PREFACE.starts_with(&bytes[..came]) => Ok(Speaks::Other),
            _ => Ok(Speaks::Http1),
        }
    }

    /// From here on it is read from and written to. It comes to rest when none but the one who
    /// answers holds the token any more.
    pub(super) fn talk(&mut self, token: Option<&Arc<()>>) {
        self.phase = Phase::Talking(token.cloned());
        self.wake_at(Instant::now() + self.times.tick);
    }

    /// The connection, waiting again, if it has come to rest; `None` if it has ended.
    pub(super) fn rested(mut self) -> Option<Self> {
        let Phase::Resting = self.phase else {
            return None;
        };
        self.phase = Phase::Waiting;
        self.wake_at(self.last_use + self.times.idle);
        Some(self)
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
        while !matches!(self.phase, Phase::Resting) {
            ready!(self.poll_timer(cx));
            self.tick(Instant::now())?;
        }
        Poll::Pending
    }

    /// Looks at what happened since the last tick. Fails if a deadline has passed.
    fn tick(&mut self, now: Instant) -> io::Result<()> {
        let moved = std::mem::take(&mut self.moved);
        if moved {
            self.last_use = now;
        }
        if self.asked {
            self.due.get_or_insert(now + self.times.head);
        }
        let silent = self.last_use + self.times.idle;
        let deadline = self.due.map_or(silent, |due| due.min(silent));
        if deadline <= now {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if !moved && self.is_quiet() {
            self.phase = Phase::Resting;
            return Ok(());
        }
        let next = match self.phase {
            Phase::Waiting => deadline,
            _ => deadline.min(now + self.times.tick),
        };
        self.wake_at(next);
        Ok(())
    }

    /// Whether all requests have been answered to the last byte, and none has begun.
    fn is_quiet(&self) -> bool {
        let Phase::Talking(Some(token)) = &self.phase else {
            return false;
        };
        // One is here, and one with whoever answers.
        !self.asked && self.flushed && Arc::strong_count(token) <= 2
    }

    /// Notes that bytes of an answer are to go out, and what came of it.
    fn said<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.flushed = false;
        if progress.is_ready() {
            self.moved = true;
            self.asked = false;
            self.due = None;
        }
        self.watch(cx, progress)
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
            self.moved = true;
            self.asked = true;
        }
        let progress = self.watch(cx, progress);
        match self.phase {
            // Nothing more comes: to the reader, the client is gone.
            Phase::Resting => Poll::Ready(Ok(())),
            _ => progress,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.said(cx, progress)
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
        self.said(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed = true;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.phase {
            Phase::Resting => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}
