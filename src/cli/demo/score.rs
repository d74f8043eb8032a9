//! The figures of a demo: the session's, and how close each rung came to the originals.

use crate::cli::CliError;
use crate::player::ladder::Ladder;
use crate::player::log::Outcome;
use crate::report::{Report, RungShare, Summary};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// The figures.
#[derive(Debug)]
pub(super) struct Score {
    summary: Summary,
    rungs: Vec<RungScore>,
    frames: usize,
    psnr: Option<f64>,
    fps: f64,
    ms_per_frame: f64,
    needed: f64,
}

#[derive(Debug, Serialize)]
struct RungScore {
    #[serde(flatten)]
    share: RungShare,
    frames: usize,
    psnr: Option<f64>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    command: &'static str,
    title: &'a Path,
    out: &'a Path,
    kbps: f64,
    switches: usize,
    stalls: usize,
    stall_s: f64,
    startup_s: Option<f64>,
    played_s: f64,
    frames: usize,
    psnr: Option<f64>,
    fps: f64,
    ms_per_frame: f64,
    wall_s: f64,
    rungs: &'a [RungScore],
}

impl Score {
    /// The figures of a session over `ladder` whose frames have these `psnr`.
    pub(super) fn new(report: &Report, ladder: &Ladder, psnr: &[f64]) -> Self {
        let rung_of = rung_of_frames(report, ladder, psnr.len());
        let rungs = report.rungs.iter().enumerate().map(|(rung, share)| {
            let pairs = rung_of.iter().zip(psnr);
            let own = pairs.filter(|(of, _)| **of == rung);
            let values: Vec<f64> = own.map(|(_, psnr)| *psnr).collect();
            RungScore {
                share: share.clone(),
                frames: values.len(),
                psnr: mean(&values),
            }
        });
        Self {
            summary: report.summary.clone(),
            rungs: rungs.collect(),
            frames: psnr.len(),
            psnr: mean(psnr),
            fps: report.rendering.map_or(0.0, |r| r.fps),
            ms_per_frame: report.rendering.map_or(0.0, |r| r.ms_per_frame),
            needed: psnr.len() as f64 / ladder.total_s(),
        }
    }

    /// The table and a line of totals.
    pub(super) fn table(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "{:<12} {:>5} {:>9} {:>9} {:>7} {:>7} {:>9}",
            "rung", "rank", "kbit/s", "played s", "share", "frames", "PSNR dB"
        )?;
        for RungScore {
            share,
            frames,
            psnr,
        } in &self.rungs
        {
            writeln!(
                out,
                "{:<12} {:>5} {:>9.1} {:>9.1} {:>6.1}% {:>7} {:>9}",
                share.id,
                share.rank,
                share.kbps,
                share.played_s,
                100.0 * share.share,
                frames,
                decibels(*psnr)
            )?;
        }
        let s = &self.summary;
        writeln!(
            out,
            "{:<12} {:>5} {:>9.1} {:>9.1} {:>7} {:>7} {:>9}",
            "all",
            "",
            s.kbps,
            s.played_s,
            "",
            self.frames,
            decibels(self.psnr)
        )?;
        writeln!(
            out,
            "{} switches, {} stalls ({:.1} s), first frame after {:.1} s; \
             rendered at {:.1} frames a second ({:.1} ms each, {:.0} needed)",
            s.switches,
            s.stalls,
            s.stall_s,
            s.startup_s.unwrap_or_default(),
            self.fps,
            self.ms_per_frame,
            self.needed
        )
    }

    /// The figures on one line of JSON.
    pub(super) fn json(
        &self,
        title: &Path,
        out: &Path,
        wall_s: f64,
    ) -> Result<String, serde_json::Error> {
        let s = &self.summary;
        serde_json::to_string(&Json {
            command: "demo",
            title,
            out,
            kbps: s.kbps,
            switches: s.switches,
            stalls: s.stalls,
            stall_s: s.stall_s,
            startup_s: s.startup_s,
            played_s: s.played_s,
            frames: self.frames,
            psnr: self.psnr,
            fps: self.fps,
            ms_per_frame: self.ms_per_frame,
            wall_s,
            rungs: &self.rungs,
        })
    }

    /// Fails unless all `expected` frames were rendered and judged.
    pub(super) fn check(&self, expected: u64) -> Result<(), CliError> {
        if self.frames as u64 == expected {
            return Ok(());
        }
        let message = format!("{} of {expected} frames were rendered", self.frames);
        Err(CliError::check(message))
    }
}

/// The rung of every frame, from the segments as they were delivered.
fn rung_of_frames(report: &Report, ladder: &Ladder, frames: usize) -> Vec<usize> {
    let requests = report.segments.iter().map(|row| &row.request);
    let delivered = requests.filter(|request| request.outcome == Outcome::Delivered);
    let per_second = frames as f64 / ladder.total_s();
    let rungs = delivered.flat_map(|request| {
        let frames = (ladder.duration_s(request.segment) * per_second).round();
        std::iter::repeat_n(request.rung, frames as usize)
    });
    rungs.collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn decibels(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}
