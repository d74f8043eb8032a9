//! Sabre's printed figures against those computed from the timeline of the same session.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::link::Link;
use crate::network::trace::tests::trace;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::{Figures, Setting};

#[test]
fn figures_of_the_timeline_equal_those_that_sabre_prints() {
    let movie = r#"{"segment_duration_ms": 3000, "bitrates_kbps": [200, 400, 800],
        "segment_sizes_bits": [[600000, 1200000, 2400000]]}"#;
    let movie = Movie::parse("m", movie).unwrap().with_segments(40);
    let ladder = movie.ladder().unwrap();
    let network = trace(&[(20.0, 900.0, 0.1), (25.0, 150.0, 0.1), (20.0, 450.0, 0.1)]);
    for line in [
        "-a throughput",
        "-a bolae",
        "-a dynamic",
        "-a bola -ao",
        "-a bolae -r left",
    ] {
        let session = run(&network, &movie, &line.parse().unwrap()).unwrap();
        let timeline = timeline(&session.decisions, &movie);
        let setting = Setting {
            ladder: &ladder,
            quality: None,
            link: &Link::new(&network, 1.0),
            buffer_s: 25.0,
            thresholds: &[],
            extra: Some(figures),
        };
        let found = Figures::of(&timeline, &setting);
        let pairs = [
            ("score", "time average score"),
            ("utility", "time average played utility"),
            ("bitrate", "time average played bitrate"),
            ("rebuffer", "time average rebuffer"),
            ("rebuffer_events", "time average rebuffer events"),
            ("log_bitrate_change", "time average log bitrate change"),
            ("over_estimate_kbps", "over estimate"),
            ("leq_estimate_kbps", "leq estimate"),
            ("estimate_kbps", "estimate"),
            ("rampup_s", "rampup time"),
            ("reaction_s", "total reaction time"),
        ];
        for (ours, theirs) in pairs {
            let (a, b) = (found.extra(ours).unwrap(), session.metrics[theirs]);
            assert!(
                (a - b).abs() < 1e-4 * b.abs().max(1.0),
                "{line}: {ours} {a} {b}"
            );
        }
    }
}
