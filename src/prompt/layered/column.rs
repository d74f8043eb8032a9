//! The context model of U: each column is a picture of integers on the token grid.
//!
//! Six linear predictors are blended, each weighted by its past error nearby, in the previous keyframe
//! and in the component below (after G. Seemann and P. Tischer, "Generalized locally adaptive DPCM",
//! 1997); the scale of the residual is a product of powers of the residuals around it in space, in time
//! and in lower components. Exponents and biases were fitted by maximum likelihood to prompts of panned
//! photographs and of moving clips.
//!
//! "Fine" values are in 1/16 of a quantiser step; logarithms are in 1/32 octaves.

use super::grid::{Grid, Motion, Neighbours};
use crate::prompt::entropy::{Coder, Distribution, OCTAVE, log2, weight};

/// Fine units per quantiser step.
const FINE: i32 = 16;
const PREDICTORS: usize = 6;

/// Fitted parameters, one set for the first keyframe of a segment and one for later ones.
struct Weights {
    /// By component 0, 1 and above, in 1/32 octaves.
    predictor_bias: [[i32; PREDICTORS]; 3],
    /// In 1/64, as all below: negated exponents of a predictor's error nearby, in the previous keyframe,
    /// and in the component below.
    nearby: i32,
    before: i32,
    below: i32,
    /// By component 0, 1 and above, in 1/32 octaves.
    scale_bias: [i32; 3],
    /// Exponents of the residuals nearby, in the previous keyframe, one and two components below, and
    /// the mean over all below; of the predictors' spread; of the whole map's mean in the previous
    /// keyframe, for this component and the one below.
    scale: [i32; 8],
}

const FIRST: Weights = Weights {
    predictor_bias: [
        [-33, 5, 46, 21, -33, 14],
        [35, -11, 12, -3, 35, -38],
        [43, -27, -23, -40, 43, -40],
    ],
    nearby: 123,
    before: 0,
    below: 113,
    scale_bias: [73, 14, 3],
    scale: [26, 0, 13, 11, 22, 17, 0, 0],
};

const LATER: Weights = Weights {
    predictor_bias: [
        [58, -42, 3, -7, -35, -42],
        [34, -20, -32, -40, 56, -20],
        [40, -39, -49, -53, 46, -33],
    ],
    nearby: 76,
    before: 74,
    below: 90,
    scale_bias: [22, 13, 2],
    scale: [12, 29, 8, 6, 27, 14, 15, -21],
};

/// State of a component for its next keyframe.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The integers, zero before the first keyframe.
    pub(super) values: Vec<i32>,
    /// Magnitudes of the residuals, fine.
    residuals: Vec<i32>,
    summary: Summary,
}

/// Logarithms of mean magnitudes over a map.
#[derive(Debug, Clone, Copy)]
struct Summary {
    predictors: [i32; PREDICTORS],
    residual: i32,
}

impl Summary {
    const NONE: Self = Self {
        predictors: [-2 * OCTAVE; PREDICTORS],
        residual: -2 * OCTAVE,
    };
}

impl Column {
    pub(super) fn new(tokens: usize) -> Self {
        Self {
            values: vec![0; tokens],
            residuals: vec![0; tokens],
            summary: Summary::NONE,
        }
    }
}

/// State of the lower components of one keyframe, for those above. Residuals are in steps of their own
/// component; `step` is the code of the latest step (1/8 octaves).
#[derive(Debug)]
pub(super) struct Below {
    components: usize,
    step: i32,
    /// Logarithms of the blurred residuals one and two components below.
    one: Vec<i32>,
    two: Vec<i32>,
    /// Sum of all residuals below, fine.
    sum: Vec<i32>,
    now: Summary,
    before: Summary,
}

impl Below {
    pub(super) fn new(tokens: usize) -> Self {
        Self {
            components: 0,
            step: 0,
            one: vec![-2 * OCTAVE; tokens],
            two: vec![-2 * OCTAVE; tokens],
            sum: vec![0; tokens],
            now: Summary::NONE,
            before: Summary::NONE,
        }
    }

    /// Converts to the units of a component with step code `step`.
    fn rescale(&mut self, step: i32) {
        let finer = 4 * (self.step - step);
        self.step = step;
        if self.components == 0 || finer == 0 {
            return;
        }
        let maps = self.one.iter_mut().chain(&mut self.two);
        maps.for_each(|log| *log += finer);
        for summary in [&mut self.now, &mut self.before] {
            summary.residual += finer;
            summary.predictors.iter_mut().for_each(|log| *log += finer);
        }
        self.sum
            .iter_mut()
            .for_each(|sum| *sum = scaled(*sum, finer));
    }
}

/// `value` · 2^(log/32), piecewise linear between powers of two; at most 2^24.
fn scaled(value: i32, log: i32) -> i32 {
    let octaves = log.div_euclid(OCTAVE).clamp(-30, 30);
    let line = i64::from(value) * i64::from(OCTAVE + log.rem_euclid(OCTAVE));
    let shifted = if octaves < 0 {
        line >> -octaves
    } else {
        line << octaves
    };
    (shifted / i64::from(OCTAVE)).min(1 << 24) as i32
}

/// log2 of a quarter step and `sum`, where a step is 2^`octaves`.
#[inline(always)]
fn log(sum: i32, octaves: i32) -> i32 {
    log2(sum + (1 << (octaves - 2))) - octaves * OCTAVE
}

/// Codes one component of one keyframe: input `targets` (in steps), output `column.values`.
pub(super) fn code(
    coder: &mut impl Coder,
    grid: &Grid,
    context: &Context,
    column: &mut Column,
    below: &mut Below,
    targets: &[f32],
) {
    below.rescale(context.step);
    let weights = if context.first { &FIRST } else { &LATER };
    let class = below.components.min(2);
    let scales = scale_map(grid, context, weights, column, below);
    let mut walk = Walk::new(grid, context, column);
    let mut biases = [NEVER; LANES];
    for (i, bias) in biases.iter_mut().take(PREDICTORS).enumerate() {
        let error =
            weights.before * column.summary.predictors[i] + weights.below * below.now.predictors[i];
        *bias = 64 * weights.predictor_bias[class][i] - error;
    }
    for (at, (near, scale)) in grid.neighbours().iter().zip(&scales).enumerate() {
        let (distribution, predictions) =
            walk.distribution(at, near, weights, &biases, *scale, context.max);
        let target = targets.get(at).copied().unwrap_or(0.0);
        walk.note(at, coder.integer(&distribution, target), predictions);
    }
    finish(grid, &walk, column, below);
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    pub(super) first: bool,
    pub(super) motion: Motion,
    pub(super) step: i32,
    pub(super) max: i32,
}

/// The part of the scales (in 1/64 of 1/32 octaves) that is known before the first symbol.
fn scale_map(
    grid: &Grid,
    context: &Context,
    weights: &Weights,
    column: &Column,
    below: &Below,
) -> Vec<i32> {
    let [_, before, one, two, all, _, mean_before, mean_below] = weights.scale;
    let fixed = 64 * weights.scale_bias[below.components.min(2)]
        + mean_before * column.summary.residual
        + mean_below * below.before.residual;
    let mut past = vec![-2 * OCTAVE; grid.len()];
    if !context.first {
        let moved = grid.moved(&column.residuals, context.motion);
        past = grid
            .blurred(&moved)
            .iter()
            .map(|&sum| log(sum, 8))
            .collect();
    }
    let unit = below.components.max(1) as i32 * FINE;
    let whole = log2(unit);
    let mean = |sum: i32| log2(sum + unit / 4) - whole;
    let lower = below.one.iter().zip(&below.two).zip(&below.sum);
    let terms = past.iter().zip(lower);
    let sum = |(past, ((first, second), sum)): (&i32, ((&i32, &i32), &i32))| {
        fixed + before * past + one * first + two * second + all * mean(*sum)
    };
    terms.map(sum).collect()
}

/// Raster scan over one map; every vector has an extra slot for the neighbours of the first token.
struct Walk {
    /// The motion-compensated previous keyframe, fine.
    past: Vec<i32>,
    /// The values so far, fine.
    known: Vec<i32>,
    /// Error magnitudes of the predictors so far, then of their blend, fine.
    errors: Vec<Lanes>,
}

/// Values or errors of the six predictors, then of their blend; the last lane is padding. Eight lanes
/// fill whole vectors, six would be computed one by one.
type Lanes = [i32; LANES];
const LANES: usize = 8;
const BLEND: usize = PREDICTORS;
/// Bias of a lane that is no predictor: its weight becomes 0.
const NEVER: i32 = -(1 << 29);

impl Walk {
    fn new(grid: &Grid, context: &Context, column: &Column) -> Self {
        let fine: Vec<i32> = column.values.iter().map(|value| value * FINE).collect();
        let mut past = grid.moved(&fine, context.motion);
        let corner = past.first().copied().unwrap_or(0);
        past.push(corner);
        let slots = past.len();
        let mut known = vec![0; slots];
        known[slots - 1] = corner;
        Self {
            past,
            known,
            errors: vec![[0; LANES]; slots],
        }
    }

    #[inline(always)]
    fn predictors(&self, at: usize, near: &Neighbours) -> Lanes {
        let (known, past) = (&self.known, &self.past);
        let (left, up, up_left) = (known[near.left], known[near.up], known[near.up_left]);
        let here = past[at];
        [
            here,
            (3 * (left + up) + up_left + known[near.up_right]) >> 3,
            here + left - past[near.left],
            here + up - past[near.up],
            0,
            left + up - up_left,
            0,
            0,
        ]
    }

    #[inline(always)]
    fn distribution(
        &self,
        at: usize,
        near: &Neighbours,
        weights: &Weights,
        biases: &Lanes,
        scale: i32,
        max: i32,
    ) -> (Distribution, Lanes) {
        let mut predictors = self.predictors(at, near);
        let errors = nearby(near, &self.errors).map(|sum| log(sum, 7));
        let merits = zip(biases, &errors, |bias, error| {
            (bias - weights.nearby * error) >> 6
        });
        let best = merits.into_iter().fold(i32::MIN, i32::max);
        let shares = merits.map(|merit| weight(merit - best));
        let total: i32 = shares.iter().sum();
        let blend = zip(&shares, &predictors, |share, value| share * value);
        let blend = blend.iter().sum::<i32>() / total;
        let spread = zip(&shares, &predictors, |share, value| {
            share * ((value - blend).abs() >> 1)
        });
        let spread = spread.iter().sum::<i32>();
        let spread = log2(spread + 2 * total) - log2(total) - 3 * OCTAVE;
        let scale = scale + weights.scale[0] * errors[BLEND] + weights.scale[5] * spread;
        let scale = (scale >> 6).clamp(-4 * OCTAVE, 8 * OCTAVE) - OCTAVE;
        predictors[BLEND] = blend;
        (Distribution::new(blend, scale, max), predictors)
    }

    /// Records the value at `at`, and the errors of its predictions.
    #[inline(always)]
    fn note(&mut self, at: usize, value: i32, mut predictions: Lanes) {
        let value = value * FINE;
        self.known[at] = value;
        predictions[LANES - 1] = value;
        self.errors[at] = predictions.map(|prediction| (value - prediction).abs());
    }
}

#[inline(always)]
fn zip(a: &Lanes, b: &Lanes, operation: impl Fn(i32, i32) -> i32) -> Lanes {
    std::array::from_fn(|lane| operation(a[lane], b[lane]))
}

/// Eight times the mean over the neighbours, the nearest two counting double.
#[inline(always)]
fn nearby(near: &Neighbours, errors: &[Lanes]) -> Lanes {
    let [left, up] = [errors[near.left], errors[near.up]];
    let [up_left, up_right] = [errors[near.up_left], errors[near.up_right]];
    let [left_left, up_up] = [errors[near.left_left], errors[near.up_up]];
    std::array::from_fn(|lane| {
        let near = 2 * (left[lane] + up[lane]) + up_left[lane] + up_right[lane];
        near + left_left[lane] + up_up[lane]
    })
}

/// Updates the state for the component above and for the next keyframe.
fn finish(grid: &Grid, walk: &Walk, column: &mut Column, below: &mut Below) {
    let places = grid.len();
    let mean = |sum: i64| log((sum * 16 / places as i64) as i32, 8);
    let mut sums = [0i64; 8];
    for errors in &walk.errors[..places] {
        for (sum, &error) in sums.iter_mut().zip(errors) {
            *sum += i64::from(error);
        }
    }
    let [a, b, c, d, e, f, blend, _] = sums.map(mean);
    let summary = Summary {
        predictors: [a, b, c, d, e, f],
        residual: blend,
    };
    let errors = walk.errors[..places].iter();
    let residuals: Vec<i32> = errors.map(|errors| errors[BLEND]).collect();
    let blurred = grid.blurred(&residuals);
    let blurred = blurred.iter().map(|&sum| log(sum, 8)).collect();
    below.two = std::mem::replace(&mut below.one, blurred);
    for (sum, residual) in below.sum.iter_mut().zip(&residuals) {
        *sum += residual;
    }
    below.components += 1;
    below.before = std::mem::replace(&mut column.summary, summary);
    below.now = summary;
    let values = walk.known[..places].iter().map(|value| value / FINE);
    column.values = values.collect();
    column.residuals = residuals;
}
