//! Sabre's printed figures against those computed from the timeline of the same session.

use super::*;
use crate::network::link::Link;
use crate::network::trace::tests::trace;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::{Figures, Setting};

#[test]
fn figures_of_the_timeline_equal_those_that_sabre_prints() {
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
        let options = line.parse::<Options>().unwrap_or_default();
        let session =
            run(&network, &movie, &options).unwrap_or_else(|error| unreachable!("{error}"));
        let timeline = timeline(session.decisions.rows(), &movie);
        let setting = Setting {
            ladder: &ladder,
            quality: None,
            link: &Link::new(&network, 1.0),
            buffer_s: 25.0,
            thresholds: &[],
            extra: Some(figures),
        };
        let found = Figures::of(&timeline, &setting);
        let printed = session.metrics;
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
            let (a, b) = (found.extra(ours).unwrap_or(f64::NAN), printed[theirs]);
            // Sabre excludes the latency of the first segment from no play time.
            assert!(
                (a - b).abs() < 1e-4 * b.abs().max(1.0),
                "{line}: {ours} {a} {b}"
            );
        }
    }
}
