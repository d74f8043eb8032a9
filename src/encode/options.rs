//! What a fit may be told: rungs, precision, effort, start and the weights of its loss.

use super::InvertError;
use crate::model::Profile;
use crate::prompt::{CodingId, Interpolation, Quantiser};
use crate::segment::StartLatent;

/// How a segment is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Components of the rungs, rising; the last is how many are coded.
    pub ranks: Vec<usize>,
    /// Whether every rung takes part in the fit. If not, the highest one is fitted alone and the
    /// others are it cut short: a warning, for comparison.
    pub nested: bool,
    /// Passes over the keyframes; 0 leaves the start as it is.
    pub passes: u32,
    /// How keyframes become bytes. The reference's coding serves one rung only.
    pub coding: CodingId,
    /// What the frames between keyframes will be made from. Those that are moved pictures of the
    /// keyframes take no part in the fit.
    pub interpolation: Interpolation,
    /// Whether keyframes share V.
    pub basis: Basis,
    /// What a segment starts from.
    pub start: StartOptions,
    /// Widths that a decoder must accept (layered coding).
    pub quantiser: Quantiser,
    /// Step of the quantiser in units of U, above 0: smaller spends more bytes.
    pub step: f32,
    /// Squared error, in steps, that the coder may add to save one bit.
    pub thrift: f64,
    /// How far a pass moves U (root mean square), over the quantiser's step.
    pub rate: f64,
    /// How far a pass moves V, whose rows have length 1; 0 keeps it.
    pub basis_rate: f64,
    /// How far a pass pulls every entry of U towards 0, over the quantiser's step: saves bytes.
    pub pull: f64,
    /// Weights of the loss.
    pub loss: LossWeights,
    /// Side in pixels of the crops that the perceptual term looks at; a multiple of 32.
    pub crop: u32,
    /// Seed of everything random.
    pub seed: u32,
    /// Frames computed side by side.
    pub workers: usize,
}

/// Which keyframes share a V.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// All of a segment: it is sent once.
    Shared,
    /// None: every keyframe has its own, as in the reference.
    Own,
}

/// What a segment starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartOptions {
    /// The mode; chains are not fitted.
    pub mode: StartLatent,
    /// Cells along the longer side of a coarse latent, at least 1.
    pub side: usize,
    /// Bits of a value of a latent that is sent, 4 or 8.
    pub bits: u8,
}

impl Default for StartOptions {
    fn default() -> Self {
        Self {
            mode: StartLatent::Noise,
            side: 8,
            bits: 8,
        }
    }
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
    /// Coded size of a keyframe's U in bits per pixel, by the coder's own tables.
    pub rate: f64,
}

impl LossWeights {
    /// This crate's default.
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
            start: StartOptions::default(),
            quantiser: Quantiser {
                u_bits: 10,
                v_bits: 12,
            },
            step: 0.4,
            thrift: 0.1,
            rate: 0.1,
            basis_rate: 0.003,
            pull: 0.01,
            loss: LossWeights::DEFAULT,
            crop: 128,
            seed: 0,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl FitOptions {
    /// The defaults for titles of `profile`. Without an encoder network a fit begins with random
    /// factors, so it takes longer steps and many more passes, and every keyframe has its own V.
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
            pull: 0.0,
            crop: 256,
            ..defaults
        }
    }

    /// The quantiser that stands in the track.
    pub(super) fn quantiser(&self) -> Quantiser {
        match self.coding {
            CodingId::Layered => self.quantiser,
            CodingId::Reference => Quantiser::REFERENCE,
        }
    }
}

/// Most passes of a fit.
const MAX_PASSES: u32 = 100_000;

impl FitOptions {
    /// Fails on a value outside its range; `full_rank` is the profile's.
    pub fn check(&self, full_rank: usize) -> Result<(), InvertError> {
        let rises = self.ranks.is_sorted_by(|a, b| a < b);
        let within = |&rank: &usize| (1..=full_rank).contains(&rank);
        if !rises || self.ranks.is_empty() || !self.ranks.iter().all(within) {
            return wrong(
                "ranks",
                &self.ranks,
                "rising numbers from 1 to the full rank",
            );
        }
        if self.coding == CodingId::Reference && self.ranks.len() > 1 {
            let expected = "one number, since the reference's coding cannot be cut";
            return wrong("ranks", &self.ranks, expected);
        }
        let StartOptions { mode, side, bits } = self.start;
        if mode == StartLatent::Chain || side == 0 || !matches!(bits, 4 | 8) {
            let expected = "a mode of closed segments, a side of at least 1, 4 or 8 bits";
            return wrong("start", &self.start, expected);
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
            rate,
        } = self.loss;
        let rates = [self.rate, self.basis_rate, self.thrift, self.pull];
        let weights = [mse, perceptual, colour, prompt, rate];
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
