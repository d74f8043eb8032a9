//! What a session was like: one JSON shape and one text table, for `play` and `simulate` alike.
//!
//! ```text
//! {
//!   "command": "simulate",            or "play"
//!   "title": "...", "profile": "mini",
//!   "abr": "dynamic", "buffer_s": 25.0, "start_s": 0.0,
//!   "trace": {"name": "...", "multiplier": 1.0} or null,
//!   "verdict": "finished",            or "starved", "gave_up", "stopped"
//!   "summary": { see Summary },
//!   "rendering": { see Rendering } or null,
//!   "rungs": [ see RungShare, lowest first ],
//!   "segments": [ see Row, in the order asked for ],
//!   "stalls": [{"start_s", "end_s"}], "seeks": [{"at_s", "to_s"}]
//! }
//! ```
//!
//! Times are seconds of the session clock, which starts when the ladder is known. Rates are kbit/s.

mod columns;
pub mod html;
mod summary;
mod table;

pub use columns::{Column, Columns};
pub use summary::{RungShare, Summary};

use crate::player::ladder::Ladder;
use crate::player::log::{Log, Overhead, Request, Seek, Stall};
use crate::player::session::Options;
use serde::Serialize;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Everything was played.
    Finished,
    /// The trace carries nothing: the next segment never arrives.
    Starved,
    /// A segment could be had from no rung.
    GaveUp,
    /// The driver was stopped.
    Stopped,
}

/// The network that the session was put under.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// The trace's file name.
    pub name: String,
    /// What its rates were multiplied by.
    pub multiplier: f64,
}

/// What the caller knows beside the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// `play` or `simulate`.
    pub command: &'static str,
    /// The title's path or URL.
    pub title: String,
    /// The profile of the group that was played.
    pub profile: String,
    /// The session's options.
    pub options: Options,
    /// The trace, if there was one.
    pub trace: Option<Network>,
    /// How it ended.
    pub verdict: Verdict,
    /// Bytes fetched beside media segments; none when simulated.
    pub overhead: Overhead,
    /// Bytes of a generator's weights that were fetched for it.
    pub weights_bytes: u64,
    /// From the first request until the session began, seconds; `None` when simulated.
    pub opening_s: Option<f64>,
    /// What rendering took, if frames were rendered.
    pub rendering: Option<Rendering>,
}

/// How frames were generated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rendering {
    /// Frames handed to the sink.
    pub frames: u64,
    /// Frames generated a second, writing and waiting left out.
    pub fps: f64,
    /// The inverse, milliseconds.
    pub ms_per_frame: f64,
    /// Frames that went out more than their own length too late; `None` where none is due.
    pub late_frames: Option<u64>,
}

/// One request with its rung's name, as the JSON has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The rung's name.
    pub id: String,
    /// The rung's rank.
    pub rank: u32,
    /// Rate of this segment on this rung, kbit/s.
    pub kbps: f64,
    /// What the session logged.
    #[serde(flatten)]
    pub request: Request,
}

/// A whole session as it is reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `play` or `simulate`.
    pub command: &'static str,
    /// The title's path or URL.
    pub title: String,
    /// The profile that was played.
    pub profile: String,
    /// The rule's name; `layers` for a title played in layers, which has a rule of its own.
    pub abr: &'static str,
    /// Buffer target, seconds.
    pub buffer_s: f64,
    /// Media time of the start, seconds.
    pub start_s: f64,
    /// The trace, if there was one.
    pub trace: Option<Network>,
    /// How it ended.
    pub verdict: Verdict,
    /// The figures.
    pub summary: Summary,
    /// What rendering took, if frames were rendered.
    pub rendering: Option<Rendering>,
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
        let summary = Summary::of(ladder, &log, &context);
        let rungs = summary::shares(ladder, &log);
        let row = |request: Request| {
            let rung = &ladder.rungs()[request.rung];
            Row {
                id: rung.id.clone(),
                rank: rung.rank,
                kbps: request.size as f64 / 125.0 / ladder.duration_s(request.segment),
                request,
            }
        };
        Self {
            command: context.command,
            title: context.title,
            profile: context.profile,
            abr: match ladder.is_layered() {
                true => "layers",
                false => context.options.abr.name(),
            },
            buffer_s: context.options.buffer_s,
            start_s: context.options.start_s,
            trace: context.trace,
            verdict: context.verdict,
            summary,
            rendering: context.rendering,
            rungs,
            segments: log.requests.into_iter().map(row).collect(),
            stalls: log.stalls,
            seeks: log.seeks,
        }
    }

    /// The report on one line of JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The report as text: a line a request, then the figures.
    pub fn text(&self) -> String {
        table::text(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::player::abr::Abr;
    use crate::player::event::Event;
    use crate::player::ladder::tests::constant_rate;
    use crate::player::session::Session;
    use std::sync::Arc;

    /// Three segments of 2 s; the second comes 1 s after the buffer ran dry.
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
    fn figures_are_those_of_the_story() {
        let Summary {
            kbps,
            bytes,
            wasted_bytes,
            overhead_bytes,
            startup_s,
            stalls,
            stall_s,
            ..
        } = report().summary;
        assert!((kbps - 25_000.0 / 125.0 / 6.0).abs() < 1e-9);
        assert_eq!((bytes, wasted_bytes, overhead_bytes), (25_500, 500, 900));
        assert_eq!((startup_s, stalls), (Some(0.5), 1));
        assert!((stall_s - 1.0).abs() < 1e-9);
        let summary = report().summary;
        assert_eq!(
            (summary.switches, summary.requests, summary.abandoned),
            (1, 4, 0)
        );
        assert!((summary.played_s - 6.0).abs() < 1e-9);
        assert!((summary.wall_s.unwrap() - 7.5).abs() < 1e-9);
        assert!((summary.stall_ratio - 1.0 / 7.0).abs() < 1e-9);
        let shares: Vec<(u32, usize)> = report()
            .rungs
            .iter()
            .map(|r| (r.rank, r.segments))
            .collect();
        assert_eq!(shares, [(1, 1), (2, 2)]);
    }

    #[test]
    fn the_json_has_the_documented_names() {
        let json: serde_json::Value = serde_json::from_str(&report().json().unwrap()).unwrap();
        let names: Vec<&str> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut expected = [
            "command",
            "title",
            "profile",
            "abr",
            "buffer_s",
            "start_s",
            "trace",
            "verdict",
            "summary",
            "rendering",
            "rungs",
            "segments",
            "stalls",
            "seeks",
        ];
        expected.sort_unstable();
        assert_eq!(names, expected);
        let first = &json["segments"][0];
        assert_eq!(
            (&first["segment"], &first["rank"], &first["bytes"]),
            (&0.into(), &2.into(), &10_000.into())
        );
        assert_eq!(json["segments"][2]["outcome"], "failed");
        assert_eq!(json["verdict"], "finished");
    }

    #[test]
    fn the_table_has_a_line_a_request() {
        insta::assert_snapshot!(report().text());
    }
}
