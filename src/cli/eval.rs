//! `promptus eval`: every rung of a title against the original video and, with `--against`, other
//! codecs on the same video.
//!
//! With `--json` one object on stdout: `title`, `reference`, `frames`, `duration_s`, and `rungs`,
//! each with
//!
//! * `id`, `rank`, `kbps` (true rate: init and media segments over the duration), `payload_kbps`,
//!   `bytes`, `fps` and `ms_per_frame` of rendering,
//! * the figures of [`evaluate::Figures`](crate::evaluate::Figures),
//! * `segments`: `start_s`, `duration_s`, `bytes`, `kbps` and the means.
//!
//! LPIPS is absent where its weights are not installed, VMAF where ffmpeg does not compute it
//! (`$PROMPTUS_FFMPEG` names another ffmpeg than the one on `PATH`). With `--against` there is
//! `against`: `ffmpeg`, `gop_s`, `points` (each codec setting with the same figures), `at_rungs` and
//! `at_rates` (our curve and each codec's hull). VMAF, `--against` and `--html` keep frames in
//! temporary files, three bytes a pixel.

use super::{CliError, atomic_write, json_line, overwrite};
use crate::evaluate::{
    self, Against, Clip, Codec, CodecBench, ContactSheet, Curves, Encoded, EvaluateError, Ffmpeg,
    Grid, MeasuredTitle, Originals, Progress, Report, RungReport,
};
use crate::model::device;
use crate::package::Title;
use crate::quality::Scorer;
use crate::sink::write_png;
use crate::source::Fit;
use indicatif::ProgressBar;
use std::fs;
use std::path::{Path, PathBuf};

/// Frames in a row of the contact sheet.
const SHEET_COLUMNS: u64 = 6;

/// Arguments of `promptus eval`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The original video: any input of `promptus encode`.
    #[arg(value_name = "REF")]
    reference: PathBuf,
    /// Folder of the title.
    #[arg(value_name = "TITLE")]
    title: PathBuf,
    /// How the original is scaled to the title's size, if the title does not record it: native, pad,
    /// crop or squeeze.
    #[arg(long, visible_alias = "fit", value_name = "HOW")]
    scale: Option<Fit>,
    /// Write a contact sheet as PNG: evenly spaced frames, the original on top, then every rung.
    #[arg(long, value_name = "FILE")]
    strip: Option<PathBuf>,
    /// Do not compute VMAF.
    #[arg(long)]
    no_vmaf: bool,
    /// Write all figures as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write one HTML page with curves, tables and frames, the worst ones included.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    against: AgainstArgs,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// The comparison with other codecs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Other codecs")]
struct AgainstArgs {
    /// Codecs to compare with: x265, x264, svtav1, taesd (latents of Stable Diffusion's tiny
    /// autoencoder as an H.265 video, the published baseline); needs ffmpeg.
    #[arg(long, value_delimiter = ',', value_name = "CODEC,…")]
    against: Vec<Codec>,
    /// Target rates of the codecs in kbit/s.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "8,12,16,20,25,30,60",
        value_name = "KBPS,…"
    )]
    against_rates: Vec<f64>,
    /// Coded picture sizes, as shares of the title's sides.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,0.75,0.5",
        value_name = "SHARE,…"
    )]
    against_sizes: Vec<f64>,
    /// Coded frame rates: every N-th frame.
    #[arg(long, value_delimiter = ',', default_value = "1,2", value_name = "N,…", value_parser = clap::value_parser!(u32).range(1..))]
    against_every: Vec<u32>,
    /// Length of the codecs' closed groups of pictures [default: that of the title's segments].
    #[arg(long, value_name = "SECONDS")]
    against_gop: Option<f64>,
    /// Measure only every N-th frame of the codecs' videos.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    against_sample: u32,
    /// Write one ladder per codec to DIR/CODEC.json for `promptus simulate --ladder`: its rungs are the
    /// corners of the codec's rate-quality hull, its segments are groups of pictures.
    #[arg(long, value_name = "DIR", requires = "against")]
    ladders: Option<PathBuf>,
    /// Most rungs of such a ladder; rungs are at least a tenth of the rate apart.
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    ladder_rungs: u32,
    /// Folder that keeps the codecs' videos and figures [default: in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

/// Runs `promptus eval`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    overwrite::files([&args.strip, &args.csv, &args.html].into_iter().flatten())?;
    args.against.check_ladders()?;
    let title = Title::open(&args.title)?;
    evaluate_title(args, &title)
}

fn evaluate_title(args: &Args, title: &Title) -> Result<(), CliError> {
    let scorer = Scorer::installed(&device::best())?;
    if scorer.lpips().is_none() {
        eprintln!("LPIPS weights are not installed: no LPIPS");
    }
    let ffmpeg = Ffmpeg::find();
    if ffmpeg.is_none() && !args.against.against.is_empty() {
        return Err(CliError::input(
            "--against needs ffmpeg, which is not on PATH",
        ));
    }
    let vmaf = !args.no_vmaf && ffmpeg.as_ref().is_some_and(Ffmpeg::computes_vmaf);
    let mut measured = measure(args, title, &scorer, vmaf)?;
    if let (true, Some(ffmpeg)) = (vmaf, &ffmpeg) {
        add_vmaf(&mut measured, ffmpeg, title).map_err(failure)?;
    }
    let grid = args.against.grid(title).map_err(failure)?;
    let bench = match (&measured.originals, &ffmpeg) {
        (Some(originals), Some(ffmpeg)) if !grid.codecs.is_empty() => {
            let clip = Clip {
                originals,
                frame_rate: title.rungs()[0].track().frame_rate,
                scorer: &scorer,
                ffmpeg,
                vmaf,
            };
            Some(CodecBench::new(clip, &grid).map_err(failure)?)
        }
        _ => None,
    };
    let encoded = match &bench {
        Some(bench) => encode_codecs(bench).map_err(failure)?,
        None => Vec::new(),
    };
    let version = ffmpeg.as_ref().map(Ffmpeg::version).unwrap_or_default();
    finish(args, title, &measured, &encoded, bench.as_ref(), version)
}

impl AgainstArgs {
    fn ladder_file(folder: &Path, codec: Codec) -> PathBuf {
        folder.join(format!("{codec}.json"))
    }

    /// Fails if a ladder would replace a file without consent.
    fn check_ladders(&self) -> Result<(), CliError> {
        let Some(folder) = self.ladders.as_ref().filter(|folder| folder.exists()) else {
            return Ok(());
        };
        let files = self
            .against
            .iter()
            .map(|codec| Self::ladder_file(folder, *codec));
        overwrite::files(&files.collect::<Vec<_>>())
    }

    /// The grid; by default groups are as long as the title's longest segment.
    fn grid(&self, title: &Title) -> Result<Grid, EvaluateError> {
        let longest = evaluate::segment_frames(title)?.into_iter().max();
        let rate = title.rungs()[0].track().frame_rate;
        let longest_s = rate.time_of(longest.unwrap_or_default()).seconds();
        let mut grid = Grid::default();
        grid.codecs.clone_from(&self.against);
        grid.rates.clone_from(&self.against_rates);
        grid.sizes.clone_from(&self.against_sizes);
        grid.every.clone_from(&self.against_every);
        grid.gop_s = self.against_gop.unwrap_or(longest_s);
        grid.sample = self.against_sample;
        grid.cache.clone_from(&self.cache);
        Ok(grid)
    }
}

/// A finding about readable input ends with exit code 1, everything else with 2.
fn failure(error: EvaluateError) -> CliError {
    match error {
        EvaluateError::Source(error) => error.into(),
        error if error.is_finding() => CliError::check(error.to_string()),
        error => error.into(),
    }
}

fn measure(
    args: &Args,
    title: &Title,
    scorer: &Scorer,
    vmaf: bool,
) -> Result<MeasuredTitle, CliError> {
    let keep = vmaf || args.html.is_some() || !args.against.against.is_empty();
    let originals = Originals::open(&args.reference, title, args.scale, keep).map_err(failure)?;
    let frames = evaluate::segment_frames(title)
        .map_err(failure)?
        .iter()
        .sum();
    let mut sheet = ContactSheet::new(frames, SHEET_COLUMNS, 1 + title.rungs().len());
    let wanted = args.strip.as_ref().map(|_| &mut sheet);
    let measured = evaluate::measure(title, originals, scorer, keep, wanted, &|progress| {
        if let Progress::Frames { done, total } = progress {
            eprintln!("{done}/{total} frames");
        }
    })
    .map_err(failure)?;
    if let Some(path) = &args.strip {
        write_png(path, &sheet.picture()?)?;
    }
    Ok(measured)
}

fn add_vmaf(
    measured: &mut MeasuredTitle,
    ffmpeg: &Ffmpeg,
    title: &Title,
) -> Result<(), EvaluateError> {
    let rate = title.rungs()[0].track().frame_rate;
    for rung in &mut measured.rungs {
        if let (Some(originals), Some(shown)) = (&measured.originals, &rung.shown) {
            rung.report.figures.vmaf = ffmpeg.vmaf(originals, shown, rate)?;
        }
    }
    Ok(())
}

fn encode_codecs(bench: &CodecBench<'_>) -> Result<Vec<Encoded>, EvaluateError> {
    let bar = ProgressBar::new(0);
    let encoded = bench.run(&|progress| match progress {
        Progress::Encodes { done, total } => {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        Progress::Refused {
            encode,
            kbps,
            error,
        } => bar.suspend(|| eprintln!("{encode}, {kbps} kbit/s left out: {error}")),
        _ => {}
    });
    bar.finish_and_clear();
    encoded
}

/// Writes the results in every form that was asked for.
fn finish(
    args: &Args,
    title: &Title,
    measured: &MeasuredTitle,
    encoded: &[Encoded],
    bench: Option<&CodecBench<'_>>,
    version: &str,
) -> Result<(), CliError> {
    let rungs: Vec<&RungReport> = measured.rungs.iter().map(|rung| &rung.report).collect();
    let curves = evaluate::curves(&rungs, encoded);
    let against = bench.map(|bench| Against {
        ffmpeg: version,
        gop_s: bench.gop_s(),
        points: encoded,
        at_rungs: evaluate::at_rungs(&rungs, &curves),
        at_rates: evaluate::at_rates(&args.against.against_rates, &curves),
    });
    let track = title.rungs()[0].track();
    let report = Report {
        title: args.title.display().to_string(),
        reference: args.reference.display().to_string(),
        frames: measured.frames,
        duration_s: measured.duration_s,
        size: track.visible,
        fps: track.frame_rate.fps(),
        rungs,
        against,
    };
    eprint!("{}", report.text());
    if let Some(path) = &args.csv {
        atomic_write::write(path, report.csv().as_bytes())?;
    }
    if let (Some(folder), Some(bench)) = (&args.against.ladders, bench) {
        write_ladders(
            folder,
            args.against.ladder_rungs as usize,
            &curves,
            encoded,
            bench,
        )?;
    }
    if let Some(path) = &args.html {
        let page = evaluate::page(&report, measured, &curves, bench).map_err(failure)?;
        atomic_write::write(path, page.as_bytes())?;
    }
    if args.json {
        json_line::print(&report)?;
    }
    Ok(())
}

fn write_ladders(
    folder: &Path,
    rungs: usize,
    curves: &[Curves],
    encoded: &[Encoded],
    bench: &CodecBench<'_>,
) -> Result<(), CliError> {
    let ladders = evaluate::ladders(rungs, curves, encoded, bench, &|progress| {
        if let Progress::Ladder { codec, rungs } = progress {
            eprintln!("{codec}: measuring {rungs} rungs");
        }
    });
    let ladders = ladders.map_err(failure)?;
    fs::create_dir_all(folder)
        .map_err(|error| CliError::input(format!("{}: {error}", folder.display())))?;
    for (codec, ladder) in ladders {
        let file = AgainstArgs::ladder_file(folder, codec);
        atomic_write::write(&file, &serde_json::to_vec_pretty(&ladder)?)?;
    }
    Ok(())
}
