//! Figures of a demo: those of the session, and the PSNR of each rung.

use crate::player::ladder::Ladder;
use crate::player::log::Outcome;
use crate::report::html::Cell;
use crate::report::{Report, RungShare};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;

/// The figures; PSNR in dB.
#[derive(Debug)]
pub(super) struct Score<'a> {
    report: &'a Report,
    rungs: Vec<RungScore<'a>>,
    frames: usize,
    psnr: Option<f64>,
    /// Frames a second and milliseconds a frame of rendering.
    speed: (f64, f64),
    needed_fps: f64,
}

#[derive(Debug, Serialize)]
struct RungScore<'a> {
    #[serde(flatten)]
    share: &'a RungShare,
    frames: usize,
    psnr: Option<f64>,
}

impl<'a> Score<'a> {
    /// The figures of a session over `ladder` whose frames have these `psnr`.
    pub(super) fn new(report: &'a Report, ladder: &Ladder, psnr: &[f64]) -> Self {
        let needed_fps = psnr.len() as f64 / ladder.total_s();
        let rung_of = rung_of_frames(report, ladder, needed_fps);
        let rungs = report.rungs.iter().enumerate().map(|(rung, share)| {
            let own = rung_of.iter().zip(psnr).filter(|(of, _)| **of == rung);
            let values: Vec<f64> = own.map(|(_, psnr)| *psnr).collect();
            let (frames, psnr) = (values.len(), mean(&values));
            RungScore {
                share,
                frames,
                psnr,
            }
        });
        let rendering = report.context.rendering;
        Self {
            report,
            rungs: rungs.collect(),
            frames: psnr.len(),
            psnr: mean(psnr),
            speed: rendering.map_or((0.0, 0.0), |r| (r.fps, r.ms_per_frame)),
            needed_fps,
        }
    }

    /// The table and a line of totals.
    pub(super) fn text(&self) -> String {
        let s = &self.report.summary;
        let (fps, ms, needed_fps) = (self.speed.0, self.speed.1, self.needed_fps);
        let mut table = self.report.rung_table();
        table
            .columns
            .extend(["frames", "PSNR dB"].map(str::to_owned));
        for (row, rung) in table.rows.iter_mut().zip(&self.rungs) {
            row.extend([
                Cell::number(rung.frames as f64, 0),
                Cell::number(rung.psnr, 2),
            ]);
        }
        let (frames, psnr) = (self.frames, Cell::number(self.psnr, 2));
        format!(
            "{table}{frames} frames in all, PSNR {psnr} dB; {:.1} kbit/s, {} switches, {} stalls \
             ({:.1} s), first frame after {:.1} s; rendered at {fps:.1} frames a second ({ms:.1} ms \
             each, {needed_fps:.0} needed)\n",
            s.kbps,
            s.switches,
            s.stalls,
            s.stall_s,
            s.startup_s.unwrap_or_default()
        )
    }

    /// The figures as JSON.
    pub(super) fn json(&self, title: &Path, out: &Path, wall_s: f64) -> Value {
        let s = &self.report.summary;
        json!({
            "command": "demo", "title": title, "out": out, "wall_s": wall_s,
            "kbps": s.kbps, "switches": s.switches, "stalls": s.stalls, "stall_s": s.stall_s,
            "startup_s": s.startup_s, "played_s": s.played_s, "frames": self.frames,
            "psnr": self.psnr, "fps": self.speed.0, "ms_per_frame": self.speed.1,
            "rungs": self.rungs,
        })
    }
}

/// The rung of every frame, `fps` a second, from the delivered segments.
fn rung_of_frames(report: &Report, ladder: &Ladder, fps: f64) -> Vec<usize> {
    let requests = report.segments.iter().map(|row| &row.request);
    let delivered = requests.filter(|request| request.outcome == Outcome::Delivered);
    let rungs = delivered.flat_map(|request| {
        let frames = (ladder.duration_s(request.segment) * fps).round();
        std::iter::repeat_n(request.rung, frames as usize)
    });
    rungs.collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
