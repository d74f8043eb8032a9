//! The options of `promptus encode` that decide what a fit does: presets, single weights, start
//! latent, coding.

use super::measure::Sampling;
use crate::cli::CliError;
use crate::encode::{Basis, FitOptions, Interval, LossWeights};
use crate::model::Profile;
use crate::prompt::{CodingId, Interpolation};
use crate::segment::StartLatent;
use clap::ValueEnum;

/// Arguments that decide what a fit does.
#[derive(Debug, clap::Args)]
pub(super) struct FitArgs {
    /// Generator that the prompts are for, `mini` or `sd-turbo`; the latter's weights must be
    /// installed.
    #[arg(long, default_value = "mini", value_name = "NAME")]
    profile: String,
    /// Components of the rungs, rising; by default 3,5,9,16 for mini and 2,4,6,8 for sd-turbo.
    #[arg(long, value_delimiter = ',', value_name = "R,…")]
    ranks: Vec<usize>,
    /// Fit the highest rung alone: lower rungs are it cut short, as a warning.
    #[arg(long)]
    plain: bool,
    /// Passes of the fit over every keyframe; 0 keeps the encoder network's prompts. By default
    /// 20, or 1500 for a profile without such a network.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Step of the quantiser in units of U: smaller is better and larger.
    #[arg(long, value_name = "STEP")]
    step: Option<f32>,
    /// Bits of the widest integer that is coded, 2 to 12: fewer coarsen strong components.
    #[arg(long, default_value_t = FitOptions::default().quantiser.u_bits, value_name = "BITS")]
    bits: u8,
    /// How long the fit goes on, and what it lowers.
    #[arg(long, value_enum, default_value_t = Preset::Default)]
    preset: Preset,
    /// Weight of the mean squared error, in place of the preset's; pictures are in 0..1.
    #[arg(long, value_name = "W")]
    weight_mse: Option<f64>,
    /// Weight of the perceptual distance, in place of the preset's.
    #[arg(long, value_name = "W")]
    weight_perceptual: Option<f64>,
    /// Weight of the squared error of 8×8 means, in place of the preset's.
    #[arg(long, value_name = "W")]
    weight_colour: Option<f64>,
    /// Weight of the prompt's mean magnitude, in place of the preset's.
    #[arg(long, value_name = "W")]
    weight_prompt: Option<f64>,
    /// Weight of a keyframe's coded size in bits per pixel, in place of the preset's.
    #[arg(long, value_name = "W")]
    weight_rate: Option<f64>,
    /// Squared error, in quantiser steps, that the coder may add to save a bit.
    #[arg(long, value_name = "ERROR")]
    thrift: Option<f64>,
    /// What a segment starts from.
    #[arg(long, value_enum, default_value_t = Start::Noise)]
    start_latent: Start,
    /// How keyframes become bytes: `layered`, or `reference` for the published method's 8-bit
    /// payloads, which need a single rank and have a V in every keyframe.
    #[arg(long, value_enum, default_value_t = Coding::Layered)]
    coding: Coding,
    /// Frames from keyframe to keyframe, or `auto`: what suits the motion of each segment. By
    /// default auto, or 6 with --between prompt.
    #[arg(long, value_name = "FRAMES", value_parser = interval)]
    interval: Option<Interval>,
    /// What the frames between keyframes are made from.
    #[arg(long, value_enum, default_value_t = Between::Motion)]
    between: Between,
    /// Seed of everything random: the same seed and input give the same bytes.
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Frames that are computed side by side; by default one per core, as far as 1 GB of memory (3 GB
    /// at 1920x1080) goes.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
}

/// Presets of effort and loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// For looking at once: the encoder network's prompts as they are, keyframes ten frames apart,
    /// and a sample of the frames measured.
    Draft,
    /// Squared error, perceptual distance and colour.
    Default,
    /// The same with three times the passes.
    Best,
    /// The weights of the reference: 0.8 squared error, 0.2 perceptual, 0.1 prompt magnitude.
    Reference,
    /// Squared error and colour: nothing perceptual.
    Mse,
}

/// What a segment starts from.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Start {
    /// Nothing but noise.
    Noise,
    /// The latent that frame 0 has from noise with the lowest rung's components.
    TwoPass,
}

/// What the frames between keyframes are made from.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Between {
    /// The pictures of both keyframes, moved along the motion between them and blended.
    Motion,
    /// Prompts on the way from one to the other, as published: a pass of the generator a frame.
    Prompt,
}

/// How keyframes become bytes.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Coding {
    /// Predicted and entropy coded, one stream a component.
    Layered,
    /// The reference's bytes.
    Reference,
}

/// Interval of frames whose prompts are interpolated: a fade stays close to the motion.
const SHORT_INTERVAL: Interval = Interval::Frames(6);

fn interval(text: &str) -> Result<Interval, String> {
    if text == "auto" {
        return Ok(Interval::Auto);
    }
    let frames = text.parse().ok().filter(|&frames| frames > 0);
    let frames = frames.map(Interval::Frames);
    frames.ok_or_else(|| format!("`{text}` is no interval: expected auto or a number from 1 up"))
}

/// Interval of a draft: finding the best one takes longer than all else in it.
const DRAFT_INTERVAL: Interval = Interval::Frames(10);
/// How many times the usual passes the best preset makes.
const BEST: u32 = 3;
/// A draft measures one frame in so many: no multiple of usual intervals, so that keyframes have
/// their share and no more.
const DRAFT_STRIDE: u32 = 23;

impl FitArgs {
    /// The preset's name.
    pub(super) fn preset_name(&self) -> String {
        let value = self.preset.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Which frames are measured, none if `no_measure`.
    pub(super) fn sampling(&self, no_measure: bool) -> Sampling {
        match self.preset {
            _ if no_measure => Sampling::Nothing,
            Preset::Draft => Sampling::OneIn(DRAFT_STRIDE),
            _ => Sampling::Everything,
        }
    }

    /// Workers that were asked for.
    pub(super) fn workers(&self) -> Option<usize> {
        self.workers
    }

    /// How far apart keyframes stand.
    pub(super) fn interval(&self) -> Interval {
        self.interval.unwrap_or(match self.between {
            Between::Motion if self.preset == Preset::Draft => DRAFT_INTERVAL,
            Between::Motion => Interval::Auto,
            Between::Prompt => SHORT_INTERVAL,
        })
    }

    /// The generator profile that is asked for.
    pub(super) fn profile(&self) -> &str {
        &self.profile
    }

    /// The options for a generator of `profile`. Fails on a number of workers that is none.
    pub(super) fn options(&self, profile: &Profile) -> Result<FitOptions, CliError> {
        let mut options = FitOptions::for_profile(profile);
        if !self.ranks.is_empty() {
            options.ranks.clone_from(&self.ranks);
        }
        options.nested = !self.plain;
        let passes = match self.preset {
            Preset::Draft => 0,
            Preset::Best => BEST * options.passes,
            _ => options.passes,
        };
        options.passes = self.steps.unwrap_or(passes);
        options.step = self.step.unwrap_or(options.step);
        options.quantiser.u_bits = self.bits;
        self.weigh(&mut options);
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

    /// Sets the weights of the loss and of the rate.
    fn weigh(&self, options: &mut FitOptions) {
        let LossWeights {
            mse,
            perceptual,
            colour,
            prompt,
            rate,
        } = match self.preset {
            Preset::Draft | Preset::Default | Preset::Best => LossWeights::DEFAULT,
            Preset::Reference => LossWeights::REFERENCE,
            Preset::Mse => LossWeights::MSE,
        };
        if matches!(self.preset, Preset::Reference) {
            options.l1_shrink = 0.0;
        }
        options.loss = LossWeights {
            mse: self.weight_mse.unwrap_or(mse),
            perceptual: self.weight_perceptual.unwrap_or(perceptual),
            colour: self.weight_colour.unwrap_or(colour),
            prompt: self.weight_prompt.unwrap_or(prompt),
            rate: self.weight_rate.unwrap_or(rate),
        };
        options.rdoq_lambda = self.thrift.unwrap_or(options.rdoq_lambda);
    }
}
