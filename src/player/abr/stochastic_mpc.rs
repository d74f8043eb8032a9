//! Stochastic MPC: the best plan in expectation over how long segments may take.
//!
//! Fugu's planner (Yan et al., "Learning in situ", NSDI 2020, §4): value iteration over buffer bins and
//! last rungs for five segments, each transfer time a distribution instead of a number. Fugu's comes from a
//! neural net trained on the servers' data; here it is the session's own ratios of measured to predicted
//! time (latency + bytes over the harmonic mean of five), in [`BINS`] bins of equal ratio from 1/4 to 4. It
//! starts from a spread of 0.7 a bin round 1 (`puffer_raw`), worth [`PRIOR`] transfers; old transfers fade.

use super::plan::{self, Fetch, HORIZON, Prediction};
use super::{Choice, Delivery, Ladder, Rule, View, highest};

/// Bins of the ratio of measured to predicted time.
const BINS: usize = 9;
/// Powers of two from one bin to the next: from 2^-2 to 2^2.
const BIN_WIDTH: f64 = 0.5;
/// Spread of the prior from one bin to the next.
const SPREAD: f64 = 0.7;
/// Weight of the prior, in transfers.
const PRIOR: f64 = 3.0;
/// Decay of a transfer's weight per transfer.
const FADE: f64 = 0.95;
const LEVELS: usize = 32;
/// Minimum distance of buffer levels, seconds.
const FINEST_S: f64 = 0.5;

#[derive(Debug)]
pub(super) struct StochasticMpc {
    stall_weight: f64,
    prediction: Prediction,
    /// Weight of each ratio.
    seen: [f64; BINS],
    ratios: [f64; BINS],
    /// [`Self::seen`] over its sum, as of the decision at hand.
    shares: [f64; BINS],
    /// Buffer levels per second, and their number.
    levels_per_s: f64,
    levels: usize,
    /// Value of the rest of the plan, by last rung and level.
    value: Vec<f64>,
    next: Vec<f64>,
    values: Vec<f64>,
}

impl StochasticMpc {
    pub(super) fn new(ladder: &Ladder, buffer_target_s: f64) -> Self {
        let away = std::array::from_fn(|bin| bin as i32 - (BINS / 2) as i32);
        let seen: [f64; BINS] = away.map(|away: i32| SPREAD.powi(away.abs()));
        let total: f64 = seen.iter().sum();
        let seen = seen.map(|weight| weight * (PRIOR / total));
        let longest = (0..ladder.segments()).map(|segment| ladder.duration_s(segment));
        let most_s = (2.0 * longest.fold(0.0, f64::max)).max(buffer_target_s);
        let grid_s = (most_s / (LEVELS - 1) as f64).max(FINEST_S);
        let levels = ((most_s / grid_s).round() as usize + 1).max(2);
        let cells = levels * ladder.rungs().len();
        Self {
            stall_weight: plan::stall_weight(ladder),
            prediction: Prediction::default(),
            shares: seen.map(|weight| weight / PRIOR),
            seen,
            ratios: away.map(|away| (BIN_WIDTH * f64::from(away)).exp2()),
            levels_per_s: 1.0 / grid_s,
            levels,
            value: vec![0.0; cells],
            next: vec![0.0; cells],
            values: vec![0.0; levels],
        }
    }

    /// Expected value of a fetch from `buffer_s`, without the change from the last rung.
    fn expected(&self, fetch: &Fetch, buffer_s: f64) -> f64 {
        let future = &self.value[fetch.rung * self.levels..][..self.levels];
        let mut sum = 0.0;
        for (share, ratio) in self.shares.iter().zip(&self.ratios) {
            let took_s = fetch.likely_s * ratio;
            let (after_s, stalled_s) = fetch.step(buffer_s, took_s);
            // Truncation of what is at least 0: `round` would be a call into the C library.
            let level = ((after_s * self.levels_per_s + 0.5) as usize).min(self.levels - 1);
            sum += share * (future[level] - self.stall_weight * stalled_s);
        }
        fetch.utility + sum
    }

    /// One step of value iteration, back over `segment`.
    fn back_up(&mut self, view: &View<'_>, segment: usize, pace: f64) {
        let ladder = view.ladder;
        self.next.fill(f64::NEG_INFINITY);
        for rung in 0..=ladder.top() {
            let fetch = Fetch::of(view, segment, rung, pace);
            for level in 0..self.levels {
                self.values[level] = self.expected(&fetch, level as f64 / self.levels_per_s);
            }
            let rows = self.next.chunks_exact_mut(self.levels);
            for (last, row) in rows.enumerate() {
                let change = (fetch.utility - ladder.utility(segment - 1, last)).abs();
                for (cell, value) in row.iter_mut().zip(&self.values) {
                    *cell = cell.max(value - change);
                }
            }
        }
        std::mem::swap(&mut self.value, &mut self.next);
    }

    /// The first rung of the best plan at `pace` seconds a byte.
    fn plan(&mut self, view: &View<'_>, pace: f64) -> usize {
        let total: f64 = self.seen.iter().sum();
        self.shares = self.seen.map(|weight| weight / total);
        let end = (view.segment + HORIZON).min(view.ladder.segments());
        self.value.fill(0.0);
        for segment in (view.segment + 1..end).rev() {
            self.back_up(view, segment, pace);
        }
        let last = plan::last_utility(view);
        highest(view.ladder, |rung| {
            let fetch = Fetch::of(view, view.segment, rung, pace);
            let change = last.map_or(0.0, |last| (fetch.utility - last).abs());
            self.expected(&fetch, view.buffer_s) - change
        })
    }
}

impl Rule for StochasticMpc {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let by = "stochastic-mpc";
        let rate = self.prediction.state();
        Choice::now(rate.map_or(0, |rate| self.plan(view, 0.008 / rate)), by)
    }

    fn delivered(&mut self, delivery: &Delivery) {
        let Some(ratio) = self.prediction.learn(delivery.kbps()) else {
            return;
        };
        self.seen.iter_mut().for_each(|weight| *weight *= FADE);
        let middle = (BINS / 2) as f64;
        let bin = (ratio.log2() / BIN_WIDTH + middle).round();
        self.seen[bin.clamp(0.0, (BINS - 1) as f64) as usize] += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, delivery, last_segment};
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    /// One segment left, 1 s for the upper rung as predicted; ratios 2^-2 … 2^2 weigh 0.7^4 … 0.7^4.
    /// Stalls from B = 0.9: of 0.1, 0.514, 1.1, 1.928 and 3.1 s with the weights 1, 0.7, 0.49, 0.343,
    /// 0.2401 over 4.546: 0.529 s. The lower rung takes half as long: 0.1, 0.514 and 1.1 s at the last
    /// three: 0.108 s. In units of ln 2 staying is worth 1 − 0.529, falling −0.108 and a switch.
    #[test]
    fn expectations() {
        let ladder = constant_rate(&[100.0, 200.0], 50, 2.0);
        let mut rule = StochasticMpc::new(&ladder, 25.0);
        rule.delivered(&delivery(&ladder, 0, 0.5, 9.0));
        let at = last_segment(&ladder, 0.9);
        for (rung, expected) in [(1, 1.0 - 0.529), (0, -0.108)] {
            let fetch = Fetch::of(&at, 49, rung, 0.008 / 400.0);
            let value = rule.expected(&fetch, 0.9) / 2f64.ln();
            assert!((value - expected).abs() < 1e-3, "{value}");
        }
        assert_eq!(rule.choose(&at).rung, 1);
        assert_eq!(rule.choose(&last_segment(&ladder, 0.0)).rung, 1);
    }

    /// Without a rung to come from, 1 s of buffer and 1 s for the upper rung: it is taken when times
    /// are certain, but not when six in ten take four times as long (3 s of stall against 1 s).
    #[test]
    fn the_tail_counts() {
        let ladder = constant_rate(&[100.0, 200.0], 50, 2.0);
        let mut rule = StochasticMpc::new(&ladder, 25.0);
        let at = View {
            last_rung: None,
            ..last_segment(&ladder, 1.0)
        };
        for (bins, rung) in [([0.0, 1.0, 0.0], 1), ([0.4, 0.0, 0.6], 0)] {
            rule.seen = [0.0; BINS];
            [rule.seen[0], rule.seen[4], rule.seen[8]] = bins;
            assert_eq!(rule.plan(&at, 0.008 / 400.0), rung);
        }
    }

    #[test]
    fn transfers_move_the_distribution() {
        let ladder = constant_rate(&[100.0, 200.0], 50, 2.0);
        let mut rule = StochasticMpc::new(&ladder, 25.0);
        rule.delivered(&delivery(&ladder, 0, 0.5, 9.0));
        let before = rule.seen;
        rule.choose(&last_segment(&ladder, 9.0));
        // Predicted 0.5 s, measured 2 s: the last bin.
        rule.delivered(&delivery(&ladder, 0, 2.0, 9.0));
        assert!((rule.seen[8] - (FADE * before[8] + 1.0)).abs() < 1e-12);
        assert!((rule.seen[4] - FADE * before[4]).abs() < 1e-12);
    }

    /// Far from stalls and with everything certain, the plan is that of the quality alone.
    #[test]
    fn a_full_buffer_takes_the_top() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 50, 2.0);
        let mut rule = StochasticMpc::new(&ladder, 25.0);
        rule.delivered(&delivery(&ladder, 0, 0.05, 9.0));
        assert_eq!(rule.choose(&at(&ladder, 22.0, 1.0, 2)).rung, 2);
    }
}
