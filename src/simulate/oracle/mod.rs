//! The best that any choice of rungs could have had: the trace known, QoE_lin the aim.
//!
//! All plans go forward together, segment by segment. Time is not cut into steps: a plan has its exact
//! times, so every figure belongs to a plan that can be played. Three things keep their number down:
//!
//! * a plan goes when another can copy whatever it does and come out no worse (`plan`);
//! * a plan goes when even the bits to come cannot bring it up to what is known to be possible (`bound`);
//! * of more than so many, those that can come to most go on. Only then may the figure lie under the
//!   optimum, and the most that a plan left behind could have come to is told beside it.
//!
//! A plan waits for room in the buffer, as sessions do, and where that pays for a lower latency, which they do
//! not. It abandons nothing and fetches nothing twice; with foresight only the second could pay, and a
//! session that does it may come out ahead. Pensieve's `dp.cc` has the same aim in discrete time.
//! Titles in layers have an order of aims of their own (`layers`).

mod bound;
mod layers;
mod plan;

use crate::network::link::Link;
use crate::player::ladder::Ladder;
use bound::Bound;
use plan::{Plan, Problem};

/// What a second of stall costs, Mbit/s.
const STALL: f64 = 4.3;
/// Plans of the search that only has to find a good one.
const FEW_PLANS: usize = 100;
/// Rounding that must not cost a plan, Mbit/s.
const ROUNDING: f64 = 1e-9;

/// The best QoE_lin, mean over all segments but the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// That of the best plan found.
    pub qoe_lin: f64,
    /// No plan has more: `qoe_lin` itself where that is proved to be the optimum, which it never is for
    /// a title in layers.
    pub at_most: Option<f64>,
}

/// The optimum over `link` with a buffer of `buffer_s` seconds. At most `most_plans` plans, at least 1, go
/// on from a segment; titles in layers need no such limit. `None` when the link never delivers it all.
pub fn qoe_lin(ladder: &Ladder, link: &Link, buffer_s: f64, most_plans: usize) -> Option<Optimum> {
    let problem = Problem::new(ladder, link, buffer_s);
    let found = match ladder.segments() {
        1 => only(&problem),
        _ if ladder.is_layered() => layers::worth(&problem).map(|worth| (worth, None)),
        _ => best(&problem, most_plans.max(1)).map(|(worth, at_most)| (worth, Some(at_most))),
    };
    let (worth, at_most) = found?;
    let segments = (ladder.segments() - 1).max(1) as f64;
    Some(Optimum {
        qoe_lin: worth / segments,
        at_most: at_most.map(|at_most| at_most / segments),
    })
}

/// One segment counts by its rate alone, however late it comes.
fn only(problem: &Problem<'_>) -> Option<(f64, Option<f64>)> {
    let plans = problem.follow(&problem.start(), 0);
    let best = plans
        .map(|plan| problem.mbps[plan.rung])
        .max_by(f64::total_cmp)?;
    Some((best, Some(best)))
}

/// Worth of the best plan found, and the most that any has.
fn best(problem: &Problem<'_>, most_plans: usize) -> Option<(f64, f64)> {
    let bound = Bound::new(problem);
    let few = most_plans.min(FEW_PLANS);
    let quick = search(problem, &bound, few, f64::NEG_INFINITY)?;
    // From below nothing helps as much as a good plan.
    match search(problem, &bound, most_plans, quick.0) {
        Some((worth, at_most)) => Some((worth.max(quick.0), at_most.max(quick.0))),
        None => Some(quick),
    }
}

/// The best of all plans that may be worth `known`, and the most that any of those can be worth.
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
        let mut next = Vec::with_capacity(plans.len() * problem.mbps.len());
        for plan in &plans {
            next.extend(problem.follow(plan, segment));
        }
        let judge = bound.judge(problem, &next, segment + 1);
        next.retain(|plan| judge(plan) >= known - ROUNDING);
        plans = plan::undominated(next, &problem.mbps);
        if let Some(left) = keep(&mut plans, most_plans, judge) {
            at_most = at_most.max(left);
        }
    }
    let ends = plans.iter().flat_map(|plan| problem.follow(plan, last));
    let worth = ends.map(|plan| plan.worth()).max_by(f64::total_cmp)?;
    Some((worth, worth.max(at_most)))
}

/// Keeps the `most` plans that are judged best; says how good the others are at the most.
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
