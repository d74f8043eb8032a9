//! DYNAMIC: throughput while the buffer is short, BOLA once it is long.
//!
//! BOLA takes over when the buffer passes a threshold and its rung is no lower than the throughput rule's;
//! the throughput rule when the buffer is below it and BOLA's rung is lower (Spiteri, Sitaraman, Sparacio,
//! MMSys 2018, §6, threshold 10 s). Here the threshold is at most half of the buffer target, or short
//! targets would never reach BOLA. From half the threshold on, the lower of the two rungs is taken.

use super::bola_e::BolaE;
use super::throughput::ThroughputRule;
use super::{Choice, Delivery, Ladder, Rule, View};

/// The published threshold, seconds.
const THRESHOLD_S: f64 = 10.0;

#[derive(Debug)]
pub(super) struct Dynamic {
    bola: BolaE,
    threshold_s: f64,
    by_buffer: bool,
}

impl Dynamic {
    pub(super) fn new(ladder: &Ladder, buffer_target_s: f64) -> Self {
        Self {
            bola: BolaE::new(ladder, buffer_target_s),
            threshold_s: THRESHOLD_S.min(buffer_target_s / 2.0),
            by_buffer: false,
        }
    }
}

impl Rule for Dynamic {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let by_rate = ThroughputRule.choose(view);
        let by_level = self.bola.choose(view);
        let long = view.buffer_s >= self.threshold_s;
        let lower = by_level.rung < by_rate.rung;
        if long != lower {
            self.by_buffer = long;
        }
        let heard = view.buffer_s >= self.threshold_s / 2.0 && lower;
        if self.by_buffer || heard {
            by_level
        } else {
            by_rate
        }
    }

    fn overruled(&mut self, view: &View<'_>, rung: usize) {
        self.bola.overruled(view, rung);
    }

    fn idled(&mut self, seconds: f64) {
        self.bola.idled(seconds);
    }

    fn delivered(&mut self, delivery: &Delivery) {
        self.bola.delivered(delivery);
    }

    fn abandoned(&mut self, rung: usize, buffer_s: f64) {
        self.bola.abandoned(rung, buffer_s);
    }

    fn emptied(&mut self) {
        self.bola.emptied();
        self.by_buffer = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, delivery};
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    fn by(rule: &mut Dynamic, ladder: &Ladder, buffer_s: f64, kbps: f64) -> &'static str {
        let choice = rule.choose(&View {
            buffer_target_s: 6.0,
            ..at(ladder, buffer_s, kbps, 0)
        });
        rule.delivered(&delivery(ladder, choice.rung, 0.0, buffer_s));
        choice.by
    }

    #[test]
    fn changes_hands_with_the_buffer() {
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 30, 2.0);
        let mut rule = Dynamic::new(&ladder, 6.0);
        assert_eq!(by(&mut rule, &ladder, 2.0, 50.0), "throughput");
        assert_eq!(by(&mut rule, &ladder, 4.0, 50.0), "bola-e");
        // Short again, but BOLA's rung is no lower than that of the throughput rule: it stays in charge.
        assert_eq!(by(&mut rule, &ladder, 2.9, 21.0), "bola-e");
        rule.emptied();
        assert_eq!(by(&mut rule, &ladder, 0.5, 50.0), "throughput");
    }
}
