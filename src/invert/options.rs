//! What a fit may be told: rungs, precision, effort and the weights of its loss.

use super::InvertError;
use crate::prompt::Quantiser;

/// How a segment is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Components of the rungs, rising; the last is how many are coded.
    pub ranks: Vec<usize>,
    /// Passes over the keyframes; 0 leaves the encoder network's prompts as they are.
    pub passes: u32,
    /// Widths that a decoder must accept.
    pub quantiser: Quantiser,
    /// Step of the quantiser in units of U, above 0: smaller spends more bytes.
    pub step: f32,
    /// How far a pass moves U (root mean square), over the quantiser's step.
    pub rate: f64,
    /// How far a pass moves V, whose rows have length 1; 0 keeps it.
    pub basis_rate: f64,
    /// How far a pass pulls every entry of U towards 0, over the quantiser's step: saves bytes.
    pub thrift: f64,
    /// Weights of the loss.
    pub loss: LossWeights,
    /// Side in pixels of the crops that the perceptual term looks at; a multiple of 32.
    pub crop: u32,
    /// Seed of everything random.
    pub seed: u32,
    /// Frames computed side by side.
    pub workers: usize,
}

/// Weights of the terms of the loss, each at least 0. Pictures are in 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossWeights {
    /// Mean squared error.
    pub mse: f64,
    /// Perceptual distance: LPIPS, or the encoder network's features.
    pub perceptual: f64,
    /// Mean squared error of the picture averaged over 8×8 cells: holds colours in place.
    pub colour: f64,
    /// Mean magnitude of the composed prompt.
    pub prompt: f64,
}

impl LossWeights {
    /// This crate's default.
    pub const DEFAULT: Self = Self {
        mse: 16.0,
        perceptual: 0.2,
        colour: 8.0,
        prompt: 0.0,
    };
    /// The reference's: 0.8 MSE, 0.2 perceptual, 0.1 of the prompt's magnitude.
    pub const REFERENCE: Self = Self {
        mse: 0.8,
        perceptual: 0.2,
        colour: 0.0,
        prompt: 0.1,
    };
    /// No perceptual term: the best PSNR.
    pub const PSNR: Self = Self {
        perceptual: 0.0,
        ..Self::DEFAULT
    };
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            ranks: vec![3, 5, 9, 16],
            passes: 12,
            quantiser: Quantiser {
                u_bits: 10,
                v_bits: 12,
            },
            step: 0.4,
            rate: 0.1,
            basis_rate: 0.003,
            thrift: 0.01,
            loss: LossWeights::DEFAULT,
            crop: 128,
            seed: 0,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Most passes of a fit.
const MAX_PASSES: u32 = 100_000;

impl FitOptions {
    /// Fails on a value outside its range; `full_rank` is the profile's.
    pub(super) fn check(&self, full_rank: usize) -> Result<(), InvertError> {
        let rises = self.ranks.is_sorted_by(|a, b| a < b);
        let within = |&rank: &usize| (1..=full_rank).contains(&rank);
        if !rises || self.ranks.is_empty() || !self.ranks.iter().all(within) {
            return wrong(
                "ranks",
                &self.ranks,
                "rising numbers from 1 to the full rank",
            );
        }
        if self.passes > MAX_PASSES {
            return wrong("passes", &self.passes, "0 to 100000");
        }
        if !(self.step.is_finite() && self.step > 0.0) {
            return wrong("step", &self.step, "a number above 0");
        }
        if self.crop == 0 || !self.crop.is_multiple_of(32) {
            return wrong("crop", &self.crop, "a multiple of 32");
        }
        let LossWeights {
            mse,
            perceptual,
            colour,
            prompt,
        } = self.loss;
        let rates = [self.rate, self.basis_rate, self.thrift];
        let weights = [mse, perceptual, colour, prompt];
        let mut amounts = weights.iter().chain(&rates);
        match amounts.find(|a| !(a.is_finite() && **a >= 0.0)) {
            Some(amount) => wrong("a weight or rate", amount, "a number of at least 0"),
            None => Ok(()),
        }
    }
}

fn wrong(
    what: &'static str,
    got: &dyn std::fmt::Debug,
    expected: &'static str,
) -> Result<(), InvertError> {
    Err(InvertError::Option {
        what,
        got: format!("{got:?}"),
        expected,
    })
}
