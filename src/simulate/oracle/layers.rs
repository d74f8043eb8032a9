//! The optimum of a title in layers, layer by layer: no stall beyond those that the bases need, then as
//! much as possible of the first layer, then of the second, and so on.
//!
//! The order of aims is that of LBP (Elgabli et al., IEEE/ACM ToN 2018). With the display times known,
//! each segment must be complete by then, and segments are fetched in order: earliest deadline first,
//! which meets all deadlines if any schedule does. Within a layer the choice is exact for QoE_lin, which
//! splits into one sum per layer: the layer's quality for every segment that has it, minus the same for
//! every change between a segment with it and one without.
//!
//! A lower layer is never given up for higher ones and the start is never delayed; a session that does
//! either may exceed this optimum.

use super::plan::Problem;
use crate::simulate::qoe::LIN_STALL;

/// Tolerance of deadlines, seconds: after a stall a base arrives exactly when it plays.
const ROUNDING_S: f64 = 1e-9;

/// The bases alone: earliest request and display time of every segment, and the stalls.
pub(super) struct Schedule<'a> {
    problem: &'a Problem<'a>,
    asks_s: Vec<f64>,
    plays_s: Vec<f64>,
    stall_s: f64,
}

/// A choice of one layer for the segments so far.
#[derive(Debug, Clone, Copy)]
struct Choice {
    clock_s: f64,
    value: f64,
    /// Index of the choice for the last segment in the history.
    node: usize,
}

/// Whether a segment has the layer, and the index of the node of the segment before.
type Node = (bool, usize);

/// QoE_lin times the number of segments after the first; `None` if a base never arrives.
pub(super) fn qoe(problem: &Problem<'_>) -> Option<f64> {
    let schedule = Schedule::of_bases(problem)?;
    let segments = problem.ladder.segments();
    let mut depth = vec![1; segments];
    for layer in 1..problem.mbps.len() {
        let has = schedule.best(&depth, layer);
        for (depth, has) in depth.iter_mut().zip(has) {
            *depth += usize::from(has);
        }
    }
    let quality = |segment: usize| problem.mbps[depth[segment] - 1];
    let pairs = (1..segments).map(|segment| {
        let (before, now) = (quality(segment - 1), quality(segment));
        now - (now - before).abs()
    });
    Some(pairs.sum::<f64>() - LIN_STALL * schedule.stall_s)
}

impl<'a> Schedule<'a> {
    /// Every base as early as the buffer has room.
    pub(super) fn of_bases(problem: &'a Problem<'a>) -> Option<Self> {
        let (mut plan, mut first_s) = (problem.start(), 0.0);
        let (mut asks_s, mut plays_s) = (Vec::new(), Vec::new());
        for segment in 0..problem.ladder.segments() {
            asks_s.push(problem.ladder.start_s(segment) + plan.lost_s - problem.room_s(segment));
            plan = problem.fetch(&plan, segment, 0)?;
            if segment == 0 {
                first_s = plan.lost_s;
            }
            plays_s.push(problem.ladder.start_s(segment) + plan.lost_s);
        }
        Some(Self {
            problem,
            asks_s,
            plays_s,
            stall_s: plan.lost_s - first_s,
        })
    }

    /// The segments that get `layer`, given the number of layers that each has, which come first.
    pub(super) fn best(&self, depth: &[usize], layer: usize) -> Vec<bool> {
        let mut nodes: Vec<Node> = vec![(false, 0)];
        let start = Choice {
            clock_s: 0.0,
            value: 0.0,
            node: 0,
        };
        let mut fronts = [vec![start], Vec::new()];
        for (segment, &depth) in depth.iter().enumerate() {
            let [without, with] = self.extend(&fronts, segment, depth, layer);
            fronts = [
                front(without, false, &mut nodes),
                front(with, true, &mut nodes),
            ];
        }
        let ends = fronts.iter().flatten();
        let best = ends.max_by(|a, b| a.value.total_cmp(&b.value));
        let mut has = vec![false; depth.len()];
        let mut node = best.map_or(0, |choice| choice.node);
        for place in has.iter_mut().rev() {
            (*place, node) = nodes[node];
        }
        has
    }

    /// All choices extended by `segment`, without `layer` and, where the layers below are there, with it.
    fn extend(
        &self,
        fronts: &[Vec<Choice>; 2],
        segment: usize,
        depth: usize,
        layer: usize,
    ) -> [Vec<Choice>; 2] {
        let added = self.problem.mbps[layer] - self.problem.mbps[layer - 1];
        // The first segment counts for nothing in QoE_lin.
        let weight = if segment > 0 { added } else { 0.0 };
        let [mut without, mut with] = [Vec::new(), Vec::new()];
        for (had, front) in [false, true].into_iter().zip(fronts) {
            for choice in front {
                let Some(clock_s) = self.fetched(segment, depth, choice.clock_s) else {
                    continue;
                };
                let change = |has: bool| if has == had { 0.0 } else { weight };
                without.push(Choice {
                    clock_s,
                    value: choice.value - change(false),
                    ..*choice
                });
                let layered_s = (depth == layer).then(|| self.arrival(segment, layer, clock_s));
                with.extend(layered_s.flatten().map(|clock_s| Choice {
                    clock_s,
                    value: choice.value + weight - change(true),
                    ..*choice
                }));
            }
        }
        [without, with]
    }

    /// Arrival of the `depth` lowest layers of `segment`, requested at `clock_s` or once there is room;
    /// `None` if it misses the display time.
    pub(super) fn fetched(&self, segment: usize, depth: usize, clock_s: f64) -> Option<f64> {
        let asks_s = clock_s.max(self.asks_s[segment]);
        (0..depth).try_fold(asks_s, |clock_s, layer| {
            self.arrival(segment, layer, clock_s)
        })
    }

    /// Arrival of one layer of `segment` requested at `clock_s`, if in time.
    fn arrival(&self, segment: usize, layer: usize, clock_s: f64) -> Option<f64> {
        let (link, bytes) = (self.problem.link, self.problem.bytes(segment, layer));
        let end_s = link.flow(link.first_byte_s(clock_s), bytes).ends_s()?;
        (end_s <= self.plays_s[segment] + ROUNDING_S).then_some(end_s)
    }
}

/// The choices to which no other is both earlier and better, recorded in `nodes`.
fn front(mut choices: Vec<Choice>, has: bool, nodes: &mut Vec<Node>) -> Vec<Choice> {
    choices.sort_by(|a, b| {
        let sooner = a.clock_s.total_cmp(&b.clock_s);
        sooner.then(b.value.total_cmp(&a.value))
    });
    let mut most = f64::NEG_INFINITY;
    choices.retain(|choice| {
        let better = choice.value > most;
        most = most.max(choice.value);
        better
    });
    for choice in &mut choices {
        nodes.push((has, choice.node));
        choice.node = nodes.len() - 1;
    }
    choices
}
