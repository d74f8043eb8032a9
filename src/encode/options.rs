//! Options of a fit: rungs, precision, effort, start latent and the weights of the loss.

use super::error::EncodeError;
use crate::model::Profile;
use crate::prompt::{CodingId, Interpolation, Quantiser};
use crate::segment::StartLatent;

const MAX_PASSES: u32 = 100_000;

/// How a segment is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Components of the rungs, ascending; the last is how many are coded.
    pub ranks: Vec<usize>,
    /// Whether every rung is fitted. Otherwise only the highest one is, and the others are truncations
    /// of it: much worse, for comparison only.
    pub nested: bool,
    /// Passes over the keyframes; 0 keeps the initial factors.
    pub passes: u32,
    /// Coding of the keyframes. The reference's coding allows one rung only.
    pub coding: CodingId,
    /// How the frames between keyframes are made. With [`Interpolation::Motion`] only keyframes are
    /// fitted.
    pub interpolation: Interpolation,
    /// Whether keyframes share V.
    pub basis: Basis,
    /// Start latent of every segment: noise or two passes.
    pub start_latent: StartLatent,
    /// Widths that a decoder must accept (layered coding).
    pub quantiser: Quantiser,
    /// Quantiser step in units of U, above 0.
    pub step: f32,
    /// Squared error, in squared steps, that rate-distortion optimised quantisation may add to save
    /// one bit.
    pub rdoq_lambda: f64,
    /// Learning rate of U: root mean square change per pass, in quantiser steps.
    pub rate: f64,
    /// Learning rate of V, whose rows have length 1; 0 keeps it.
    pub basis_rate: f64,
    /// Soft threshold on U per pass, in quantiser steps (an L1 penalty): small entries cost bytes.
    pub l1_shrink: f64,
    /// Weights of the loss.
    pub loss: LossWeights,
    /// Side of the crops for the perceptual term, in pixels; a multiple of 32.
    pub crop: u32,
    /// Seed of all random numbers.
    pub seed: u32,
    /// Frames computed in parallel.
    pub workers: usize,
}

/// Which keyframes share a V.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// All keyframes of a segment: V is sent once.
    Shared,
    /// None: every keyframe has its own V, as in the reference.
    Own,
}

/// Weights of the terms of the loss, each at least 0. Pictures are in 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossWeights {
    /// Mean squared error.
    pub mse: f64,
    /// Perceptual distance: LPIPS, or the encoder network's features.
    pub perceptual: f64,
    /// Mean squared error of the picture averaged over 8×8 cells: keeps colours from drifting.
    pub colour: f64,
    /// Mean magnitude of the composed prompt.
    pub prompt: f64,
    /// Rate of a keyframe's U in bits per pixel, by the coder's own model.
    pub rate: f64,
}

impl LossWeights {
    /// The default.
    pub const DEFAULT: Self = Self {
        mse: 16.0,
        perceptual: 0.2,
        colour: 8.0,
        prompt: 0.0,
        rate: 0.2,
    };
    /// The reference's: 0.8 MSE, 0.2 perceptual, 0.1 of the prompt's magnitude.
    pub const REFERENCE: Self = Self {
        mse: 0.8,
        perceptual: 0.2,
        colour: 0.0,
        prompt: 0.1,
        rate: 0.0,
    };
    /// No perceptual term: the best PSNR.
    pub const MSE: Self = Self {
        perceptual: 0.0,
        ..Self::DEFAULT
    };
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            ranks: vec![3, 5, 9, 16],
            nested: true,
            passes: 20,
            coding: CodingId::Layered,
            interpolation: Interpolation::Motion,
            basis: Basis::Shared,
            start_latent: StartLatent::Noise,
            quantiser: Quantiser::new(10, 12),
            step: 0.4,
            rdoq_lambda: 0.1,
            rate: 0.1,
            basis_rate: 0.003,
            l1_shrink: 0.01,
            loss: LossWeights::DEFAULT,
            crop: 128,
            seed: 0,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl FitOptions {
    /// The defaults for titles of `profile`. Without an encoder network a fit starts from random factors,
    /// so it takes larger steps and many more passes, and every keyframe has its own V.
    pub fn for_profile(profile: &Profile) -> Self {
        let defaults = Self::default();
        if profile.encoder.is_some() {
            return defaults;
        }
        let full = profile.full_rank;
        let ranks = [full.div_ceil(4), full.div_ceil(2), full * 3 / 4, full];
        let mut ranks: Vec<usize> = ranks.into_iter().filter(|&rank| rank > 0).collect();
        ranks.dedup();
        Self {
            ranks,
            passes: 1500,
            basis: Basis::Own,
            step: 0.1,
            rate: 5.0,
            basis_rate: 0.005,
            l1_shrink: 0.0,
            crop: 256,
            ..defaults
        }
    }

    pub(super) fn quantiser(&self) -> Quantiser {
        match self.coding {
            CodingId::Layered => self.quantiser,
            CodingId::Reference => Quantiser::REFERENCE,
        }
    }

    /// Fails if a value is out of range; `full_rank` is the profile's.
    pub fn check(&self, full_rank: usize) -> Result<(), EncodeError> {
        let Self { ranks, loss, .. } = self;
        let rises = ranks.is_sorted_by(|a, b| a < b);
        let within = |&rank: &usize| (1..=full_rank).contains(&rank);
        if !rises || ranks.is_empty() || !ranks.iter().all(within) {
            return wrong("ranks", ranks, "ascending numbers from 1 to the full rank");
        }
        if self.coding == CodingId::Reference && ranks.len() > 1 {
            let expected = "one number, since the reference's coding cannot be truncated";
            return wrong("ranks", ranks, expected);
        }
        let start = self.start_latent;
        if !matches!(start, StartLatent::Noise | StartLatent::TwoPass) {
            return wrong("start latent", start, "noise or two passes");
        }
        if self.passes > MAX_PASSES {
            return wrong("passes", self.passes, "0 to 100000");
        }
        if !(self.step.is_finite() && self.step > 0.0) {
            return wrong("step", self.step, "a number above 0");
        }
        if self.crop == 0 || !self.crop.is_multiple_of(32) {
            return wrong("crop", self.crop, "a multiple of 32");
        }
        let rates = [self.rate, self.basis_rate, self.rdoq_lambda, self.l1_shrink];
        let weights = [
            loss.mse,
            loss.perceptual,
            loss.colour,
            loss.prompt,
            loss.rate,
        ];
        let mut amounts = weights.iter().chain(&rates);
        match amounts.find(|a| !(a.is_finite() && **a >= 0.0)) {
            Some(amount) => wrong("a weight or rate", amount, "a number of at least 0"),
            None => Ok(()),
        }
    }
}

fn wrong(what: &str, got: impl std::fmt::Debug, expected: &str) -> Result<(), EncodeError> {
    let text = format!("{what} is {got:?}, expected {expected}");
    Err(EncodeError::Input(text))
}
