//! Pensieve's RobustMPC: all plans over the next five chunks, in its order of enumeration.
//!
//! Plans are walked as a tree of shared prefixes, at a ninth of the cost of evaluating each in full.

use crate::simulate::movie::Movie;
use crate::simulate::qoe::LIN_STALL;

const HORIZON: usize = 5;
const HISTORY: usize = 5;

pub(super) struct View<'a> {
    pub(super) movie: &'a Movie,
    pub(super) chunks: usize,
    pub(super) done: usize,
    pub(super) last: usize,
    pub(super) buffer_s: f64,
    pub(super) size_bytes: f64,
    pub(super) delay_ms: f64,
}

/// Measured and predicted throughput, MB/s.
#[derive(Default)]
pub(super) struct Planner {
    measured: Vec<f64>,
    errors: Vec<f64>,
    predicted: Option<f64>,
}

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
    view: &'a View<'a>,
    mbytes_per_s: f64,
    depth: usize,
    best: (f64, usize),
}

impl Planner {
    pub(super) fn choose(&mut self, view: &View<'_>) -> usize {
        let now = view.size_bytes / view.delay_ms / 1000.0;
        let error = self
            .predicted
            .map_or(0.0, |predicted| (predicted - now).abs() / now);
        self.errors.push(error);
        self.measured.push(now);
        let recent = &self.measured[self.measured.len().saturating_sub(HISTORY)..];
        let times: f64 = recent.iter().map(|rate| 1.0 / rate).sum();
        let harmonic = 1.0 / (times / recent.len() as f64);
        let errors = &self.errors[self.errors.len().saturating_sub(HISTORY)..];
        let worst = errors.iter().copied().fold(0.0, f64::max);
        self.predicted = Some(harmonic);
        let mut search = Search {
            view,
            mbytes_per_s: harmonic / (1.0 + worst),
            depth: HORIZON.min(view.chunks - view.done),
            best: (f64::NEG_INFINITY, 0),
        };
        search.walk(0, None);
        search.best.1
    }
}

impl Search<'_> {
    /// Evaluates all extensions of `plan`, which is `position` chunks long.
    fn walk(&mut self, position: usize, plan: Option<Plan>) {
        if position == self.depth {
            if let Some(plan) = plan {
                self.judge(&plan);
            }
            return;
        }
        for quality in 0..self.view.movie.rates_kbps().len() {
            let longer = self.extend(position, plan, quality);
            self.walk(position + 1, Some(longer));
        }
    }

    fn extend(&self, position: usize, plan: Option<Plan>, quality: usize) -> Plan {
        let movie = self.view.movie;
        let mut plan = plan.unwrap_or(Plan {
            first: quality,
            last: self.view.last,
            rates_kbps: 0.0,
            changes_kbps: 0.0,
            rebuffer_s: 0.0,
            buffer_s: self.view.buffer_s,
        });
        // As in the original, sizes are those of the chunk after; 0 past the end.
        let chunk = self.view.done + position + 1;
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

    /// Ties go to the last plan.
    fn judge(&mut self, plan: &Plan) {
        let reward =
            plan.rates_kbps / 1000.0 - LIN_STALL * plan.rebuffer_s - plan.changes_kbps / 1000.0;
        if reward >= self.best.0 {
            self.best = (reward, plan.first);
        }
    }
}
