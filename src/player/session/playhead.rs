//! Where the viewer is, and what moves the playhead: the session's own clock, or reports from outside.

use crate::player::log::{Log, Pause};

/// Slowest and fastest playback rate.
const RATES: [f64; 2] = [1.0 / 16.0, 16.0];

/// A report this close to the end counts as the end, seconds: a playhead may rest at the last frame's start.
const END_S: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Playhead {
    /// Media time of what plays next, seconds.
    pub(super) position_s: f64,
    /// Media seconds a clock second.
    pub(super) rate: f64,
    pub(super) paused: bool,
    /// Whether its place was ever reported from outside: from then on it moves by reports only.
    external: bool,
}

impl Playhead {
    pub(super) fn new(position_s: f64) -> Self {
        Self {
            position_s,
            rate: 1.0,
            paused: false,
            external: false,
        }
    }

    pub(super) fn is_self_running(&self) -> bool {
        !self.paused && !self.external
    }

    /// How long `media_s` seconds of media last on the session clock; without end while paused.
    pub(super) fn lasts_s(&self, media_s: f64) -> f64 {
        if self.paused {
            f64::INFINITY
        } else {
            media_s / self.rate
        }
    }

    /// When `media_s` will have been played from `from_s` on; infinite when paused or reported from outside.
    pub(super) fn passes_s(&self, from_s: f64, media_s: f64) -> f64 {
        if self.external {
            f64::INFINITY
        } else {
            from_s + self.lasts_s(media_s)
        }
    }

    /// The playhead is at `to_s` of `total_s`, by a report; returns the media that has played since.
    pub(super) fn report(&mut self, to_s: f64, total_s: f64) -> f64 {
        self.external = true;
        let ended = to_s + END_S >= total_s;
        let to_s = if ended { total_s } else { to_s };
        (to_s - self.position_s).max(0.0)
    }

    /// Sets a rate within limits; one that is not finite changes nothing.
    pub(super) fn set_rate(&mut self, rate: f64) {
        if rate.is_finite() {
            self.rate = rate.clamp(RATES[0], RATES[1]);
        }
    }

    pub(super) fn pause(&mut self, now_s: f64, log: &mut Log) {
        if !self.paused {
            self.paused = true;
            log.pauses.push(Pause {
                start_s: now_s,
                end_s: None,
            });
        }
    }

    /// Ends a pause; returns how long it was, seconds.
    pub(super) fn resume(&mut self, now_s: f64, log: &mut Log) -> f64 {
        self.paused = false;
        let last = log.pauses.last_mut().filter(|pause| pause.end_s.is_none());
        last.map_or(0.0, |pause| {
            pause.end_s = Some(now_s);
            now_s - pause.start_s
        })
    }
}
