//! The report as text.

use super::session::{Report, Row};
use crate::player::log::Outcome;
use std::fmt::Write;

impl Report {
    /// The report as text: a line per request, the time at each rung, the figures.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = requests(&mut out, &self.segments);
        let _ = rungs(&mut out, self);
        let _ = figures(&mut out, self);
        out
    }
}

fn requests(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    writeln!(
        out,
        "{:>7}  {:<14} {:<11} {:>9} {:>8} {:>9} {:>8} {:>9} {:>8}",
        "segment", "rung", "by", "at s", "buffer s", "est kbps", "kB", "took s", "after s"
    )?;
    for Row { id, request, .. } in rows {
        let took_s = request.ended_s.map(|end_s| end_s - request.requested_s);
        let mark = match request.outcome {
            Outcome::Delivered => "",
            Outcome::Replaced => "  replaced",
            Outcome::Added => "  added",
            Outcome::TooLate => "  too late",
            Outcome::Pending => "  pending",
            Outcome::Abandoned => "  abandoned",
            Outcome::Dropped => "  dropped",
            Outcome::Failed => "  failed",
        };
        writeln!(
            out,
            "{:>7}  {:<14} {:<11} {:>9.3} {:>8.3} {:>9} {:>8.1} {:>9} {:>8}{mark}",
            request.segment,
            id,
            request.by,
            request.requested_s,
            request.buffer_s,
            or_dash(request.throughput_kbps, 1),
            request.bytes as f64 / 1000.0,
            or_dash(took_s, 3),
            or_dash(request.buffer_after_s, 3),
        )?;
    }
    Ok(())
}

fn rungs(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        out,
        "\n{:<14} {:>5} {:>9} {:>9} {:>9} {:>6}",
        "rung", "rank", "kbps", "segments", "played s", "share"
    )?;
    for rung in &report.rungs {
        writeln!(
            out,
            "{:<14} {:>5} {:>9.1} {:>9} {:>9.2} {:>5.1}%",
            rung.id,
            rung.rank,
            rung.kbps,
            rung.segments,
            rung.played_s,
            100.0 * rung.share
        )?;
    }
    Ok(())
}

fn figures(out: &mut String, report: &Report) -> std::fmt::Result {
    let s = &report.summary;
    writeln!(
        out,
        "\n{:.2} s played at {:.1} kbit/s; first frame after {} s; {} switches; \
         {} stalls, {:.3} s ({:.2} %)",
        s.played_s,
        s.kbps,
        or_dash(s.startup_s, 3),
        s.switches,
        s.stalls,
        s.stall_s,
        100.0 * s.stall_ratio
    )?;
    if s.decode_stall_s > 0.0 || s.late_frames > 0 {
        writeln!(
            out,
            "{:.3} s of the stalls waited for frames, not for the network; {} frames were late",
            s.decode_stall_s, s.late_frames
        )?;
    }
    writeln!(
        out,
        "{} requests, {} abandoned; {} bytes of media, {} of them wasted, {} beside media \
         ({} of manifests, {} of indexes)",
        s.requests,
        s.abandoned,
        s.bytes,
        s.wasted_bytes,
        s.overhead_bytes,
        s.manifest_bytes,
        s.index_bytes
    )?;
    if s.weights_bytes > 0 {
        writeln!(out, "{} bytes of weights, counted apart", s.weights_bytes)?;
    }
    if let Some(opening_s) = s.opening_s {
        writeln!(out, "{opening_s:.3} s passed before the session began")?;
    }
    let Some(r) = &report.rendering else {
        return Ok(());
    };
    let late = r.late_frames.map(|late| format!(", {late} late"));
    writeln!(
        out,
        "{} frames{}; {:.1} ms a frame, {:.1} a second",
        r.frames,
        late.unwrap_or_default(),
        r.ms_per_frame,
        r.fps
    )
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}
