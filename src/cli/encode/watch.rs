//! Progress of an encode: a bar on a terminal, elsewhere a line every ten seconds, both with frames,
//! per cent and the time left.

use crate::encode;
use crate::transcode::{Estimate, Event, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a line is printed without a terminal, and how often the bar's is renewed.
const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR_EVERY: Duration = Duration::from_secs(1);

/// Follows an encode until it is dropped.
pub(super) struct Watch {
    pub(super) stage: Arc<Stage>,
    /// Share of the fit in the work on a segment, 0 to 1.
    fit_share: f64,
    /// The progress thread runs while this exists.
    running: Arc<()>,
}

/// Where progress is shown; any thread may clear it.
pub(super) struct Stage {
    bar: ProgressBar,
    progress: Mutex<Progress>,
    kept: AtomicU32,
}

impl Watch {
    /// For an input of `frames` frames, where known, at `fps`.
    pub(super) fn new(frames: Option<u64>, fps: f64, estimate: &Estimate) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let (bar, template) = match frames {
            _ if !terminal => (ProgressBar::hidden(), "{msg}"),
            Some(frames) => (ProgressBar::new(frames), "{bar:30} {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let watch = Self {
            stage: Arc::new(Stage {
                bar,
                progress: Mutex::new(Progress::new(frames, fps, estimate.frame_s)),
                kept: AtomicU32::new(0),
            }),
            fit_share: estimate.fit_share,
            running: Arc::new(()),
        };
        watch.show(terminal);
        watch
    }

    /// Starts the thread that shows progress; where it cannot start, none is shown.
    fn show(&self, terminal: bool) {
        let (stage, running) = (Arc::clone(&self.stage), Arc::downgrade(&self.running));
        let every = if terminal { BAR_EVERY } else { LINE_EVERY };
        let show = move || {
            loop {
                thread::sleep(every);
                if running.strong_count() == 0 {
                    return;
                }
                let line = stage.lock().line();
                if terminal {
                    stage.bar.set_message(line);
                } else {
                    eprintln!("{line}");
                }
            }
        };
        let _ = thread::Builder::new().name("progress".into()).spawn(show);
    }

    pub(super) fn follow(&mut self, event: &Event<'_>) {
        let mut progress = self.stage.lock();
        match *event {
            Event::Fitting(frames, encode::Progress { pass, passes, loss }) => {
                let share = self.fit_share * f64::from(pass) / f64::from(passes.max(1));
                let detail = format!("pass {pass} of {passes}, loss {loss:.4}");
                progress.work(frames, share, detail);
            }
            Event::Measuring(frames, share) => {
                let share = self.fit_share + (1.0 - self.fit_share) * share;
                progress.work(frames, share, "measuring".to_owned());
            }
            Event::Damaged(error) => eprintln!("{error}; fitting that segment again"),
            Event::Finished {
                frames,
                kept,
                found,
            } => {
                progress.finish(frames, found);
                let kept = u32::from(kept);
                self.stage.kept.fetch_add(kept, Ordering::Relaxed);
            }
        }
        self.stage.bar.set_position(progress.at() as u64);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stage.clear();
    }
}

impl Stage {
    /// Takes the bar away, so that text has the line to itself.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn kept(&self) -> u32 {
        self.kept.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
