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

/// Exhaustive search.
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

/// A link of six periods and its buffer.
fn any_link(random: &mut Random) -> (Link, f64) {
    let periods: Vec<(f64, f64, f64)> = (0..6)
        .map(|_| {
            (
                random.between(0.3, 4.0),
                random.between(50.0, 6000.0),
                random.between(0.0, 0.4),
            )
        })
        .collect();
    (Link::new(&trace(&periods), 1.0), random.between(4.0, 9.0))
}

#[test]
fn the_optimum_equals_exhaustive_search() {
    let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 7, 2.0);
    for (fast, slow) in [(6000.0, 400.0), (3000.0, 900.0), (1000.0, 100.0)] {
        let link = Link::new(&trace(&[(4.0, fast, 0.05), (5.0, slow, 0.05)]), 1.0);
        let found = qoe_lin(&ladder, &link, 8.0, usize::MAX).unwrap();
        let best = exhaustive(&Problem::new(&ladder, &link, 8.0));
        assert!((found.qoe_lin - best).abs() < 1e-9, "{found:?} {best}");
        assert_eq!(found.at_most, Some(found.qoe_lin));
    }
}

#[test]
fn random_links_agree_with_exhaustive_search_and_a_small_beam_brackets_it() {
    let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 6, 2.0);
    let mut random = Random::new(7);
    for round in 0..150 {
        let (link, buffer_s) = any_link(&mut random);
        let best = exhaustive(&Problem::new(&ladder, &link, buffer_s));
        let found = qoe_lin(&ladder, &link, buffer_s, usize::MAX).unwrap();
        assert!(
            (found.qoe_lin - best).abs() < 1e-9,
            "{round}: {found:?} {best}"
        );
        let few = qoe_lin(&ladder, &link, buffer_s, 2).unwrap();
        let at_most = few.at_most.unwrap();
        assert!(
            few.qoe_lin <= best + 1e-9 && best <= at_most + 1e-9,
            "{round}: {few:?} {best}"
        );
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
    assert_eq!(
        qoe_lin(&ladder.into_layers().unwrap(), &dead, 20.0, 10),
        None
    );
    let one = constant_rate(&[500.0, 1500.0], 1, 2.0);
    let slow = Link::new(&trace(&[(1.0, 1.0, 0.0)]), 1.0);
    assert_eq!(qoe_lin(&one, &slow, 20.0, 10).unwrap().qoe_lin, 1.5);
}

/// The best choice of one layer by exhaustive search: value of that layer alone.
fn exhaustive_layer(
    problem: &Problem<'_>,
    schedule: &layers::Schedule<'_>,
    depth: &[usize],
    layer: usize,
) -> f64 {
    let added = problem.mbps[layer] - problem.mbps[layer - 1];
    let segments = depth.len();
    let worth = |number: usize| {
        let has = |segment: usize| number >> segment & 1 == 1;
        let mut clock_s = 0.0;
        let mut worth = 0.0;
        for (segment, &below) in depth.iter().enumerate() {
            let depth = below + usize::from(has(segment));
            if has(segment) && below != layer {
                return f64::NEG_INFINITY;
            }
            match schedule.fetched(segment, depth, clock_s) {
                Some(end_s) => clock_s = end_s,
                None => return f64::NEG_INFINITY,
            }
            if segment > 0 {
                worth += added
                    * (f64::from(u8::from(has(segment)))
                        - f64::from(u8::from(has(segment) != has(segment - 1))));
            }
        }
        worth
    };
    (0..1usize << segments)
        .map(worth)
        .fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn each_layer_equals_exhaustive_search() {
    let ladder = constant_rate(&[500.0, 1500.0, 4000.0], 9, 2.0)
        .into_layers()
        .unwrap();
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
            let step = problem.mbps[layer] - problem.mbps[layer - 1];
            let worth: f64 = has
                .windows(2)
                .map(|pair| {
                    step * (f64::from(u8::from(pair[1])) - f64::from(u8::from(pair[0] != pair[1])))
                })
                .sum();
            assert!(
                (worth - best).abs() < 1e-9,
                "{round}, layer {layer}: {worth} {best}"
            );
            added += has.iter().filter(|&&has| has).count();
            depth
                .iter_mut()
                .zip(has)
                .for_each(|(depth, has)| *depth += usize::from(has));
        }
        let found = qoe_lin(&ladder, &link, buffer_s, 1).unwrap();
        assert!(found.at_most.is_none() && found.qoe_lin.is_finite());
    }
    assert!(added > 200, "{added}");
}
