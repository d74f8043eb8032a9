//! RobustMPC: the best plan for the next five segments at a cautious rate.
//!
//! Yin et al., SIGCOMM 2015, §5.3: the rate is the harmonic mean of the last five transfers, divided by
//! one plus the largest of their last five relative errors. The plan is optimal on real segment sizes, by
//! dynamic programming over exact buffer levels, which drops only dominated plans. Unlike in Pensieve's
//! mpc.py the latency is paid once a segment, and of equal plans the lower first rung wins.

use super::plan::{self, Fetch, HORIZON, Prediction};
use super::{Choice, Delivery, Ladder, Rule, View};

#[derive(Debug)]
pub(super) struct RobustMpc {
    stall_weight: f64,
    prediction: Prediction,
}

impl RobustMpc {
    pub(super) fn new(ladder: &Ladder) -> Self {
        Self {
            stall_weight: plan::stall_weight(ladder),
            prediction: Prediction::default(),
        }
    }
}

impl Rule for RobustMpc {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let by = "robust-mpc";
        let Some(predicted) = self.prediction.state() else {
            return Choice::now(0, by);
        };
        let rate = predicted / (1.0 + self.prediction.worst_error());
        let best = Search::new(view, rate, self.stall_weight).run();
        Choice::now(best.first, by)
    }

    fn delivered(&mut self, delivery: &Delivery) {
        self.prediction.learn(delivery.kbps());
    }
}

struct Search<'a> {
    view: &'a View<'a>,
    steps: usize,
    /// The empty plan.
    start: Node,
    /// Seconds a byte.
    pace: f64,
    stall_weight: f64,
    /// Upper bound of the value of the steps from each depth on.
    bound: [f64; HORIZON + 1],
}

#[derive(Debug, Clone, Copy)]
struct Node {
    first: usize,
    buffer_s: f64,
    last: Option<f64>,
    value: f64,
}

impl<'a> Search<'a> {
    fn new(view: &'a View<'a>, rate: f64, stall_weight: f64) -> Self {
        let ladder = view.ladder;
        let steps = HORIZON.min(ladder.segments() - view.segment);
        let mut bound = [0.0; HORIZON + 1];
        for depth in (0..steps).rev() {
            let values = (0..=ladder.top()).map(|rung| ladder.utility(view.segment + depth, rung));
            bound[depth] = bound[depth + 1] + values.fold(f64::NEG_INFINITY, f64::max);
        }
        Self {
            view,
            steps,
            start: Node {
                first: 0,
                buffer_s: view.buffer_s,
                last: plan::last_utility(view),
                value: 0.0,
            },
            pace: 0.008 / rate,
            stall_weight,
            bound,
        }
    }

    fn run(&self) -> Node {
        let rungs = 0..=self.view.ladder.top();
        // The value of the best plan without switches, minus a tolerance, is a lower bound.
        let stay = rungs.clone().map(|rung| self.follow(|_| rung).value);
        let known = stay.fold(f64::NEG_INFINITY, f64::max) - 1e-9;
        let mut plans = vec![self.start];
        for depth in 0..self.steps {
            let steps = |node| rungs.clone().map(move |rung| self.step(depth, node, rung));
            let hopeful = |node: &Node| node.value + self.bound[depth + 1] >= known;
            let next = plans.iter().flat_map(steps).filter(hopeful);
            plans = self.undominated(next.collect());
        }
        // Sorted: the best comes first.
        plans.first().copied().unwrap_or(self.start)
    }

    /// The plan of these rungs by depth.
    fn follow(&self, rung: impl Fn(usize) -> usize) -> Node {
        let step = |node, depth| self.step(depth, &node, rung(depth));
        (0..self.steps).fold(self.start, step)
    }

    /// The non-dominated plans, best first: copying another costs a switch and a stall of the difference.
    fn undominated(&self, mut plans: Vec<Node>) -> Vec<Node> {
        plans.sort_by(|a, b| {
            let better = b.value.total_cmp(&a.value);
            better.then(a.first.cmp(&b.first))
        });
        let mut kept: Vec<Node> = Vec::new();
        for plan in plans {
            let dominates = |other: &Node| {
                let change = (other.last.unwrap_or(0.0) - plan.last.unwrap_or(0.0)).abs();
                let stalled_s = (plan.buffer_s - other.buffer_s).max(0.0);
                other.value - change - self.stall_weight * stalled_s >= plan.value
            };
            if !kept.iter().any(dominates) {
                kept.push(plan);
            }
        }
        kept
    }

    fn step(&self, depth: usize, node: &Node, rung: usize) -> Node {
        let fetch = Fetch::of(self.view, self.view.segment + depth, rung, self.pace);
        let (buffer_s, stalled_s) = fetch.step(node.buffer_s, fetch.likely_s);
        let utility = fetch.utility;
        let change = node.last.map_or(0.0, |last| (utility - last).abs());
        Node {
            first: if depth == 0 { rung } else { node.first },
            buffer_s,
            last: Some(utility),
            value: node.value + utility - change - self.stall_weight * stalled_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{delivery, last_segment, view};
    use super::*;
    use crate::player::ladder::Rung;
    use crate::player::ladder::tests::constant_rate;
    use proptest::prelude::*;

    /// Utilities 0 and ln 2 = 0.69 a segment, μ = 0.69; 4 s and 8 s a segment at 50 kbit/s.
    #[test]
    fn a_plan_weighs_stalls_against_switches() {
        let ladder = constant_rate(&[100.0, 200.0], 50, 2.0);
        // Last segment: 8 s against a buffer of 8 s: no stall, no switch. At 7.9 s the stall of 0.1 s
        // costs 0.07, the lower rung 1.39. At 5.9 s staying stalls 2.1 s, 1.46 for 0.69; falling costs
        // 0.69: −0.69 against −0.76.
        for (buffer_s, rung) in [(8.0, 1), (7.9, 1), (6.1, 1), (5.9, 0)] {
            let mut rule = RobustMpc::new(&ladder);
            rule.delivered(&delivery(&ladder, 0, 4.0, 9.0));
            assert_eq!(rule.choose(&last_segment(&ladder, buffer_s)).rung, rung);
        }
        assert_eq!(RobustMpc::new(&ladder).choose(&view(&ladder)).rung, 0);
    }

    #[test]
    fn an_error_makes_it_cautious() {
        let ladder = constant_rate(&[100.0, 200.0], 50, 2.0);
        let mut rule = RobustMpc::new(&ladder);
        let at = last_segment(&ladder, 1.8);
        // 400 kbit/s twice: 50 kB take 1 s.
        for _ in 0..2 {
            rule.delivered(&delivery(&ladder, 0, 0.5, 9.0));
            assert_eq!(rule.choose(&at).rung, 1);
        }
        // Now 100: predicted 400, error 3; the harmonic mean of 400, 400, 100 is 200, a quarter of it
        // 50: 8 s.
        rule.delivered(&delivery(&ladder, 0, 2.0, 9.0));
        assert_eq!(rule.choose(&at).rung, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The value of the plan that was found is that of the best of all.
        #[test]
        fn nothing_beats_the_plan(
            mut rates in prop::collection::vec(20.0f64..400.0, 1..5),
            bumps in prop::collection::vec(0.3f64..2.5, 7),
            segment in 0usize..7, buffer_s in 0.0f64..25.0, rate in 5.0f64..1000.0,
            last in 0usize..4,
        ) {
            rates.sort_by(f64::total_cmp);
            let rungs = rates.iter().map(|&kbps| Rung { id: String::new(), rank: 1, kbps });
            let sizes = bumps.iter().flat_map(|bump| rates.iter().map(move |r| (r * 250.0 * bump) as u64));
            let sizes = sizes.collect();
            let ladder = Ladder::new(rungs.collect(), &[2.0; 7], sizes).unwrap();
            let view = View {
                segment, buffer_s, last_rung: Some(last.min(ladder.top())), latency_s: 0.1, ..view(&ladder)
            };
            let search = Search::new(&view, rate, plan::stall_weight(&ladder));
            let (found, count) = (search.run(), rates.len());
            // Every plan, numbered.
            let all = 0..count.pow(search.steps as u32);
            let value = |plan: usize| search.follow(|depth| plan / count.pow(depth as u32) % count).value;
            let best = all.map(value).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((found.value - best).abs() < 1e-9, "{} {best}", found.value);
        }
    }
}
