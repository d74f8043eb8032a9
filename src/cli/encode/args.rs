//! The arguments of `promptus encode`.

use super::fitting::FitArgs;
use crate::cli::picture_args::PictureArgs;
use crate::cli::publish::KeepOld;
use crate::transcode::Shard;
use std::path::PathBuf;

/// Arguments of `promptus encode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Video file or URL that ffmpeg reads, `-` (a video on stdin), .y4m file, images (a folder, a
    /// file, `frame%03d.png`, `'*.png'`), or pan-and-zoom recipe (.json).
    #[arg(value_name = "INPUT")]
    pub(super) input: PathBuf,
    /// Title to publish: a folder, made if it is missing, or s3://BUCKET/TITLE (gs://, az://). With
    /// --shard the place where finished segments are kept.
    #[arg(long, value_name = "TITLE")]
    pub(super) out: String,
    #[command(flatten)]
    pub(super) picture: PictureArgs,
    /// Length of a segment in seconds [default: 2, or 4 for inputs of ten minutes and more].
    #[arg(long, value_name = "SECONDS")]
    pub(super) segment_seconds: Option<f64>,
    #[command(flatten)]
    pub(super) fitting: FitArgs,
    /// Also publish the difference between neighbouring rungs, for players that fetch upgrades.
    #[arg(long)]
    pub(super) layers: bool,
    /// Start over instead of continuing from the segments that an interrupted run left.
    #[arg(long)]
    pub(super) restart: bool,
    /// Continuing is the default; still accepted.
    #[arg(long, hide = true, conflicts_with = "restart")]
    resume: bool,
    /// Skip the quality measurement; the title then has no quality.json.
    #[arg(long)]
    pub(super) no_measure: bool,
    /// Fit only segments I, I+N, I+2N, … (I from 0 to N−1) on this machine, for `promptus publish`
    /// to assemble.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["restart", "layers", "keep_old"])]
    pub(super) shard: Option<Shard>,
    #[command(flatten)]
    pub(super) keep: KeepOld,
    /// Print one JSON object on stdout.
    #[arg(long)]
    pub(super) json: bool,
}
