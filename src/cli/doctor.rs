//! `promptus doctor`: the abilities of this build and this machine.
//!
//! With `--json` one object on stdout:
//!
//! ```text
//! { "version": "0.1.0", "features": ["generator", "net", "cli"],
//!   "device": "cpu", "threads": 2,
//!   "searched": […], "profiles": […], "files": […]   as of `promptus weights --json`,
//!   "generator": { "profile": "mini", "size": [256, 256], "ms_per_frame": 4.1, "fps": 244.0 },
//!   "ffmpeg": "ffmpeg version …" or null }
//! ```
//!
//! Missing weights and a missing ffmpeg are reported and are no failure: nothing that ships with the
//! crate needs them. The speed is that of a short segment; `promptus bench` says more.

use super::{CliError, json_line, weights};
use crate::model::{Profile, device};
use crate::source::ffmpeg_version;
use crate::speed::{RenderOptions, RenderReport, render};
use serde::Serialize;

/// Arguments of `promptus doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Frames that are timed.
const FRAMES: u32 = 5;

/// Seconds for each figure.
const SECONDS: f64 = 0.2;

#[derive(Serialize)]
struct Report {
    version: &'static str,
    features: Vec<&'static str>,
    device: String,
    threads: usize,
    #[serde(flatten)]
    weights: weights::Report,
    generator: RenderReport,
    ffmpeg: Option<String>,
}

/// Runs `promptus doctor`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let mut options = RenderOptions::new(Profile::mini());
    (options.frames, options.seconds) = (FRAMES, SECONDS);
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        features: features(),
        device: device::name(&device::best()),
        threads: rayon::current_num_threads(),
        weights: weights::Report::new()?,
        generator: render(&options)?,
        ffmpeg: ffmpeg_version(),
    };
    eprint!("{}", report.text());
    if args.json {
        json_line::print(&report)?;
    }
    Ok(())
}

fn features() -> Vec<&'static str> {
    let known = [
        ("generator", cfg!(feature = "generator")),
        ("net", cfg!(feature = "net")),
        ("cli", cfg!(feature = "cli")),
        ("cuda", cfg!(feature = "cuda")),
    ];
    let on = known.into_iter().filter(|(_, on)| *on);
    on.map(|(name, _)| name).collect()
}

impl Report {
    fn text(&self) -> String {
        let RenderReport {
            profile,
            size: [width, height],
            ms_per_frame,
            fps,
            ..
        } = &self.generator;
        let missing = "not on the PATH (needed only to encode files other than images and y4m)";
        format!(
            "promptus  {} ({})\n\
             device    {}, {} threads\n\
             speed     {profile} at {width}x{height}: {ms_per_frame:.1} ms a frame, {fps:.1} a second\n\
             ffmpeg    {}\n\n{}",
            self.version,
            self.features.join(", "),
            self.device,
            self.threads,
            self.ffmpeg.as_deref().unwrap_or(missing),
            self.weights.text()
        )
    }
}
