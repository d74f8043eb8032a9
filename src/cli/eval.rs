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
//! `at_rates` (our curve and each codec's hull). VMAF, `--against`, `--html` and `--strip` keep
//! frames in temporary files, three bytes a pixel.

use super::{CliError, atomic_write, json_line, overwrite};
use crate::evaluate::{
    self, Codec, CodecBench, EvaluateError, Ffmpeg, Grid, Originals, Progress, Report, Spool,
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
    /// Scaling of the original to the title's size, if the title does not record it: native, pad,
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
    grid: Grid,
    /// Write one ladder per codec to DIR/CODEC.json for `promptus simulate --ladder`: its rungs are the
    /// corners of the codec's rate-quality hull, its segments are groups of pictures.
    #[arg(
        long,
        value_name = "DIR",
        requires = "codecs",
        help_heading = "Other codecs"
    )]
    ladders: Option<PathBuf>,
    /// Most rungs of such a ladder; rungs are at least a tenth of the rate apart.
    #[arg(long, default_value_t = 6, value_name = "N", help_heading = "Other codecs", value_parser = clap::value_parser!(u32).range(1..=64))]
    ladder_rungs: u32,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus eval`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    overwrite::files([&args.strip, &args.csv, &args.html].into_iter().flatten())?;
    if let Some(folder) = args.ladders.as_ref().filter(|folder| folder.exists()) {
        let codecs = args.grid.codecs.iter();
        let files: Vec<PathBuf> = codecs.map(|codec| ladder_file(folder, *codec)).collect();
        overwrite::files(&files)?;
    }
    let title = Title::open(&args.title)?;
    let scorer = Scorer::installed(&device::best())?;
    if scorer.lpips().is_none() {
        eprintln!("LPIPS weights are not installed: no LPIPS");
    }
    let mut ffmpeg = Ffmpeg::find();
    if let Some(ffmpeg) = &mut ffmpeg {
        ffmpeg.vmaf &= !args.no_vmaf;
    }
    if ffmpeg.is_none() && !args.grid.codecs.is_empty() {
        let message = "--against needs ffmpeg, which is not on PATH";
        return Err(CliError::input(message));
    }
    let (mut report, originals) = measure(args, &title, &scorer, ffmpeg.as_ref())?;
    let bench =
        match (&originals, &ffmpeg) {
            (Some(originals), Some(ffmpeg)) if !args.grid.codecs.is_empty() => Some(
                CodecBench::new(&report.rungs, originals, &scorer, ffmpeg, &args.grid)?,
            ),
            _ => None,
        };
    if let Some(bench) = &bench {
        let bar = ProgressBar::new(0);
        let encoded = bench.run(&|progress| show(&bar, progress));
        bar.finish_and_clear();
        report.compare(bench, encoded?, &args.grid.rates);
    }
    finish(args, &report, originals.as_ref(), bench.as_ref())
}

fn ladder_file(folder: &Path, codec: Codec) -> PathBuf {
    folder.join(format!("{codec}.json"))
}

fn measure(
    args: &Args,
    title: &Title,
    scorer: &Scorer,
    ffmpeg: Option<&Ffmpeg>,
) -> Result<(Report, Option<Spool>), EvaluateError> {
    let files = args.html.is_some() || args.strip.is_some();
    let keep = files || !args.grid.codecs.is_empty() || ffmpeg.is_some_and(|ffmpeg| ffmpeg.vmaf);
    let originals = Originals::open(&args.reference, title, args.scale, keep)?;
    evaluate::measure(title, originals, scorer, ffmpeg, &|progress| {
        if let Progress::Done(done, total) = progress {
            eprintln!("{done}/{total} frames");
        }
    })
}

fn show(bar: &ProgressBar, progress: Progress) {
    match progress {
        Progress::Done(done, total) => {
            bar.set_length(total);
            bar.set_position(done);
        }
        Progress::Note(text) => bar.suspend(|| eprintln!("{text}")),
    }
}

/// Writes the results in the requested forms.
fn finish(
    args: &Args,
    report: &Report,
    originals: Option<&Spool>,
    bench: Option<&CodecBench<'_>>,
) -> Result<(), CliError> {
    eprint!("{}", report.text());
    if let (Some(path), Some(originals)) = (&args.strip, originals) {
        write_png(path, &report.contact_sheet(originals, SHEET_COLUMNS)?)?;
    }
    if let Some(path) = &args.csv {
        atomic_write::write(path, report.csv()?.as_bytes())?;
    }
    if let (Some(folder), Some(bench)) = (&args.ladders, bench) {
        let note = |progress| show(&ProgressBar::hidden(), progress);
        let rungs = args.ladder_rungs as usize;
        let ladders = evaluate::ladders(rungs, report, bench, &note)?;
        fs::create_dir_all(folder).map_err(CliError::at(folder))?;
        for (codec, ladder) in ladders {
            let file = ladder_file(folder, codec);
            atomic_write::write(&file, &serde_json::to_vec_pretty(&ladder)?)?;
        }
    }
    if let Some(path) = &args.html {
        let page = evaluate::page(report, originals, bench)?;
        atomic_write::write(path, page.as_bytes())?;
    }
    if args.json {
        json_line::print(report)?;
    }
    Ok(())
}
