//! The best for a title in layers, layer by layer: no stall more than the bases need, then as much of
//! the first layer as can be had, then of the second, and so on.
//!
//! The order of aims is that of Elgabli et al. (LBP, IEEE/ACM ToN 2018). With the times known at which
//! segments play, each must be whole when it does, and segments are fetched in their order: who is due
//! first goes first, and that schedule meets all deadlines if any does. Within a layer the choice is
//! exact for QoE_lin, which falls into one sum a layer: what a layer adds to every segment that has it,
//! less as much for every change between a segment that has it and one that has not.
//!
//! A lower layer is never given up for higher ones, and the start is not delayed for any; a session that
//! does either may come out ahead.

use super::plan::Problem;

/// The base plan: when it may ask for each segment at the earliest and when that plays, and what it costs.
pub(super) struct Schedule {
    asks_s: Vec<f64>,
    plays_s: Vec<f64>,
    stall_s: f64,
}

/// A choice of one layer for the segments so far.
#[derive(Debug, Clone, Copy)]
struct Choice {
    clock_s: f64,
    worth: f64,
    /// Where in the history of choices it stands.
    node: usize,
}

/// The choice for one segment and where the one before it stands.
type Node = (bool, usize);

/// QoE_lin times all segments but the first; `None` when a base never arrives.
pub(super) fn worth(problem: &Problem<'_>) -> Option<f64> {
    let schedule = bases(problem)?;
    let segments = problem.ladder.segments();
    let mut depth = vec![1; segments];
    for layer in 1..problem.mbps.len() {
        let has = best(problem, &schedule, &depth, layer);
        depth
            .iter_mut()
            .zip(has)
            .filter(|(_, has)| *has)
            .for_each(|(depth, _)| *depth += 1);
    }
    let quality = |segment: usize| problem.mbps[depth[segment] - 1];
    let pairs = (1..segments).map(|segment| {
        let (before, now) = (quality(segment - 1), quality(segment));
        now - (now - before).abs()
    });
    Some(pairs.sum::<f64>() - super::STALL * schedule.stall_s)
}

/// The bases alone, as soon as there is room for each.
pub(super) fn bases(problem: &Problem<'_>) -> Option<Schedule> {
    let (mut plan, mut first_s) = (problem.start(), 0.0);
    let segments = problem.ladder.segments();
    let (mut asks_s, mut plays_s) = (Vec::with_capacity(segments), Vec::with_capacity(segments));
    for segment in 0..segments {
        asks_s.push(problem.ladder.start_s(segment) + plan.lost_s - problem.room_s(segment));
        plan = problem.fetch(&plan, (segment, 0))?;
        if segment == 0 {
            first_s = plan.lost_s;
        }
        plays_s.push(problem.ladder.start_s(segment) + plan.lost_s);
    }
    let stall_s = plan.lost_s - first_s;
    Some(Schedule {
        asks_s,
        plays_s,
        stall_s,
    })
}

/// Which segments get `layer` on top of the `depth` layers that each has, all of those below it first.
pub(super) fn best(
    problem: &Problem<'_>,
    schedule: &Schedule,
    depth: &[usize],
    layer: usize,
) -> Vec<bool> {
    let added = problem.mbps[layer] - problem.mbps[layer - 1];
    let mut nodes: Vec<Node> = vec![(false, 0)];
    let start = Choice {
        clock_s: 0.0,
        worth: 0.0,
        node: 0,
    };
    let mut fronts = [vec![start], Vec::new()];
    for (segment, &depth) in depth.iter().enumerate() {
        let mut next = [Vec::new(), Vec::new()];
        for (had, front) in fronts.iter().enumerate() {
            for choice in front {
                let Some(clock_s) = fetched(problem, schedule, (segment, depth), choice.clock_s)
                else {
                    continue;
                };
                let change = |has: usize| {
                    if segment > 0 && has != had {
                        added
                    } else {
                        0.0
                    }
                };
                let mut go = |has: usize, clock_s: f64| {
                    let gained = if has > 0 && segment > 0 { added } else { 0.0 };
                    let worth = choice.worth + gained - change(has);
                    next[has].push((
                        Choice {
                            clock_s,
                            worth,
                            node: choice.node,
                        },
                        has > 0,
                    ));
                };
                go(0, clock_s);
                let more_s = if depth == layer {
                    layer_by(problem, schedule, (segment, layer), clock_s)
                } else {
                    None
                };
                if let Some(clock_s) = more_s {
                    go(1, clock_s);
                }
            }
        }
        fronts = next.map(|choices| front(choices, &mut nodes));
    }
    let last = fronts
        .iter()
        .flatten()
        .max_by(|a, b| a.worth.total_cmp(&b.worth));
    let mut has = vec![false; depth.len()];
    let mut node = last.map_or(0, |choice| choice.node);
    for place in has.iter_mut().rev() {
        (*place, node) = nodes[node];
    }
    has
}

/// When all `depth` layers of `segment` are there, begun at `clock_s` or when there is room; `None` if that is too late.
pub(super) fn fetched(
    problem: &Problem<'_>,
    schedule: &Schedule,
    (segment, depth): (usize, usize),
    clock_s: f64,
) -> Option<f64> {
    let clock_s = clock_s.max(schedule.asks_s[segment]);
    let base_s = layer_by(problem, schedule, (segment, 0), clock_s)?;
    (1..depth).try_fold(base_s, |clock_s, layer| {
        layer_by(problem, schedule, (segment, layer), clock_s)
    })
}

/// When one layer of `segment` is there, asked for at `clock_s`, if that is in time.
fn layer_by(
    problem: &Problem<'_>,
    schedule: &Schedule,
    (segment, layer): (usize, usize),
    clock_s: f64,
) -> Option<f64> {
    let from_s = problem.link.first_byte_s(clock_s);
    let end_s = problem
        .link
        .flow(from_s, problem.bytes(segment, layer))
        .ends_s()?;
    (end_s <= schedule.plays_s[segment] + ROUNDING_S).then_some(end_s)
}

/// A base arrives the moment it plays where the screen stood still.
const ROUNDING_S: f64 = 1e-9;

/// Of choices that agree in the last segment those that none is both earlier and better than, written into the history.
fn front(mut choices: Vec<(Choice, bool)>, nodes: &mut Vec<Node>) -> Vec<Choice> {
    choices.sort_by(|(a, _), (b, _)| {
        a.clock_s
            .total_cmp(&b.clock_s)
            .then(b.worth.total_cmp(&a.worth))
    });
    let mut most = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for (choice, has) in choices {
        if choice.worth <= most {
            continue;
        }
        most = choice.worth;
        nodes.push((has, choice.node));
        kept.push(Choice {
            node: nodes.len() - 1,
            ..choice
        });
    }
    kept
}
