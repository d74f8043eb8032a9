//! BOLA-E: the rung whose utility per bit, given the buffer level, is highest.
//!
//! BOLA (Spiteri, Urgaonkar, Sitaraman, INFOCOM 2016) picks the rung m that maximises
//!
//! ```text
//! (V·(v_m + γp) − Q) / b_m        v_m = ln(b_m / b_0),  Q = buffer level in seconds
//! ```
//!
//! and makes no request while even the best score is negative. BOLA-E (the same authors with
//! Sparacio, "From Theory to Practice", MMSys 2018, §4) makes it fit small buffers and quick starts:
//!
//! * V and γp follow from two levels: the lowest rung alone below [`LOW_S`], the top rung still
//!   wanted at [`LOW_S`] + [`PER_RUNG_S`] a rung or the real target, whichever is more.
//! * Q is the real level plus a *placeholder*, media that is pretended to be there. It starts where
//!   BOLA would choose what the throughput sustains, grows while the buffer is full, fades by 1 %
//!   a segment, is held to the levels at which the delivered rung is the right one, and goes when
//!   the buffer runs dry.
//! * Form O: a rise above what the throughput sustains stops at the sustained rung (or stays where
//!   it was), and waits rather than oscillate.
//!
//! Utilities start at 0 and one expression serves scores and levels. (Sabre starts them at 1 in
//! both, dash.js in one of the two; both then leave the stated levels.)

use super::throughput::sustained;
use super::{Choice, Delivery, Rule, View};
use crate::player::ladder::Ladder;

/// Below this much media, real and placeholder, the lowest rung is chosen; seconds.
const LOW_S: f64 = 10.0;
/// Room that every rung gets above [`LOW_S`]; seconds.
const PER_RUNG_S: f64 = 2.0;
/// What is left of the placeholder from one segment to the next.
const FADE: f64 = 0.99;

/// The rule `bola`.
#[derive(Debug)]
pub(super) struct Bola {
    utilities: Vec<f64>,
    rates: Vec<f64>,
    v: f64,
    gp: f64,
    placeholder_s: f64,
    /// Still before the first throughput estimate, or after the buffer ran dry.
    starting: bool,
}

impl Bola {
    pub(super) fn new(ladder: &Ladder, buffer_target_s: f64) -> Self {
        let rates: Vec<f64> = ladder.rungs().iter().map(|rung| rung.kbps).collect();
        let utilities: Vec<f64> = rates.iter().map(|rate| (rate / rates[0]).ln()).collect();
        let top = utilities.iter().copied().fold(0.0, f64::max);
        let virtual_s = buffer_target_s.max(LOW_S + PER_RUNG_S * rates.len() as f64);
        // V·γp = LOW_S and V·(v_top + γp) = virtual_s; a ladder without a choice takes γp = 1.
        let v = if top > 0.0 {
            (virtual_s - LOW_S) / top
        } else {
            LOW_S
        };
        Self {
            utilities,
            rates,
            v,
            gp: LOW_S / v,
            placeholder_s: 0.0,
            starting: true,
        }
    }

    /// The best rung at `level_s` seconds; equal scores go to the lower rung.
    fn at_level(&self, level_s: f64) -> usize {
        let score =
            |rung: usize| (self.v * (self.utilities[rung] + self.gp) - level_s) / self.rates[rung];
        let mut best = 0;
        for rung in 1..self.rates.len() {
            if score(rung) > score(best) {
                best = rung;
            }
        }
        best
    }

    /// The lowest level at which `rung` beats every rung below it, seconds.
    fn min_level_s(&self, rung: usize) -> f64 {
        let (b, u) = (self.rates[rung], self.utilities[rung]);
        let crossing = |lower: usize| {
            let (c, w) = (self.rates[lower], self.utilities[lower]);
            self.v * (self.gp + (b * w - c * u) / (b - c))
        };
        let lower = (0..rung).filter(|&lower| self.rates[lower] < b);
        lower.map(crossing).fold(0.0, f64::max)
    }

    /// The level above which fetching `rung` no longer pays, seconds.
    fn max_level_s(&self, rung: usize) -> f64 {
        self.v * (self.utilities[rung] + self.gp)
    }

    /// Starts where the throughput puts us, and makes the buffer look as if BOLA had.
    fn start(&mut self, view: &View<'_>) -> Choice {
        let rung = sustained(view);
        if view.throughput_kbps.is_some() {
            self.placeholder_s = (self.min_level_s(rung) - view.buffer_s).max(0.0);
            self.starting = false;
        }
        Choice {
            rung,
            wait_s: 0.0,
            by: "bola",
        }
    }

    /// How long to wait until `rung` pays, taken from the placeholder first.
    fn hold_back(&mut self, view: &View<'_>, rung: usize) -> f64 {
        let excess = (view.buffer_s + self.placeholder_s - self.max_level_s(rung)).max(0.0);
        let from_placeholder = excess.min(self.placeholder_s);
        self.placeholder_s -= from_placeholder;
        if rung == view.ladder.top() {
            0.0
        } else {
            excess - from_placeholder
        }
    }
}

impl Rule for Bola {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        if self.starting {
            return self.start(view);
        }
        self.placeholder_s *= FADE;
        let wanted = self.at_level(view.buffer_s + self.placeholder_s);
        let last = view.last_rung.unwrap_or(0);
        let kept = sustained(view).max(last);
        let rung = if wanted > last {
            wanted.min(kept)
        } else {
            wanted
        };
        let wait_s = self.hold_back(view, rung);
        Choice {
            rung,
            wait_s,
            by: "bola",
        }
    }

    fn overruled(&mut self, view: &View<'_>, rung: usize) {
        let most = (self.max_level_s(rung) - view.buffer_s).max(0.0);
        self.placeholder_s = self.placeholder_s.min(most);
    }

    fn idled(&mut self, seconds: f64) {
        if !self.starting {
            self.placeholder_s += seconds;
        }
    }

    fn delivered(&mut self, delivery: &Delivery) {
        if self.starting {
            return;
        }
        let least = (self.min_level_s(delivery.rung) - delivery.buffer_before_s).max(0.0);
        let most = (self.max_level_s(delivery.rung) - delivery.buffer_before_s).max(0.0);
        self.placeholder_s = self.placeholder_s.max(least).min(most);
    }

    fn abandoned(&mut self, rung: usize, buffer_s: f64) {
        let right = (self.min_level_s(rung) - buffer_s).max(0.0);
        self.placeholder_s = self.placeholder_s.min(right);
    }

    fn emptied(&mut self) {
        self.placeholder_s = 0.0;
        self.starting = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    const RATES: [f64; 4] = [20.0, 40.0, 70.0, 120.0];

    fn view(ladder: &Ladder, buffer_s: f64, kbps: f64, last: usize) -> View<'_> {
        View {
            ladder,
            segment: 5,
            buffer_s,
            buffer_target_s: 25.0,
            throughput_kbps: Some(kbps),
            latency_s: 0.0,
            last_rung: Some(last),
        }
    }

    /// The stated levels, checked by brute force over the score.
    #[test]
    fn rungs_take_over_at_their_levels() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let bola = Bola::new(&ladder, 25.0);
        assert!((bola.max_level_s(0) - LOW_S).abs() < 1e-9);
        assert!((bola.max_level_s(3) - 25.0).abs() < 1e-9);
        for rung in 1..RATES.len() {
            let level = bola.min_level_s(rung);
            assert!(bola.at_level(level - 1e-6) < rung, "{rung} below {level}");
            assert_eq!(bola.at_level(level + 1e-6), rung, "{rung} above {level}");
        }
        assert_eq!(bola.at_level(0.0), 0);
    }

    #[test]
    fn starts_where_the_throughput_is_and_stays_there() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let mut bola = Bola::new(&ladder, 25.0);
        assert_eq!(bola.choose(&view(&ladder, 2.0, 80.0, 0)).rung, 2);
        let after = Delivery {
            rung: 2,
            buffer_before_s: 2.0,
            buffer_after_s: 3.0,
        };
        bola.delivered(&after);
        assert_eq!(bola.choose(&view(&ladder, 3.0, 80.0, 2)).rung, 2);
    }

    #[test]
    fn rises_no_further_than_is_sustained() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let mut bola = Bola::new(&ladder, 25.0);
        bola.starting = false;
        let choice = bola.choose(&view(&ladder, 24.0, 50.0, 1));
        assert_eq!(choice.rung, 1);
        assert!((choice.wait_s - (24.0 - bola.max_level_s(1))).abs() < 1e-9);
        assert_eq!(bola.choose(&view(&ladder, 24.0, 500.0, 1)).rung, 3);
    }

    #[test]
    fn an_empty_buffer_starts_over() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let mut bola = Bola::new(&ladder, 25.0);
        bola.starting = false;
        bola.idled(20.0);
        bola.emptied();
        assert_eq!(bola.choose(&view(&ladder, 0.0, 21.0, 3)).rung, 0);
    }

    #[test]
    fn one_rung_leaves_no_choice() {
        let ladder = constant_rate(&[50.0], 9, 2.0);
        let mut bola = Bola::new(&ladder, 6.0);
        for buffer_s in [0.0, 3.0, 30.0] {
            let choice = bola.choose(&view(&ladder, buffer_s, 60.0, 0));
            assert_eq!((choice.rung, choice.wait_s), (0, 0.0));
        }
    }
}
