//! Weighted squared distance of feature maps, every place normalised over its channels: one level
//! of a perceptual metric (Zhang et al. 2018, equation 1).

// Zips of four slices are not inlined, and then neither compiled for the better instruction set.
#![allow(clippy::needless_range_loop)]

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{apply, is_served, with_values};
use super::cpu::simd::{Kernel, Simd, dispatch};

/// Added to each norm.
const EPS: f32 = 1e-10;
/// Pixels per parallel task.
const CHUNK: usize = 512;

/// The distance from a frozen target.
#[derive(Clone, Debug)]
pub struct UnitDistance {
    /// (1 or B, C, H, W), each place of length 1.
    target: Tensor,
    weight: Arc<Vec<f32>>,
}

impl UnitDistance {
    /// Freezes the target maps (1 or B, C, H, W) and the channel weights (C).
    pub fn new(target: &Tensor, weight: &Tensor) -> Result<Self> {
        let channels = target.dims4()?.1;
        if weight.dims1()? != channels {
            let weight = weight.shape();
            bail!("unit distance: {channels} channels but weight {weight:?}");
        }
        let weight = Arc::new(weight.to_vec1()?);
        let target = unit(&target.detach())?.contiguous()?;
        Ok(Self { target, weight })
    }

    /// Maps (B, C, H, W) → (B): the mean over places of Σ_c weight_c · (x̂_c − target_c)², where
    /// x̂ = x / (|x| + 10⁻¹⁰) at each place. A target of one map serves all B.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let ((batch, ..), (targets, ..)) = (x.dims4()?, self.target.dims4()?);
        if x.dims()[1..] != self.target.dims()[1..] || ![1, batch].contains(&targets) {
            let (got, target) = (x.shape(), self.target.shape());
            bail!("unit distance: {got:?} from {target:?}");
        }
        if !is_served(x) {
            return self.composed(x);
        }
        let plane = (x.dim(2)? * x.dim(3)?).max(1);
        let (own, back) = (self.clone(), self.clone());
        apply(
            x,
            batch,
            move |x| with_values(&own.target, |target| Ok(own.distances(x, target, plane))),
            move |x, _, gradient| {
                with_values(&back.target, |target| {
                    Ok(back.slopes(x, target, gradient, plane))
                })
            },
        )
    }

    /// The same from candle's own operations, for other devices.
    pub(super) fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let weight = Tensor::new(self.weight.as_slice(), x.device())?.reshape((1, (), 1, 1))?;
        let squares = unit(x)?.broadcast_sub(&self.target)?.sqr()?;
        let sums = squares.broadcast_mul(&weight)?.sum(1)?;
        sums.flatten_from(1)?.mean(1)
    }

    /// The distance of each image; planes have `plane` places.
    fn distances(&self, x: &[f32], target: &[f32], plane: usize) -> Vec<f32> {
        let (image, weight) = (self.weight.len() * plane, &*self.weight);
        let targets = target.chunks_exact(image).cycle();
        let distance = |(image, target)| {
            let places = Places {
                image,
                target,
                weight,
                plane,
                start: 0,
            };
            let starts: Vec<usize> = (0..plane).step_by(CHUNK).collect();
            let part = |&start| {
                let places = Places { start, ..places };
                dispatch(Distance(places, CHUNK.min(plane - start)))
            };
            let parts: Vec<f64> = starts.par_iter().map(part).collect();
            (parts.iter().sum::<f64>() / plane as f64) as f32
        };
        x.chunks_exact(image).zip(targets).map(distance).collect()
    }

    /// The gradient of `x` from those of the distances.
    fn slopes(&self, x: &[f32], target: &[f32], gradient: &[f32], plane: usize) -> Vec<f32> {
        let (image, weight) = (self.weight.len() * plane, &*self.weight);
        let mut result = vec![0f32; x.len()];
        let targets = target.chunks_exact(image).cycle();
        let images = x.chunks_exact(image).zip(targets).zip(gradient);
        for (((image, target), gradient), result) in images.zip(result.chunks_exact_mut(image)) {
            let places = Places {
                image,
                target,
                weight,
                plane,
                start: 0,
            };
            let mut pieces: Vec<Vec<&mut [f32]>> = Vec::new();
            pieces.resize_with(plane.div_ceil(CHUNK), Vec::new);
            for channel in result.chunks_exact_mut(plane) {
                let parts = pieces.iter_mut().zip(channel.chunks_mut(CHUNK));
                parts.for_each(|(piece, part)| piece.push(part));
            }
            let scale = 2.0 * gradient / plane as f32;
            let pieces = pieces.par_iter_mut().enumerate();
            pieces.for_each(|(index, result)| {
                let start = index * CHUNK;
                dispatch(Slope(Places { start, ..places }, scale, result));
            });
        }
        result
    }
}

/// Every place of `x` (B, C, H, W) divided by its length over the channels.
fn unit(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&(x.sqr()?.sum_keepdim(1)?.sqrt()? + f64::from(EPS))?)
}

/// A chunk of the places of an image.
#[derive(Clone, Copy)]
struct Places<'a> {
    image: &'a [f32],
    target: &'a [f32],
    /// Of the channels.
    weight: &'a [f32],
    /// Places of a channel.
    plane: usize,
    /// The first place of the chunk.
    start: usize,
}

impl<'a> Places<'a> {
    /// The values of `channel` at `count` places of the image and of its target.
    #[inline(always)]
    fn channel(&self, channel: usize, count: usize) -> (&'a [f32], &'a [f32]) {
        let start = channel * self.plane + self.start;
        (
            &self.image[start..][..count],
            &self.target[start..][..count],
        )
    }

    /// Per place: one over the norm over the channels. Where everything is zero, so that there is no
    /// direction, the result is 0 if `or_zero`.
    #[inline(always)]
    fn inverse_norms<S: Simd>(&self, simd: S, or_zero: bool, out: &mut [f32]) {
        out.fill(0.0);
        for channel in 0..self.weight.len() {
            let (x, _) = self.channel(channel, out.len());
            for (sum, x) in out.iter_mut().zip(x) {
                *sum = simd.mul_add1(*x, *x, *sum);
            }
        }
        for sum in out {
            let none = or_zero && *sum == 0.0;
            *sum = if none { 0.0 } else { 1.0 / (sum.sqrt() + EPS) };
        }
    }
}

/// The sum of distances over a number of places.
struct Distance<'a>(Places<'a>, usize);

impl Kernel for Distance<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let Self(places, count) = self;
        let (mut inverse, mut sums) = ([0f32; CHUNK], [0f32; CHUNK]);
        let (inverse, sums) = (&mut inverse[..count], &mut sums[..count]);
        places.inverse_norms(simd, false, inverse);
        for (channel, &weight) in places.weight.iter().enumerate() {
            let (x, target) = places.channel(channel, count);
            for i in 0..count {
                let difference = x[i] * inverse[i] - target[i];
                sums[i] = simd.mul_add1(weight * difference, difference, sums[i]);
            }
        }
        sums.iter().map(|&sum| f64::from(sum)).sum()
    }
}

/// The gradient at a chunk of places, times a scale, into one slice a channel.
struct Slope<'a, 'r>(Places<'a>, f32, &'a mut [&'r mut [f32]]);

impl Kernel for Slope<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self(places, scale, result) = self;
        let (mut inverse, mut along) = ([0f32; CHUNK], [0f32; CHUNK]);
        let count = result.first().map_or(0, |channel| channel.len());
        let (inverse, along) = (&mut inverse[..count], &mut along[..count]);
        places.inverse_norms(simd, true, inverse);
        for (channel, out) in result.iter_mut().enumerate() {
            let ((x, target), out) = (places.channel(channel, count), &mut out[..count]);
            let weight = scale * places.weight[channel];
            for i in 0..count {
                let unit = x[i] * inverse[i];
                out[i] = weight * (unit - target[i]) * inverse[i];
                // ⟨gradient, unit vector⟩, whose share the normalisation takes out.
                along[i] = simd.mul_add1(out[i], unit, along[i]);
            }
        }
        for (channel, out) in result.iter_mut().enumerate() {
            let ((x, _), out) = (places.channel(channel, count), &mut out[..count]);
            for i in 0..count {
                out[i] -= x[i] * inverse[i] * along[i];
            }
        }
    }
}
