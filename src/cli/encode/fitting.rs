//! The options of `promptus encode` that decide what a fit does: presets, single weights, start
//! latent, coding.

use crate::cli::CliError;
use crate::encode::{Basis, FitOptions, Interval, LossWeights};
use crate::model::Profile;
use crate::prompt::{CodingId, Interpolation};
use crate::segment::StartLatent;
use crate::transcode::{Preset, Sampling};
use clap::ValueEnum;

const FIT: &str = "Fit";
const CODING: &str = "Quantiser and coding";
const LOSS: &str = "Loss (each replaces the preset's weight)";

/// Arguments that decide what a fit does.
#[derive(Debug, clap::Args)]
pub(super) struct FitArgs {
    /// Effort and loss of the fit.
    #[arg(long, value_enum, default_value_t = Preset::Default)]
    preset: Preset,
    /// Generator: `mini`, or `sd-turbo`, whose weights must be installed.
    #[arg(long, default_value = "mini", value_name = "NAME")]
    profile: String,
    /// Ranks of the rungs, ascending [default: 3,5,9,16 for mini, 2,4,6,8 for sd-turbo].
    #[arg(long, value_delimiter = ',', value_name = "R,…")]
    ranks: Vec<usize>,
    /// Frames computed in parallel [default: one per core, within 1 GB of memory, 3 GB at
    /// 1920x1080].
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
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
    #[arg(long, value_enum, default_value_t = Between::Motion, hide_short_help = true, help_heading = FIT)]
    between: Between,
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
    #[arg(long, value_enum, default_value_t = Coding::Layered, hide_short_help = true, help_heading = CODING)]
    coding: Coding,
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

/// Start latent of a segment.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Start {
    /// Noise alone.
    Noise,
    /// The latent of frame 0, generated from noise with the lowest rung's components.
    TwoPass,
}

/// How the frames between keyframes are made.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Between {
    /// Pictures of both keyframes, moved along the motion between them and blended.
    Motion,
    /// Interpolated prompts, as published: one pass of the generator a frame.
    Prompt,
}

/// How keyframes become bytes.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Coding {
    /// Predicted and entropy coded, one stream a component.
    Layered,
    /// The published method's 8-bit payloads, with V in every keyframe.
    Reference,
}

fn interval(text: &str) -> Result<Interval, String> {
    if text == "auto" {
        return Ok(Interval::Auto);
    }
    let frames = text.parse().ok().filter(|&frames| frames > 0);
    let frames = frames.map(Interval::Frames);
    frames.ok_or_else(|| format!("`{text}`: expected auto or a number from 1 up"))
}

impl FitArgs {
    /// The preset's name.
    pub(super) fn preset_name(&self) -> String {
        let value = self.preset.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Which frames are measured, none if `no_measure`.
    pub(super) fn sampling(&self, no_measure: bool) -> Sampling {
        if no_measure {
            Sampling::Nothing
        } else {
            self.preset.sampling()
        }
    }

    /// Workers that were asked for.
    pub(super) fn workers(&self) -> Option<usize> {
        self.workers
    }

    /// Distance of keyframes.
    pub(super) fn interval(&self, interpolation: Interpolation) -> Interval {
        self.interval.unwrap_or(self.preset.interval(interpolation))
    }

    /// Name of the generator profile.
    pub(super) fn profile(&self) -> &str {
        &self.profile
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
        let LossWeights {
            mse,
            perceptual,
            colour,
            prompt,
            rate,
        } = options.loss;
        options.loss = LossWeights {
            mse: self.weight_mse.unwrap_or(mse),
            perceptual: self.weight_perceptual.unwrap_or(perceptual),
            colour: self.weight_colour.unwrap_or(colour),
            prompt: self.weight_prompt.unwrap_or(prompt),
            rate: self.weight_rate.unwrap_or(rate),
        };
        options.start_latent = match self.start_latent {
            Start::Noise => StartLatent::Noise,
            Start::TwoPass => StartLatent::TwoPass,
        };
        if self.coding == Coding::Reference {
            options.coding = CodingId::Reference;
            options.basis = Basis::Own;
        }
        options.interpolation = match self.between {
            Between::Motion => Interpolation::Motion,
            Between::Prompt => Interpolation::Prompt,
        };
        options.seed = self.seed;
        options.workers = match self.workers {
            Some(0) => return Err(CliError::input("--workers 0: expected at least 1")),
            workers => workers.unwrap_or(options.workers),
        };
        Ok(options)
    }
}
