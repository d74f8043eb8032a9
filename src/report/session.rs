//! The report of a session, from its log.

use super::context::Context;
use super::summary::{RungShare, Summary, shares};
use crate::player::ladder::Ladder;
use crate::player::log::{Log, Request, Seek, Stall};
use serde::Serialize;

/// One request with its rung's name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The rung's name.
    pub id: String,
    /// The rung's rank.
    pub rank: u32,
    /// Rate of this segment on this rung, kbit/s.
    pub kbps: f64,
    /// The session's log entry.
    #[serde(flatten)]
    pub request: Request,
}

/// The report of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Title, network and end of the session.
    #[serde(flatten)]
    pub context: Context,
    /// The rule's name; `layers` for a title played in layers, which has a rule of its own.
    pub abr: &'static str,
    /// Buffer target, seconds.
    pub buffer_s: f64,
    /// Media time of the start, seconds.
    pub start_s: f64,
    /// The figures.
    pub summary: Summary,
    /// Time at each rung, lowest first.
    pub rungs: Vec<RungShare>,
    /// Every request in order.
    pub segments: Vec<Row>,
    /// Stalls in order.
    pub stalls: Vec<Stall>,
    /// Seeks in order.
    pub seeks: Vec<Seek>,
}

impl Report {
    /// The report of a session over `ladder`.
    pub fn new(context: Context, ladder: &Ladder, log: Log) -> Self {
        let row = |request: Request| {
            let rung = &ladder.rungs()[request.rung];
            Row {
                id: rung.id.clone(),
                rank: rung.rank,
                kbps: request.size as f64 / 125.0 / ladder.duration_s(request.segment),
                request,
            }
        };
        let options = &context.options;
        Self {
            abr: if ladder.is_layered() {
                "layers"
            } else {
                options.abr.name()
            },
            buffer_s: options.buffer_s,
            start_s: options.start_s,
            summary: Summary::of(ladder, &log, &context),
            rungs: shares(ladder, &log),
            segments: log.requests.into_iter().map(row).collect(),
            stalls: log.stalls,
            seeks: log.seeks,
            context,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::player::abr::Abr;
    use crate::player::event::Event;
    use crate::player::ladder::tests::constant_rate;
    use crate::player::log::Overhead;
    use crate::player::session::{Options, Session};
    use crate::report::{Network, Rendering, Verdict};
    use std::sync::Arc;

    /// Three segments of 2 s; the second arrives 1 s after the buffer ran dry.
    fn report() -> Report {
        let ladder = Arc::new(constant_rate(&[20.0, 40.0], 3, 2.0));
        let options = Options {
            abr: Abr::Fixed(1),
            ..Options::default()
        };
        let mut session = Session::new(Arc::clone(&ladder), &options);
        session.handle(0.0, Event::Start);
        session.handle(0.1, Event::FirstByte);
        session.handle(0.5, Event::Delivered(10_000));
        session.handle(3.5, Event::Delivered(10_000));
        session.handle(4.0, Event::Progress(500));
        session.handle(4.0, Event::Failed);
        session.handle(5.0, Event::Delivered(5_000));
        session.handle(7.5, Event::Timer);
        let context = Context {
            command: "simulate",
            title: "a title".into(),
            profile: "mini".into(),
            options,
            trace: Some(Network {
                name: "t.json".into(),
                multiplier: 0.5,
            }),
            verdict: Verdict::Finished,
            overhead: Overhead {
                manifest_bytes: 500,
                index_bytes: 300,
                init_bytes: 100,
                quality_bytes: 0,
            },
            weights_bytes: 0,
            opening_s: Some(0.25),
            rendering: Some(Rendering {
                frames: 144,
                fps: 32.0,
                ms_per_frame: 31.25,
                late_frames: None,
            }),
        };
        Report::new(context, &ladder, session.into_log())
    }

    #[test]
    fn figures_of_a_session_with_a_stall() {
        let Report { summary, rungs, .. } = report();
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value}");
        near(summary.kbps, 25_000.0 / 125.0 / 6.0);
        near(summary.stall_s, 1.0);
        near(summary.played_s, 6.0);
        near(summary.wall_s.unwrap(), 7.5);
        near(summary.stall_ratio, 1.0 / 7.0);
        let bytes = [summary.bytes, summary.wasted_bytes, summary.overhead_bytes];
        assert_eq!((bytes, summary.startup_s), ([25_500, 500, 900], Some(0.5)));
        let counts = [
            summary.stalls,
            summary.switches,
            summary.requests,
            summary.abandoned,
        ];
        assert_eq!(counts, [1, 1, 4, 0]);
        let shares: Vec<(u32, usize)> = rungs.iter().map(|r| (r.rank, r.segments)).collect();
        assert_eq!(shares, [(1, 1), (2, 2)]);
    }

    #[test]
    fn the_json_has_the_documented_names() {
        let json = serde_json::to_value(report()).unwrap();
        let names = json.as_object().unwrap().keys();
        let mut names: Vec<&str> = names.map(|name| &**name).collect();
        names.sort_unstable();
        let expected = "abr buffer_s command profile rendering rungs seeks segments stalls start_s \
                        summary title trace verdict";
        assert_eq!(names.join(" "), expected);
        let first = &json["segments"][0];
        assert_eq!((&first["segment"], &first["rank"]), (&0.into(), &2.into()));
        assert_eq!(first["bytes"], 10_000);
        assert_eq!(json["segments"][2]["outcome"], "failed");
        assert_eq!(json["verdict"], "finished");
    }

    #[test]
    fn the_table_has_a_line_a_request() {
        insta::assert_snapshot!(report().text());
    }
}
