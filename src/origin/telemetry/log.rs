//! The access log: one JSON object a line, written by a thread of its own.
//!
//! A request never waits for the disk: lines that the thread cannot keep up with are dropped and
//! counted. Tokens never appear. The file can be moved away at any time and reopened.

use super::metrics::Metrics;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Lines that may wait to be written.
const WAITING: usize = 8192;

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
    lines: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Whether there was room for the message.
    fn takes(&self, message: Message) -> bool {
        let lines = self.lines.as_ref();
        lines.is_some_and(|lines| lines.try_send(message).is_ok())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the access log ended early");
        }
    }
}

enum Message {
    Line(Vec<u8>),
    Reopen,
}

impl AccessLog {
    /// Opens the file at `path` for appending; `-` is standard output.
    pub(in crate::origin) fn open(path: &Path, metrics: Arc<Metrics>) -> io::Result<Self> {
        let sink = sink(path)?;
        let (lines, waiting) = sync_channel(WAITING);
        let path = path.to_owned();
        let thread = thread::Builder::new().name("access-log".into());
        let thread = thread.spawn(move || write(&waiting, sink, &path))?;
        let writer = Arc::new(Writer {
            lines: Some(lines),
            thread: Some(thread),
        });
        Ok(Self { writer, metrics })
    }

    /// Takes a line, without its end.
    pub(super) fn line(&self, text: Vec<u8>) {
        if !self.writer.takes(Message::Line(text)) {
            self.metrics.log_lost.inc();
        }
    }

    /// Opens the file anew, after it was moved away.
    pub(in crate::origin) fn reopen(&self) {
        if !self.writer.takes(Message::Reopen) {
            tracing::warn!("the access log is too busy to be reopened");
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
fn write(waiting: &Receiver<Message>, mut sink: Sink, path: &Path) {
    let mut flushed = Instant::now();
    loop {
        let written = match waiting.recv_timeout(FLUSH) {
            Ok(first) => {
                thread::sleep(GATHER);
                let mut messages = iter::once(first).chain(waiting.try_iter());
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

fn take(message: Message, sink: &mut Sink, path: &Path) -> io::Result<()> {
    match message {
        Message::Line(mut text) => {
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
    fn a_log_that_was_moved_away_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let log = AccessLog::open(&path, Arc::new(Metrics::new())).unwrap();
        log.line(b"one".to_vec());
        let until = |path: &Path, text: &str| {
            (0..100).any(|_| {
                thread::sleep(Duration::from_millis(50));
                fs::read_to_string(path).is_ok_and(|found| found == text)
            })
        };
        assert!(until(&path, "one\n"));
        fs::rename(&path, &old).unwrap();
        log.reopen();
        log.line(b"two".to_vec());
        assert!(until(&path, "two\n"));
        assert!(until(&old, "one\n"));
        assert!(AccessLog::open(folder.path(), Arc::new(Metrics::new())).is_err());
    }
}
