//! `promptus import`: the reference's prompts as a title.

use super::publish::KeepOld;
use super::{CliError, json_line, overwrite};
use crate::frame::Frame;
use crate::model::picture::to_tensor;
use crate::model::{Profile, device, installed};
use crate::package::{Destination, ImportOptions, TitleContent, TitleFiles, from_official};
use crate::prompt::official::{INIT_FILE, InitLatent, OfficialFolder, read_prompts};
use crate::segment::parse_sha256;
use crate::time::FrameRate;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `promptus import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with init.pth and frame_00000.prompt, frame_00010.prompt, …
    #[arg(value_name = "DIR")]
    input: PathBuf,
    /// Title to publish: a folder, made if it is missing, or s3://BUCKET/TITLE (gs://, az://).
    #[arg(long, value_name = "TITLE")]
    out: String,
    /// The true first frame (PNG or JPEG), where the folder has no init.pth: its start latent is
    /// then made with SD-Turbo's full-size autoencoder, which must be installed.
    #[arg(long, value_name = "PNG")]
    first_frame: Option<PathBuf>,
    /// Pictures a second, such as 30 or 30000/1001.
    #[arg(long, default_value = "30", value_name = "RATE")]
    fps: FrameRate,
    /// Width that is shown, in pixels; by default all that is generated.
    #[arg(long, requires = "height")]
    width: Option<u32>,
    /// Height that is shown, in pixels; by default all that is generated.
    #[arg(long, requires = "width")]
    height: Option<u32>,
    /// SHA-256 of the generator's weights file, 64 hex digits; players then refuse other weights.
    #[arg(long, value_name = "HEX", value_parser = weights_hash)]
    weights_sha256: Option<[u8; 32]>,
    #[command(flatten)]
    keep: KeepOld,
    /// Print one JSON object on stdout: title, hash, duration_s, and rungs (id, rank, kbps, bytes,
    /// segments, keyframes).
    #[arg(long)]
    json: bool,
}

fn weights_hash(text: &str) -> Result<[u8; 32], String> {
    parse_sha256(text).ok_or_else(|| "expected 64 hex digits".to_owned())
}

#[derive(Serialize)]
struct Report {
    title: String,
    hash: String,
    duration_s: f64,
    rungs: Vec<RungReport>,
}

#[derive(Serialize)]
struct RungReport {
    id: String,
    rank: u32,
    kbps: f64,
    bytes: u64,
    segments: usize,
    keyframes: usize,
}

/// Runs `promptus import`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let title = Destination::open(&args.out)?;
    overwrite::title(&title)?;
    let folder = match &args.first_frame {
        Some(picture) => with_first_frame(&args.input, picture)?,
        None => OfficialFolder::read(&args.input)?,
    };
    let options = ImportOptions {
        frame_rate: args.fps,
        visible: args.width.zip(args.height),
        weights: args.weights_sha256.unwrap_or_default(),
    };
    let content = from_official(&folder, options)?;
    let files = content.build()?;
    title.publish(&files, args.keep.duration())?;
    let report = report(args, &content, &files);
    for rung in &report.rungs {
        eprintln!(
            "{}: {} keyframes in {} segments, {:.1} s, {:.1} kbit/s",
            rung.id, rung.keyframes, rung.segments, report.duration_s, rung.kbps
        );
    }
    if args.json {
        json_line::print(&report)?;
    }
    Ok(())
}

/// A folder without `init.pth`, its start latent encoded from the true first frame.
fn with_first_frame(folder: &Path, file: &Path) -> Result<OfficialFolder, CliError> {
    let init = folder.join(INIT_FILE);
    if init.exists() {
        let path = init.display();
        return Err(CliError::input(format!(
            "{path} is there: --first-frame is for folders without one"
        )));
    }
    let prompts = read_prompts(folder)?;
    let picture = image::open(file).map_err(|error| {
        let path = file.display();
        CliError::input(format!("{path}: {error}"))
    })?;
    let size = (picture.width(), picture.height());
    let profile = Profile::sd_turbo();
    if profile.coded_size(size) != size || size.0 == 0 {
        return Err(CliError::input(format!(
            "{}: a picture of {}x{}, expected sides that are multiples of {}",
            file.display(),
            size.0,
            size.1,
            profile.cell
        )));
    }
    let frame = Frame::new(size.0, size.1, picture.into_rgb8().into_raw())?;
    let device = device::best();
    let latent = installed::vae(&device)?.encode(&to_tensor(&frame, size, &device)?)?;
    let shape = profile.latent_shape(size);
    let (height, width) = (shape.rows, shape.columns);
    let values = latent.flatten_all()?.to_vec1()?;
    let init = InitLatent {
        height,
        width,
        values,
    };
    Ok(OfficialFolder { init, prompts })
}

fn report(args: &Args, content: &TitleContent, files: &TitleFiles) -> Report {
    let duration_s = files.presentation.duration.seconds();
    let written = files
        .presentation
        .groups
        .iter()
        .flat_map(|group| &group.representations);
    let rungs = content.rungs.iter().zip(written).map(|(rung, written)| {
        let bytes = written.media_bytes();
        RungReport {
            id: written.id.clone(),
            rank: written.rank,
            kbps: written.kbps(duration_s),
            bytes,
            segments: rung.segments.len(),
            keyframes: rung
                .segments
                .iter()
                .map(|segment| segment.keyframes.len())
                .sum(),
        }
    });
    Report {
        title: args.out.clone(),
        hash: files.hash.clone(),
        duration_s,
        rungs: rungs.collect(),
    }
}
