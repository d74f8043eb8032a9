//! `promptus eval`: every rung of a title, rendered as a player would, against the original video.
//!
//! With `--json` one object on stdout: `title`, `reference`, `frames`, `duration_s`, and `rungs`,
//! each with `id`, `rank`, `kbps` (true rate: init and media segments over the duration), `bytes`,
//! `psnr` and `lpips_squeeze` (means over all frames), `psnr_worst` and `lpips_squeeze_worst` (of
//! the worst frame) with the frames' numbers, `fps` and `ms_per_frame` of rendering. LPIPS is
//! absent where its weights are not installed.

use super::CliError;
use super::scores::{Score, Scorer, mean};
use super::strip::Strip;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::model::{device, installed};
use crate::package::{Title, TitleRung};
use crate::render::SegmentRenderer;
use crate::segment::Track;
use crate::source::{Fit, Geometry, Options, Source};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Frames in a row of the strip.
const STRIP_COLUMNS: u64 = 6;

/// Arguments of `promptus eval`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The original: anything that `promptus encode` reads.
    #[arg(value_name = "REF")]
    reference: PathBuf,
    /// Folder of the title.
    #[arg(value_name = "TITLE")]
    title: PathBuf,
    /// How the original was brought to the title's size: native, pad, crop or squeeze.
    #[arg(long, default_value = "native", value_name = "HOW")]
    fit: Fit,
    /// Write a PNG with evenly spaced frames side by side: the original on top, then every rung.
    #[arg(long, value_name = "FILE")]
    strip: Option<PathBuf>,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    title: String,
    reference: String,
    frames: u64,
    duration_s: f64,
    rungs: Vec<RungReport>,
}

#[derive(Serialize)]
struct RungReport {
    id: String,
    rank: usize,
    kbps: f64,
    bytes: u64,
    #[serde(flatten)]
    mean: Metrics,
    psnr_worst: f64,
    psnr_worst_frame: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    lpips_squeeze_worst: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lpips_squeeze_worst_frame: Option<usize>,
    fps: f64,
    ms_per_frame: f64,
}

/// Runs `promptus eval`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let title = Title::open(&args.title)?;
    let scorer = Scorer::installed(&device::best())?;
    if scorer.lpips().is_none() {
        eprintln!("LPIPS weights are not installed: PSNR only");
    }
    let report = compare(args, &title, &scorer)?;
    report.explain();
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

/// Renders all segments of all rungs beside the original.
fn compare(args: &Args, title: &Title, scorer: &Scorer) -> Result<Report, CliError> {
    let mut rungs = title
        .rungs()
        .iter()
        .map(Running::new)
        .collect::<Result<Vec<_>, _>>()?;
    let Some(first) = title.rungs().first() else {
        return Err(CliError::input("the title has no rungs"));
    };
    let track = first.track();
    let lengths: Vec<u64> = first
        .segments()
        .iter()
        .map(|segment| segment.duration.ticks / u64::from(track.frame_rate.frame_ticks()))
        .collect();
    let frames = lengths.iter().sum();
    let mut originals = Originals::open(args, track)?;
    let mut strip = Strip::new(frames, STRIP_COLUMNS, 1 + rungs.len());
    let mut shown = 0;
    for (segment, &length) in lengths.iter().enumerate() {
        let aims = originals.take(length, frames)?;
        strip.collect(0, shown, &aims);
        for (row, rung) in (1..).zip(&mut rungs) {
            let made = rung.render(segment)?;
            rung.scores.extend(scorer.scores(&aims, &made)?);
            strip.collect(row, shown, &made);
        }
        shown += length;
        eprintln!("{shown}/{frames} frames");
    }
    if let Some(path) = &args.strip {
        strip.write(path)?;
    }
    let duration_s = title.presentation().duration.seconds();
    Ok(Report {
        title: args.title.display().to_string(),
        reference: args.reference.display().to_string(),
        frames,
        duration_s,
        rungs: rungs.iter().map(|rung| rung.report(duration_s)).collect(),
    })
}

/// The original's frames, in the title's size.
struct Originals {
    source: Source,
    geometry: Geometry,
    name: String,
    read: u64,
}

impl Originals {
    fn open(args: &Args, track: &Track) -> Result<Self, CliError> {
        let options = Options {
            frame_rate: Some(track.frame_rate),
        };
        let source = Source::open(&args.reference, &options)?;
        let name = args.reference.display().to_string();
        if source.frame_rate() != track.frame_rate {
            return Err(CliError::input(format!(
                "{name}: {} frames a second, the title has {}",
                source.frame_rate(),
                track.frame_rate
            )));
        }
        let target = (args.fit != Fit::Native).then_some(track.visible);
        let geometry = Geometry::plan(source.size(), source.pixel_aspect(), 1, args.fit, target)?;
        if geometry.visible() != track.visible {
            return Err(CliError::input(format!(
                "{name}: pictures of {:?}, the title's are {:?} (see --fit)",
                geometry.visible(),
                track.visible
            )));
        }
        Ok(Self {
            source,
            geometry,
            name,
            read: 0,
        })
    }

    /// The next `count` frames of a title that has `all`.
    fn take(&mut self, count: u64, all: u64) -> Result<Vec<Frame>, CliError> {
        let mut frames = Vec::new();
        for frame in self.source.by_ref().take(count as usize) {
            frames.push(self.geometry.visible_frame(&frame?)?);
        }
        self.read += frames.len() as u64;
        if (frames.len() as u64) < count {
            let (name, read) = (&self.name, self.read);
            let message = format!("{name}: ends after {read} frames, the title has {all}");
            return Err(CliError::input(message));
        }
        Ok(frames)
    }
}

/// A rung as it is rendered and measured.
struct Running<'a> {
    rung: &'a TitleRung,
    renderer: SegmentRenderer,
    scores: Vec<Score>,
    time: Duration,
}

impl<'a> Running<'a> {
    fn new(rung: &'a TitleRung) -> Result<Self, CliError> {
        let generator = installed::generator(&rung.track().profile, &device::best())?;
        Ok(Self {
            rung,
            renderer: SegmentRenderer::new(Arc::new(generator), rung.track().clone())?,
            scores: Vec::new(),
            time: Duration::ZERO,
        })
    }

    fn render(&mut self, segment: usize) -> Result<Vec<Frame>, CliError> {
        let media = self.rung.media(segment)?;
        let mut frames = Vec::new();
        let began = Instant::now();
        self.renderer.render(&media, &mut |frame| {
            frames.push(frame);
            Ok(())
        })?;
        self.time += began.elapsed();
        Ok(frames)
    }

    fn report(&self, duration_s: f64) -> RungReport {
        let layout = self.rung.layout();
        let segments = layout.segments.iter().map(|segment| &segment.range);
        let ranges = std::iter::once(&layout.init_range).chain(segments);
        let bytes = ranges.map(|range| range.end - range.start).sum();
        let scores = || self.scores.iter().enumerate();
        let (psnr_worst_frame, psnr_worst) = scores()
            .map(|(frame, score)| (frame, score.psnr))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or_default();
        let lpips = scores()
            .filter_map(|(frame, score)| Some((frame, score.lpips_squeeze?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let frames = self.scores.len().max(1) as f64;
        let seconds = self.time.as_secs_f64().max(1e-9);
        RungReport {
            id: self.rung.id().to_owned(),
            rank: self.rung.track().rank(),
            kbps: bytes as f64 * 8.0 / duration_s / 1000.0,
            bytes,
            mean: mean(&self.scores),
            psnr_worst,
            psnr_worst_frame,
            lpips_squeeze_worst: lpips.map(|(_, worst)| worst),
            lpips_squeeze_worst_frame: lpips.map(|(frame, _)| frame),
            fps: frames / seconds,
            ms_per_frame: 1000.0 * seconds / frames,
        }
    }
}

impl Report {
    fn explain(&self) {
        eprintln!("rung       kbit/s   PSNR dB (worst)   LPIPS-squeeze (worst)   frames/s");
        for rung in &self.rungs {
            let lpips = match (rung.mean.lpips_squeeze, rung.lpips_squeeze_worst) {
                (Some(mean), Some(worst)) => format!("{mean:.3} ({worst:.3})"),
                _ => "-".to_owned(),
            };
            eprintln!(
                "{:<9} {:>7.1}   {:>7.2} ({:>5.2})   {lpips:>21}   {:>8.1}",
                rung.id,
                rung.kbps,
                rung.mean.psnr.unwrap_or_default(),
                rung.psnr_worst,
                rung.fps
            );
        }
    }
}
