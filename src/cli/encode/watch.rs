//! Progress of an encode: a bar on a terminal, elsewhere a line every ten seconds, both with frames,
//! per cent and the time left.

use crate::encode;
use crate::transcode::{Estimate, Event, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often a line is printed without a terminal, and how often the bar's is renewed.
const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR_EVERY: Duration = Duration::from_secs(1);

/// Follows an encode.
pub(super) struct Watch {
    stage: Stage,
    /// Share of the fit in the work on a segment, 0 to 1.
    fit_share: f64,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Where progress is shown; any thread may clear it.
#[derive(Clone)]
pub(super) struct Stage {
    bar: ProgressBar,
    progress: Arc<Mutex<Progress>>,
    kept: Arc<AtomicU32>,
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
        let progress = Progress::new(frames, fps, estimate.frame_s);
        let stage = Stage {
            bar,
            progress: Arc::new(Mutex::new(progress)),
            kept: Arc::default(),
        };
        Self {
            ticker: ticker(stage.clone(), terminal),
            fit_share: estimate.fit_share,
            stage,
        }
    }

    /// Where progress is shown.
    pub(super) fn stage(&self) -> Stage {
        self.stage.clone()
    }

    /// Takes note of an event of the job.
    pub(super) fn follow(&mut self, event: &Event<'_>) {
        let mut progress = self.stage.lock();
        match *event {
            Event::Fitting {
                frames,
                progress: encode::Progress { pass, passes, loss },
            } => {
                let share = self.fit_share * f64::from(pass) / f64::from(passes.max(1));
                let detail = format!("pass {pass} of {passes}, loss {loss:.4}");
                progress.work(frames, share, detail);
            }
            Event::Measuring { frames, share } => {
                let share = self.fit_share + (1.0 - self.fit_share) * share;
                progress.work(frames, share, "measuring".to_owned());
            }
            Event::Damaged(error) => {
                eprintln!("{error}; fitting that segment again");
            }
            Event::Finished {
                frames,
                kept,
                found,
            } => {
                progress.finish(frames, found);
                self.stage
                    .kept
                    .fetch_add(u32::from(kept), Ordering::Relaxed);
            }
        }
        self.stage.bar.set_position(progress.at() as u64);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            // It only prints; a panic in it needs no handling here.
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

    /// Segments that are finished and kept.
    pub(super) fn kept(&self) -> u32 {
        self.kept.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that prints progress until its sender is dropped.
fn ticker(stage: Stage, terminal: bool) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let print = move || {
        let every = if terminal { BAR_EVERY } else { LINE_EVERY };
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
            let line = stage.lock().line();
            if terminal {
                stage.bar.set_message(line);
            } else {
                eprintln!("{line}");
            }
        }
    };
    let thread = thread::Builder::new().name("progress".to_owned());
    Some((stop, thread.spawn(print).ok()?))
}
