//! BOLA-E: BOLA for small buffers and quick starts.
//!
//! Spiteri, Sitaraman, Sparacio, "From Theory to Practice", MMSys 2018, §4. The score is BOLA's (see
//! `bola`), but:
//!
//! * V and γp follow from two levels: the lowest rung alone below the one (see [`low_s`]), the top rung
//!   still wanted at that level + [`PER_RUNG_S`] a rung or the real target, whichever is more.
//! * Q is the real level plus a *placeholder*, media that is pretended to be there. It starts where
//!   BOLA chooses the sustained rung, grows while the buffer is full, is clamped to the levels at which
//!   the delivered rung is optimal, and is reset by a stall.
//! * Form U as in `bola`: a rise above what the throughput sustains stops one rung above it, and only
//!   where it is wanted firmly; what the buffer holds beyond that is waited away.
//!
//! dash.js and Sabre put V·γp at the lower level, 10 s, with other utilities, so that the second rung takes
//! over elsewhere; here it does so at that level, which is the higher the nearer the rungs are. dash.js also
//! fades the placeholder by 1 % a segment, which only delays rises.

use super::bola::{SAFETY, Score};
use super::throughput::sustained_by;
use super::{Choice, Delivery, Ladder, Rule, View};

/// Virtual buffer level below which the lowest rung of a ladder of infinite span is chosen, seconds.
const LOW_S: f64 = 10.0;
/// Upper bound of that level as a share of the buffer target.
const LOW_MOST: f64 = 0.7;
/// Distance of the rungs' levels above [`LOW_S`], seconds.
const PER_RUNG_S: f64 = 2.0;

const NAME: &str = "bola-e";

#[derive(Debug)]
pub(super) struct BolaE {
    score: Score,
    /// [`Score::min_level_s`] of every rung.
    min_s: Vec<f64>,
    /// [`Score::max_level_s`] of every rung.
    max_s: Vec<f64>,
    placeholder_s: f64,
    /// Before the first throughput estimate, or after a stall.
    starting: bool,
}

impl BolaE {
    pub(super) fn new(ladder: &Ladder, buffer_target_s: f64) -> Self {
        let top = ladder.mean_utility(ladder.top());
        let low_s = low_s(top, buffer_target_s);
        let virtual_s = buffer_target_s.max(low_s + PER_RUNG_S * ladder.rungs().len() as f64);
        // V·(γp + even) = low_s and V·(v_top + γp) = virtual_s; one rate alone takes V = low_s.
        let even = tie_utility(ladder);
        let v = if top > 0.0 {
            (virtual_s - low_s) / (top - even)
        } else {
            low_s
        };
        let score = Score::new(ladder, v, low_s / v - even);
        let rungs = 0..=ladder.top();
        let min_s = |rung| score.min_level_s(ladder, rung);
        let max_s = |rung| score.max_level_s(ladder, rung);
        Self {
            min_s: rungs.clone().map(min_s).collect(),
            max_s: rungs.map(max_s).collect(),
            score,
            placeholder_s: 0.0,
            starting: true,
        }
    }

    /// Starts at the sustained rung, with the placeholder that makes BOLA choose it.
    fn start(&mut self, view: &View<'_>) -> Choice {
        let rung = sustained_by(view, SAFETY);
        if view.throughput_kbps.is_some() {
            self.placeholder_s = (self.min_s[rung] - view.buffer_s).max(0.0);
            self.starting = false;
        }
        Choice::now(rung, NAME)
    }

    /// Wait until `rung` has a positive score, after reducing the placeholder.
    fn hold_back(&mut self, view: &View<'_>, rung: usize) -> f64 {
        let excess = (view.buffer_s + self.placeholder_s - self.max_s[rung]).max(0.0);
        let from_placeholder = excess.min(self.placeholder_s);
        self.placeholder_s -= from_placeholder;
        if rung == view.ladder.top() {
            0.0
        } else {
            excess - from_placeholder
        }
    }
}

/// Level of the lowest rung, seconds: LOW_S · (1 + 1/`top`), at most [`LOW_MOST`] of the target.
fn low_s(top: f64, buffer_target_s: f64) -> f64 {
    let most_s = LOW_S.max(LOW_MOST * buffer_target_s);
    if top > 0.0 {
        (LOW_S + LOW_S / top).min(most_s)
    } else {
        LOW_S
    }
}

/// γp at which the scores of rungs 0 and 1 are equal: −v₁·b₀ / (b₁ − b₀).
fn tie_utility(ladder: &Ladder) -> f64 {
    match ladder.rungs() {
        [low, high, ..] if high.kbps > low.kbps => {
            -ladder.mean_utility(1) * low.kbps / (high.kbps - low.kbps)
        }
        _ => 0.0,
    }
}

impl Rule for BolaE {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        if self.starting {
            return self.start(view);
        }
        let level_s = view.buffer_s + self.placeholder_s;
        let wanted = self.score.best(view.ladder, view.segment, level_s);
        let rung = self.score.risen(view, wanted, level_s);
        Choice {
            wait_s: self.hold_back(view, rung),
            ..Choice::now(rung, NAME)
        }
    }

    fn overruled(&mut self, view: &View<'_>, rung: usize) {
        let most = (self.max_s[rung] - view.buffer_s).max(0.0);
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
        if delivery.again {
            // The time was spent on an upgrade: the score must not see a shorter buffer.
            self.placeholder_s += delivery.took_s;
            return;
        }
        let beyond_s = |level_s: f64| (level_s - delivery.buffer_before_s).max(0.0);
        let least_s = beyond_s(self.min_s[delivery.rung]);
        let most_s = beyond_s(self.max_s[delivery.rung]);
        self.placeholder_s = self.placeholder_s.max(least_s).min(most_s);
    }

    fn abandoned(&mut self, rung: usize, buffer_s: f64) {
        let right = (self.min_s[rung] - buffer_s).max(0.0);
        self.placeholder_s = self.placeholder_s.min(right);
    }

    fn emptied(&mut self) {
        self.placeholder_s = 0.0;
        self.starting = true;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, delivery};
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    const RATES: [f64; 4] = [20.0, 40.0, 70.0, 120.0];

    /// A rule past its start.
    fn rule(ladder: &Ladder) -> BolaE {
        let rule = BolaE::new(ladder, 25.0);
        BolaE {
            starting: false,
            ..rule
        }
    }

    /// The stated levels, checked by brute force over the score.
    #[test]
    fn rungs_take_over_at_their_levels() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let bola = BolaE::new(&ladder, 25.0);
        // The top rung costs six lowest ones: 10 + 10 / ln 6.
        assert!((bola.min_s[1] - 15.581_106).abs() < 1e-6);
        assert!((bola.max_s[3] - 25.0).abs() < 1e-9);
        let best = |level_s| bola.score.best(&ladder, 5, level_s);
        for rung in 1..RATES.len() {
            let level = bola.min_s[rung];
            assert!(best(level - 1e-6) < rung, "{rung} below {level}");
            assert_eq!(best(level + 1e-6), rung, "{rung} above {level}");
        }
        assert_eq!(best(0.0), 0);
    }

    #[test]
    fn near_rungs_are_held_back_by_more_buffer() {
        let level = |rates: &[f64], target_s| {
            let ladder = constant_rate(rates, 50, 2.0);
            BolaE::new(&ladder, target_s).min_s[1]
        };
        assert!(level(&[20.0, 2000.0], 25.0) < level(&[20.0, 80.0], 25.0));
        // No more than 0.7 of the target, but 10 s however short that is.
        assert!((level(&[20.0, 30.0], 25.0) - 17.5).abs() < 1e-9);
        assert!((level(&[20.0, 30.0], 6.0) - LOW_S).abs() < 1e-9);
    }

    #[test]
    fn starts_where_the_throughput_is_and_stays_there() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let mut bola = BolaE::new(&ladder, 25.0);
        assert_eq!(bola.choose(&at(&ladder, 2.0, 80.0, 0)).rung, 2);
        bola.delivered(&delivery(&ladder, 2, 1.0, 2.0));
        assert_eq!(bola.choose(&at(&ladder, 3.0, 80.0, 2)).rung, 2);
        // An empty buffer starts over.
        let mut bola = rule(&ladder);
        bola.idled(20.0);
        bola.emptied();
        assert_eq!(bola.choose(&at(&ladder, 0.0, 21.0, 3)).rung, 0);
    }

    #[test]
    fn rises_no_further_than_is_sustained() {
        let ladder = constant_rate(&RATES, 50, 2.0);
        let mut bola = rule(&ladder);
        // 24 s want the third rung firmly, its threshold and a little more do not.
        assert_eq!(bola.choose(&at(&ladder, 24.0, 50.0, 1)).rung, 2);
        let just_s = bola.min_s[2] + 0.9;
        assert_eq!(bola.choose(&at(&ladder, just_s, 50.0, 1)).rung, 1);
        assert_eq!(bola.choose(&at(&ladder, just_s, 50.0, 2)).rung, 2);
        let choice = bola.choose(&at(&ladder, 24.0, 30.0, 0));
        assert_eq!(choice.rung, 1);
        assert!((choice.wait_s - (24.0 - bola.max_s[1])).abs() < 1e-9);
        assert_eq!(bola.choose(&at(&ladder, 24.0, 500.0, 1)).rung, 3);
        let single = constant_rate(&[50.0], 9, 2.0);
        let mut bola = BolaE::new(&single, 6.0);
        for buffer_s in [0.0, 3.0, 30.0] {
            let choice = bola.choose(&at(&single, buffer_s, 60.0, 0));
            assert_eq!((choice.rung, choice.wait_s), (0, 0.0));
        }
    }
}
