//! The access log: one JSON object a line, written by a thread of its own.
//!
//! A request never waits for the disk: lines beyond a bounded queue are dropped and counted.
//! Requests and players' events have separate queues, so that no number of reports displaces a
//! request. Tokens never appear. The file can be renamed at any time and reopened.

use super::metrics::Metrics;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::iter;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes of queued requests.
const REQUESTS: usize = 8 << 20;

/// Bytes of queued events, and of events a second: about four thousand events.
const EVENTS: usize = 1 << 20;

/// Approximate bytes of a queued line in addition to its text.
const OVERHEAD: usize = 64;

/// How long lines are batched: waking the thread costs a request more than its line does. The queue
/// holds 20 ms of 400,000 requests a second.
const GATHER: Duration = Duration::from_millis(20);

/// How long a line may stay in the write buffer.
const FLUSH: Duration = Duration::from_millis(500);

/// The access log. All lines are written when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct AccessLog(Arc<Writer>);

/// The thread that writes, and its queue.
#[derive(Debug)]
struct Writer {
    metrics: Arc<Metrics>,
    messages: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    /// Bytes of requests in the queue.
    requests: Arc<AtomicUsize>,
    /// Bytes of events in the queue.
    events: Arc<AtomicUsize>,
    /// Start of the present second of events, and their bytes since.
    second: Mutex<(Instant, usize)>,
}

enum Message {
    /// A line, and the count of its bytes in the queue.
    Line(Vec<u8>, Arc<AtomicUsize>),
    Reopen,
}

impl Writer {
    /// Sends a message to the thread; false if it has ended.
    fn send(&self, message: Message) -> bool {
        let messages = self.messages.as_ref();
        messages.is_some_and(|messages| messages.send(message).is_ok())
    }

    /// Queues a line where at most `limit` bytes may be queued; false if it is lost.
    fn queue(&self, text: Vec<u8>, queued: &Arc<AtomicUsize>, limit: usize) -> bool {
        let bytes = text.len() + OVERHEAD;
        if queued.fetch_add(bytes, Ordering::Relaxed) + bytes > limit {
            queued.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.send(Message::Line(text, Arc::clone(queued)))
    }

    /// Whether so many bytes of events are left in this second.
    fn grants(&self, bytes: usize) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0.elapsed() >= Duration::from_secs(1) {
            *second = (Instant::now(), 0);
        }
        second.1 += bytes;
        second.1 <= EVENTS
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

impl AccessLog {
    /// Opens the file at `path` for appending; `-` is standard output.
    pub(crate) fn open(path: &Path, metrics: Arc<Metrics>) -> io::Result<Self> {
        let sink = sink(path)?;
        let (sender, messages) = channel();
        let path = path.to_owned();
        let thread = thread::Builder::new().name("access-log".into());
        let thread = thread.spawn(move || write(&messages, sink, &path))?;
        Ok(Self(Arc::new(Writer {
            metrics,
            messages: Some(sender),
            thread: Some(thread),
            requests: Arc::default(),
            events: Arc::default(),
            second: Mutex::new((Instant::now(), 0)),
        })))
    }

    /// Queues the line of a request, without its line feed.
    pub(crate) fn request(&self, text: Vec<u8>) {
        if !self.0.queue(text, &self.0.requests, REQUESTS) {
            self.0.metrics.log_lost.inc();
        }
    }

    /// Queues the line of an event, without its line feed.
    pub(crate) fn event(&self, text: Vec<u8>) {
        let grants = self.0.grants(text.len() + OVERHEAD);
        if !grants || !self.0.queue(text, &self.0.events, EVENTS) {
            self.0.metrics.events_lost.inc();
        }
    }

    /// Opens the file again, after it was renamed.
    pub(crate) fn reopen(&self) {
        if !self.0.send(Message::Reopen) {
            tracing::warn!("the access log has ended");
        }
    }
}

type Sink = BufWriter<Box<dyn Write + Send>>;

fn sink(path: &Path) -> io::Result<Sink> {
    let sink: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stdout())
    } else {
        Box::new(OpenOptions::new().create(true).append(true).open(path)?)
    };
    Ok(BufWriter::with_capacity(64 << 10, sink))
}

/// Writes until every sender is dropped. The buffer is flushed when no line has come for a while,
/// or the last flush is as long ago.
fn write(messages: &Receiver<Message>, mut sink: Sink, path: &Path) {
    let mut flushed = Instant::now();
    loop {
        let written = match messages.recv_timeout(FLUSH) {
            Ok(first) => {
                thread::sleep(GATHER);
                let mut messages = iter::once(first).chain(messages.try_iter());
                let written = messages.try_for_each(|message| take(message, &mut sink, path));
                if flushed.elapsed() >= FLUSH {
                    flushed = Instant::now();
                    written.and_then(|()| sink.flush())
                } else {
                    written
                }
            }
            Err(RecvTimeoutError::Timeout) => sink.flush(),
            Err(RecvTimeoutError::Disconnected) => {
                // There is no place left to report an error to.
                let _ = sink.flush();
                return;
            }
        };
        if let Err(error) = written {
            tracing::error!("the access log {}: {error}", path.display());
        }
    }
}

fn take(message: Message, sink: &mut Sink, path: &Path) -> io::Result<()> {
    match message {
        Message::Line(mut text, queued) => {
            queued.fetch_sub(text.len() + OVERHEAD, Ordering::Relaxed);
            text.push(b'\n');
            sink.write_all(&text)
        }
        Message::Reopen => {
            sink.flush()?;
            *sink = self::sink(path)?;
            Ok(())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_renamed_log_is_reopened() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let log = AccessLog::open(&path, Arc::new(Metrics::default())).unwrap();
        log.request(b"one".to_vec());
        let has = |path: &Path, text: &str| {
            thread::sleep(Duration::from_millis(50));
            fs::read_to_string(path).is_ok_and(|found| found == text)
        };
        let until = |path: &Path, text: &str| (0..100).any(|_| has(path, text));
        assert!(until(&path, "one\n"));
        fs::rename(&path, &old).unwrap();
        log.reopen();
        log.request(b"two".to_vec());
        assert!(until(&path, "two\n"));
        assert!(until(&old, "one\n"));
        assert!(AccessLog::open(folder.path(), Arc::new(Metrics::default())).is_err());
    }

    #[test]
    fn events_and_requests_have_separate_queues() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::default());
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
        let short = |line: &&str| line.starts_with('r') && line.len() == 1000;
        assert_eq!(text.lines().filter(short).count(), 1000);
    }
}
