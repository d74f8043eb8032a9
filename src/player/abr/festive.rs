//! FESTIVE: fair and stable under competition.
//!
//! Jiang, Sekar, Zhang, "Improving Fairness, Efficiency, and Stability in HTTP-based Adaptive Video
//! Streaming with FESTIVE", CoNEXT 2012:
//!
//! * §3.2: throughput is the harmonic mean of the last 20 samples; 85 % of it is spent.
//! * §3.3: the reference goes down one rung at once, up one rung only after as many consecutive
//!   opportunities as the rung's number (from 1), so that high rungs are left more slowly.
//! * §3.4: of the reference and the last rung, the one with the lower 2^n (+1 if it switches) +
//!   12·|b / min(w, b_ref) − 1| wins, n the switches among the last 10 segments.
//! * §3.1: requests wait until the buffer falls to a level drawn for each of them, here within one
//!   and a half segments of the highest level at which a request can be made.
//!
//! The paper counts switches over 20 s; its segments last 2 s.

use super::{Choice, Delivery, Rule, View};
use crate::player::random::Random;
use crate::player::throughput::Window;

const SAMPLES: usize = 20;
const SAFETY: f64 = 0.85;
const ALPHA: f64 = 12.0;
const SWITCH_WINDOW: usize = 10;
/// Maximum distance of the drawn level from the highest, segments.
const SPREAD: f64 = 1.5;

#[derive(Debug)]
pub(super) struct Festive {
    random: Random,
    rates: Window<SAMPLES>,
    /// 1 for every recent segment that came from another rung than the one before.
    switched: Window<SWITCH_WINDOW>,
    /// Consecutive segments for which a higher rung was sustained and not taken.
    waited: usize,
}

impl Festive {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            rates: Window::default(),
            switched: Window::default(),
            waited: 0,
        }
    }

    fn reference(&mut self, view: &View<'_>, last: usize, spend: f64) -> usize {
        let ladder = view.ladder;
        let higher = last < ladder.top() && ladder.kbps(last + 1) <= spend;
        let waited = std::mem::take(&mut self.waited);
        if ladder.kbps(last) > spend {
            last.saturating_sub(1)
        } else if !higher {
            last
        } else if waited < last {
            self.waited = waited + 1;
            last
        } else {
            last + 1
        }
    }

    fn settle(&self, view: &View<'_>, last: usize, reference: usize, rate: f64) -> usize {
        let kbps = |rung: usize| view.ladder.kbps(rung);
        let fair = rate.min(kbps(reference));
        let switches: f64 = self.switched.last(SWITCH_WINDOW).sum();
        let cost = |rung: usize| {
            let extra = if rung == last { 0.0 } else { 1.0 };
            switches.exp2() + extra + ALPHA * (kbps(rung) / fair - 1.0).abs()
        };
        if cost(last) < cost(reference) {
            last
        } else {
            reference
        }
    }
}

impl Rule for Festive {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let by = "festive";
        let (Some(rate), Some(last)) = (self.rates.harmonic(SAMPLES), view.last_rung) else {
            return Choice::now(0, by);
        };
        let reference = self.reference(view, last, SAFETY * rate);
        let rung = self.settle(view, last, reference, rate);
        self.switched.push(if rung == last { 0.0 } else { 1.0 });
        let duration = view.duration_s();
        let drawn_s = view.buffer_target_s - duration * self.random.between(1.0, 1.0 + SPREAD);
        let wait_s = (view.buffer_s - drawn_s.max(duration)).max(0.0);
        Choice { rung, wait_s, by }
    }

    fn delivered(&mut self, delivery: &Delivery) {
        self.rates.push(delivery.kbps());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, delivery, view};
    use super::*;
    use crate::player::ladder::Ladder;
    use crate::player::ladder::tests::constant_rate;

    /// The rung after a segment of rung `last`.
    fn after(rule: &mut Festive, ladder: &Ladder, last: usize) -> usize {
        rule.choose(&at(ladder, 8.0, 1.0, last)).rung
    }

    #[test]
    fn rises_by_one_after_as_many_opportunities_as_the_rung_counts() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 50, 2.0);
        let mut rule = Festive::new(1);
        assert_eq!(rule.choose(&view(&ladder)).rung, 0);
        // 25 kB in 0.4 s: 500 kbit/s, of which 425 are spent.
        rule.delivered(&delivery(&ladder, 0, 0.4, 8.0));
        assert_eq!(after(&mut rule, &ladder, 0), 1);
        assert_eq!(after(&mut rule, &ladder, 1), 1);
        // 2^1 + 12·|200/400 − 1| = 8 for staying, 2^1 + 1 for rising.
        assert_eq!(after(&mut rule, &ladder, 1), 2);
    }

    #[test]
    fn falls_at_once_unless_it_hardly_pays() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 50, 2.0);
        let mut rule = Festive::new(1);
        // 100 kB in 4 s: 200 kbit/s. At rung 2: min(200, 200), 12 for staying, 1 for falling.
        rule.delivered(&delivery(&ladder, 2, 4.0, 8.0));
        assert_eq!(after(&mut rule, &ladder, 2), 1);
        // At rung 1 of 200 with 170 spent the reference is 100: 12 against 1.
        assert_eq!(after(&mut rule, &ladder, 1), 0);
        let close = constant_rate(&[100.0, 105.0], 50, 2.0);
        let mut rule = Festive::new(1);
        // 105 > 0.85 · 110, but 12·0.05 is less than the 1 of a switch.
        rule.delivered(&delivery(&close, 1, 210.0 / 110.0, 8.0));
        assert_eq!(after(&mut rule, &close, 1), 1);
    }

    #[test]
    fn waits_down_to_a_level_that_follows_from_the_seed() {
        let ladder = constant_rate(&[100.0, 200.0], 50, 2.0);
        let wait_s = |seed| {
            let mut rule = Festive::new(seed);
            rule.delivered(&delivery(&ladder, 0, 1.0, 8.0));
            rule.choose(&at(&ladder, 23.0, 1.0, 0)).wait_s
        };
        assert_eq!(wait_s(3), wait_s(3));
        assert_ne!(wait_s(3), wait_s(4));
        assert!((0..50).map(wait_s).all(|s| (0.0..=3.0).contains(&s)));
    }
}
