//! Comparison with exhaustive search, and with sessions.

#![allow(clippy::unwrap_used)]

use super::super::driver;
use super::super::qoe::{Figures, Setting, Timeline};
use super::*;
use crate::network::trace::tests::trace;
use crate::player::abr::Abr;
use crate::player::ladder::tests::constant_rate;
use crate::player::random::Random;
use crate::player::session::{Options, Session};
use std::sync::Arc;

fn exhaustive(problem: &Problem<'_>) -> f64 {
    let (rungs, segments) = (problem.mbps.len(), problem.ladder.segments());
    let worth = |mut number: usize| {
        let mut plan = problem.start();
        for segment in 0..segments {
            plan = problem.fetch(&plan, segment, number % rungs).unwrap();
            number /= rungs;
        }
        plan.qoe()
    };
    let plans = 0..rungs.pow(segments as u32);
    plans.map(worth).fold(f64::NEG_INFINITY, f64::max) / (segments - 1) as f64
}

fn any_link(random: &mut Random) -> (Link, f64) {
    let periods = [(); 6].map(|()| {
        let (duration_s, kbps) = (random.between(0.3, 4.0), random.between(50.0, 6000.0));
        (duration_s, kbps, random.between(0.0, 0.4))
    });
    (Link::new(&trace(&periods), 1.0), random.between(4.0, 9.0))
}

#[test]
fn the_optimum_equals_exhaustive_search_and_a_small_beam_brackets_it() {
    let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 6, 2.0);
    let mut random = Random::new(7);
    let drawn: Vec<_> = (0..150).map(|_| any_link(&mut random)).collect();
    let fixed = [(6000.0, 400.0), (3000.0, 900.0), (1000.0, 100.0)].map(|(fast, slow)| {
        let periods = [(4.0, fast, 0.05), (5.0, slow, 0.05)];
        (Link::new(&trace(&periods), 1.0), 8.0)
    });
    for (round, (link, buffer_s)) in fixed.into_iter().chain(drawn).enumerate() {
        let best = exhaustive(&Problem::new(&ladder, &link, buffer_s));
        let found = qoe_lin(&ladder, &link, buffer_s, usize::MAX).unwrap();
        assert!(
            (found.qoe_lin - best).abs() < 1e-9,
            "{round}: {found:?} {best}"
        );
        assert!(
            round >= 3 || found.at_most == Some(found.qoe_lin),
            "{round}"
        );
        let few = qoe_lin(&ladder, &link, buffer_s, 2).unwrap();
        let bracket = few.qoe_lin - 1e-9..=few.at_most.unwrap() + 1e-9;
        assert!(bracket.contains(&best), "{round}: {few:?} {best}");
    }
}

#[test]
fn no_rule_exceeds_the_optimum() {
    let ladder = Arc::new(constant_rate(&[500.0, 1500.0, 4000.0], 40, 2.0));
    let link = Link::new(&trace(&[(14.0, 5000.0, 0.05), (9.0, 600.0, 0.05)]), 1.0);
    let best = qoe_lin(&ladder, &link, 20.0, usize::MAX).unwrap();
    assert_eq!(best.at_most, Some(best.qoe_lin));
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
            extra: None,
        };
        let found = Figures::of(&timeline, &setting).qoe_lin;
        assert!(found <= best.qoe_lin + 1e-9, "{abr}: {found} {best:?}");
    }
}

#[test]
fn a_dead_link_has_no_optimum_and_a_single_segment_counts_by_its_rate() {
    let ladder = constant_rate(&[500.0, 1500.0], 9, 2.0);
    let dead = Link::new(&trace(&[(1.0, 0.0, 0.0)]), 1.0);
    assert_eq!(qoe_lin(&ladder, &dead, 20.0, 10), None);
    let layers = ladder.into_layers().unwrap();
    assert_eq!(qoe_lin(&layers, &dead, 20.0, 10), None);
    let one = constant_rate(&[500.0, 1500.0], 1, 2.0);
    let slow = Link::new(&trace(&[(1.0, 1.0, 0.0)]), 1.0);
    assert_eq!(qoe_lin(&one, &slow, 20.0, 10).unwrap().qoe_lin, 1.5);
}

/// Value of a choice of one layer that adds `added` Mbit/s.
fn worth(added: f64, has: &[bool]) -> f64 {
    let count = |yes: bool| f64::from(u8::from(yes));
    let pairs = has.windows(2);
    let values = pairs.map(|pair| added * (count(pair[1]) - count(pair[0] != pair[1])));
    values.sum()
}

/// The best choice of one layer by exhaustive search: value of that layer alone.
fn exhaustive_layer(
    problem: &Problem<'_>,
    schedule: &layers::Schedule<'_>,
    depth: &[usize],
    layer: usize,
) -> f64 {
    let added = problem.mbps[layer] - problem.mbps[layer - 1];
    let choices = 0..1usize << depth.len();
    let value = |number: usize| {
        let has: Vec<bool> = (0..depth.len()).map(|k| number >> k & 1 == 1).collect();
        let mut segments = depth.iter().zip(&has).enumerate();
        let end_s = segments.try_fold(0.0, |clock_s, (segment, (&below, &has))| {
            let fetched = schedule.fetched(segment, below + usize::from(has), clock_s);
            fetched.filter(|_| !has || below == layer)
        });
        end_s.map(|_| worth(added, &has))
    };
    choices.filter_map(value).fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn each_layer_equals_exhaustive_search() {
    let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 9, 2.0);
    let ladder = ladder.into_layers().unwrap();
    let mut random = Random::new(11);
    let mut added = 0;
    for round in 0..60 {
        let (link, buffer_s) = any_link(&mut random);
        let problem = Problem::new(&ladder, &link, buffer_s);
        let schedule = layers::Schedule::of_bases(&problem).unwrap();
        let mut depth = vec![1; ladder.segments()];
        for layer in 1..3 {
            let best = exhaustive_layer(&problem, &schedule, &depth, layer);
            let has = schedule.best(&depth, layer);
            let found = worth(problem.mbps[layer] - problem.mbps[layer - 1], &has);
            let near = (found - best).abs() < 1e-9;
            assert!(near, "{round}, layer {layer}: {found} {best}");
            for (depth, has) in depth.iter_mut().zip(has) {
                *depth += usize::from(has);
                added += usize::from(has);
            }
        }
        let found = qoe_lin(&ladder, &link, buffer_s, 1).unwrap();
        assert!(found.at_most.is_none() && found.qoe_lin.is_finite());
    }
    assert!(added > 200, "{added}");
}
