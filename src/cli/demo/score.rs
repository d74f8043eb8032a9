//! Figures of a demo: those of the session, and the PSNR of each rung.

use crate::cli::CliError;
use crate::evaluate::aligned;
use crate::player::ladder::Ladder;
use crate::player::log::Outcome;
use crate::report::{Report, RungShare, Summary};
use serde::Serialize;
use serde_json::{Value, json};
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

impl Score {
    /// The figures of a session over `ladder` whose frames have these `psnr`.
    pub(super) fn new(report: &Report, ladder: &Ladder, psnr: &[f64]) -> Self {
        let rung_of = rung_of_frames(report, ladder, psnr.len());
        let rungs = report.rungs.iter().enumerate().map(|(rung, share)| {
            let own = rung_of.iter().zip(psnr).filter(|(of, _)| **of == rung);
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
    pub(super) fn text(&self) -> String {
        let row = |cells: [&dyn ToString; 7]| cells.map(ToString::to_string).to_vec();
        let one = |value: f64| format!("{value:.1}");
        let dash = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        let mut rows = vec![row([
            &"rung",
            &"rank",
            &"kbit/s",
            &"played s",
            &"share",
            &"frames",
            &"PSNR dB",
        ])];
        rows.extend(self.rungs.iter().map(|rung| {
            let share = &rung.share;
            let (kbps, played) = (one(share.kbps), one(share.played_s));
            let percent = format!("{:.1}%", 100.0 * share.share);
            let psnr = dash(rung.psnr);
            row([
                &share.id,
                &share.rank,
                &kbps,
                &played,
                &percent,
                &rung.frames,
                &psnr,
            ])
        }));
        let s = &self.summary;
        let (kbps, played, psnr) = (one(s.kbps), one(s.played_s), dash(self.psnr));
        rows.push(row([&"all", &"", &kbps, &played, &"", &self.frames, &psnr]));
        format!(
            "{}{} switches, {} stalls ({:.1} s), first frame after {:.1} s; \
             rendered at {:.1} frames a second ({:.1} ms each, {:.0} needed)\n",
            aligned(&rows),
            s.switches,
            s.stalls,
            s.stall_s,
            s.startup_s.unwrap_or_default(),
            self.fps,
            self.ms_per_frame,
            self.needed
        )
    }

    /// The figures as JSON.
    pub(super) fn json(&self, title: &Path, out: &Path, wall_s: f64) -> Value {
        let s = &self.summary;
        json!({
            "command": "demo", "title": title, "out": out, "wall_s": wall_s,
            "kbps": s.kbps, "switches": s.switches, "stalls": s.stalls, "stall_s": s.stall_s,
            "startup_s": s.startup_s, "played_s": s.played_s,
            "frames": self.frames, "psnr": self.psnr, "fps": self.fps,
            "ms_per_frame": self.ms_per_frame, "rungs": self.rungs,
        })
    }

    /// Fails unless all `expected` frames were rendered and compared.
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
