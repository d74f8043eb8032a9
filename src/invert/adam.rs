//! Adam (Kingma and Ba 2015, algorithm 1) on a slice of parameters, in double precision.

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.99;
const EPS: f64 = 1e-12;

/// First and second moments of a gradient.
#[derive(Debug, Clone)]
pub(super) struct Adam {
    steps: i32,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Adam {
    /// For `count` parameters.
    pub(super) fn new(count: usize) -> Self {
        Self {
            steps: 0,
            mean: vec![0.0; count],
            square: vec![0.0; count],
        }
    }

    /// Moves each parameter i against its gradient by about `rate(i)`.
    pub(super) fn step(
        &mut self,
        parameters: &mut [f32],
        gradient: &[f64],
        rate: impl Fn(usize) -> f64,
    ) {
        self.steps += 1;
        let mean_bias = 1.0 - BETA1.powi(self.steps);
        let square_bias = 1.0 - BETA2.powi(self.steps);
        for (i, (parameter, &g)) in parameters.iter_mut().zip(gradient).enumerate() {
            self.mean[i] += (1.0 - BETA1) * (g - self.mean[i]);
            self.square[i] += (1.0 - BETA2) * (g * g - self.square[i]);
            let mean = self.mean[i] / mean_bias;
            let spread = (self.square[i] / square_bias).sqrt() + EPS;
            *parameter -= (rate(i) * mean / spread) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;

    #[test]
    fn a_bowl_is_descended_whatever_its_scale() {
        let mut x = [3.0_f32, -2.0];
        let mut adam = Adam::new(2);
        for _ in 0..400 {
            let gradient = [1e-6 * f64::from(x[0]), 1e4 * f64::from(x[1])];
            adam.step(&mut x, &gradient, |_| 0.02);
        }
        assert!(x.iter().all(|x| x.abs() < 0.05), "{x:?}");
    }
}
