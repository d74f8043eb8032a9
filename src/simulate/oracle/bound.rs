//! An upper bound on the QoE of a plan's extensions, by Lagrangian relaxation.
//!
//! The relaxed constraint: all segments to come share the bits that the link carries until the last one
//! is due. At a price per Mbit, dynamic programming finds the best sequence of rungs without that
//! constraint, changes of rung included. Its value plus the price of all bits is an upper bound for any
//! price; of a few prices the one with the tightest bound is taken, for every segment anew.
//!
//! Bits are in Mbit, QoE in Mbit/s as QoE_lin. Independent of the search.

use super::plan::{Plan, Problem};
use crate::simulate::qoe::LIN_STALL;

/// Candidate prices, as shares of the quality gained per Mbit from the lowest rung to the top one.
const SHARES: [f64; 12] = [0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0];

#[derive(Debug)]
pub(super) struct Bound {
    chains: Vec<Chain>,
}

#[derive(Debug)]
struct Chain {
    /// Price of a Mbit, Mbit/s.
    price: f64,
    /// By segment and the rung before it: Σ quality − Σ|Δquality| − price·Mbit from that segment on.
    ahead: Vec<f64>,
}

impl Bound {
    pub(super) fn new(problem: &Problem<'_>) -> Self {
        let top = problem.mbps.len() - 1;
        let mbit = |rung| -> f64 {
            let segments = 0..problem.ladder.segments();
            segments.map(|segment| problem.mbit(segment, rung)).sum()
        };
        let gained = problem.mbps[top] - problem.mbps[0];
        let usual = gained * problem.ladder.segments() as f64 / (mbit(top) - mbit(0)).max(1e-9);
        // A stall gains bits as well; above this price stalling for bits would pay.
        let most = LIN_STALL / problem.link.fastest_mbps();
        let chain = |share: f64| Chain::new(problem, (share * usual).min(most));
        Self {
            chains: SHARES.map(chain).into(),
        }
    }

    /// The bound for `plans`, whose next segment is `segment`, at the price that is tightest for the
    /// best of them.
    pub(super) fn judge<'a>(
        &'a self,
        problem: &'a Problem<'_>,
        plans: &[Plan],
        segment: usize,
    ) -> impl Fn(&Plan) -> f64 + Copy + 'a {
        let best = plans.iter().max_by(|a, b| a.qoe().total_cmp(&b.qoe()));
        let at = |chain: &&Chain| best.map_or(0.0, |best| chain.at_most(problem, best, segment));
        let chain = self.chains.iter().min_by(|a, b| at(a).total_cmp(&at(b)));
        move |plan| chain.map_or(f64::INFINITY, |chain| chain.at_most(problem, plan, segment))
    }
}

impl Chain {
    fn at_most(&self, problem: &Problem<'_>, plan: &Plan, segment: usize) -> f64 {
        let ahead = self.ahead[segment * problem.mbps.len() + plan.rung];
        let last = problem.ladder.segments() - 1;
        let until_s = problem.ladder.start_s(last) + plan.lost_s;
        let mbit = (problem.link.passed(until_s) - plan.next_bits) / 1e6;
        plan.qoe() + ahead + self.price * mbit
    }

    fn new(problem: &Problem<'_>, price: f64) -> Self {
        let (mbps, rungs) = (&problem.mbps, problem.mbps.len());
        let segments = problem.ladder.segments();
        let mut ahead = vec![0.0; (segments + 1) * rungs];
        for segment in (1..segments).rev() {
            let (here, after) = ahead[segment * rungs..].split_at_mut(rungs);
            for rung in 0..rungs {
                here[rung] = mbps[rung] - price * problem.mbit(segment, rung) + after[rung];
            }
            // A change costs the difference in either direction.
            for rung in 1..rungs {
                here[rung] = here[rung].max(here[rung - 1] - (mbps[rung] - mbps[rung - 1]));
            }
            for rung in (1..rungs).rev() {
                here[rung - 1] = here[rung - 1].max(here[rung] - (mbps[rung] - mbps[rung - 1]));
            }
        }
        Self { price, ahead }
    }
}
