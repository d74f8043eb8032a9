//! `promptus eval`: every rung of a title, rendered as a player would, against the original video,
//! and, with `--against`, other codecs on the same video.
//!
//! With `--json` one object on stdout: `title`, `reference`, `frames`, `duration_s`, and `rungs`,
//! each with
//!
//! * `id`, `rank`, `kbps` (true rate: init and media segments over the duration), `payload_kbps`,
//!   `bytes`, `fps` and `ms_per_frame` of rendering,
//! * means over all frames: `psnr`, `ssim`, `ssimulacra2`, `lpips_squeeze`, `vmaf`; `psnr_worst`,
//!   `ssimulacra2_worst`, `lpips_squeeze_worst` of the worst frame, for two of them its number;
//!   `lpips_squeeze_p95`; `lpips_squeeze_over`, the shares of frames over 0.1, 0.2 and 0.3,
//! * `mean_error` of R, G, B in 1/255, `temporal_difference` of ours and of the original and their
//!   `temporal_ratio`, `seam` (see [`crate::quality::Motion`]), `missing` frames, which count as
//!   the worst,
//! * `segments`: `start_s`, `duration_s`, `bytes`, `kbps` and the means.
//!
//! LPIPS is absent where its weights are not installed, VMAF where no ffmpeg has it
//! (`$PROMPTUS_FFMPEG` names another than the one on `PATH`). With `--against` there is `against`:
//! `ffmpeg`, `gop_s`, `points` (a codec's setting each, with the same figures), `at_rungs` and
//! `at_rates` (our curve and each codec's hull). Frames that must be looked up again are kept in
//! temporary files, three bytes a pixel: for VMAF, `--against` and `--html`.

mod compare;
mod csv;
mod ffmpeg;
mod figures;
mod ladders;
mod metric;
mod originals;
mod ours;
mod page;
mod peers;
mod plot;
mod report;
mod spool;
mod wrapping;

use super::scores::Scorer;
use super::strip::Strip;
use super::{CliError, json_line, overwrite, whole_file};
use crate::model::device;
use crate::package::Title;
use crate::source::Fit;
use crate::time::FrameRate;
use ffmpeg::Ffmpeg;
use originals::Originals;
use ours::{Measured, RungReport};
use peers::{Bench, Codec, Grid, Peer};
use report::{Against, Report};
use std::path::PathBuf;

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
    /// How the original was brought to the title's size, where the title itself does not say it:
    /// native, pad, crop or squeeze.
    #[arg(long, visible_alias = "fit", value_name = "HOW")]
    scale: Option<Fit>,
    /// Write a PNG with evenly spaced frames side by side: the original on top, then every rung.
    #[arg(long, value_name = "FILE")]
    strip: Option<PathBuf>,
    /// Leave out VMAF even where ffmpeg has it.
    #[arg(long)]
    no_vmaf: bool,
    /// Write all figures as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write one HTML page with curves, tables and frames, the worst ones included.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the rate–quality curves as an SVG picture.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    against: AgainstArgs,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// What to compare with.
#[derive(Debug, clap::Args)]
struct AgainstArgs {
    /// Compare with other codecs on the same video; needs ffmpeg.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CODEC,…")]
    against: Vec<Codec>,
    /// Rates to ask the codecs for, in kbit/s.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "8,12,16,20,25,30,60",
        value_name = "KBPS,…"
    )]
    against_rates: Vec<f64>,
    /// Picture sizes to code at, as shares of the title's sides.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,0.75,0.5",
        value_name = "SHARE,…"
    )]
    against_sizes: Vec<f64>,
    /// Frame rates to code at: every N-th frame.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,2",
        value_name = "N,…",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    against_every: Vec<u32>,
    /// Length of the codecs' closed groups of pictures, in seconds [default: as long as the title's
    /// segments].
    #[arg(long, value_name = "SECONDS")]
    against_gop: Option<f64>,
    /// Measure every N-th frame of the codecs' videos only.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    against_sample: u32,
    /// Write a ladder a codec to DIR/CODEC.json for `promptus simulate --ladder`: corners of its hull,
    /// a segment a group of pictures, each measured on all of its frames.
    #[arg(long, value_name = "DIR", requires = "against")]
    ladders: Option<PathBuf>,
    /// Rungs of such a ladder at most: of the corners a tenth of the rate apart the lowest, the highest,
    /// and between them those that would be missed most.
    #[arg(
        long,
        default_value_t = 6,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=64)
    )]
    ladder_rungs: u32,
    /// Folder that keeps the codecs' videos and figures [default: in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

/// Runs `promptus eval`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let outputs = [&args.strip, &args.csv, &args.html, &args.plot];
    overwrite::files(outputs.into_iter().flatten())?;
    args.against.check_ladders()?;
    let title = Title::open(&args.title)?;
    let scorer = Scorer::installed(&device::best())?;
    if scorer.lpips().is_none() {
        eprintln!("LPIPS weights are not installed: no LPIPS");
    }
    let ffmpeg = Ffmpeg::find();
    let vmaf = !args.no_vmaf && ffmpeg.as_ref().is_some_and(Ffmpeg::judges);
    let mut measured = measure(args, &title, &scorer, vmaf)?;
    let rate = frame_rate(&title)?;
    if let (true, Some(ffmpeg)) = (vmaf, &ffmpeg) {
        add_vmaf(&mut measured, ffmpeg, rate)?;
    }
    let grid = args.against.grid(longest_s(&title, rate)?);
    let bench = match (&measured.originals, &ffmpeg) {
        _ if grid.codecs.is_empty() => None,
        (Some(originals), Some(ffmpeg)) => {
            Some(Bench::new(&grid, ffmpeg, originals, rate, &scorer, vmaf)?)
        }
        _ => {
            return Err(CliError::input(
                "--against needs ffmpeg, which is not on PATH",
            ));
        }
    };
    let peers = match &bench {
        Some(bench) => bench.run(&grid)?,
        None => Vec::new(),
    };
    let version = ffmpeg.as_ref().map(Ffmpeg::version).unwrap_or_default();
    finish(args, &title, &measured, &peers, bench.as_ref(), version)
}

impl AgainstArgs {
    /// Fails if a ladder would replace a file that it must not.
    fn check_ladders(&self) -> Result<(), CliError> {
        let Some(folder) = self.ladders.as_ref().filter(|folder| folder.exists()) else {
            return Ok(());
        };
        let codecs = self.against.iter();
        overwrite::files(
            &codecs
                .map(|codec| ladders::file(folder, *codec))
                .collect::<Vec<_>>(),
        )
    }

    /// The grid; groups last `gop_s` seconds unless told otherwise.
    fn grid(&self, gop_s: f64) -> Grid<'_> {
        Grid {
            codecs: &self.against,
            rates: &self.against_rates,
            sizes: &self.against_sizes,
            every: &self.against_every,
            gop_s: self.against_gop.unwrap_or(gop_s),
            sample: self.against_sample,
            cache: self.cache.as_deref(),
        }
    }
}

fn frame_rate(title: &Title) -> Result<FrameRate, CliError> {
    let first = title.rungs().first();
    let rate = first.map(|rung| rung.track().frame_rate);
    rate.ok_or_else(|| CliError::input("the title has no rungs"))
}

/// Length of the title's segments: the longest one's, in seconds.
fn longest_s(title: &Title, rate: FrameRate) -> Result<f64, CliError> {
    let longest = ours::lengths(title)?.into_iter().max().unwrap_or_default();
    Ok(rate.time_of(longest).seconds())
}

fn measure(args: &Args, title: &Title, scorer: &Scorer, vmaf: bool) -> Result<Measured, CliError> {
    let Some(first) = title.rungs().first() else {
        return Err(CliError::input("the title has no rungs"));
    };
    let keep = vmaf || args.html.is_some() || !args.against.against.is_empty();
    let record = title.source()?;
    let how = (record.as_ref(), args.scale);
    let originals = Originals::open(&args.reference, how, first.track(), keep)?;
    let frames = ours::lengths(title)?.iter().sum();
    let mut strip = Strip::new(frames, STRIP_COLUMNS, 1 + title.rungs().len());
    let wanted = args.strip.as_ref().map(|_| &mut strip);
    let measured = ours::measure(title, originals, scorer, keep, wanted)?;
    if let Some(path) = &args.strip {
        strip.write(path)?;
    }
    Ok(measured)
}

fn add_vmaf(measured: &mut Measured, ffmpeg: &Ffmpeg, rate: FrameRate) -> Result<(), CliError> {
    let Some(originals) = &measured.originals else {
        return Ok(());
    };
    for rung in &mut measured.rungs {
        if let Some(shown) = &rung.shown {
            rung.report.figures.vmaf = ffmpeg.vmaf(originals, shown, rate)?;
        }
    }
    Ok(())
}

/// Tells what came out, in every form that was asked for.
fn finish(
    args: &Args,
    title: &Title,
    measured: &Measured,
    peers: &[Peer],
    bench: Option<&Bench<'_>>,
    version: &str,
) -> Result<(), CliError> {
    let rungs: Vec<&RungReport> = measured.rungs.iter().map(|rung| &rung.report).collect();
    let curves = compare::curves(&rungs, peers);
    let against = bench.map(|bench| Against {
        ffmpeg: version,
        gop_s: bench.gop_s(),
        points: peers,
        at_rungs: compare::at_rungs(&rungs, &curves),
        at_rates: compare::at_rates(&args.against.against_rates, &curves),
    });
    let report = Report {
        title: args.title.display().to_string(),
        reference: args.reference.display().to_string(),
        frames: measured.frames,
        duration_s: measured.duration_s,
        rungs: rungs.clone(),
        against,
    };
    report.explain();
    if let Some(path) = &args.csv {
        let first = title.rungs().first().map(|rung| rung.track());
        let clip = first.map(|track| (track.visible, track.frame_rate.fps()));
        let table = csv::csv(&rungs, clip.unwrap_or_default(), peers);
        whole_file::write(path, table.as_bytes())?;
    }
    if let Some(path) = &args.plot {
        let name = args.reference.file_stem().unwrap_or_default();
        let heading = format!("Rate and quality: {}", name.to_string_lossy());
        let drawing = plot::svg(&heading, &curves, &rungs, peers);
        whole_file::write(path, drawing.as_bytes())?;
    }
    if let (Some(folder), Some(bench)) = (&args.against.ladders, bench) {
        let rungs = args.against.ladder_rungs as usize;
        ladders::write(folder, rungs, &curves, peers, bench)?;
    }
    if let Some(path) = &args.html {
        let page = page::html(&report, measured, &curves, peers, bench)?;
        whole_file::write(path, page.as_bytes())?;
    }
    if args.json {
        json_line::print(&report)?;
    }
    Ok(())
}
