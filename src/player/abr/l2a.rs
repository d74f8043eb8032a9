//! L2A: online learning of a mix of rungs.
//!
//! Karagkioules, Paschos, Liakopoulos, Fiandrotti, Tsilimantos, Cagnazzo, "Online Learning for
//! Adaptive Video Streaming in Mobile Networks" (TOMM 2022; L2A-LL at MMSys 2020), with the parameters
//! of dash.js's L2ARule: horizon 4, cautiousness VL = 4^0.99, step 1/(2α) with α = max(4, 2·VL),
//! reactiveness 2. w is a probability over rungs; each segment takes one step down the gradient of
//! latency under the buffer constraint, whose multiplier is Q, and projects w on the simplex (Duchi
//! et al., ICML 2008). The rung nearest to the mixed rate is fetched; rises go by one rung.
//!
//! Differs from dash.js: rates are kbit/s throughout (there Q once mixes bit/s and kbit/s); a rise
//! beyond the next rung that the last throughput does not carry stays where it was (there it jumps);
//! the playback rate is always 1.

use super::throughput::sustained;
use super::{Choice, Delivery, Ladder, Rule, View, highest};

const HORIZON: f64 = 4.0;
/// Factor of Q after a rate above the throughput.
const REACT: f64 = 2.0;
/// The buffer level from which on it learns, seconds.
const STEADY_S: f64 = 1.5;

#[derive(Debug)]
pub(super) struct L2a {
    weights: Vec<f64>,
    /// Lagrange multiplier of the buffer constraint.
    q: f64,
    /// The last transfer's rate, kbit/s.
    rate: Option<f64>,
    learning: bool,
}

impl L2a {
    pub(super) fn new(ladder: &Ladder) -> Self {
        Self {
            weights: vec![0.0; ladder.rungs().len()],
            q: 0.0,
            rate: None,
            learning: false,
        }
    }

    fn start(&mut self, view: &View<'_>) -> usize {
        let rung = sustained(view);
        if self.rate.is_some() && view.buffer_s >= STEADY_S {
            self.weights.fill(0.0);
            self.weights[rung] = 1.0;
            self.q = caution();
            self.learning = true;
        }
        rung
    }

    /// One step; returns the rung nearest to the mix.
    fn step(&mut self, ladder: &Ladder, duration: f64, rate: f64) -> usize {
        let kbps = |rung: usize| ladder.kbps(rung);
        let alpha = HORIZON.max(caution() * HORIZON.sqrt());
        for rung in 0..=ladder.top() {
            let sign = if kbps(rung) > rate { -1.0 } else { 1.0 };
            let slope = (self.q + caution()) * kbps(rung) / rate;
            self.weights[rung] += sign * duration / (2.0 * alpha) * slope;
        }
        project(&mut self.weights);
        let mixed: f64 = (0..=ladder.top()).map(|r| self.weights[r] * kbps(r)).sum();
        self.q = (self.q - duration + duration * mixed / rate).max(0.0);
        highest(ladder, |rung| -(kbps(rung) - mixed).abs())
    }
}

fn caution() -> f64 {
    HORIZON.powf(0.99)
}

/// The nearest point whose coordinates are at least 0 and sum to 1.
fn project(point: &mut [f64]) {
    let mut sorted = point.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (index, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (index + 1) as f64;
        if value - candidate > 0.0 {
            shift = candidate;
        }
    }
    for value in point {
        *value = (*value - shift).max(0.0);
    }
}

impl Rule for L2a {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let by = "l2a";
        let (Some(rate), Some(last), true) = (self.rate, view.last_rung, self.learning) else {
            return Choice::now(self.start(view), by);
        };
        let mut rung = self.step(view.ladder, view.duration_s(), rate);
        if rung > last {
            rung = last + usize::from(view.ladder.kbps(last + 1) <= rate);
        }
        if view.ladder.kbps(rung) >= rate {
            self.q = REACT * self.q.max(caution());
        }
        Choice::now(rung, by)
    }

    fn delivered(&mut self, delivery: &Delivery) {
        self.rate = Some(delivery.kbps().max(1.0));
    }

    fn emptied(&mut self) {
        self.learning = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, delivery};
    use super::*;
    use crate::player::ladder::tests::constant_rate;
    use proptest::prelude::*;

    /// VL = 4^0.99 = 3.945, α = 7.890; segments of 2 s: a step of 2 / 15.78 = 0.12674. At 300 kbit/s
    /// the gradient is (VL + VL)·b/300, 2.63 for 100 kbit/s and 5.26 for 200: w = (0 + 0.333,
    /// 1 + 0.667), projected on (0, 1): rung 1. 400 kbit/s is above the rate and loses.
    #[test]
    fn one_step_by_hand() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 50, 2.0);
        let mut rule = L2a::new(&ladder);
        rule.delivered(&delivery(&ladder, 0, 25_000.0 / 125.0 / 300.0, 4.0));
        assert_eq!(rule.choose(&at(&ladder, 4.0, 300.0, 0)).rung, 1);
        assert_eq!(rule.weights, [0.0, 1.0, 0.0]);
        let q = rule.q;
        assert_eq!(rule.choose(&at(&ladder, 4.0, 300.0, 1)).rung, 1);
        let gain = 2.0 / 15.780_6 * q / 3.0;
        let (w0, w1) = (2.0 * gain, 1.0 + 4.0 * gain);
        assert!(w1 - w0 > 1.0, "{w0} {w1}");
        assert_eq!(rule.weights, [0.0, 1.0, 0.0]);
        // Q − 2 + 2·200/300.
        assert!((rule.q - (q - 2.0 + 4.0 / 3.0)).abs() < 1e-9);
    }

    #[test]
    fn falls_when_the_rate_does_and_grows_cautious() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 50, 2.0);
        let mut rule = L2a::new(&ladder);
        rule.delivered(&delivery(&ladder, 1, 0.5, 4.0));
        rule.choose(&at(&ladder, 4.0, 800.0, 1));
        assert!(rule.learning);
        // 150 kbit/s: only the lowest rung gains weight; 400 kbit/s loses (Q+VL)·400/150·0.127.
        rule.delivered(&delivery(&ladder, 2, 100_000.0 / 125.0 / 150.0, 4.0));
        assert_eq!(rule.choose(&at(&ladder, 4.0, 150.0, 2)).rung, 0);
        rule.emptied();
        assert!(!rule.learning);
    }

    proptest! {
        #[test]
        fn projections_lie_on_the_simplex(mut point in prop::collection::vec(-5.0f64..5.0, 1..8)) {
            let before = point.clone();
            project(&mut point);
            prop_assert!((point.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(point.iter().all(|&value| value >= 0.0));
            // No corner is nearer.
            let distance = |to: &dyn Fn(usize) -> f64| -> f64 {
                before.iter().enumerate().map(|(i, v)| (v - to(i)).powi(2)).sum()
            };
            let ours = distance(&|i| point[i]);
            for corner in 0..before.len() {
                let theirs = distance(&|i| f64::from(u8::from(i == corner)));
                prop_assert!(ours <= theirs + 1e-9);
            }
        }
    }
}
