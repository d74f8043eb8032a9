//! Figures computed by hand.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::trace::tests::trace;
use crate::player::ladder::tests::constant_rate;
use crate::simulate::content::Picture;
use serde_json::json;

fn played((segment, rung, begins_s, stall_s): (usize, usize, f64, f64)) -> Played {
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

fn story() -> Timeline {
    Timeline {
        played: [(0, 0, 0.5, 0.0), (1, 1, 3.5, 1.0), (2, 1, 5.5, 0.0)]
            .map(played)
            .into(),
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
fn figures_follow_their_definitions() {
    let ladder = constant_rate(&[1000.0, 2000.0], 3, 2.0);
    let link = Link::new(&trace(&[(1.0, 3000.0, 0.0)]), 1.0);
    let lpips = [[0.3, 0.3, 0.3], [0.1, 0.2, 0.15]];
    let rungs = lpips.map(|rung| {
        let segments = rung.map(
            |lpips| json!({"start_s": 0, "duration_s": 2, "bytes": 1, "lpips_squeeze": lpips}),
        );
        json!({"id": "r", "rank": 1, "kbps": 1, "mean": {}, "segments": segments})
    });
    let report = serde_json::from_value(json!({"version": 1, "rungs": rungs}));
    let report: QualityReport = report.unwrap();
    let setting = Setting {
        ladder: &ladder,
        quality: Some(&report),
        link: &link,
        buffer_s: 20.0,
        thresholds: &LPIPS_THRESHOLDS,
        extra: None,
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
    // 2 s each of 0.3, 0.2 and 0.15, and a stalled second.
    let mean = (0.6 + 0.4 + 0.3 + 1.0) / 7.0;
    near(figures.lpips_squeeze.unwrap_or(9.0), mean);
    near(figures.lpips_squeeze_p95.unwrap_or(9.0), 1.0);
    assert_eq!(figures.lpips_squeeze_over, [1.0, 3.0 / 7.0, 1.0 / 7.0]);
    let json = p1203(&story(), &ladder, "h264", Picture::default());
    let stalling = json!([[0.0, 0.5], [2.0, 1.0]]);
    assert_eq!(json["I23"]["stalling"], stalling);
    assert_eq!(json["I13"]["segments"][2]["start"], 4.0);
}
