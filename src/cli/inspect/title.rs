//! A whole title: its rungs, after reading every segment of them.

use super::track::TrackReport;
use crate::cli::CliError;
use crate::package::{PackageError, Title, TitleRung};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

#[derive(Serialize)]
pub(super) struct TitleReport {
    kind: &'static str,
    path: String,
    duration_s: f64,
    /// Of all rungs together, index included.
    bytes: u64,
    rungs: Vec<RungReport>,
}

#[derive(Serialize)]
struct RungReport {
    id: String,
    rank: usize,
    /// True rate: init and media segments over the duration.
    kbps: f64,
    peak_kbps: f64,
    /// Of the file, index included.
    bytes: u64,
    segments: usize,
    keyframes: usize,
    track: TrackReport,
}

/// Opens the title at `path` and decodes every prompt in it.
pub(super) fn read(path: &Path) -> Result<TitleReport, CliError> {
    let title = Title::open(path)?;
    let rungs: Vec<RungReport> = title.rungs().iter().map(rung).collect::<Result<_, _>>()?;
    Ok(TitleReport {
        kind: "title",
        path: path.display().to_string(),
        duration_s: title.presentation().duration.seconds(),
        bytes: rungs.iter().map(|rung| rung.bytes).sum(),
        rungs,
    })
}

fn rung(rung: &TitleRung) -> Result<RungReport, PackageError> {
    let mut keyframes = 0;
    for index in 0..rung.segments().len() {
        keyframes += rung.keyframes(index)?.len();
    }
    let layout = rung.layout();
    Ok(RungReport {
        id: rung.id().to_owned(),
        rank: rung.track().rank(),
        kbps: layout.true_rate() / 1000.0,
        peak_kbps: f64::from(layout.init.bitrates.peak) / 1000.0,
        bytes: rung.segments().last().map_or(0, |last| last.range.end),
        segments: rung.segments().len(),
        keyframes,
        track: TrackReport::new(rung.track()),
    })
}

/// The report as text.
pub(super) fn describe(report: &TitleReport, out: &mut Vec<u8>) -> io::Result<()> {
    let (path, duration) = (&report.path, report.duration_s);
    writeln!(out, "{path}: {duration:.3} s, {} bytes", report.bytes)?;
    writeln!(
        out,
        "rung            rank     kbit/s       peak  segments  keyframes"
    )?;
    for rung in &report.rungs {
        writeln!(
            out,
            "{:<15} {:>4} {:>10.2} {:>10.2} {:>9} {:>10}",
            rung.id, rung.rank, rung.kbps, rung.peak_kbps, rung.segments, rung.keyframes
        )?;
    }
    for rung in &report.rungs {
        writeln!(out, "\n{}", rung.id)?;
        rung.track.describe("  ", out)?;
    }
    Ok(())
}
