//! The arguments of `promptus encode`: input and output, and what a fit does (presets, single weights,
//! start latent, coding).

use crate::cli::CliError;
use crate::cli::picture_args::PictureArgs;
use crate::cli::publish::KeepOld;
use crate::encode::{Basis, FitOptions, Interval};
use crate::model::Profile;
use crate::prompt::{CodingId, Interpolation};
use crate::segment::StartLatent;
use crate::transcode::{Preset, Shard};
use clap::ValueEnum;
use std::path::PathBuf;

const FIT: &str = "Fit";
const CODING: &str = "Quantiser and coding";
const LOSS: &str = "Loss (each replaces the preset's weight)";

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

/// Arguments that decide what a fit does.
#[derive(Debug, clap::Args)]
pub(super) struct FitArgs {
    /// Effort and loss of the fit.
    #[arg(long, value_enum, default_value_t = Preset::Default)]
    pub(super) preset: Preset,
    /// Generator: `mini`, or `sd-turbo`, whose weights must be installed.
    #[arg(long, default_value = "mini", value_name = "NAME")]
    pub(super) profile: String,
    /// Ranks of the rungs, ascending [default: 3,5,9,16 for mini, 2,4,6,8 for sd-turbo].
    #[arg(long, value_delimiter = ',', value_name = "R,…")]
    ranks: Vec<usize>,
    /// Frames computed in parallel [default: one per core, within 1 GB of memory, 3 GB at
    /// 1920x1080].
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<usize>,
    /// Fit the highest rung alone; lower rungs are truncations of it, for comparison.
    #[arg(long, hide_short_help = true, help_heading = FIT)]
    plain: bool,
    /// Passes over every keyframe; 0 keeps the encoder network's prompts [default: 20, or 1500 for
    /// a profile without such a network].
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = FIT)]
    steps: Option<u32>,
    /// Frames from keyframe to keyframe, or `auto`: chosen by the motion of each segment
    /// [default: auto, or 6 with --between prompt].
    #[arg(long, value_name = "FRAMES", value_parser = interval, hide_short_help = true, help_heading = FIT)]
    interval: Option<Interval>,
    /// How the frames between keyframes are made.
    #[arg(long, value_enum, default_value_t = Interpolation::Motion, hide_short_help = true, help_heading = FIT)]
    between: Interpolation,
    /// Start latent of every segment.
    #[arg(long, value_enum, default_value_t = Start::Noise, hide_short_help = true, help_heading = FIT)]
    start_latent: Start,
    /// Seed of all random numbers: the same seed and input give the same bytes.
    #[arg(long, default_value_t = 0, hide_short_help = true, help_heading = FIT)]
    seed: u32,
    /// Quantiser step in units of U: smaller is better and larger.
    #[arg(long, value_name = "STEP", hide_short_help = true, help_heading = CODING)]
    step: Option<f32>,
    /// Bits of the widest coded integer, 2 to 12: fewer coarsen strong components.
    #[arg(long, default_value_t = FitOptions::default().quantiser.u_bits, value_name = "BITS", hide_short_help = true, help_heading = CODING)]
    bits: u8,
    /// Squared error, in squared quantiser steps, that rate-distortion optimised quantisation may
    /// add to save one bit.
    #[arg(long, alias = "thrift", value_name = "ERROR", hide_short_help = true, help_heading = CODING)]
    rdoq_lambda: Option<f64>,
    /// Coding of keyframes; `reference` needs a single rank.
    #[arg(long, value_enum, default_value_t = CodingId::Layered, hide_short_help = true, help_heading = CODING)]
    coding: CodingId,
    /// Mean squared error; pictures are in 0..1.
    #[arg(long, value_name = "W", hide_short_help = true, help_heading = LOSS)]
    weight_mse: Option<f64>,
    /// Perceptual distance.
    #[arg(long, value_name = "W", hide_short_help = true, help_heading = LOSS)]
    weight_perceptual: Option<f64>,
    /// Squared error of 8×8 means.
    #[arg(long, value_name = "W", hide_short_help = true, help_heading = LOSS)]
    weight_colour: Option<f64>,
    /// Mean magnitude of the prompt.
    #[arg(long, value_name = "W", hide_short_help = true, help_heading = LOSS)]
    weight_prompt: Option<f64>,
    /// Coded size of a keyframe in bits per pixel.
    #[arg(long, value_name = "W", hide_short_help = true, help_heading = LOSS)]
    weight_rate: Option<f64>,
}

/// Start latents that a fit can choose.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Start {
    /// Noise alone.
    Noise,
    /// The latent of frame 0, generated from noise with the lowest rung's components.
    TwoPass,
}

fn interval(text: &str) -> Result<Interval, String> {
    match text.parse() {
        _ if text == "auto" => Ok(Interval::Auto),
        Ok(frames @ 1..) => Ok(Interval::Frames(frames)),
        _ => Err(format!("`{text}`: expected auto or a number from 1 up")),
    }
}

impl FitArgs {
    /// Distance of keyframes.
    pub(super) fn interval(&self) -> Interval {
        self.interval.unwrap_or(self.preset.interval(self.between))
    }

    /// The options for a generator of `profile`. Fails on 0 workers.
    pub(super) fn options(&self, profile: &Profile) -> Result<FitOptions, CliError> {
        let mut options = FitOptions::for_profile(profile);
        if !self.ranks.is_empty() {
            options.ranks.clone_from(&self.ranks);
        }
        options.nested = !self.plain;
        self.preset.apply(&mut options);
        options.passes = self.steps.unwrap_or(options.passes);
        options.step = self.step.unwrap_or(options.step);
        options.quantiser.u_bits = self.bits;
        options.rdoq_lambda = self.rdoq_lambda.unwrap_or(options.rdoq_lambda);
        for (weight, given) in [
            (&mut options.loss.mse, self.weight_mse),
            (&mut options.loss.perceptual, self.weight_perceptual),
            (&mut options.loss.colour, self.weight_colour),
            (&mut options.loss.prompt, self.weight_prompt),
            (&mut options.loss.rate, self.weight_rate),
        ] {
            *weight = given.unwrap_or(*weight);
        }
        options.start_latent = match self.start_latent {
            Start::Noise => StartLatent::Noise,
            Start::TwoPass => StartLatent::TwoPass,
        };
        options.coding = self.coding;
        if self.coding == CodingId::Reference {
            options.basis = Basis::Own;
        }
        options.interpolation = self.between;
        options.seed = self.seed;
        options.workers = self.workers.unwrap_or(options.workers);
        if options.workers == 0 {
            return Err(CliError::input("--workers 0: expected at least 1"));
        }
        Ok(options)
    }
}
