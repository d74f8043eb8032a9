//! State of the optimiser and schedule of the learning rate.

use super::adam::Adam;
use super::prompts::{Gradient, Prompts};
use crate::encode::options::FitOptions;

/// Learning rate of the last pass relative to the first.
const FINAL_RATE: f64 = 0.1;

/// Learning rate of pass `pass` of `passes` relative to that of pass 0: half a cosine from 1 down to
/// [`FINAL_RATE`].
pub(super) fn share(pass: u32, passes: u32) -> f64 {
    let done = f64::from(pass) / f64::from(passes.max(1));
    let fall = 0.5 + 0.5 * (std::f64::consts::PI * done).cos();
    FINAL_RATE + (1.0 - FINAL_RATE) * fall
}

/// Moments of all factors.
#[derive(Debug)]
pub(super) struct Descent {
    u: Vec<Adam>,
    v: Vec<Adam>,
}

impl Descent {
    pub(super) fn new(prompts: &Prompts) -> Self {
        let each = |all: &[Vec<f32>]| all.iter().map(|x| Adam::new(x.len())).collect();
        Self {
            u: each(&prompts.u),
            v: each(&prompts.v),
        }
    }

    /// One step with `share` of the full learning rates.
    pub(super) fn step(
        &mut self,
        prompts: &mut Prompts,
        gradient: &Gradient,
        options: &FitOptions,
        share: f64,
    ) {
        let step = f64::from(options.step);
        for ((adam, u), g) in self.u.iter_mut().zip(&mut prompts.u).zip(&gradient.u) {
            adam.step(u, g, share * step * options.rate);
        }
        for ((adam, v), g) in self.v.iter_mut().zip(&mut prompts.v).zip(&gradient.v) {
            adam.step(v, g, share * options.basis_rate);
        }
        prompts.shrink((step * options.l1_shrink) as f32);
    }
}
