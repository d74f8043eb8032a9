//! Buffer-based rules: a map from buffer level to rate (BBA-0), or to chunk size (BBA-2).
//!
//! Huang, Johari, McKeown, Trunnell, Watson, "A Buffer-Based Approach to Rate Adaptation", SIGCOMM
//! 2014. The paper's lengths belong to a buffer of 240 s; here they are shares of the level up to
//! which requests are made (target less one segment), so that the top of the map can be reached:
//!
//! * §4 (BBA-0): reservoir 90/240, cushion 126/240. The lowest rate up to the reservoir, the top rate
//!   from its end on, linear between; the rate only changes when the map passes the next one up or
//!   down.
//! * §5 (BBA-1): the map gives bytes of a chunk, from the lowest rung's mean to the top rung's, and is
//!   held against the real sizes of the next chunk. The reservoir is what the lowest rung needs
//!   beyond its mean rate over the chunks of the next two buffer lengths, 8/240 to 140/240.
//! * §6 (BBA-2): at the start the rung rises by one whenever a chunk filled the buffer by more than
//!   7/8 of its length, a threshold that falls to 1/2 at the end of the cushion; that phase ends when
//!   the buffer shrinks or when the map gives a higher rung.
//!
//! Not implemented: outage protection and the smoothing of BBA-Others (§7).

use super::{Choice, Delivery, Rule, View};

/// End of the map (reservoir and cushion).
const MAP_END: f64 = 216.0 / 240.0;
const RESERVOIR: f64 = 90.0 / 240.0;
const RESERVOIR_BOUNDS: (f64, f64) = (8.0 / 240.0, 140.0 / 240.0);
/// Share of a chunk that must stay in the buffer for a rise at the start: empty, and at the map's end.
const GAIN: (f64, f64) = (0.875, 0.5);

/// The level up to which requests are made, seconds.
fn reach_s(view: &View<'_>) -> f64 {
    let duration = view.duration_s();
    (view.buffer_target_s - duration).max(duration)
}

/// How far `level` lies between `from` and `to`, 0 to 1.
fn part(level: f64, from: f64, to: f64) -> f64 {
    ((level - from) / (to - from)).clamp(0.0, 1.0)
}

/// The rung of the map from `reservoir_s` on. Its value runs from the lowest rung's `mean` to the top rung's;
/// the last rung stays unless the value has passed the next `cost` up or down.
fn mapped(
    view: &View<'_>,
    reservoir_s: f64,
    mean: impl Fn(usize) -> f64,
    cost: impl Fn(usize) -> f64,
) -> usize {
    let (top, last) = (view.ladder.top(), view.last_rung.unwrap_or(0));
    let share = part(view.buffer_s, reservoir_s, MAP_END * reach_s(view));
    if share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return top;
    }
    let value = mean(0) + share * (mean(top) - mean(0));
    if last < top && value >= cost(last + 1) {
        let below = |&rung: &usize| cost(rung) <= value;
        return (0..=top).rev().find(below).unwrap_or(0);
    }
    if last > 0 && value <= cost(last - 1) {
        let above = |&rung: &usize| cost(rung) > value;
        return (0..last).find(above).unwrap_or(last - 1);
    }
    last
}

#[derive(Debug)]
pub(super) struct Bba0;

impl Rule for Bba0 {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let rate = |rung: usize| view.ladder.kbps(rung);
        let rung = mapped(view, RESERVOIR * reach_s(view), rate, rate);
        Choice::now(rung, "bba0")
    }
}

#[derive(Debug, Default)]
pub(super) struct Bba2 {
    steady: bool,
    /// Media that the last chunk added to the buffer, seconds.
    gained_s: Option<f64>,
}

impl Bba2 {
    fn by_map(view: &View<'_>) -> usize {
        let ladder = view.ladder;
        let mean = |rung: usize| ladder.kbps(rung) * 125.0 * ladder.mean_duration_s();
        let size = |rung: usize| ladder.size(view.segment, rung) as f64;
        mapped(view, reservoir_s(view), mean, size)
    }
}

/// What the chunks ahead need on the lowest rung beyond its mean rate, seconds.
fn reservoir_s(view: &View<'_>) -> f64 {
    let (ladder, reach_s) = (view.ladder, reach_s(view));
    let rate = ladder.kbps(0) * 125.0;
    let (mut needed_s, mut ahead_s) = (0.0, 0.0);
    for segment in view.segment..ladder.segments() {
        if ahead_s >= 2.0 * reach_s {
            break;
        }
        needed_s += ladder.size(segment, 0) as f64 / rate - ladder.duration_s(segment);
        ahead_s += ladder.duration_s(segment);
    }
    needed_s.clamp(RESERVOIR_BOUNDS.0 * reach_s, RESERVOIR_BOUNDS.1 * reach_s)
}

impl Rule for Bba2 {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let mut rung = Self::by_map(view);
        if let (Some(gained_s), Some(last), false) = (self.gained_s, view.last_rung, self.steady) {
            let full = part(view.buffer_s, 0.0, MAP_END * reach_s(view));
            let least_s = (GAIN.0 + full * (GAIN.1 - GAIN.0)) * view.duration_s();
            let stepped = (last + usize::from(gained_s > least_s)).min(view.ladder.top());
            self.steady = gained_s < 0.0 || rung > stepped;
            rung = if self.steady { rung } else { stepped };
        }
        Choice::now(rung, "bba2")
    }

    fn delivered(&mut self, delivery: &Delivery) {
        self.gained_s = Some(delivery.buffer_after_s - delivery.buffer_before_s);
    }

    fn emptied(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{delivery, view};
    use super::*;
    use crate::player::ladder::tests::constant_rate;
    use crate::player::ladder::{Ladder, Rung};

    /// With a target of 242 s and segments of 2 s the lengths are those of the paper.
    fn at(ladder: &Ladder, segment: usize, buffer_s: f64, last: usize) -> View<'_> {
        View {
            segment,
            buffer_s,
            buffer_target_s: 242.0,
            last_rung: Some(last),
            ..view(ladder)
        }
    }

    /// The map is at 200 kbit/s a third of the cushion on, 132 s. From above it comes down to 1 at 132 s
    /// only, for 400 > 200 is passed there.
    #[test]
    fn bba0_follows_the_map_with_inertia() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 500, 2.0);
        for (buffer_s, last, expected) in [
            (90.0, 2, 0),
            (216.0, 0, 2),
            (131.9, 0, 0),
            (132.1, 0, 1),
            (132.1, 2, 2),
            (131.9, 2, 1),
            (131.9, 1, 1),
            (90.1, 1, 1),
        ] {
            let rung = Bba0.choose(&at(&ladder, 5, buffer_s, last)).rung;
            assert_eq!(rung, expected, "{buffer_s} {last}");
        }
    }

    #[test]
    fn bba2_rises_while_the_buffer_fills_quickly() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 500, 2.0);
        let mut rule = Bba2::default();
        let mut after = |took_s, buffer_s, last| {
            rule.delivered(&delivery(&ladder, last, took_s, buffer_s));
            rule.choose(&at(&ladder, 5, buffer_s - took_s + 2.0, last))
                .rung
        };
        // 0.875 of 2 s is 1.75 s: 0.2 s leave 1.8 s, 0.3 s leave 1.7 s.
        assert_eq!(after(0.2, 2.0, 0), 1);
        assert_eq!(after(0.3, 4.0, 1), 1);
        assert_eq!(after(0.2, 6.0, 1), 2);
        // The buffer shrinks: from now on the map decides, here for 0.
        assert_eq!(after(3.0, 7.0, 2), 0);
        assert_eq!(after(0.1, 7.0, 0), 0);
        rule.emptied();
        assert!(!rule.steady);
    }

    /// A small chunk of the top rung costs what the map starts with; a big one never fits before the map's
    /// end. Seen from an odd segment the lowest rung needs 0 or 1 s extra: the reservoir is at its least, 8 s.
    #[test]
    fn bba2_goes_by_the_size_of_the_next_chunk() {
        let rungs = [100.0, 200.0].map(|kbps| Rung {
            id: format!("{kbps}"),
            rank: 1,
            kbps,
        });
        // Mean 25 and 50 kB; every second chunk is half as big, the others half as big again.
        let sizes = [12_500, 25_000, 37_500, 75_000].repeat(200);
        let ladder = Ladder::new(rungs.into(), &[2.0; 400], sizes).unwrap();
        let rung = |segment, buffer_s| Bba2::by_map(&at(&ladder, segment, buffer_s, 0));
        assert_eq!((rung(10, 8.0), rung(10, 8.1)), (0, 1));
        assert_eq!((rung(11, 215.9), rung(11, 216.0)), (0, 1));
    }
}
