//! `promptus import`: the reference's prompts as a title.

use super::publish::{KeepOld, finish};
use super::{CliError, overwrite};
use crate::frame::Frame;
use crate::model::picture::to_tensor;
use crate::model::{Profile, device, installed};
use crate::package::work::Assembly;
use crate::package::{Destination, ImportOptions, from_official};
use crate::prompt::official::{INIT_FILE, InitLatent, OfficialFolder, read_prompts};
use crate::segment::parse_sha256;
use crate::time::FrameRate;
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
    /// Print one JSON object on stdout: title, hash, frames, segments, duration_s, and rungs (id, rank,
    /// kbps, bytes, segments, keyframes).
    #[arg(long)]
    json: bool,
}

fn weights_hash(text: &str) -> Result<[u8; 32], String> {
    parse_sha256(text).ok_or_else(|| "expected 64 hex digits".to_owned())
}

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
    let assembly = Assembly { content, files };
    finish(&title, &args.out, &assembly, args.keep, args.json)
}

/// A folder without `init.pth`, its start latent encoded from the true first frame.
fn with_first_frame(folder: &Path, file: &Path) -> Result<OfficialFolder, CliError> {
    let (init, name) = (folder.join(INIT_FILE), file.display());
    if init.exists() {
        let problem = "is there: --first-frame is for folders without one";
        return Err(CliError::input(format!("{} {problem}", init.display())));
    }
    let prompts = read_prompts(folder)?;
    let picture = image::open(file);
    let picture = picture.map_err(|error| CliError::input(format!("{name}: {error}")))?;
    let (width, height) = (picture.width(), picture.height());
    let (size, profile) = ((width, height), Profile::sd_turbo());
    if profile.coded_size(size) != size || width == 0 {
        return Err(CliError::input(format!(
            "{name}: a picture of {width}x{height}, expected sides that are multiples of {}",
            profile.cell
        )));
    }
    let frame = Frame::new(width, height, picture.into_rgb8().into_raw())?;
    let device = device::best();
    let latent = installed::vae(&device)?.encode(&to_tensor(&frame, size, &device)?)?;
    let shape = profile.latent_shape(size);
    let init = InitLatent {
        height: shape.rows,
        width: shape.columns,
        values: latent.flatten_all()?.to_vec1()?,
    };
    Ok(OfficialFolder { init, prompts })
}
