//! What an encode says while it runs: a bar on a terminal, elsewhere a line every ten seconds, both
//! with frames, per cent and the time left.
//!
//! Time left goes by the frames that this run has done; before there are enough, by the estimate
//! that was made at the start.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal, and how often the bar's is renewed.
const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR_EVERY: Duration = Duration::from_secs(1);
/// Media in seconds after which the run's own speed is trusted.
const TRUSTED_S: f64 = 1.0;

/// Follows an encode.
pub(super) struct Watch {
    stage: Stage,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Where progress is shown; any thread may clear it.
#[derive(Clone)]
pub(super) struct Stage {
    bar: ProgressBar,
    progress: Arc<Mutex<Progress>>,
}

/// How far an encode is.
#[derive(Debug)]
struct Progress {
    begun: Instant,
    /// Frames of the input, where that is known.
    total: Option<u64>,
    fps: f64,
    /// Expected seconds a frame.
    expected: Option<f64>,
    /// Frames of finished segments, and those of them that were found done.
    done: u64,
    kept: u64,
    /// Frames of the segment under way, and how much of their work is done, 0 to 1.
    frames: u64,
    share: f64,
    detail: String,
}

impl Watch {
    /// For an input of `total` frames at `fps` that are expected to take `expected` seconds each,
    /// where that is known.
    pub(super) fn new(total: Option<u64>, fps: f64, expected: Option<f64>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = match (terminal, total) {
            (true, Some(total)) => ProgressBar::new(total),
            (true, None) => ProgressBar::new_spinner(),
            (false, _) => ProgressBar::hidden(),
        };
        let template = match total {
            Some(_) => "{bar:30} {msg}",
            None => "{spinner} {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let progress = Progress {
            begun: Instant::now(),
            total,
            fps,
            expected,
            done: 0,
            kept: 0,
            frames: 0,
            share: 0.0,
            detail: String::new(),
        };
        let stage = Stage {
            bar,
            progress: Arc::new(Mutex::new(progress)),
        };
        let ticker = ticker(stage.clone(), terminal);
        Self { stage, ticker }
    }

    /// Where progress is shown.
    pub(super) fn stage(&self) -> Stage {
        self.stage.clone()
    }

    /// `share` (0 to 1) of the work on a segment of `frames` frames is done; `detail` says what.
    pub(super) fn within(&self, frames: u64, share: f64, detail: String) {
        let mut progress = self.stage.lock();
        (progress.frames, progress.share, progress.detail) = (frames, share, detail);
        let at = progress.at();
        drop(progress);
        self.stage.bar.set_position(at as u64);
    }

    /// A segment of `frames` frames is done, or was found done.
    pub(super) fn done(&self, frames: u64, kept: bool) {
        let mut progress = self.stage.lock();
        progress.done += frames;
        progress.kept += if kept { frames } else { 0 };
        (progress.frames, progress.share) = (0, 0.0);
        self.stage.bar.set_position(progress.done);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            // It only prints; if it panicked, there is nothing to do about it.
            let _ = ticker.join();
        }
        self.stage.clear();
    }
}

impl Stage {
    /// Takes the bar away, so that text has the line to itself.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that tells, until its sender is dropped.
fn ticker(stage: Stage, terminal: bool) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let tell = move || {
        let every = if terminal { BAR_EVERY } else { LINE_EVERY };
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
            let line = stage.lock().line();
            match terminal {
                true => stage.bar.set_message(line),
                false => eprintln!("{line}"),
            }
        }
    };
    let thread = thread::Builder::new().name("progress".to_owned());
    Some((stop, thread.spawn(tell).ok()?))
}

impl Progress {
    /// Frames, with the share of those under way.
    fn at(&self) -> f64 {
        self.done as f64 + self.share * self.frames as f64
    }

    fn line(&self) -> String {
        let at = self.at();
        let detail = match self.detail.as_str() {
            "" => String::new(),
            detail => format!(", {detail}"),
        };
        let Some(total) = self.total else {
            let elapsed = span(self.begun.elapsed().as_secs_f64());
            return format!("{at:.0} frames in {elapsed}{detail}");
        };
        // A container may promise fewer frames than there are.
        let percent = (100.0 * at / total.max(1) as f64).min(100.0);
        let left = self.left_s(self.begun.elapsed().as_secs_f64(), total);
        let left = left.map_or_else(String::new, |left| format!(", {} left", span(left)));
        format!("{at:.0}/{total} frames, {percent:.0} %{left}{detail}")
    }

    /// Seconds to go after `elapsed`.
    fn left_s(&self, elapsed: f64, total: u64) -> Option<f64> {
        let to_do = (total as f64 - self.at()).max(0.0);
        let made = self.at() - self.kept as f64;
        match self.expected {
            Some(expected) if made < TRUSTED_S * self.fps => Some(to_do * expected),
            _ if made > 0.0 => Some(to_do * elapsed / made),
            _ => None,
        }
    }
}

/// A time for people: `40 s`, `3 min`, `2 h 10 min`.
pub(super) fn span(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match (seconds, minutes / 60, minutes % 60) {
        (..=90.0, ..) => format!("{:.0} s", seconds.max(0.0).ceil()),
        (_, 0, minutes) => format!("{minutes} min"),
        (_, hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress {
            begun: Instant::now(),
            total: Some(200),
            fps: 10.0,
            expected: Some(0.5),
            done: 0,
            kept: 0,
            frames: 0,
            share: 0.0,
            detail: String::new(),
        }
    }

    #[test]
    fn time_left_goes_by_the_estimate_and_then_by_what_was_done() {
        let begun = progress();
        assert_eq!(begun.line(), "0/200 frames, 0 %, 2 min left");
        // 80 frames were found done, 20 made in 40 s.
        let later = Progress {
            done: 90,
            kept: 80,
            frames: 20,
            share: 0.5,
            detail: "pass 4 of 20".to_owned(),
            ..progress()
        };
        assert_eq!(later.left_s(40.0, 200), Some(200.0));
        assert!(later.line().starts_with("100/200 frames, 50 %, "));
        assert!(later.line().ends_with(" left, pass 4 of 20"));
    }

    #[test]
    fn an_input_of_unknown_length_has_no_end() {
        let open = Progress {
            total: None,
            done: 30,
            ..progress()
        };
        assert_eq!(open.line(), "30 frames in 1 s");
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(span(0.0), "0 s");
        assert_eq!(span(59.2), "60 s");
        assert_eq!(span(200.0), "3 min");
        assert_eq!(span(7800.0), "2 h 10 min");
    }
}
