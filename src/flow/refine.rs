//! A smooth field through the patches' answers: brightness and its gradients should stay what they
//! are along the motion, and neighbours should move alike; both may be broken here and there, at a
//! price that grows slowly. Solved by successive over-relaxation around a linearisation.

use super::field::Field;
use super::plane::Plane;

/// Linearisations, sweeps in each, and over-relaxation.
const ROUNDS: usize = 3;
const SWEEPS: usize = 4;
const RELAXATION: f32 = 1.6;
/// Prices of changed brightness, of changed gradients and of unlike neighbours.
const BRIGHTNESS: f32 = 5.0;
const GRADIENT: f32 = 10.0;
const UNLIKE: f32 = 20.0;
/// Least gradient by which differences are measured, squared; least price's argument, squared.
const FLAT: f32 = 0.01;
const SMALL: f32 = 1e-6;

/// What one round says of a pixel's step: the matrix (xx, xy, yy) and right-hand side of the
/// linearisation, then, with smoothness added, what a sweep needs.
#[derive(Clone, Copy, Default)]
struct Equation {
    matrix: [f32; 3],
    wanted: [f32; 2],
    /// Prices of being unlike the neighbours to the left, right, above and below; 0 past an edge.
    prices: [f32; 4],
    /// Inverse diagonal, prices included.
    inverse: [f32; 2],
}

/// A pixel's step along x and y, on a grid with an empty rim of one pixel, so that every pixel has
/// neighbours.
struct Steps {
    pitch: usize,
    data: Vec<[f32; 2]>,
}

/// What the second picture looks like along the field so far, and how it differs from the first.
struct Warped {
    /// Brightness, its gradients along x and y: value there less value here, slope along x, along y.
    terms: [Vec<[f32; 3]>; 3],
}

/// Refines `field`, the motion from `from` to `to` on their grid.
pub(super) fn smooth(from: &Plane, to: &Plane, field: &mut Field) {
    let warped = Warped::new(from, to, field);
    let (width, height) = (field.width, field.height);
    let pitch = width + 2;
    let mut steps = Steps {
        pitch,
        data: vec![[0.0; 2]; pitch * (height + 2)],
    };
    let mut equations = vec![Equation::default(); width * height];
    for _ in 0..ROUNDS {
        warped.linearised(&steps, width, &mut equations);
        joined(field, &steps, &mut equations);
        for _ in 0..SWEEPS {
            steps.sweep(&equations, width);
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
    /// A row without the rim's first pixel; row 0 is rim.
    fn row(&self, row: usize) -> &[[f32; 2]] {
        &self.data[row * self.pitch + 1..(row + 1) * self.pitch]
    }

    /// One sweep over all pixels, in place.
    fn sweep(&mut self, equations: &[Equation], width: usize) {
        for (y, equations) in equations.chunks_exact(width).enumerate() {
            let (above, rest) = self.data[y * self.pitch..].split_at_mut(self.pitch);
            let (here, below) = rest.split_at_mut(self.pitch);
            let mut left = [0.0; 2];
            for (x, equation) in equations.iter().enumerate() {
                let (right, up, down) = (here[x + 2], above[x + 1], below[x + 1]);
                let [l, r, u, d] = equation.prices;
                let pull = |part: usize| {
                    equation.wanted[part]
                        + r * right[part]
                        + u * up[part]
                        + d * down[part]
                        + l * left[part]
                };
                let now = &mut here[x + 1];
                let first = (pull(0) - equation.matrix[1] * now[1]) * equation.inverse[0];
                now[0] += RELAXATION * (first - now[0]);
                let second = (pull(1) - equation.matrix[1] * now[0]) * equation.inverse[1];
                now[1] += RELAXATION * (second - now[1]);
                left = *now;
            }
        }
    }
}

impl Warped {
    fn new(from: &Plane, to: &Plane, field: &Field) -> Self {
        let there = along(to, field);
        let (here_x, here_y) = from.gradients();
        let (there_x, there_y) = there.gradients();
        Self {
            terms: [
                term(from, &there),
                term(&here_x, &there_x),
                term(&here_y, &there_y),
            ],
        }
    }
}

/// `plane` as seen from the places that `field` leads away from.
fn along(plane: &Plane, field: &Field) -> Plane {
    let mut out = Plane::zero(plane.width, plane.height);
    for y in 0..plane.height {
        for x in 0..plane.width {
            let i = y * plane.width + x;
            let [u, v] = field.data[i];
            out.data[i] = plane.sample(x as f32 + u, y as f32 + v);
        }
    }
    out
}

fn term(here: &Plane, there: &Plane) -> Vec<[f32; 3]> {
    let mut mean = here.clone();
    for (m, t) in mean.data.iter_mut().zip(&there.data) {
        *m = 0.5 * (*m + t);
    }
    let (x, y) = mean.gradients();
    let differences = there.data.iter().zip(&here.data).map(|(t, h)| t - h);
    let slopes = x.data.iter().zip(&y.data);
    differences
        .zip(slopes)
        .map(|(d, (x, y))| [d, *x, *y])
        .collect()
}

impl Warped {
    /// Sets matrices and right-hand sides around the steps so far.
    fn linearised(&self, steps: &Steps, width: usize, equations: &mut [Equation]) {
        let [brightness, along_x, along_y] = &self.terms;
        for (i, equation) in equations.iter_mut().enumerate() {
            let step = steps.row(i / width + 1)[i % width];
            equation.matrix = [FLAT, 0.0, FLAT];
            equation.wanted = [0.0; 2];
            equation.add(BRIGHTNESS, &[brightness[i]], step);
            equation.add(GRADIENT, &[along_x[i], along_y[i]], step);
        }
    }
}

impl Equation {
    /// Adds terms that share one price.
    fn add<const N: usize>(&mut self, price: f32, terms: &[[f32; 3]; N], step: [f32; 2]) {
        let mut squared = SMALL;
        let scales = terms.map(|[d, x, y]| {
            let scale = 1.0 / (x * x + y * y + FLAT);
            let left = d + x * step[0] + y * step[1];
            squared += left * left * scale;
            scale
        });
        let price = price / squared.sqrt();
        for ([d, x, y], scale) in terms.iter().zip(scales) {
            let w = price * scale;
            self.matrix[0] += w * x * x;
            self.matrix[1] += w * x * y;
            self.matrix[2] += w * y * y;
            self.wanted[0] -= w * d * x;
            self.wanted[1] -= w * d * y;
        }
    }
}

/// Joins each pixel with its neighbours: they should move alike as wholes, steps and field.
fn joined(field: &Field, steps: &Steps, equations: &mut [Equation]) {
    let (width, height) = (field.width, field.height);
    let unlike = |a: [f32; 2], b: [f32; 2]| [b[0] - a[0], b[1] - a[1]];
    for equation in &mut *equations {
        equation.prices = [0.0; 4];
    }
    for y in 0..height {
        let (here, below) = (steps.row(y + 1), steps.row(y + 2));
        for x in 0..width {
            let i = y * width + x;
            let flow = field.data[i];
            let mut apart = [[0.0; 2]; 2];
            let mut squared = SMALL;
            let right = (x + 1 < width).then(|| (i + 1, here[x + 1]));
            let lower = (y + 1 < height).then(|| (i + width, below[x]));
            for (apart, other) in apart.iter_mut().zip([right, lower]) {
                let Some((j, step)) = other else { continue };
                *apart = unlike(flow, field.data[j]);
                let change = unlike(here[x], step);
                squared += (apart[0] + change[0]).powi(2) + (apart[1] + change[1]).powi(2);
            }
            let price = UNLIKE / squared.sqrt();
            for (side, (apart, other)) in apart.into_iter().zip([right, lower]).enumerate() {
                let Some((j, _)) = other else { continue };
                for (part, apart) in apart.into_iter().enumerate() {
                    equations[i].wanted[part] += price * apart;
                    equations[j].wanted[part] -= price * apart;
                }
                equations[i].prices[1 + 2 * side] = price;
                equations[j].prices[2 * side] = price;
            }
        }
    }
    for equation in equations {
        let prices: f32 = equation.prices.iter().sum();
        let [xx, _, yy] = equation.matrix;
        equation.inverse = [1.0 / (xx + prices), 1.0 / (yy + prices)];
    }
}
