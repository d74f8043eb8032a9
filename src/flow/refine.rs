//! A smooth field through the patches' answers: brightness and its gradients should stay what they
//! are along the motion, and neighbours should move alike; both may be broken here and there, at a
//! price that grows slowly. Solved by successive over-relaxation around a linearisation.

use super::field::Field;
use super::plane::Plane;

/// Linearisations, sweeps in each, and over-relaxation.
const ROUNDS: usize = 4;
const SWEEPS: usize = 4;
const RELAXATION: f32 = 1.6;
/// Prices of changed brightness, of changed gradients and of unlike neighbours.
const BRIGHTNESS: f32 = 5.0;
const GRADIENT: f32 = 10.0;
const UNLIKE: f32 = 20.0;
/// Least gradient by which differences are measured, squared; least price's argument, squared.
const FLAT: f32 = 0.01;
const SMALL: f32 = 1e-6;

/// The linear system of one round: per pixel the matrix (xx, xy, yy), the right-hand side and the
/// smoothness towards right and lower neighbours.
struct System {
    matrix: Vec<[f32; 3]>,
    wanted: Vec<[f32; 2]>,
    right: Vec<f32>,
    below: Vec<f32>,
}

/// What the second picture looks like along the field so far, and how it differs from the first.
struct Warped {
    /// Brightness, its gradients along x and y: value there less value here, slope along x, along y.
    terms: [Vec<[f32; 3]>; 3],
}

/// Refines `field`, the motion from `from` to `to` on their grid.
pub(super) fn smooth(from: &Plane, to: &Plane, field: &mut Field) {
    let warped = Warped::new(from, to, field);
    let count = from.data.len();
    let mut step = vec![[0.0f32; 2]; count];
    for _ in 0..ROUNDS {
        let system = System::new(&warped, field, &step);
        for _ in 0..SWEEPS {
            system.sweep(field, &mut step);
        }
    }
    for (flow, step) in field.data.iter_mut().zip(step) {
        flow[0] += step[0];
        flow[1] += step[1];
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

impl System {
    fn new(warped: &Warped, field: &Field, step: &[[f32; 2]]) -> Self {
        let count = step.len();
        let mut system = Self {
            matrix: vec![[FLAT, 0.0, FLAT]; count],
            wanted: vec![[0.0; 2]; count],
            right: vec![0.0; count],
            below: vec![0.0; count],
        };
        let [brightness, along_x, along_y] = &warped.terms;
        for i in 0..count {
            system.add(i, BRIGHTNESS, &[brightness[i]], step[i]);
            system.add(i, GRADIENT, &[along_x[i], along_y[i]], step[i]);
        }
        system.neighbours(field, step);
        system
    }

    /// Adds terms that share one price at a pixel.
    fn add(&mut self, i: usize, price: f32, terms: &[[f32; 3]], step: [f32; 2]) {
        let mut squared = SMALL;
        for [d, x, y] in terms {
            let left = d + x * step[0] + y * step[1];
            squared += left * left / (x * x + y * y + FLAT);
        }
        let price = price / squared.sqrt();
        for [d, x, y] in terms {
            let w = price / (x * x + y * y + FLAT);
            let matrix = &mut self.matrix[i];
            matrix[0] += w * x * x;
            matrix[1] += w * x * y;
            matrix[2] += w * y * y;
            self.wanted[i][0] -= w * d * x;
            self.wanted[i][1] -= w * d * y;
        }
    }

    fn neighbours(&mut self, field: &Field, step: &[[f32; 2]]) {
        let (width, height) = (field.width, field.height);
        let flow = |i: usize| [field.data[i][0] + step[i][0], field.data[i][1] + step[i][1]];
        for y in 0..height {
            for x in 0..width {
                let i = y * width + x;
                let here = flow(i);
                let right = if x + 1 < width { flow(i + 1) } else { here };
                let below = if y + 1 < height {
                    flow(i + width)
                } else {
                    here
                };
                let squared: f32 = (0..2)
                    .map(|c| (right[c] - here[c]).powi(2) + (below[c] - here[c]).powi(2))
                    .sum();
                let price = UNLIKE / (squared + SMALL).sqrt();
                self.right[i] = if x + 1 < width { price } else { 0.0 };
                self.below[i] = if y + 1 < height { price } else { 0.0 };
            }
        }
    }

    /// One sweep over all pixels, in place.
    fn sweep(&self, field: &Field, step: &mut [[f32; 2]]) {
        let (width, height) = (field.width, field.height);
        for y in 0..height {
            for x in 0..width {
                let i = y * width + x;
                let mut weight = 0.0;
                let mut pull = [0.0f32; 2];
                let mut towards = |price: f32, j: usize| {
                    weight += price;
                    pull[0] += price * (field.data[j][0] + step[j][0] - field.data[i][0]);
                    pull[1] += price * (field.data[j][1] + step[j][1] - field.data[i][1]);
                };
                if x > 0 {
                    towards(self.right[i - 1], i - 1);
                }
                if x + 1 < width {
                    towards(self.right[i], i + 1);
                }
                if y > 0 {
                    towards(self.below[i - width], i - width);
                }
                if y + 1 < height {
                    towards(self.below[i], i + width);
                }
                let [xx, xy, yy] = self.matrix[i];
                let (b0, b1) = (self.wanted[i][0] + pull[0], self.wanted[i][1] + pull[1]);
                let now = &mut step[i];
                now[0] += RELAXATION * ((b0 - xy * now[1]) / (xx + weight) - now[0]);
                now[1] += RELAXATION * ((b1 - xy * now[0]) / (yy + weight) - now[1]);
            }
        }
    }
}
