//! The optimiser: Adam (Kingma and Ba 2015, algorithm 1) with one second moment for all parameters of
//! a factor, in double precision, and the schedule of its learning rate.
//!
//! Plain Adam moves every entry equally far, relevant or not, which fills small entries with noise that
//! must be coded. With a common scale an entry moves in proportion to its gradient.

use super::prompts::{Gradient, Prompts};
use crate::encode::options::FitOptions;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.99;
const EPS: f64 = 1e-12;
/// Learning rate of the last pass relative to the first.
const FINAL_RATE: f64 = 0.1;

/// Learning rate of pass `pass` of `passes` relative to that of pass 0: half a cosine from 1 down to
/// [`FINAL_RATE`].
pub(super) fn share(pass: u32, passes: u32) -> f64 {
    let done = f64::from(pass) / f64::from(passes.max(1));
    let fall = 0.5 + 0.5 * (std::f64::consts::PI * done).cos();
    FINAL_RATE + (1.0 - FINAL_RATE) * fall
}

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

/// First moments of a gradient and the mean of its square.
#[derive(Debug, Clone)]
struct Adam {
    steps: i32,
    mean: Vec<f64>,
    square: f64,
}

impl Adam {
    fn new(count: usize) -> Self {
        Self {
            steps: 0,
            mean: vec![0.0; count],
            square: 0.0,
        }
    }

    /// Moves the parameters against their gradient, by about `rate` in the root mean square.
    fn step(&mut self, parameters: &mut [f32], gradient: &[f64], rate: f64) {
        self.steps += 1;
        let square = gradient.iter().map(|g| g * g).sum::<f64>() / gradient.len().max(1) as f64;
        self.square += (1.0 - BETA2) * (square - self.square);
        let mean_bias = 1.0 - BETA1.powi(self.steps);
        let square_bias = 1.0 - BETA2.powi(self.steps);
        let scale = rate / mean_bias / ((self.square / square_bias).sqrt() + EPS);
        let moments = self.mean.iter_mut().zip(gradient);
        for (parameter, (mean, &g)) in parameters.iter_mut().zip(moments) {
            *mean += (1.0 - BETA1) * (g - *mean);
            *parameter -= (scale * *mean) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;

    #[test]
    fn entries_converge_at_any_scale_and_move_in_proportion_to_their_gradient() {
        for scale in [1e-6, 1.0, 1e6] {
            let mut x = [3.0_f32, -2.0];
            let mut adam = Adam::new(2);
            for step in 0..400 {
                let gradient = x.map(|x| scale * f64::from(x));
                adam.step(&mut x, &gradient, 0.02 * (1.0 - f64::from(step) / 400.0));
            }
            assert!(x.iter().all(|x| x.abs() < 0.2), "{scale}: {x:?}");
        }
        let mut x = [0.0_f32; 2];
        Adam::new(2).step(&mut x, &[3.0, 0.03], 0.1);
        assert!((x[0] / x[1] - 100.0).abs() < 0.1);
    }
}
