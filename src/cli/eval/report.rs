//! The result as one JSON object and as tables for people.

use super::compare::{AtRate, AtRung};
use super::metric::Metric;
use super::ours::RungReport;
use super::peers::Peer;
use serde::Serialize;
use std::fmt::Write;

/// The result of the command.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) title: String,
    pub(super) reference: String,
    pub(super) frames: u64,
    pub(super) duration_s: f64,
    pub(super) rungs: Vec<&'a RungReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) against: Option<Against<'a>>,
}

/// The comparison with other codecs.
#[derive(Serialize)]
pub(super) struct Against<'a> {
    pub(super) ffmpeg: &'a str,
    pub(super) gop_s: f64,
    pub(super) points: &'a [Peer],
    pub(super) at_rungs: Vec<AtRung>,
    pub(super) at_rates: Vec<AtRate>,
}

impl Report<'_> {
    /// For people, on stderr.
    pub(super) fn explain(&self) {
        eprint!("{}", self.text());
    }

    /// The tables.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "rung       kbit/s  LPIPS-sq   p95  worst  >0.3  SSIMUL2   VMAF   PSNR  worst   SSIM  \
             motion  seam   R,G,B error/255  frames/s"
        )?;
        for rung in &self.rungs {
            let f = &rung.figures;
            let over = f.lpips_squeeze_over.map(|shares| 100.0 * shares[2]);
            let [red, green, blue] = f.mean_error;
            writeln!(
                out,
                "{:<9} {:>7.1}  {:>8} {:>5}  {:>5} {:>5}  {:>7}  {:>5}  {:>5.2}  {:>5.2}  {:>5}  \
                 {:>6}  {:>4}  {red:>5.1},{green:>4.1},{blue:>4.1}  {:>8.1}",
                rung.id,
                rung.kbps,
                cell(f.mean.lpips_squeeze, 3),
                cell(f.lpips_squeeze_p95, 3),
                cell(f.lpips_squeeze_worst, 3),
                over.map_or_else(|| "-".to_owned(), |share| format!("{share:.0}%")),
                cell(f.mean.ssimulacra2, 1),
                cell(f.vmaf, 1),
                f.mean.psnr.unwrap_or_default(),
                f.psnr_worst,
                cell(f.mean.ssim, 3),
                cell(f.temporal_ratio, 2),
                cell(f.seam, 2),
                rung.fps,
            )?;
        }
        let missing: u64 = self.rungs.iter().map(|rung| rung.figures.missing).sum();
        if missing > 0 {
            writeln!(out, "{missing} frames are missing and count as the worst")?;
        }
        match &self.against {
            Some(against) => against.write(out),
            None => Ok(()),
        }
    }
}

impl Against<'_> {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        for metric in Metric::ALL {
            let rows = self
                .at_rates
                .iter()
                .filter(|row| row.metric == metric.key());
            let rows: Vec<&AtRate> = rows.collect();
            let Some(first) = rows.first() else {
                continue;
            };
            write!(out, "\n{:<15}", metric.label())?;
            for row in &rows {
                write!(out, " {:>7}", format!("{} kb/s", row.kbps))?;
            }
            writeln!(out)?;
            for (index, named) in first.values.iter().enumerate() {
                write!(out, "  {:<13}", named.name)?;
                for row in &rows {
                    let value = row.values.get(index).and_then(|named| named.value);
                    write!(out, " {:>7}", cell(value, metric.digits()))?;
                }
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

/// A number with `digits` after the point, or a dash.
pub(super) fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}
