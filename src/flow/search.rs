//! Displacement of each patch by inverse search (Kroeger et al. 2016): Gauss-Newton steps with the
//! patch's own gradients, computed once, until the error stops falling.

use super::grid::{Field, Plane};

/// Side of a patch and distance between patches, pixels.
const SIDE: usize = 8;
const STRIDE: usize = 4;
/// Most steps of a patch; step length in pixels below which it has converged.
const STEPS: usize = 12;
const SHORT: f32 = 0.01;
/// Largest displacement of a patch at one level, in pixels.
const REACH: f32 = SIDE as f32;

const AREA: f32 = (SIDE * SIDE) as f32;

type Flow = [f32; 2];

/// A patch of the first picture with its gradients.
struct Patch {
    left: usize,
    top: usize,
    values: [f32; SIDE * SIDE],
    along_x: [f32; SIDE * SIDE],
    along_y: [f32; SIDE * SIDE],
    /// Inverse of the mean-free Gauss-Newton matrix: xx, xy, yy.
    inverse: Option<[f32; 3]>,
}

/// `before`, improved by searching each patch of `from` in `to`.
pub(super) fn improved(from: &Plane, to: &Plane, before: &Field) -> Field {
    let gradients = from.gradients();
    let lefts = starts(from.width);
    let tops = starts(from.height);
    let mut found: Vec<Flow> = Vec::with_capacity(lefts.len() * tops.len());
    let mut sum = Field::filled(from.width, from.height, [0.0; 2]);
    let mut weight = Plane::filled(from.width, from.height, 0.0);
    for (row, &top) in tops.iter().enumerate() {
        for (column, &left) in lefts.iter().enumerate() {
            let patch = Patch::cut(from, &gradients, left, top);
            let middle = (SIDE / 2) as f32 - 0.5;
            let own = before.sample(left as f32 + middle, top as f32 + middle);
            let here = found.len();
            let beside = (column > 0).then(|| found[here - 1]);
            let above = (row > 0).then(|| found[here - lefts.len()]);
            let flow = patch.find(to, own, [beside, above]);
            patch.spread(to, flow, &mut sum, &mut weight);
            found.push(flow);
        }
    }
    for (i, &w) in weight.data.iter().enumerate() {
        let w = w.max(f32::MIN_POSITIVE);
        sum.data[i] = sum.data[i].map(|part| part / w);
    }
    sum
}

/// First pixels of the patches along a side; the last patch ends with the side.
fn starts(length: usize) -> Vec<usize> {
    let last = length.saturating_sub(SIDE);
    let mut all: Vec<usize> = (0..last).step_by(STRIDE).collect();
    all.push(last);
    all
}

impl Patch {
    fn cut(from: &Plane, gradients: &[Plane; 2], left: usize, top: usize) -> Self {
        let take = |plane: &Plane| {
            std::array::from_fn(|i| plane.at((left + i % SIDE) as isize, (top + i / SIDE) as isize))
        };
        let [along_x, along_y] = gradients.each_ref().map(take);
        Self {
            left,
            top,
            values: take(from),
            inverse: inverse(&along_x, &along_y),
            along_x,
            along_y,
        }
    }

    /// The best flow found, starting from the best of `own` and the neighbours' flows.
    fn find(&self, to: &Plane, own: Flow, neighbours: [Option<Flow>; 2]) -> Flow {
        let mut best = own;
        let mut residual = self.residual(to, own);
        for candidate in neighbours.into_iter().flatten() {
            let other = self.residual(to, candidate);
            if other.error < residual.error {
                (best, residual) = (candidate, other);
            }
        }
        let Some([xx, xy, yy]) = self.inverse else {
            return best;
        };
        let begin = best;
        for _ in 0..STEPS {
            let [x, y] = residual.gradient;
            let step = [xx * x + xy * y, xy * x + yy * y];
            let next = [best[0] - step[0], best[1] - step[1]];
            let far = (next[0] - begin[0]).abs().max((next[1] - begin[1]).abs()) > REACH;
            let candidate = self.residual(to, next);
            let better = candidate.error < residual.error;
            if far || !better {
                break;
            }
            (best, residual) = (next, candidate);
            if step[0].abs().max(step[1].abs()) < SHORT {
                break;
            }
        }
        best
    }

    fn residual(&self, to: &Plane, flow: Flow) -> Residual {
        let there = window(to, self.left as f32 + flow[0], self.top as f32 + flow[1]);
        let (mut sum, mut square, mut gradient, mut sums) = (0.0, 0.0, [0.0; 2], [0.0; 2]);
        let slopes = self.along_x.iter().zip(&self.along_y);
        for ((there, here), (x, y)) in there.iter().zip(&self.values).zip(slopes) {
            let difference = there - here;
            sum += difference;
            square += difference * difference;
            gradient[0] += difference * x;
            gradient[1] += difference * y;
            sums[0] += x;
            sums[1] += y;
        }
        // The mean difference is subtracted: overall brightness may change.
        let mean = sum / AREA;
        Residual {
            error: square - sum * mean,
            gradient: [gradient[0] - mean * sums[0], gradient[1] - mean * sums[1]],
        }
    }

    /// Adds the patch's flow to the pixels that it covers, weighted by how well it fits.
    fn spread(&self, to: &Plane, flow: Flow, sum: &mut Field, weight: &mut Plane) {
        let there = window(to, self.left as f32 + flow[0], self.top as f32 + flow[1]);
        for (i, (there, here)) in there.iter().zip(&self.values).enumerate() {
            let (x, y) = (self.left + i % SIDE, self.top + i / SIDE);
            if x >= weight.width || y >= weight.height {
                continue;
            }
            let fit = 1.0 / (there - here).abs().max(1.0);
            let here = y * weight.width + x;
            sum.data[here][0] += fit * flow[0];
            sum.data[here][1] += fit * flow[1];
            weight.data[here] += fit;
        }
    }
}

/// Difference of a patch and the second picture at one displacement.
struct Residual {
    /// Sum of squared differences after subtracting their mean.
    error: f32,
    /// Half the gradient of the error along x and y.
    gradient: [f32; 2],
}

fn inverse(along_x: &[f32], along_y: &[f32]) -> Option<[f32; 3]> {
    let dot = |a: &[f32], b: &[f32]| -> f32 {
        let (sum_a, sum_b) = (a.iter().sum::<f32>(), b.iter().sum::<f32>());
        let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        product - sum_a * sum_b / AREA
    };
    let (xx, xy) = (dot(along_x, along_x), dot(along_x, along_y));
    let yy = dot(along_y, along_y);
    let determinant = xx * yy - xy * xy;
    // Below one squared grey level per pixel the patch has no texture to match.
    (determinant > AREA).then(|| [yy / determinant, -xy / determinant, xx / determinant])
}

/// `SIDE × SIDE` values at a subpixel position: the same four bilinear weights for the whole patch.
fn window(plane: &Plane, left: f32, top: f32) -> [f32; SIDE * SIDE] {
    let bound = |value: f32, length: usize| value.clamp(-(SIDE as f32), length as f32);
    let (left, top) = (bound(left, plane.width), bound(top, plane.height));
    let (x, y) = (left.floor(), top.floor());
    let (fx, fy) = (left - x, top - y);
    let (x, y) = (x as isize, y as isize);
    let inside =
        x >= 0 && y >= 0 && x as usize + SIDE < plane.width && y as usize + SIDE < plane.height;
    let mut rows = [[0.0; SIDE + 1]; SIDE + 1];
    for (j, row) in rows.iter_mut().enumerate() {
        if inside {
            let start = (y as usize + j) * plane.width + x as usize;
            row.copy_from_slice(&plane.data[start..start + SIDE + 1]);
        } else {
            for (i, value) in row.iter_mut().enumerate() {
                *value = plane.at(x + i as isize, y + j as isize);
            }
        }
    }
    let mut out = [0.0; SIDE * SIDE];
    for j in 0..SIDE {
        for i in 0..SIDE {
            let above = rows[j][i] * (1.0 - fx) + rows[j][i + 1] * fx;
            let below = rows[j + 1][i] * (1.0 - fx) + rows[j + 1][i + 1] * fx;
            out[j * SIDE + i] = above * (1.0 - fy) + below * fy;
        }
    }
    out
}
