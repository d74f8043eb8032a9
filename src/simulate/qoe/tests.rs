//! Figures by hand, and Sabre's own figures from the same sessions.

use super::super::compat::sabre;
use super::super::movie::Movie;
use super::*;
use crate::manifest::{RungQuality, SegmentQuality};
use crate::network::trace::tests::trace;
use crate::player::ladder::tests::constant_rate;

fn played(segment: usize, rung: usize, begins_s: f64, stall_s: f64) -> Played {
    Played {
        segment,
        rung,
        arrived_rung: rung,
        arrived_s: begins_s,
        begins_s,
        stall_s,
        duration_s: 2.0,
    }
}

/// Three segments, a stall of 1 s before the second.
fn story() -> Timeline {
    Timeline {
        played: vec![
            played(0, 0, 0.5, 0.0),
            played(1, 1, 3.5, 1.0),
            played(2, 1, 5.5, 0.0),
        ],
        startup_s: 0.5,
        bytes: 20_000,
        wasted_bytes: 500,
        requests: 4,
        abandoned: 1,
        estimates: vec![(100.0, 80.0), (60.0, 100.0)],
        ..Timeline::default()
    }
}

#[test]
fn families_are_what_their_definitions_say() {
    let ladder = constant_rate(&[1000.0, 2000.0], 3, 2.0);
    let link = Link::new(&trace(&[(1.0, 3000.0, 0.0)]), 1.0);
    let lpips = [[0.3, 0.3, 0.3], [0.1, 0.2, 0.15]];
    let rungs = lpips.iter().map(|rung| RungQuality {
        id: "r".into(),
        rank: 1,
        kbps: 1.0,
        mean: Metrics::default(),
        segments: rung.iter().map(|&l| measured(l)).collect(),
    });
    let report = QualityReport {
        version: 1,
        rungs: rungs.collect(),
    };
    let setting = Setting {
        ladder: &ladder,
        quality: Some(&report),
        link: &link,
        buffer_s: 20.0,
        thresholds: &LPIPS_THRESHOLDS,
    };
    let figures = Figures::of(&story(), &setting);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    near(figures.qoe_lin, ((2.0 - 4.3 - 1.0) + 2.0) / 2.0);
    let log = 2f64.ln();
    near(figures.qoe_log, ((log - 2.66 - log) + log) / 2.0);
    assert_eq!(figures.qoe_hd, None);
    assert_eq!((figures.stalls, figures.switches), (1, 1));
    near(figures.stall_ratio, 1.0 / 7.0);
    near(figures.played_kbps, 5000.0 / 3.0);
    // 2 s each of 0.3, 0.2 and 0.15, and a second of nothing.
    near(
        figures.lpips_squeeze.unwrap_or(9.0),
        (0.6 + 0.4 + 0.3 + 1.0) / 7.0,
    );
    near(figures.lpips_squeeze_p95.unwrap_or(9.0), 1.0);
    assert_eq!(figures.lpips_squeeze_over, [1.0, 3.0 / 7.0, 1.0 / 7.0]);
    assert_eq!((figures.over_estimates, figures.leq_estimates), (1, 1));
    near(figures.over_estimate_kbps, 20.0);
    near(figures.leq_estimate_kbps, 40.0);
    near(figures.estimate_kbps, -10.0);
    let json = p1203(&story(), &ladder, "h264", ((256, 256), 30.0));
    assert_eq!(
        json["I23"]["stalling"],
        serde_json::json!([[0.0, 0.5], [2.0, 1.0]])
    );
    assert_eq!(json["I13"]["segments"][2]["start"], 4.0);
}

fn measured(lpips: f64) -> SegmentQuality {
    SegmentQuality {
        start_s: 0.0,
        duration_s: 2.0,
        bytes: 1,
        measured_frames: None,
        metrics: Metrics {
            lpips_squeeze: Some(lpips),
            ..Metrics::default()
        },
    }
}

#[test]
fn a_reproduced_session_has_the_figures_that_sabre_prints() {
    let sizes: Vec<String> = (0..40)
        .map(|_| "[600000, 1200000, 2400000]".into())
        .collect();
    let text = format!(
        "{{\"segment_duration_ms\": 3000, \"bitrates_kbps\": [200, 400, 800], \"segment_sizes_bits\": [{}]}}",
        sizes.join(",")
    );
    let movie = Movie::parse("m", &text).unwrap_or_else(|error| unreachable!("{error}"));
    let ladder = movie
        .ladder()
        .unwrap_or_else(|error| unreachable!("{error}"));
    let network = trace(&[(20.0, 900.0, 0.1), (25.0, 150.0, 0.1), (20.0, 450.0, 0.1)]);
    for line in [
        "-a throughput",
        "-a bolae",
        "-a dynamic",
        "-a bola -ao",
        "-a bolae -r left",
    ] {
        let options = sabre::options::Options::parse(line).unwrap_or_default();
        let session =
            sabre::run(&network, &movie, &options).unwrap_or_else(|error| unreachable!("{error}"));
        let timeline = Timeline::of_sabre(&session.decisions, &movie);
        let setting = Setting {
            ladder: &ladder,
            quality: None,
            link: &Link::new(&network, 1.0),
            buffer_s: 25.0,
            thresholds: &[],
        };
        let figures = Figures::of(&timeline, &setting);
        let printed = session.metrics;
        let pairs = [
            ("score", figures.score, printed.score),
            ("utility", figures.utility, printed.mean_utility),
            ("bitrate", figures.bitrate, printed.mean_bitrate),
            ("rebuffer", figures.stall_s, printed.rebuffer),
            ("events", figures.stalls as f64, printed.rebuffer_events),
            (
                "change",
                figures.log_bitrate_change,
                printed.mean_log_bitrate_change,
            ),
            ("over", figures.over_estimate_kbps, printed.over_estimate),
            ("leq", figures.leq_estimate_kbps, printed.leq_estimate),
            ("estimate", figures.estimate_kbps, printed.estimate),
            ("rampup", figures.rampup_s, printed.rampup_time),
            ("reaction", figures.reaction_s, printed.reaction_time),
        ];
        for (name, ours, theirs) in pairs {
            // Sabre leaves the latency of the first segment out of no play time.
            assert!(
                (ours - theirs).abs() < 1e-4 * theirs.abs().max(1.0),
                "{line}: {name} {ours} {theirs}"
            );
        }
    }
}
