//! Predictions for a device, learnt from finished segments.

use super::job;

/// Weight of the newest segment in the mean.
const LEARNING: f64 = 0.3;

/// Seconds a frame by rung, as far as they were observed.
#[derive(Debug, Clone)]
pub(super) struct Learnt(Vec<Option<f64>>);

impl Learnt {
    pub(super) fn new(rungs: usize) -> Self {
        Self(vec![None; rungs])
    }

    /// Adds a finished segment of `rung` with `frame_s` a frame.
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
        Some(job::ready_s(start_s, frames, frame_s, self.fps))
    }
}
