//! The generation of one buffered segment: when it starts, how fast it goes, how far it is.

/// Work on a segment that is not finished.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Job {
    pub(super) frames: f64,
    /// When its samples are decoded, session clock, seconds.
    pub(super) decoded_s: f64,
    /// When it would play if nothing stalled.
    pub(super) due_s: f64,
    /// Seconds a frame: the modelled truth, or the measured mean so far.
    pub(super) frame_s: f64,
    pub(super) start_s: f64,
    /// Frames reported as rendered; `None` before the first report.
    pub(super) done: Option<f64>,
}

impl Job {
    pub(super) fn end_s(&self) -> f64 {
        self.start_s + self.frames * self.frame_s
    }

    /// When play may begin at `fps`: the last frame of a slow generator must be there in time, too.
    pub(super) fn ready_s(&self, fps: f64) -> f64 {
        ready_s(self.start_s, self.frames, self.frame_s, fps)
    }

    /// The same as of `now_s`, when the first `done` frames are there.
    pub(super) fn ready_after(&self, done: f64, now_s: f64, fps: f64) -> f64 {
        let left_s = (self.frames - done).max(0.0) * self.frame_s;
        now_s + (left_s - (self.frames - 1.0) / fps).max(0.0)
    }

    /// How many frames come after their time when the segment plays `late_s` after it was due.
    pub(super) fn late_frames(&self, late_s: f64, fps: f64) -> u64 {
        let gained_s = 1.0 / fps - self.frame_s;
        let late = if gained_s > 0.0 {
            (late_s / gained_s).ceil()
        } else {
            self.frames
        };
        late.min(self.frames) as u64
    }
}

/// When play may begin at `fps` of `frames` frames that take `frame_s` each from `start_s` on.
pub(super) fn ready_s(start_s: f64, frames: f64, frame_s: f64, fps: f64) -> f64 {
    let behind_s = (frames - 1.0).max(0.0) * (frame_s - 1.0 / fps);
    start_s + frame_s + behind_s.max(0.0)
}
