//! The best choice of rungs on a known trace, by QoE_lin: an upper reference for rules.
//!
//! All plans advance together, segment by segment. Time is not discretised: every plan has its exact
//! times, so every figure belongs to a plan that can be played. Three things bound their number:
//!
//! * dominance: a plan is dropped if another can copy all its later choices and end no worse (`plan`);
//! * a bound: a plan is dropped if even the bits to come cannot lift it to a known QoE (`bound`);
//! * a beam: of more plans than a limit, those with the highest bound go on. Only then can the result be
//!   below the optimum, and the highest bound among the dropped plans is reported beside it.
//!
//! A plan waits for room in the buffer, as sessions do, and also for a lower latency where that pays,
//! which sessions do not. It never abandons and never fetches a segment twice; with foresight only the
//! second could pay, and a session that does it may exceed the optimum. Pensieve's `dp.cc` has the same
//! aim in discrete time. Titles in layers have their own order of aims (`layers`).

mod bound;
mod layers;
mod plan;

use crate::network::link::Link;
use crate::player::ladder::Ladder;
use crate::simulate::qoe::Figures;
use bound::Bound;
use plan::{Plan, Problem};

/// Beam of the first search, whose result bounds the second from below.
const FEW_PLANS: usize = 100;
/// Tolerance of comparisons with the bound, Mbit/s.
const ROUNDING: f64 = 1e-9;

/// The best QoE_lin found, mean over all segments but the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// QoE_lin of the best plan found.
    pub qoe_lin: f64,
    /// Upper bound over all plans: equal to `qoe_lin` where that is proved optimal. `None` for titles
    /// in layers.
    pub at_most: Option<f64>,
}

impl Optimum {
    /// `figures` with the optimum and the distance from it.
    #[must_use]
    pub fn compare(self, mut figures: Figures) -> Figures {
        // A session may fetch a segment twice, which the oracle never does.
        let best = self.qoe_lin.max(figures.qoe_lin);
        figures.oracle_qoe_lin = Some(best);
        figures.oracle_at_most = self.at_most.map(|at_most| at_most.max(best));
        figures.oracle_gap = Some(best - figures.qoe_lin);
        figures
    }
}

/// The optimum of `ladder` over `link` with a buffer target of `buffer_s` seconds. At most `most_plans`
/// plans (at least 1) go on from a segment; titles in layers need no limit. `None` if the link never
/// delivers the whole title.
pub fn qoe_lin(ladder: &Ladder, link: &Link, buffer_s: f64, most_plans: usize) -> Option<Optimum> {
    let problem = Problem::new(ladder, link, buffer_s);
    let found = match ladder.segments() {
        // A single segment counts by its rate alone, whenever it arrives.
        1 => {
            let plans = problem.follow(&problem.start(), 0);
            let rates = plans.map(|plan| problem.mbps[plan.rung]);
            rates.max_by(f64::total_cmp).map(|best| (best, Some(best)))
        }
        _ if ladder.is_layered() => layers::qoe(&problem).map(|qoe| (qoe, None)),
        _ => best(&problem, most_plans.max(1)).map(|(qoe, at_most)| (qoe, Some(at_most))),
    };
    let (qoe, at_most) = found?;
    let segments = (ladder.segments() - 1).max(1) as f64;
    Some(Optimum {
        qoe_lin: qoe / segments,
        at_most: at_most.map(|at_most| at_most / segments),
    })
}

/// QoE of the best plan found, and an upper bound over all plans.
fn best(problem: &Problem<'_>, most_plans: usize) -> Option<(f64, f64)> {
    let bound = Bound::new(problem);
    let few = most_plans.min(FEW_PLANS);
    let quick = search(problem, &bound, few, f64::NEG_INFINITY)?;
    // A good plan is the strongest lower bound.
    match search(problem, &bound, most_plans, quick.0) {
        Some((qoe, at_most)) => Some((qoe.max(quick.0), at_most.max(quick.0))),
        None => Some(quick),
    }
}

/// The best plan with a QoE of at least `known`, and an upper bound over all such plans.
fn search(
    problem: &Problem<'_>,
    bound: &Bound,
    most_plans: usize,
    known: f64,
) -> Option<(f64, f64)> {
    let last = problem.ladder.segments() - 1;
    let mut at_most = f64::NEG_INFINITY;
    let mut plans = vec![problem.start()];
    for segment in 0..last {
        let next = plans.iter().flat_map(|plan| problem.follow(plan, segment));
        let mut next: Vec<Plan> = next.collect();
        let judge = bound.judge(problem, &next, segment + 1);
        next.retain(|plan| judge(plan) >= known - ROUNDING);
        plans = plan::undominated(next, &problem.mbps);
        if let Some(left) = keep(&mut plans, most_plans, judge) {
            at_most = at_most.max(left);
        }
    }
    let ends = plans.iter().flat_map(|plan| problem.follow(plan, last));
    let qoe = ends.map(|plan| plan.qoe()).max_by(f64::total_cmp)?;
    Some((qoe, qoe.max(at_most)))
}

/// Keeps the `most` plans with the highest bound; returns the highest bound among the others.
fn keep(plans: &mut Vec<Plan>, most: usize, judge: impl Fn(&Plan) -> f64) -> Option<f64> {
    if plans.len() <= most {
        return None;
    }
    let mut judged: Vec<(f64, Plan)> = plans.drain(..).map(|plan| (judge(&plan), plan)).collect();
    let (best, first_left, _) = judged.select_nth_unstable_by(most, |a, b| b.0.total_cmp(&a.0));
    plans.extend(best.iter().map(|(_, plan)| *plan));
    Some(first_left.0)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
