//! BOLA: the rung whose utility per bit, given the buffer level, is highest.
//!
//! BOLA (Spiteri, Urgaonkar, Sitaraman, INFOCOM 2016; ToN 2020) picks the rung m that maximises
//!
//! ```text
//! (V·(v_m + γp) − Q) / b_m        v_m = utility, Q = buffer level in seconds
//! ```
//!
//! * `bola-basic`: V = (Qmax − p) / (v_top + γp) with Qmax the buffer target and γp = 5, so that the
//!   score of the top rung reaches 0 where the buffer is full.
//! * `bola-u` and `bola-o` (§V, BOLA-FINITE): Qmax shrinks near the start and the end of the title to
//!   max(t/2, 3) segments, t the distance to the nearer one.
//!
//! A rise above what nine tenths of the throughput sustain stops one rung above it (`bola-basic` and
//! `bola-u`), or at it with a wait until that pays (`bola-o`), and never below the last rung, as in Sabre.
//! There the U form oscillates; here the rise must also be optimal with [`FIRM_SEGMENTS`] less.
//!
//! With a logarithmic utility b_m is the rung's nominal rate, as in Sabre; with measured quality it is
//! the real rate of the segment, as in Puffer's BOLA. Equal scores go to the lower rung.

use super::throughput::{sustained, sustained_by};
use super::{Choice, Ladder, Rule, View, highest};

/// The weight of a stall against quality, in units of utility (Sabre's `-gp`).
const GP: f64 = 5.0;
/// The shortest Qmax, segments.
const LEAST_SEGMENTS: f64 = 3.0;
/// Share of the throughput estimate used as the sustained rate in a rise (Sabre, dash.js).
pub(super) const SAFETY: f64 = 0.9;
/// A rung above the sustained one must also be optimal with this much less buffer, segments.
const FIRM_SEGMENTS: f64 = 0.5;

/// BOLA's score and its two parameters.
#[derive(Debug, Clone)]
pub(super) struct Score {
    pub(super) v: f64,
    pub(super) gp: f64,
    measured: bool,
}

impl Score {
    pub(super) fn new(ladder: &Ladder, v: f64, gp: f64) -> Self {
        let measured = ladder.utility_kind().is_measured();
        Self { v, gp, measured }
    }

    /// The best rung for `segment` at `level_s` seconds.
    pub(super) fn best(&self, ladder: &Ladder, segment: usize, level_s: f64) -> usize {
        highest(ladder, |rung| {
            if self.measured {
                let value = self.v * (ladder.utility(segment, rung) + self.gp) - level_s;
                value / ladder.segment_kbps(segment, rung)
            } else {
                (self.max_level_s(ladder, rung) - level_s) / ladder.kbps(rung)
            }
        })
    }

    /// The rung of a rise to `wanted` in the U form: at most the sustained rung, or the one above it if
    /// that is optimal at less than `level_s`, too. Never below the last rung.
    pub(super) fn risen(&self, view: &View<'_>, wanted: usize, level_s: f64) -> usize {
        let sustained = sustained_by(view, SAFETY);
        no_rise(view, wanted, sustained).unwrap_or_else(|| {
            let less_s = level_s - FIRM_SEGMENTS * view.duration_s();
            let firm = self.best(view.ladder, view.segment, less_s);
            firm.clamp(sustained, sustained + 1)
        })
    }

    /// The lowest level at which `rung` beats every rung below it, seconds.
    pub(super) fn min_level_s(&self, ladder: &Ladder, rung: usize) -> f64 {
        let (b, u) = (ladder.kbps(rung), ladder.mean_utility(rung));
        let crossing = |lower: usize| {
            let (c, w) = (ladder.kbps(lower), ladder.mean_utility(lower));
            self.v * (self.gp + (b * w - c * u) / (b - c))
        };
        let lower = (0..rung).filter(|&lower| ladder.kbps(lower) < b);
        lower.map(crossing).fold(0.0, f64::max)
    }

    /// The level above which fetching `rung` no longer pays, seconds.
    pub(super) fn max_level_s(&self, ladder: &Ladder, rung: usize) -> f64 {
        self.v * (ladder.mean_utility(rung) + self.gp)
    }
}

/// `wanted` or the last rung where no rise above the sustained one is wanted; `None` for such a rise.
fn no_rise(view: &View<'_>, wanted: usize, sustained: usize) -> Option<usize> {
    let last = view.last_rung.unwrap_or(0);
    if wanted <= sustained.max(last) {
        Some(wanted)
    } else {
        (last > sustained).then_some(last)
    }
}

/// Treatment of rises above the sustained rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As U, with a Qmax that does not shrink.
    Basic,
    /// One rung above the sustained one at most.
    U,
    /// The sustained rung at most, after a wait.
    O,
}

#[derive(Debug)]
pub(super) struct Bola {
    form: Form,
    score: Score,
    target_s: f64,
    name: &'static str,
}

impl Bola {
    pub(super) fn new(ladder: &Ladder, form: Form, target_s: f64, name: &'static str) -> Self {
        Self {
            form,
            score: Score::new(ladder, 1.0, GP),
            target_s,
            name,
        }
    }

    fn fit(&mut self, view: &View<'_>) {
        let duration = view.duration_s();
        let mut full_s = self.target_s;
        if self.form != Form::Basic {
            let ahead = view.ladder.segments() - view.segment;
            let near = view.since_start.min(ahead) as f64;
            full_s = full_s.min((near / 2.0).max(LEAST_SEGMENTS) * duration);
        }
        let top = view.ladder.mean_utility(view.ladder.top());
        // A target of one segment would make V 0 and every level too high.
        self.score.v = (full_s - duration).max(0.1 * duration) / (top + GP);
    }
}

impl Rule for Bola {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        self.fit(view);
        let wanted = self.score.best(view.ladder, view.segment, view.buffer_s);
        if self.form != Form::O {
            return Choice::now(self.score.risen(view, wanted, view.buffer_s), self.name);
        }
        let sustained = sustained(view);
        if let Some(rung) = no_rise(view, wanted, sustained) {
            return Choice::now(rung, self.name);
        }
        let wait_s = view.buffer_s - self.score.max_level_s(view.ladder, sustained);
        Choice {
            rung: sustained,
            wait_s: wait_s.max(0.0),
            by: self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;
    use crate::player::ladder::tests::constant_rate;
    use crate::player::utility::{Utility, tests::report};

    /// v = 0, ln 2, ln 4; V = 23 / (ln 4 + 5).
    fn ladder() -> Ladder {
        constant_rate(&[100.0, 200.0, 400.0], 100, 2.0)
    }

    /// The choice for `segment`, the `since_start`-th since the start.
    fn choose(form: Form, segment: usize, since_start: usize, at: &View<'_>) -> (usize, f64) {
        let view = View {
            segment,
            since_start,
            ..*at
        };
        let choice = Bola::new(at.ladder, form, 25.0, "bola").choose(&view);
        (choice.rung, choice.wait_s)
    }

    /// Rung 1 beats rung 0 above V·(5 − ln 2) = 15.51 s, rung 2 beats rung 1 above V·5 = 18.01 s.
    #[test]
    fn basic_changes_at_the_crossings() {
        let ladder = ladder();
        for (buffer_s, rung) in [(0.0, 0), (15.50, 0), (15.52, 1), (18.00, 1), (18.02, 2)] {
            let choice = choose(Form::Basic, 50, 50, &at(&ladder, buffer_s, 1e6, 0));
            assert_eq!(choice, (rung, 0.0), "{buffer_s}");
        }
    }

    /// At 20 s the top rung is wanted; 150 kbit/s sustain the lowest.
    #[test]
    fn rises_end_near_what_is_sustained() {
        let ladder = ladder();
        let choose = |form, last| choose(form, 50, 50, &at(&ladder, 20.0, 150.0, last));
        for (form, last) in [(Form::Basic, 0), (Form::U, 0), (Form::U, 1), (Form::O, 1)] {
            assert_eq!(choose(form, last), (1, 0.0), "{form:?} {last}");
        }
        let (rung, wait_s) = choose(Form::O, 0);
        assert_eq!(rung, 0);
        // Rung 0 pays up to V·5.
        assert!((wait_s - (20.0 - 23.0 * 5.0 / (4f64.ln() + 5.0))).abs() < 1e-9);
    }

    /// Near the start and the end Qmax is 3 segments: V = 4 / (ln 4 + 5), rung 2 from 3.13 s.
    #[test]
    fn short_titles_have_short_buffers() {
        let ladder = ladder();
        for (segment, since_start) in [(2, 2), (97, 97), (60, 1)] {
            let view = View {
                throughput_kbps: None,
                ..at(&ladder, 3.2, 0.0, 2)
            };
            assert_eq!(choose(Form::U, segment, since_start, &view).0, 2);
            assert_eq!(choose(Form::Basic, segment, since_start, &view).0, 0);
        }
    }

    /// Rung 1 gains nothing in segment 0, and 2·ln 2 in segment 1, where it beats rung 0 above V·(γp − 2·ln 2).
    #[test]
    fn measured_quality_counts_real_bytes() {
        let table = report(&[&[0.3, 0.3], &[0.3, 0.1]]);
        let ladder = constant_rate(&[100.0, 200.0], 2, 2.0);
        let ladder = ladder.with_utility(Utility::LpipsSqueeze, Some(&table));
        let ladder = ladder.unwrap();
        let score = Score::new(&ladder, 3.0, 5.0);
        assert_eq!(score.best(&ladder, 0, 14.0), 0);
        let crossing = 3.0 * (5.0 - 2.0 * 2f64.ln());
        assert_eq!(score.best(&ladder, 1, crossing - 0.01), 0);
        assert_eq!(score.best(&ladder, 1, crossing + 0.01), 1);
    }
}
