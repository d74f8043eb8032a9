//! Parses `ffmpeg`'s standard error: errors about the input, and the counts at the end.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Complaints that are kept; more are counted.
const KEPT: usize = 6;
/// Longest part of a line that is kept, in bytes.
const LINE: u64 = 4096;

#[derive(Debug, Default, Clone)]
pub(super) struct Said {
    /// The first distinct errors, without ffmpeg's object addresses.
    pub(super) complaints: Vec<String>,
    pub(super) count: u64,
    /// Frames that came in, were dropped and were repeated on the way to a constant rate.
    pub(super) resampled: Option<[u64; 3]>,
    /// Different sizes of the pictures in the order in which they came, if there is more than one.
    pub(super) sizes: Vec<String>,
}

impl Said {
    pub(super) fn words(&self) -> String {
        let more = self.count.saturating_sub(self.complaints.len() as u64);
        let words = self.complaints.join("; ");
        match (words.is_empty(), more) {
            (true, _) => "no reason given".to_owned(),
            (_, 0) => words,
            _ => format!("{words}; and {more} more"),
        }
    }

    fn take(&mut self, line: &str) {
        let (who, level, text) = parts(line);
        match level {
            "error" | "fatal" | "panic" => self.complain(who, text),
            "warning" if text.to_lowercase().contains("corrupt") => self.complain(who, text),
            "verbose" if who.starts_with("Parsed_fps") => {
                self.resampled = counts(text).or(self.resampled);
            }
            "info" if text.starts_with("filter context") => {
                for size in text.split(" - ").filter_map(size) {
                    if self.sizes.len() < KEPT && !self.sizes.contains(&size) {
                        self.sizes.push(size);
                    }
                }
            }
            _ => {}
        }
    }

    fn complain(&mut self, who: &str, text: &str) {
        self.count += 1;
        let complaint = match who {
            "" => text.to_owned(),
            _ => format!("{who}: {text}"),
        };
        if self.complaints.len() < KEPT && !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }
}

/// Component, level and text of a line: `[h264 @ 0x5587c1d6] [error] no frame!`.
fn parts(line: &str) -> (&str, &str, &str) {
    let (mut who, mut rest) = ("", line);
    while let Some((word, text)) = rest.strip_prefix('[').and_then(|r| r.split_once("] ")) {
        rest = text;
        match word {
            "panic" | "fatal" | "error" | "warning" | "info" | "verbose" => {
                return (who, word, rest.trim_end());
            }
            _ => who = word.split(" @ ").next().unwrap_or(word),
        }
    }
    (who, "", rest)
}

/// The size in `w: 64 h: 48 fmt: 0, …`, as `64x48`.
fn size(text: &str) -> Option<String> {
    let mut words = text.split(' ');
    let [w, width, h, height] = [words.next()?, words.next()?, words.next()?, words.next()?];
    (w == "w:" && h == "h:").then(|| format!("{width}x{height}"))
}

/// `34 frames in, 180 frames out; 0 frames dropped, 146 frames duplicated.`
fn counts(text: &str) -> Option<[u64; 3]> {
    let numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
    let numbers: Vec<u64> = numbers.collect();
    match (numbers.as_slice(), text.contains("duplicated")) {
        (&[read, _, dropped, repeated], true) => Some([read, dropped, repeated]),
        _ => None,
    }
}

pub(super) struct Messages {
    said: Arc<Mutex<Said>>,
    reader: Option<JoinHandle<()>>,
}

impl Messages {
    pub(super) fn read(pipe: impl Read + Send + 'static) -> Self {
        let said = Arc::new(Mutex::new(Said::default()));
        let shared = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let (mut pipe, mut line) = (BufReader::new(pipe), Vec::new());
            // A failed read ends the messages; the program's status decides what follows.
            while let Ok(1..) = (&mut pipe).take(LINE).read_until(b'\n', &mut line) {
                locked(&shared).take(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self {
            said,
            reader: Some(reader),
        }
    }

    pub(super) fn complain(&self) -> bool {
        locked(&self.said).count > 0
    }

    /// Everything, once the program has ended.
    pub(super) fn all_said(&mut self) -> Said {
        if let Some(reader) = self.reader.take() {
            // It panics only if the lock is poisoned, which `locked` bears.
            let _ = reader.join();
        }
        locked(&self.said).clone()
    }
}

fn locked(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_counts_and_sizes_are_parsed() {
        let text = "[h264 @ 0x55] [error] no frame!\n[h264 @ 0x56] [error] no frame!\n\
                    [warning] a.mp4: corrupt decoded frame in stream 0\n[warning] past duration\n\
                    [graph 0 input @ 0x1] [info] filter context - w: 64 h: 48 fmt: 0, incoming frame - w: 48 h: 64 fmt: 0 pts_time: 1.1\n\
                    [info]   Metadata:\nfree text [error] within\n\
                    [Parsed_fps_1 @ 0x5] [verbose] fps=30/1\n\
                    [Parsed_fps_1 @ 0x5] [verbose] 34 frames in, 180 frames out; 0 frames dropped, 146 frames duplicated.\n";
        let mut messages = Messages::read(std::io::Cursor::new(text));
        let said = messages.all_said();
        assert_eq!(said.count, 3);
        assert_eq!(
            said.words(),
            "h264: no frame!; a.mp4: corrupt decoded frame in stream 0; and 1 more"
        );
        assert_eq!(said.resampled, Some([34, 0, 146]));
        assert_eq!(said.sizes, ["64x48", "48x64"]);
        assert!(messages.complain());
    }
}
