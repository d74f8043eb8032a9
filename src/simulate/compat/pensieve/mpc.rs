//! Pensieve's RobustMPC: every plan over the next five chunks, in the order of its enumeration.
//!
//! Plans share their beginnings, so walking them as a tree costs a ninth of trying each in full.

use super::Seen;

/// What a second of stall costs, in Mbit/s.
pub(super) const REBUFFERING: f64 = 4.3;
const HORIZON: usize = 5;
const HISTORY: usize = 5;

/// What was measured and foretold, MByte/s.
#[derive(Default)]
pub(super) struct Planner {
    measured: Vec<f64>,
    errors: Vec<f64>,
    foretold: Option<f64>,
}

/// A plan so far.
#[derive(Clone, Copy)]
struct Plan {
    first: usize,
    last: usize,
    rates_kbps: f64,
    changes_kbps: f64,
    rebuffer_s: f64,
    buffer_s: f64,
}

struct Search<'a> {
    seen: &'a Seen<'a>,
    mbytes_per_s: f64,
    depth: usize,
    best: (f64, usize),
}

impl Planner {
    pub(super) fn choose(&mut self, seen: &Seen<'_>) -> usize {
        let now = seen.size_bytes / seen.delay_ms / 1000.0;
        let error = self
            .foretold
            .map_or(0.0, |foretold| (foretold - now).abs() / now);
        self.errors.push(error);
        self.measured.push(now);
        let recent = &self.measured[self.measured.len().saturating_sub(HISTORY)..];
        let times: f64 = recent.iter().map(|rate| 1.0 / rate).sum();
        let harmonic = 1.0 / (times / recent.len() as f64);
        let errors = &self.errors[self.errors.len().saturating_sub(HISTORY)..];
        let worst = errors.iter().copied().fold(0.0, f64::max);
        self.foretold = Some(harmonic);
        let mut search = Search {
            seen,
            mbytes_per_s: harmonic / (1.0 + worst),
            depth: HORIZON.min(seen.chunks - seen.done),
            best: (f64::NEG_INFINITY, 0),
        };
        search.walk(0, None);
        search.best.1
    }
}

impl Search<'_> {
    /// Tries every way on from `plan`, which is `position` chunks long.
    fn walk(&mut self, position: usize, plan: Option<Plan>) {
        if position == self.depth {
            if let Some(plan) = plan {
                self.judge(&plan);
            }
            return;
        }
        for quality in 0..self.seen.movie.rates_kbps().len() {
            let longer = self.extend(position, plan, quality);
            self.walk(position + 1, Some(longer));
        }
    }

    fn extend(&self, position: usize, plan: Option<Plan>, quality: usize) -> Plan {
        let movie = self.seen.movie;
        let mut plan = plan.unwrap_or(Plan {
            first: quality,
            last: self.seen.last,
            rates_kbps: 0.0,
            changes_kbps: 0.0,
            rebuffer_s: 0.0,
            buffer_s: self.seen.buffer_s,
        });
        // It looks up the sizes one chunk too far on; past the end there is nothing to fetch.
        let chunk = self.seen.done + position + 1;
        let size_bytes = if chunk < movie.segments() {
            movie.size_bits(chunk, quality) / 8.0
        } else {
            0.0
        };
        let takes_s = size_bytes / 1e6 / self.mbytes_per_s;
        if plan.buffer_s < takes_s {
            plan.rebuffer_s += takes_s - plan.buffer_s;
            plan.buffer_s = 0.0;
        } else {
            plan.buffer_s -= takes_s;
        }
        plan.buffer_s += movie.segment_ms() / 1000.0;
        let rates = movie.rates_kbps();
        plan.rates_kbps += rates[quality];
        plan.changes_kbps += (rates[quality] - rates[plan.last]).abs();
        plan.last = quality;
        plan
    }

    /// Of equal plans the last wins.
    fn judge(&mut self, plan: &Plan) {
        let reward =
            plan.rates_kbps / 1000.0 - REBUFFERING * plan.rebuffer_s - plan.changes_kbps / 1000.0;
        if reward >= self.best.0 {
            self.best = (reward, plan.first);
        }
    }
}
