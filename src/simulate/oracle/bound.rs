//! What a plan can still come to at the most, with a price on the link's bits.
//!
//! Lagrangian relaxation of one constraint, that all segments to come share the bits that the link
//! carries until the last of them must be there. At a price for a Mbit, whoever may buy as many as
//! wanted solves a chain of rungs by dynamic programming, changes of rung included; that chain's worth
//! and the price of all bits together are no less than what any plan comes to, whatever the price.
//! Of a few prices the one that bounds tightest is taken, anew for every segment.
//!
//! Bits are in Mbit, worth is in Mbit/s as QoE_lin has it. Knows nothing of how plans are searched.

use super::STALL;
use super::plan::{Plan, Problem};

/// Prices that are tried, in shares of what a Mbit brings from the lowest rung to the top.
const SHARES: [f64; 12] = [0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0];

/// Chains for a few prices.
#[derive(Debug)]
pub(super) struct Bound {
    chains: Vec<Chain>,
}

/// The best that is left at one price.
#[derive(Debug)]
struct Chain {
    /// Worth of a Mbit.
    price: f64,
    /// By segment and the rung before it: qualities less changes less bits of it and all after.
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
        // A stall brings bits, too; at this price it never pays to buy them so.
        let most = STALL / problem.link.fastest_mbps();
        let chain = |share: f64| Chain::new(problem, (share * usual).min(most));
        Self {
            chains: SHARES.map(chain).into(),
        }
    }

    /// A judge of `plans` and their like, whose next segment is `segment`: what each can be worth at
    /// the most, at the price that bounds the best of them tightest.
    pub(super) fn judge<'a>(
        &'a self,
        problem: &'a Problem<'_>,
        plans: &[Plan],
        segment: usize,
    ) -> impl Fn(&Plan) -> f64 + Copy + 'a {
        let best = plans.iter().max_by(|a, b| a.worth().total_cmp(&b.worth()));
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
        plan.worth() + ahead + self.price * mbit
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
            // A change costs the difference, be it up or down.
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
