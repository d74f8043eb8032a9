//! The report as text.

use super::html::{Cell, Table};
use super::session::{Report, Row};
use serde_json::json;

impl Report {
    /// The report as text: a line per request, the time at each rung, the figures.
    pub fn text(&self) -> String {
        let (requests, rungs) = (requests(&self.segments), self.rung_table());
        format!("{requests}\n{rungs}\n{}", figures(self))
    }

    /// The time at each rung, a row per rung.
    pub fn rung_table(&self) -> Table {
        let columns = ["rung", "rank", "kbps", "segments", "played s", "share %"];
        let mut table = Table::new("", &columns);
        table.rows.extend(self.rungs.iter().map(|rung| {
            vec![
                Cell::text(&rung.id),
                Cell::number(f64::from(rung.rank), 0),
                Cell::number(rung.kbps, 1),
                Cell::number(rung.segments as f64, 0),
                Cell::number(rung.played_s, 2),
                Cell::number(100.0 * rung.share, 1),
            ]
        }));
        table
    }
}

fn requests(rows: &[Row]) -> Table {
    let places = ["segment", "rung", "by", "at s", "buffer s"];
    let transfer = ["est kbps", "kB", "took s", "after s", ""];
    let mut table = Table::new("", &[places, transfer].concat());
    let rows = rows.iter().map(|Row { id, request, .. }| {
        let took_s = request.ended_s.map(|end_s| end_s - request.requested_s);
        let outcome = json!(request.outcome);
        let outcome = outcome.as_str().filter(|outcome| *outcome != "delivered");
        vec![
            Cell::number(request.segment as f64, 0),
            Cell::text(id),
            Cell::text(request.by),
            Cell::number(request.requested_s, 3),
            Cell::number(request.buffer_s, 3),
            Cell::number(request.throughput_kbps, 1),
            Cell::number(request.bytes as f64 / 1000.0, 1),
            Cell::number(took_s, 3),
            Cell::number(request.buffer_after_s, 3),
            Cell::text(outcome.unwrap_or_default().replace('_', " ")),
        ]
    });
    table.rows.extend(rows);
    table
}

fn figures(report: &Report) -> String {
    let s = &report.summary;
    let mut lines = vec![format!(
        "{:.2} s played at {:.1} kbit/s; first frame after {} s; {} switches; \
         {} stalls, {:.3} s ({:.2} %)",
        s.played_s,
        s.kbps,
        Cell::number(s.startup_s, 3),
        s.switches,
        s.stalls,
        s.stall_s,
        100.0 * s.stall_ratio
    )];
    if s.decode_stall_s > 0.0 || s.late_frames > 0 {
        lines.push(format!(
            "{:.3} s of the stalls waited for frames, not for the network; {} frames were late",
            s.decode_stall_s, s.late_frames
        ));
    }
    lines.push(format!(
        "{} requests, {} abandoned; {} bytes of media, {} of them wasted, {} beside media \
         ({} of manifests, {} of indexes)",
        s.requests,
        s.abandoned,
        s.bytes,
        s.wasted_bytes,
        s.overhead_bytes,
        s.manifest_bytes,
        s.index_bytes
    ));
    if s.weights_bytes > 0 {
        lines.push(format!(
            "{} bytes of weights, counted apart",
            s.weights_bytes
        ));
    }
    if let Some(opening_s) = s.opening_s {
        lines.push(format!("{opening_s:.3} s passed before the session began"));
    }
    if let Some(r) = &report.context.rendering {
        let late = r.late_frames.map(|late| format!(", {late} late"));
        let (late, ms) = (late.unwrap_or_default(), r.ms_per_frame);
        lines.push(format!(
            "{} frames{late}; {ms:.1} ms a frame, {:.1} a second",
            r.frames, r.fps
        ));
    }
    lines.join("\n") + "\n"
}
