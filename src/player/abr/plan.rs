//! Shared by the planning rules: horizon, objective, buffer dynamics, prediction.
//!
//! A plan of rungs for the next [`HORIZON`] segments is worth Σ u − Σ |Δu| − μ·stalled seconds (Yin,
//! Jindal, Sekar, Sinopoli, "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over
//! HTTP", SIGCOMM 2015, §3), u the ladder's utility and μ the utility of the top rung: 4.3 for rates
//! up to 4.3 Mbit/s and 2.66 for their logarithms in the literature.

use super::{Ladder, View};
use crate::player::throughput::Window;

pub(super) const HORIZON: usize = 5;
const SAMPLES: usize = 5;

/// Penalty of a stalled second, in utility.
pub(super) fn stall_weight(ladder: &Ladder) -> f64 {
    let top = ladder.mean_utility(ladder.top());
    if top > 0.0 { top } else { 1.0 }
}

/// The utility that the plan starts from, if there is one.
pub(super) fn last_utility(view: &View<'_>) -> Option<f64> {
    let before = view.segment.saturating_sub(1);
    let utility = |rung| view.ladder.utility(before, rung);
    view.last_rung.map(utility)
}

/// A fetch of a segment from a rung, predicted at `pace` seconds a byte.
pub(super) struct Fetch {
    pub(super) rung: usize,
    pub(super) utility: f64,
    pub(super) likely_s: f64,
    duration_s: f64,
    /// The level at which the session stops asking, seconds.
    most_s: f64,
}

impl Fetch {
    pub(super) fn of(view: &View<'_>, segment: usize, rung: usize, pace: f64) -> Self {
        let ladder = view.ladder;
        Self {
            rung,
            utility: ladder.utility(segment, rung),
            likely_s: view.latency_s + ladder.size(segment, rung) as f64 * pace,
            duration_s: ladder.duration_s(segment),
            most_s: view.buffer_target_s.max(2.0 * view.duration_s()),
        }
    }

    /// The buffer after the segment when it took `took_s`, and the stall, seconds; waiting when full is free.
    pub(super) fn step(&self, buffer_s: f64, took_s: f64) -> (f64, f64) {
        let stalled_s = (took_s - buffer_s).max(0.0);
        let after_s = (buffer_s - took_s).max(0.0) + self.duration_s;
        (after_s.min(self.most_s), stalled_s)
    }
}

/// The rate ahead: harmonic mean of the last 5, and how wrong that was.
#[derive(Debug, Default)]
pub(super) struct Prediction {
    rates: Window<SAMPLES>,
    errors: Window<SAMPLES>,
    /// Prediction for the transfer in progress, kbit/s.
    stated: Option<f64>,
}

impl Prediction {
    /// The prediction for the next transfer, kbit/s; `None` before the first.
    pub(super) fn state(&mut self) -> Option<f64> {
        self.stated = self.rates.harmonic(SAMPLES);
        self.stated
    }

    /// The largest relative error of the last 5 predictions, 0 without any.
    pub(super) fn worst_error(&self) -> f64 {
        self.errors.last(SAMPLES).fold(0.0, f64::max)
    }

    /// A transfer came at `rate` kbit/s; returns prediction over truth, if there was a prediction.
    pub(super) fn learn(&mut self, rate: f64) -> Option<f64> {
        self.rates.push(rate);
        let ratio = self.stated.take()? / rate;
        self.errors.push((ratio - 1.0).abs());
        Some(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::view;
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    #[test]
    fn steps_stall_and_fill() {
        let ladder = constant_rate(&[100.0], 9, 2.0);
        let fetch = Fetch::of(&view(&ladder), 5, 0, 1.0);
        assert_eq!(fetch.step(4.0, 1.5), (4.5, 0.0));
        assert_eq!(fetch.step(1.0, 1.5), (2.0, 0.5));
        assert_eq!(fetch.step(24.0, 0.5), (25.0, 0.0));
    }

    #[test]
    fn errors_are_those_of_the_undiscounted_prediction() {
        let mut prediction = Prediction::default();
        assert_eq!(prediction.state(), None);
        assert_eq!(prediction.learn(100.0), None);
        assert_eq!(prediction.state(), Some(100.0));
        assert_eq!(prediction.learn(50.0), Some(2.0));
        assert_eq!(prediction.worst_error(), 1.0);
        assert!((prediction.state().unwrap() - 2.0 / 0.03).abs() < 1e-9);
    }
}
