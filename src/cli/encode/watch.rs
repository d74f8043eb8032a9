//! What an encode says while it runs: a bar with the time left and the loss on a terminal, a line
//! a segment elsewhere.

use crate::invert::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Follows an encode.
pub(super) struct Watch {
    bar: ProgressBar,
    lines: bool,
    frames: u64,
    total: Option<u64>,
    loss: Option<f64>,
}

impl Watch {
    /// For an input of `total` frames, where that is known.
    pub(super) fn new(total: Option<u64>, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = match (terminal, total) {
            (true, Some(total)) => ProgressBar::new(total),
            (true, None) => ProgressBar::new_spinner(),
            (false, _) => ProgressBar::hidden(),
        };
        let template = match total {
            Some(_) => "{bar:30} {pos}/{len} frames, {eta} left, {msg}",
            None => "{spinner} {pos} frames in {elapsed}, {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            lines: !terminal && !quiet,
            frames: 0,
            total,
            loss: None,
        }
    }

    /// A pass over a segment of `frames` frames is done.
    pub(super) fn pass(&mut self, progress: Progress, frames: u64) {
        let share = f64::from(progress.pass) / f64::from(progress.passes.max(1));
        self.loss = Some(progress.loss);
        self.bar
            .set_position(self.frames + (share * frames as f64) as u64);
        let Progress { pass, passes, loss } = progress;
        self.bar
            .set_message(format!("pass {pass}/{passes}, loss {loss:.4}"));
    }

    /// Segment `number` (from 0) of `frames` frames is done.
    pub(super) fn done(&mut self, number: u32, frames: u64) {
        self.frames += frames;
        self.bar.set_position(self.frames);
        if self.lines {
            let of = self
                .total
                .map_or_else(String::new, |total| format!("/{total}"));
            let loss = self
                .loss
                .map_or_else(String::new, |loss| format!(", loss {loss:.4}"));
            eprintln!("segment {}: {}{of} frames{loss}", number + 1, self.frames);
        }
    }

    /// The last segment is done.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
