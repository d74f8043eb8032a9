//! The generation of one buffered segment, and predictions learnt from finished ones.

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

const LEARNING: f64 = 0.3;

/// Seconds a frame by rung, as far as they were observed.
#[derive(Debug, Clone)]
pub(super) struct Learnt(Vec<Option<f64>>);

impl Learnt {
    pub(super) fn new(rungs: usize) -> Self {
        Self(vec![None; rungs])
    }

    pub(super) fn push(&mut self, rung: usize, frame_s: f64) {
        let mean = &mut self.0[rung];
        *mean = Some(mean.map_or(frame_s, |mean| mean + LEARNING * (frame_s - mean)));
    }

    /// The mean of `rung`, or of the nearest rung that has one.
    pub(super) fn frame_s(&self, rung: usize) -> Option<f64> {
        let known = self.0.iter().enumerate();
        let known = known.filter_map(|(at, mean)| Some((at, (*mean)?)));
        let nearest = known.min_by_key(|(at, _)| at.abs_diff(rung));
        nearest.map(|(_, mean)| mean)
    }
}

/// When segments would be ready, in media time: at a playback rate of 2 all work takes twice as much.
#[derive(Debug, Clone, Copy)]
pub struct Outlook<'a> {
    pub(super) fps: f64,
    pub(super) rate: f64,
    pub(super) backlog_s: f64,
    pub(super) learnt: &'a Learnt,
}

impl Outlook<'_> {
    /// Seconds until a segment that arrives in `arrives_s` is ready; `None` while no segment was generated.
    pub fn ready_s(&self, rung: usize, duration_s: f64, arrives_s: f64) -> Option<f64> {
        let frame_s = self.rate * self.learnt.frame_s(rung)?;
        let start_s = arrives_s.max(self.rate * self.backlog_s);
        let frames = duration_s * self.fps;
        Some(ready_s(start_s, frames, frame_s, self.fps))
    }
}
