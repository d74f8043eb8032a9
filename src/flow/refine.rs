//! Variational refinement of the patches' flow (Brox et al. 2004): data terms for brightness and its
//! gradients and a smoothness term, each under a Charbonnier penalty, minimised by sweeps of successive
//! over-relaxation around a linearisation.

use super::grid::{Field, Plane};

/// Linearisations, sweeps in each, and over-relaxation factor.
const ROUNDS: usize = 3;
const SWEEPS: usize = 4;
const RELAXATION: f32 = 1.6;
/// Weights of the brightness term, the gradient term and the smoothness term.
const LAMBDA_DATA: f32 = 5.0;
const LAMBDA_GRADIENT: f32 = 10.0;
const ALPHA_SMOOTH: f32 = 20.0;
/// Regularisation of squared gradients in the data terms, and of the Charbonnier penalty.
const GRADIENT_EPS2: f32 = 0.01;
const CHARBONNIER_EPS2: f32 = 1e-6;

/// The linear equation of a pixel's step in one round: matrix (xx, xy, yy) and right-hand side of the
/// data terms, then the smoothness weights that a sweep needs.
#[derive(Clone, Copy, Default)]
struct Equation {
    matrix: [f32; 3],
    rhs: [f32; 2],
    /// Smoothness weights of the neighbours to the left, right, above and below; 0 past an edge.
    weights: [f32; 4],
    /// Inverse diagonal, smoothness included.
    inverse: [f32; 2],
}

/// Every pixel's step along x and y, on a grid with a border of one zero pixel, so that every pixel has
/// neighbours.
type Steps = Field;

/// Of brightness and its gradients along x and y, between the first picture and the second warped by
/// the field so far: difference, derivative along x, along y.
type Terms = [Vec<[f32; 3]>; 3];

/// Refines `field`, the motion from `from` to `to` on their grid.
pub(super) fn smooth(from: &Plane, to: &Plane, field: &mut Field) {
    let terms = terms(from, to, field);
    let (width, height) = field.size();
    let mut steps = Steps::filled(width + 2, height + 2, [0.0; 2]);
    let mut equations = vec![Equation::default(); width * height];
    for _ in 0..ROUNDS {
        linearise(&terms, &steps, &mut equations);
        add_smoothness(field, &steps, &mut equations);
        for _ in 0..SWEEPS {
            steps.sweep(&equations);
        }
    }
    for (y, row) in field.data.chunks_exact_mut(width).enumerate() {
        for (flow, step) in row.iter_mut().zip(steps.row(y + 1)) {
            flow[0] += step[0];
            flow[1] += step[1];
        }
    }
}

impl Steps {
    /// A row without the first border pixel; row 0 is border.
    fn row(&self, row: usize) -> &[[f32; 2]] {
        &self.data[row * self.width + 1..(row + 1) * self.width]
    }

    /// One sweep over all pixels, in place.
    fn sweep(&mut self, equations: &[Equation]) {
        let pitch = self.width;
        for (y, equations) in equations.chunks_exact(pitch - 2).enumerate() {
            let (above, rest) = self.data[y * pitch..].split_at_mut(pitch);
            let (here, below) = rest.split_at_mut(pitch);
            let mut left = [0.0; 2];
            for (x, equation) in equations.iter().enumerate() {
                let (right, up, down) = (here[x + 2], above[x + 1], below[x + 1]);
                let [l, r, u, d] = equation.weights;
                let sum = |part: usize| {
                    let known = equation.rhs[part] + r * right[part] + u * up[part];
                    known + d * down[part] + l * left[part]
                };
                let now = &mut here[x + 1];
                let first = (sum(0) - equation.matrix[1] * now[1]) * equation.inverse[0];
                now[0] += RELAXATION * (first - now[0]);
                let second = (sum(1) - equation.matrix[1] * now[0]) * equation.inverse[1];
                now[1] += RELAXATION * (second - now[1]);
                left = *now;
            }
        }
    }
}

fn terms(from: &Plane, to: &Plane, field: &Field) -> Terms {
    let there = Plane::from_fn(to.size(), |x, y| {
        let [u, v] = field.data[y * to.width + x];
        to.sample(x as f32 + u, y as f32 + v)
    });
    let [here_x, here_y] = from.gradients();
    let [there_x, there_y] = there.gradients();
    let pairs = [(from, &there), (&here_x, &there_x), (&here_y, &there_y)];
    pairs.map(|(here, there)| term(here, there))
}

fn term(here: &Plane, there: &Plane) -> Vec<[f32; 3]> {
    let mut mean = here.clone();
    for (m, t) in mean.data.iter_mut().zip(&there.data) {
        *m = 0.5 * (*m + t);
    }
    let [x, y] = mean.gradients();
    let differences = there.data.iter().zip(&here.data).map(|(t, h)| t - h);
    let slopes = x.data.iter().zip(&y.data);
    let terms = differences.zip(slopes);
    terms.map(|(d, (x, y))| [d, *x, *y]).collect()
}

/// Sets matrices and right-hand sides, linearised at the steps so far.
fn linearise([brightness, along_x, along_y]: &Terms, steps: &Steps, equations: &mut [Equation]) {
    let width = steps.width - 2;
    for (i, equation) in equations.iter_mut().enumerate() {
        let step = steps.row(i / width + 1)[i % width];
        equation.matrix = [GRADIENT_EPS2, 0.0, GRADIENT_EPS2];
        equation.rhs = [0.0; 2];
        equation.add(LAMBDA_DATA, &[brightness[i]], step);
        equation.add(LAMBDA_GRADIENT, &[along_x[i], along_y[i]], step);
    }
}

impl Equation {
    /// Adds data terms under one penalty.
    fn add<const N: usize>(&mut self, weight: f32, terms: &[[f32; 3]; N], step: [f32; 2]) {
        let mut squared = CHARBONNIER_EPS2;
        let scales = terms.map(|[d, x, y]| {
            let scale = 1.0 / (x * x + y * y + GRADIENT_EPS2);
            let left = d + x * step[0] + y * step[1];
            squared += left * left * scale;
            scale
        });
        let weight = weight / squared.sqrt();
        for ([d, x, y], scale) in terms.iter().zip(scales) {
            let w = weight * scale;
            self.matrix[0] += w * x * x;
            self.matrix[1] += w * x * y;
            self.matrix[2] += w * y * y;
            self.rhs[0] -= w * d * x;
            self.rhs[1] -= w * d * y;
        }
    }
}

/// Adds the smoothness term between each pixel and its neighbours, for the sum of field and step.
fn add_smoothness(field: &Field, steps: &Steps, equations: &mut [Equation]) {
    let (width, height) = field.size();
    let minus = |a: [f32; 2], b: [f32; 2]| [b[0] - a[0], b[1] - a[1]];
    for equation in &mut *equations {
        equation.weights = [0.0; 4];
    }
    for y in 0..height {
        let (here, below) = (steps.row(y + 1), steps.row(y + 2));
        for x in 0..width {
            let i = y * width + x;
            let flow = field.data[i];
            let mut apart = [[0.0; 2]; 2];
            let mut squared = CHARBONNIER_EPS2;
            let right = (x + 1 < width).then(|| (i + 1, here[x + 1]));
            let lower = (y + 1 < height).then(|| (i + width, below[x]));
            for (apart, other) in apart.iter_mut().zip([right, lower]) {
                let Some((j, step)) = other else { continue };
                *apart = minus(flow, field.data[j]);
                let change = minus(here[x], step);
                squared += (apart[0] + change[0]).powi(2) + (apart[1] + change[1]).powi(2);
            }
            let weight = ALPHA_SMOOTH / squared.sqrt();
            for (side, (apart, other)) in apart.into_iter().zip([right, lower]).enumerate() {
                let Some((j, _)) = other else { continue };
                for (part, apart) in apart.into_iter().enumerate() {
                    equations[i].rhs[part] += weight * apart;
                    equations[j].rhs[part] -= weight * apart;
                }
                equations[i].weights[1 + 2 * side] = weight;
                equations[j].weights[2 * side] = weight;
            }
        }
    }
    for equation in equations {
        let weights: f32 = equation.weights.iter().sum();
        let [xx, _, yy] = equation.matrix;
        equation.inverse = [1.0 / (xx + weights), 1.0 / (yy + weights)];
    }
}
