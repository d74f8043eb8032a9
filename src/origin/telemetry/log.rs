//! The access log: one JSON object a line, written by a thread of its own.
//!
//! A request never waits for the disk: lines that the thread cannot keep up with are dropped and
//! counted. Lines of requests and events that players report have room of their own, so that no
//! number of reports pushes a request out. Tokens never appear. The file can be moved away at any
//! time and reopened.

use super::metrics::Metrics;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes of lines of requests that may wait to be written.
const REQUESTS: usize = 8 << 20;

/// Bytes of events that may wait to be written, and that are written a second: some four thousand.
const EVENTS: usize = 1 << 20;

/// What a waiting line takes beside its text, about.
const OVERHEAD: usize = 64;

/// How long lines are gathered once there is one: to wake the thread costs a request more than its
/// line does. Room for the lines of 400,000 requests a second.
const GATHER: Duration = Duration::from_millis(20);

/// How long a line may wait in the buffer.
const FLUSH: Duration = Duration::from_millis(500);

/// Where lines go. All of them have been written when the last clone is gone.
#[derive(Debug, Clone)]
pub(in crate::origin) struct AccessLog {
    writer: Arc<Writer>,
    metrics: Arc<Metrics>,
}

/// The thread that writes, and the way to it.
#[derive(Debug)]
struct Writer {
    messages: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    waiting: Arc<Waiting>,
    events: Allowance,
}

/// Bytes that wait to be written.
#[derive(Debug, Default)]
struct Waiting {
    requests: AtomicUsize,
    events: AtomicUsize,
}

/// Takes so many bytes of a room that holds `limit`, if they are free.
fn enter(room: &AtomicUsize, bytes: usize, limit: usize) -> bool {
    let fits = room.fetch_add(bytes, Ordering::Relaxed) + bytes <= limit;
    if !fits {
        room.fetch_sub(bytes, Ordering::Relaxed);
    }
    fits
}

/// Bytes that may be used in each second.
#[derive(Debug)]
struct Allowance {
    start: Instant,
    /// The second that is counted now, from the start.
    second: AtomicU64,
    used: AtomicUsize,
}

impl Allowance {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            second: AtomicU64::new(0),
            used: AtomicUsize::new(0),
        }
    }

    /// Whether so many bytes may be used now.
    fn grants(&self, bytes: usize) -> bool {
        let second = self.start.elapsed().as_secs();
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.used.store(0, Ordering::Relaxed);
        }
        self.used.fetch_add(bytes, Ordering::Relaxed) + bytes <= EVENTS
    }
}

impl Writer {
    /// Whether the thread is there to take a message.
    fn send(&self, message: Message) -> bool {
        let messages = self.messages.as_ref();
        messages.is_some_and(|messages| messages.send(message).is_ok())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.messages = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the access log ended early");
        }
    }
}

enum Message {
    Request(Vec<u8>),
    Event(Vec<u8>),
    Reopen,
}

impl AccessLog {
    /// Opens the file at `path` for appending; `-` is standard output.
    pub(in crate::origin) fn open(path: &Path, metrics: Arc<Metrics>) -> io::Result<Self> {
        let sink = sink(path)?;
        let (sender, messages) = channel();
        let (path, waiting) = (path.to_owned(), Arc::<Waiting>::default());
        let written = Arc::clone(&waiting);
        let thread = thread::Builder::new().name("access-log".into());
        let thread = thread.spawn(move || write(&messages, sink, &path, &written))?;
        let writer = Arc::new(Writer {
            messages: Some(sender),
            thread: Some(thread),
            waiting,
            events: Allowance::new(),
        });
        Ok(Self { writer, metrics })
    }

    /// Takes the line of a request, without its end.
    pub(super) fn request(&self, text: Vec<u8>) {
        let room = &self.writer.waiting.requests;
        let fits = enter(room, text.len() + OVERHEAD, REQUESTS);
        if !fits || !self.writer.send(Message::Request(text)) {
            self.metrics.log_lost.inc();
        }
    }

    /// Takes the line of an event, without its end.
    pub(super) fn event(&self, text: Vec<u8>) {
        let (room, bytes) = (&self.writer.waiting.events, text.len() + OVERHEAD);
        let fits = self.writer.events.grants(bytes) && enter(room, bytes, EVENTS);
        if !fits || !self.writer.send(Message::Event(text)) {
            self.metrics.events_lost.inc();
        }
    }

    /// Opens the file anew, after it was moved away.
    pub(in crate::origin) fn reopen(&self) {
        if !self.writer.send(Message::Reopen) {
            tracing::warn!("the access log has ended");
        }
    }
}

type Sink = BufWriter<Box<dyn Write + Send>>;

fn sink(path: &Path) -> io::Result<Sink> {
    let sink: Box<dyn Write + Send> = match path == Path::new("-") {
        true => Box::new(io::stdout()),
        false => Box::new(OpenOptions::new().create(true).append(true).open(path)?),
    };
    Ok(BufWriter::with_capacity(64 << 10, sink))
}

/// Writes until every sender is gone. The buffer is flushed when nothing has come for a while, or
/// when it was not for as long.
fn write(messages: &Receiver<Message>, mut sink: Sink, path: &Path, waiting: &Waiting) {
    let mut flushed = Instant::now();
    loop {
        let written = match messages.recv_timeout(FLUSH) {
            Ok(first) => {
                thread::sleep(GATHER);
                let mut messages = iter::once(first).chain(messages.try_iter());
                let mut take = |message| take(message, &mut sink, path, waiting);
                let written = messages.try_for_each(&mut take);
                if flushed.elapsed() >= FLUSH {
                    flushed = Instant::now();
                    written.and_then(|()| sink.flush())
                } else {
                    written
                }
            }
            Err(RecvTimeoutError::Timeout) => sink.flush(),
            Err(RecvTimeoutError::Disconnected) => {
                // Nobody is left who could be told.
                let _ = sink.flush();
                return;
            }
        };
        if let Err(error) = written {
            tracing::error!("the access log {}: {error}", path.display());
        }
    }
}

fn take(message: Message, sink: &mut Sink, path: &Path, waiting: &Waiting) -> io::Result<()> {
    match message {
        Message::Request(text) => {
            let bytes = text.len() + OVERHEAD;
            waiting.requests.fetch_sub(bytes, Ordering::Relaxed);
            put(text, sink)
        }
        Message::Event(text) => {
            let bytes = text.len() + OVERHEAD;
            waiting.events.fetch_sub(bytes, Ordering::Relaxed);
            put(text, sink)
        }
        Message::Reopen => {
            sink.flush()?;
            *sink = self::sink(path)?;
            Ok(())
        }
    }
}

fn put(mut text: Vec<u8>, sink: &mut Sink) -> io::Result<()> {
    text.push(b'\n');
    sink.write_all(&text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_log_that_was_moved_away_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let log = AccessLog::open(&path, Arc::new(Metrics::new())).unwrap();
        log.request(b"one".to_vec());
        let until = |path: &Path, text: &str| {
            (0..100).any(|_| {
                thread::sleep(Duration::from_millis(50));
                fs::read_to_string(path).is_ok_and(|found| found == text)
            })
        };
        assert!(until(&path, "one\n"));
        fs::rename(&path, &old).unwrap();
        log.reopen();
        log.request(b"two".to_vec());
        assert!(until(&path, "two\n"));
        assert!(until(&old, "one\n"));
        assert!(AccessLog::open(folder.path(), Arc::new(Metrics::new())).is_err());
    }

    #[test]
    fn events_have_a_room_of_their_own_and_requests_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new());
        let log = AccessLog::open(&folder.path().join("log"), Arc::clone(&metrics)).unwrap();
        for _ in 0..10_000 {
            log.event(vec![b'e'; 1000]);
        }
        // A second may have begun meanwhile.
        let lost = metrics.events_lost.get();
        assert!((7000..9500).contains(&lost), "{lost}");
        for _ in 0..1000 {
            log.request(vec![b'r'; 1000]);
        }
        assert_eq!(metrics.log_lost.get(), 0);
        for _ in 0..20 {
            log.request(vec![b'r'; 1 << 20]);
        }
        let lost = metrics.log_lost.get();
        assert!((5..20).contains(&lost), "{lost}");
        drop(log);
        let text = fs::read_to_string(folder.path().join("log")).unwrap();
        let short = text
            .lines()
            .filter(|line| line.starts_with('r') && line.len() == 1000);
        assert_eq!(short.count(), 1000);
    }
}
