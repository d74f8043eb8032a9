//! How far a job is, and how long it will still take.
//!
//! The time left follows from the frames that this run has fitted; before there are enough, from
//! the estimate made at the start.

use super::text::duration_text;
use std::time::Instant;

/// Media in seconds after which the run's own speed is trusted.
const TRUSTED_S: f64 = 1.0;

/// Progress of one job.
#[derive(Debug, Clone)]
pub struct Progress {
    begun: Instant,
    total: Option<u64>,
    fps: f64,
    expected: Option<f64>,
    /// Frames of finished segments, and those of them that were finished before this run.
    done: u64,
    found: u64,
    /// Frames of the segment in progress, and the share of its work that is done, 0 to 1.
    frames: u64,
    share: f64,
    detail: String,
}

impl Progress {
    /// For an input of `total` frames, where known, at `fps`; each is expected to take
    /// `expected` seconds, where known.
    pub fn new(total: Option<u64>, fps: f64, expected: Option<f64>) -> Self {
        Self {
            begun: Instant::now(),
            total,
            fps,
            expected,
            done: 0,
            found: 0,
            frames: 0,
            share: 0.0,
            detail: String::new(),
        }
    }

    /// `share` (0 to 1) of the work on a segment of `frames` frames is done; `detail` names the work.
    pub fn work(&mut self, frames: u64, share: f64, detail: String) {
        (self.frames, self.share, self.detail) = (frames, share, detail);
    }

    /// A segment of `frames` frames is finished, or was `found` finished.
    pub fn finish(&mut self, frames: u64, found: bool) {
        self.done += frames;
        self.found += if found { frames } else { 0 };
        (self.frames, self.share) = (0, 0.0);
    }

    /// Frames that are done, those of the segment in progress by their share.
    pub fn at(&self) -> f64 {
        self.done as f64 + self.share * self.frames as f64
    }

    /// The progress as a line of text.
    pub fn line(&self) -> String {
        let at = self.at();
        let elapsed = self.begun.elapsed().as_secs_f64();
        let mut line = match self.total {
            None => format!("{at:.0} frames in {}", duration_text(elapsed)),
            Some(total) => {
                // A container may announce fewer frames than it holds.
                let percent = (100.0 * at / total.max(1) as f64).min(100.0);
                format!("{at:.0}/{total} frames, {percent:.0} %")
            }
        };
        if let Some(left) = self.total.and_then(|total| self.left_s(elapsed, total)) {
            line += &format!(", {} left", duration_text(left));
        }
        if !self.detail.is_empty() {
            line += &format!(", {}", self.detail);
        }
        line
    }

    fn left_s(&self, elapsed: f64, total: u64) -> Option<f64> {
        let to_do = (total as f64 - self.at()).max(0.0);
        let made = self.at() - self.found as f64;
        match self.expected {
            Some(expected) if made < TRUSTED_S * self.fps => Some(to_do * expected),
            _ if made > 0.0 => Some(to_do * elapsed / made),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_estimate_and_then_the_speed_of_the_run() {
        let mut progress = Progress::new(Some(200), 10.0, Some(0.5));
        assert_eq!(progress.line(), "0/200 frames, 0 %, 2 min left");
        // 80 frames were found finished, 20 made in 40 s.
        progress.finish(80, true);
        progress.finish(10, false);
        progress.work(20, 0.5, "pass 4 of 20".to_owned());
        assert_eq!(progress.left_s(40.0, 200), Some(200.0));
        assert!(progress.line().starts_with("100/200 frames, 50 %, "));
        assert!(progress.line().ends_with(" left, pass 4 of 20"));
        let mut open = Progress::new(None, 10.0, None);
        open.finish(30, false);
        assert_eq!(open.line(), "30 frames in 1 s");
    }
}
