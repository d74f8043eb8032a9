//! The access log: one JSON object a line, written by a thread of its own.
//!
//! A request never waits for the disk: lines that the thread cannot keep up with are dropped and
//! counted. Tokens never appear. The file can be moved away at any time and reopened.

use super::metrics::Metrics;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that may wait to be written.
const WAITING: usize = 8192;

/// How long a line may wait in the buffer.
const FLUSH: Duration = Duration::from_millis(500);

/// Where lines go.
#[derive(Debug, Clone)]
pub(in crate::origin) struct AccessLog {
    lines: SyncSender<Message>,
    metrics: Arc<Metrics>,
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
        thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write(&waiting, sink, &path))?;
        Ok(Self { lines, metrics })
    }

    /// Takes a line, without its end.
    pub(super) fn line(&self, text: Vec<u8>) {
        if self.lines.try_send(Message::Line(text)).is_err() {
            self.metrics.log_lost.inc();
        }
    }

    /// Opens the file anew, after it was moved away.
    pub(in crate::origin) fn reopen(&self) {
        if self.lines.try_send(Message::Reopen).is_err() {
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
            Ok(Message::Line(mut text)) => {
                text.push(b'\n');
                let due = flushed.elapsed() >= FLUSH;
                let written = sink.write_all(&text);
                if due {
                    flushed = Instant::now();
                    written.and_then(|()| sink.flush())
                } else {
                    written
                }
            }
            Ok(Message::Reopen) => sink.flush().and_then(|()| {
                sink = self::sink(path)?;
                Ok(())
            }),
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
