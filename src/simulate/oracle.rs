//! The best that any choice of rungs could have had: the trace known, QoE_lin the aim.
//!
//! Dynamic programming forward over segments. A state is the last rung, the media in the buffer and
//! the time lost to start-up and stalls, the latter two in steps; of the plans that share one the best
//! stays, with its exact times, so every figure belongs to a plan that can be played, and finer steps
//! come closer to the optimum from below. Of two plans with one last rung and equal time lost, the one
//! that is later and worth no more goes: room for the next segment comes to both at once, and on a link
//! that delivers in order who asks sooner has sooner. Of more than `MOST_PLANS` plans that are
//! left at a segment the best go on, and the figure is then a bound from below. Waits only for room in the buffer, as sessions do.
//! Pensieve's `dp.cc` has the same aim by discrete time.

use super::link::Link;
use crate::player::ladder::Ladder;
use std::collections::HashMap;

/// What a second of stall costs, Mbit/s.
const STALL: f64 = 4.3;
/// Of more plans than this the best so far go on: those that lost most time in stalls are many and
/// never win.
const MOST_PLANS: usize = 2500;

/// Rung, buffer and time lost, the latter two in steps.
type Key = (usize, i64, i64);

/// A plan so far.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rung: usize,
    clock_s: f64,
    buffer_s: f64,
    stall_s: f64,
    worth: f64,
}

/// Best QoE_lin, mean over all segments but the first, over `link` with a buffer of `buffer_s`
/// seconds, in steps of `step_s`; `None` when the link never delivers it all.
pub fn qoe_lin(ladder: &Ladder, link: &Link, buffer_s: f64, step_s: f64) -> Option<f64> {
    let mbps: Vec<f64> = ladder
        .rungs()
        .iter()
        .map(|rung| rung.kbps / 1000.0)
        .collect();
    let mut plans = vec![Plan {
        rung: 0,
        clock_s: 0.0,
        buffer_s: 0.0,
        stall_s: 0.0,
        worth: 0.0,
    }];
    for segment in 0..ladder.segments() {
        let room_s = buffer_s.max(2.0 * ladder.duration_s(segment));
        let mut best: HashMap<Key, Plan> = HashMap::with_capacity(plans.len() * 2);
        for plan in &plans {
            let waited = wait(*plan, room_s - ladder.duration_s(segment));
            for (rung, &quality) in mbps.iter().enumerate() {
                let Some(mut next) = fetch(waited, (ladder, link), segment, rung) else {
                    continue;
                };
                if segment > 0 {
                    let change = (quality - mbps[plan.rung]).abs();
                    next.worth += quality - change - STALL * (next.stall_s - plan.stall_s);
                }
                let step = |seconds: f64| (seconds / step_s) as i64;
                // With the buffer, this says how late it is.
                let lost_s = next.clock_s + next.buffer_s;
                let key = (rung, step(next.buffer_s), step(lost_s));
                let kept = best.entry(key).or_insert(next);
                if (next.worth, -next.clock_s) > (kept.worth, -kept.clock_s) {
                    *kept = next;
                }
            }
        }
        plans = undominated(best);
    }
    let only = ladder.segments() == 1;
    let worth = |plan: &Plan| if only { mbps[plan.rung] } else { plan.worth };
    let best = plans.iter().map(worth).max_by(f64::total_cmp)?;
    Some(best / (ladder.segments() - 1).max(1) as f64)
}

/// The plans that none is better than, in an order that does not depend on the map's.
fn undominated(best: HashMap<Key, Plan>) -> Vec<Plan> {
    let mut keyed: Vec<(Key, Plan)> = best.into_iter().collect();
    let group = |key: &Key| (key.0, key.2);
    keyed.sort_by(|(a, x), (b, y)| {
        let sooner = x.clock_s.total_cmp(&y.clock_s);
        let better = y.worth.total_cmp(&x.worth);
        group(a).cmp(&group(b)).then(sooner).then(better)
    });
    let mut plans: Vec<Plan> = Vec::with_capacity(keyed.len());
    let (mut last, mut most) = (None, f64::NEG_INFINITY);
    for (key, plan) in keyed {
        if last != Some(group(&key)) {
            (last, most) = (Some(group(&key)), f64::NEG_INFINITY);
        }
        if plan.worth > most {
            most = plan.worth;
            plans.push(plan);
        }
    }
    if plans.len() > MOST_PLANS {
        plans.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        plans.truncate(MOST_PLANS);
    }
    plans
}

/// Plays down to `most_s` of buffer.
fn wait(mut plan: Plan, most_s: f64) -> Plan {
    let over_s = (plan.buffer_s - most_s).max(0.0);
    plan.clock_s += over_s;
    plan.buffer_s -= over_s;
    plan
}

fn fetch(
    mut plan: Plan,
    (ladder, link): (&Ladder, &Link),
    segment: usize,
    rung: usize,
) -> Option<Plan> {
    let from_s = plan.clock_s + link.latency_s(plan.clock_s);
    let bytes = ladder.size(segment, rung) + link.overhead_bytes();
    let end_s = link.flow(from_s, bytes).ends_s()?;
    let took_s = end_s - plan.clock_s;
    if segment > 0 {
        plan.stall_s += (took_s - plan.buffer_s).max(0.0);
    }
    plan.buffer_s = (plan.buffer_s - took_s).max(0.0) + ladder.duration_s(segment);
    plan.clock_s = end_s;
    plan.rung = rung;
    Some(plan)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::driver;
    use super::super::qoe::{Figures, Setting, Timeline};
    use super::super::trace::tests::trace;
    use super::*;
    use crate::player::abr::Abr;
    use crate::player::ladder::tests::constant_rate;
    use crate::player::random::Random;
    use crate::player::session::{Options, Session};
    use std::sync::Arc;

    /// Every plan of seven segments, tried one by one.
    fn by_trying(ladder: &Ladder, link: &Link, buffer_s: f64) -> f64 {
        let (rungs, segments) = (ladder.rungs().len(), ladder.segments());
        let worth = |number: usize| {
            let mut plan = Plan {
                rung: 0,
                clock_s: 0.0,
                buffer_s: 0.0,
                stall_s: 0.0,
                worth: 0.0,
            };
            let mut rest = number;
            for segment in 0..segments {
                let (rung, before) = (rest % rungs, plan);
                rest /= rungs;
                let room_s = buffer_s.max(2.0 * ladder.duration_s(segment));
                let waited = wait(plan, room_s - ladder.duration_s(segment));
                plan = fetch(waited, (ladder, link), segment, rung).unwrap();
                let mbps = |rung: usize| ladder.rungs()[rung].kbps / 1000.0;
                if segment > 0 {
                    let stall_s = plan.stall_s - before.stall_s;
                    let change = (mbps(rung) - mbps(before.rung)).abs();
                    plan.worth += mbps(rung) - change - STALL * stall_s;
                }
            }
            plan.worth / (segments - 1) as f64
        };
        let plans = 0..rungs.pow(segments as u32);
        plans.map(worth).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn is_the_best_of_all_plans() {
        let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 7, 2.0);
        for (fast, slow) in [(6000.0, 400.0), (3000.0, 900.0), (1000.0, 100.0)] {
            let link = Link::new(&trace(&[(4.0, fast, 0.05), (5.0, slow, 0.05)]), 1.0);
            let found = qoe_lin(&ladder, &link, 8.0, 1e-6).unwrap();
            let best = by_trying(&ladder, &link, 8.0);
            assert!((found - best).abs() < 1e-9, "{found} {best}");
            let coarse = qoe_lin(&ladder, &link, 8.0, 0.25).unwrap();
            assert!(
                coarse <= best + 1e-9 && coarse > best - 0.1,
                "{coarse} {best}"
            );
        }
    }

    #[test]
    fn is_the_best_over_any_link() {
        let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 5, 2.0);
        let mut random = Random::new(7);
        for round in 0..60 {
            let periods: Vec<(f64, f64, f64)> = (0..6)
                .map(|_| (random.between(0.3, 4.0), random.between(50.0, 6000.0), 0.05))
                .collect();
            let link = Link::new(&trace(&periods), 1.0);
            let buffer_s = random.between(4.0, 9.0);
            let best = by_trying(&ladder, &link, buffer_s);
            let found = qoe_lin(&ladder, &link, buffer_s, 1e-6).unwrap();
            assert!((found - best).abs() < 1e-6, "{round}: {found} {best}");
            let coarse = qoe_lin(&ladder, &link, buffer_s, 0.1).unwrap();
            assert!(
                coarse <= best + 1e-9 && coarse > best - 0.25,
                "{round}: {coarse} {best}"
            );
        }
    }

    #[test]
    fn no_rule_does_better() {
        let ladder = Arc::new(constant_rate(&[500.0, 1500.0, 4000.0], 40, 2.0));
        let link = Link::new(&trace(&[(14.0, 5000.0, 0.05), (9.0, 600.0, 0.05)]), 1.0);
        let best = qoe_lin(&ladder, &link, 20.0, 0.25).unwrap();
        for abr in Abr::all() {
            let options = Options {
                abr,
                buffer_s: 20.0,
                ..Options::default()
            };
            let run = driver::run(Session::new(Arc::clone(&ladder), &options), &link);
            let timeline = Timeline::of_log(&run.log, &ladder, 0.0);
            let setting = Setting {
                ladder: &ladder,
                quality: None,
                link: &link,
                buffer_s: 20.0,
                thresholds: &[],
            };
            let found = Figures::of(&timeline, &setting).qoe_lin;
            assert!(found <= best + 0.02, "{abr}: {found} {best}");
        }
        let dead = Link::new(&trace(&[(1.0, 0.0, 0.0)]), 1.0);
        assert_eq!(qoe_lin(&ladder, &dead, 20.0, 0.5), None);
    }
}
