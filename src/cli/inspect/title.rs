//! A whole title: its rungs, after reading every segment of them.

use super::track::TrackReport;
use crate::cli::CliError;
use crate::package::{PackageError, Title, TitleRung, join};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

#[derive(Serialize)]
pub(super) struct TitleReport {
    kind: &'static str,
    path: String,
    duration_s: f64,
    /// Of all rungs together, index included; layers come on top.
    bytes: u64,
    rungs: Vec<RungReport>,
    /// What each rung adds to the one below it, where the title has it in files of their own.
    layers: Vec<RungReport>,
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
    /// 0 for a layer, which has none without the rung below it.
    keyframes: usize,
    track: TrackReport,
}

/// Opens the title at `path` and decodes every prompt in it.
pub(super) fn read(path: &Path) -> Result<TitleReport, CliError> {
    let title = Title::open(path)?;
    let rungs: Vec<RungReport> = title.rungs().iter().map(rung).collect::<Result<_, _>>()?;
    check_layers(&title)?;
    let layers = title.layers().iter().map(layer).collect();
    Ok(TitleReport {
        kind: "title",
        path: path.display().to_string(),
        duration_s: title.presentation().duration.seconds(),
        bytes: rungs.iter().map(|rung| rung.bytes).sum(),
        rungs,
        layers,
    })
}

/// Fails unless the lowest rung and the layers above it make every rung.
fn check_layers(title: &Title) -> Result<(), PackageError> {
    for rung in title.rungs() {
        let of_profile = |other: &&TitleRung| other.track().profile == rung.track().profile;
        let (base, layers) = (title.rungs().iter(), title.layers().iter());
        let base = base.filter(of_profile).take(1);
        let below = |layer: &&TitleRung| layer.track().rank() <= rung.track().rank();
        let parts: Vec<&TitleRung> = base
            .chain(layers.filter(of_profile).filter(below))
            .collect();
        if parts
            .last()
            .is_none_or(|top| top.track().rank() != rung.track().rank())
        {
            continue;
        }
        for index in 0..rung.segments().len() {
            let coded = parts.iter().map(|part| part.coded(index));
            let coded = coded.collect::<Result<Vec<_>, _>>()?;
            let parts: Vec<_> = parts.iter().map(|part| part.track()).zip(&coded).collect();
            if join(&parts)?.1 != rung.coded(index)? {
                let number = index + 1;
                return Err(PackageError::Mixed {
                    rung: rung.id().to_owned(),
                    problem: format!("its layers make another segment {number}"),
                });
            }
        }
    }
    Ok(())
}

fn layer(layer: &TitleRung) -> RungReport {
    RungReport::new(layer, 0)
}

fn rung(rung: &TitleRung) -> Result<RungReport, PackageError> {
    let mut keyframes = 0;
    for index in 0..rung.segments().len() {
        keyframes += rung.keyframes(index)?.len();
    }
    Ok(RungReport::new(rung, keyframes))
}

impl RungReport {
    fn new(rung: &TitleRung, keyframes: usize) -> Self {
        let layout = rung.layout();
        Self {
            id: rung.id().to_owned(),
            rank: rung.track().rank(),
            kbps: layout.true_rate() / 1000.0,
            peak_kbps: f64::from(layout.init.bitrates.peak) / 1000.0,
            bytes: rung.segments().last().map_or(0, |last| last.range.end),
            segments: rung.segments().len(),
            keyframes,
            track: TrackReport::new(rung.track()),
        }
    }
}

/// The report as text.
pub(super) fn describe(report: &TitleReport, out: &mut Vec<u8>) -> io::Result<()> {
    let (path, duration) = (&report.path, report.duration_s);
    writeln!(out, "{path}: {duration:.3} s, {} bytes", report.bytes)?;
    writeln!(
        out,
        "rung            rank     kbit/s       peak  segments  keyframes"
    )?;
    for rung in report.rungs.iter().chain(&report.layers) {
        writeln!(
            out,
            "{:<15} {:>4} {:>10.2} {:>10.2} {:>9} {:>10}",
            rung.id, rung.rank, rung.kbps, rung.peak_kbps, rung.segments, rung.keyframes
        )?;
    }
    for rung in report.rungs.iter().chain(&report.layers) {
        writeln!(out, "\n{}", rung.id)?;
        rung.track.describe("  ", out)?;
    }
    Ok(())
}
