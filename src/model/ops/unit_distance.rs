//! Weighted squared distance of feature maps, every place normalised over its channels: one level
//! of a perceptual metric (Zhang et al. 2018, equation 1).

// Zips of four slices are not inlined, and then neither compiled for the better instruction set.
#![allow(clippy::needless_range_loop)]

use std::sync::Arc;

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{Unary, apply, is_served, with_values};
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
            bail!(
                "unit distance: {channels} channels but weight {:?}",
                weight.shape()
            );
        }
        let weight = Arc::new(weight.to_vec1()?);
        Ok(Self {
            target: unit(&target.detach())?.contiguous()?,
            weight,
        })
    }

    /// Maps (B, C, H, W) → (B): the mean over places of Σ_c weight_c · (x̂_c − target_c)², where
    /// x̂ = x / (|x| + 10⁻¹⁰) at each place. A target of one map serves all B.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (dims, target) = (x.dims4()?, self.target.dims4()?);
        if (dims.1, dims.2, dims.3) != (target.1, target.2, target.3)
            || ![1, dims.0].contains(&target.0)
        {
            bail!(
                "unit distance: {:?} from {:?}",
                x.shape(),
                self.target.shape()
            );
        }
        if is_served(x) && is_served(&self.target) {
            apply(x, self.clone())
        } else {
            self.composed(x)
        }
    }

    /// The same from candle's own operations, for other devices.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let weight = Tensor::new(self.weight.as_slice(), x.device())?.reshape((1, (), 1, 1))?;
        let squares = unit(x)?.broadcast_sub(&self.target)?.sqr()?;
        squares
            .broadcast_mul(&weight)?
            .sum(1)?
            .flatten_from(1)?
            .mean(1)
    }

    /// Calls `f` with the values of the target.
    fn with_target<T>(&self, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
        with_values(&self.target, f)
    }
}

/// Every place of `x` (B, C, H, W) divided by its length over the channels.
fn unit(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&(x.sqr()?.sum_keepdim(1)?.sqrt()? + f64::from(EPS))?)
}

impl Unary for UnitDistance {
    const NAME: &'static str = "unit distance";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let (channels, plane) = (dims[1], (dims[2] * dims[3]).max(1));
        let image = channels * plane;
        let distances = self.with_target(|target| {
            let images = x
                .chunks_exact(image)
                .zip(target.chunks_exact(image).cycle());
            Ok(images
                .map(|(x, target)| {
                    let weight = &self.weight;
                    let starts: Vec<usize> = (0..plane).step_by(CHUNK).collect();
                    let parts = starts.par_iter().map(|&start| {
                        let end = (start + CHUNK).min(plane);
                        dispatch(Distance {
                            x,
                            target,
                            weight,
                            plane,
                            start,
                            end,
                        })
                    });
                    let parts: Vec<f64> = parts.collect();
                    (parts.iter().sum::<f64>() / plane as f64) as f32
                })
                .collect())
        })?;
        Ok((distances, Shape::from(dims[0])))
    }

    fn backward(&self, x: &[f32], _: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let (channels, plane) = (dims[1], (dims[2] * dims[3]).max(1));
        let image = channels * plane;
        let mut result = vec![0f32; x.len()];
        self.with_target(|target| {
            let images = x
                .chunks_exact(image)
                .zip(target.chunks_exact(image).cycle());
            for ((x, target), (result, gradient)) in
                images.zip(result.chunks_exact_mut(image).zip(gradient))
            {
                let mut pieces: Vec<Vec<&mut [f32]>> =
                    (0..plane.div_ceil(CHUNK)).map(|_| Vec::new()).collect();
                for channel in result.chunks_exact_mut(plane) {
                    pieces
                        .iter_mut()
                        .zip(channel.chunks_mut(CHUNK))
                        .for_each(|(p, c)| p.push(c));
                }
                let scale = 2.0 * gradient / plane as f32;
                pieces
                    .par_iter_mut()
                    .enumerate()
                    .for_each(|(index, result)| {
                        let start = index * CHUNK;
                        dispatch(Slope {
                            x,
                            target,
                            weight: &self.weight,
                            plane,
                            start,
                            scale,
                            result,
                        });
                    });
            }
            Ok(())
        })?;
        Ok(result)
    }
}

/// Per place: one over the norm over the channels. Where everything is zero, so that there is no
/// direction, the result is 0 if `or_zero`.
#[inline(always)]
fn inverse_norms<S: Simd>(
    simd: S,
    x: &[f32],
    plane: usize,
    start: usize,
    or_zero: bool,
    out: &mut [f32],
) {
    out.fill(0.0);
    for channel in x.chunks_exact(plane) {
        let channel = &channel[start..][..out.len()];
        for (sum, x) in out.iter_mut().zip(channel) {
            *sum = simd.mul_add1(*x, *x, *sum);
        }
    }
    for sum in out {
        let none = or_zero && *sum == 0.0;
        *sum = if none { 0.0 } else { 1.0 / (sum.sqrt() + EPS) };
    }
}

/// The sum of distances over places `start..end`.
struct Distance<'a> {
    x: &'a [f32],
    target: &'a [f32],
    weight: &'a [f32],
    plane: usize,
    start: usize,
    end: usize,
}

impl Kernel for Distance<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let (mut inverse, mut sums) = ([0f32; CHUNK], [0f32; CHUNK]);
        let count = self.end - self.start;
        let (inverse, sums) = (&mut inverse[..count], &mut sums[..count]);
        inverse_norms(simd, self.x, self.plane, self.start, false, inverse);
        for (channel, &weight) in self.weight.iter().enumerate() {
            let places = channel * self.plane + self.start..channel * self.plane + self.end;
            let (x, target) = (&self.x[places.clone()], &self.target[places]);
            for i in 0..count {
                let difference = x[i] * inverse[i] - target[i];
                sums[i] = simd.mul_add1(weight * difference, difference, sums[i]);
            }
        }
        sums.iter().map(|&sum| f64::from(sum)).sum()
    }
}

/// The gradient at a chunk of places from `start` on, one slice of `result` a channel.
struct Slope<'a, 'r> {
    x: &'a [f32],
    target: &'a [f32],
    weight: &'a [f32],
    plane: usize,
    start: usize,
    scale: f32,
    result: &'a mut [&'r mut [f32]],
}

impl Kernel for Slope<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (mut inverse, mut along) = ([0f32; CHUNK], [0f32; CHUNK]);
        let count = self.result.first().map_or(0, |channel| channel.len());
        let (inverse, along) = (&mut inverse[..count], &mut along[..count]);
        inverse_norms(simd, self.x, self.plane, self.start, true, inverse);
        for (channel, out) in self.result.iter_mut().enumerate() {
            let start = channel * self.plane + self.start;
            let (x, target, out) = (
                &self.x[start..][..count],
                &self.target[start..][..count],
                &mut out[..count],
            );
            let weight = self.scale * self.weight[channel];
            for i in 0..count {
                let unit = x[i] * inverse[i];
                out[i] = weight * (unit - target[i]) * inverse[i];
                // ⟨gradient, unit vector⟩, whose share the normalisation takes out.
                along[i] = simd.mul_add1(out[i], unit, along[i]);
            }
        }
        for (channel, out) in self.result.iter_mut().enumerate() {
            let x = &self.x[channel * self.plane + self.start..][..count];
            let out = &mut out[..count];
            for i in 0..count {
                out[i] -= x[i] * inverse[i] * along[i];
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    fn distance(batch: usize) -> UnitDistance {
        let weight = normal(1, &[5]).abs().unwrap();
        UnitDistance::new(&normal(2, &[batch, 5, 23, 31]), &weight).unwrap()
    }

    #[test]
    fn gradients() {
        let x = normal(3, &[2, 5, 23, 31]);
        for batch in [1, 2] {
            let distance = distance(batch);
            check(&x, 1e-3, |x| UnitDistance::forward(&distance, x));
            check(&x, 1e-3, |x| {
                UnitDistance::forward(&distance, &(x + x.sqr()?)?)?.sqr()
            });
        }
    }

    #[test]
    fn agrees_with_the_composed_form() {
        let x = normal(3, &[2, 5, 23, 31]);
        let got: Vec<f32> = UnitDistance::forward(&distance(1), &x)
            .unwrap()
            .to_vec1()
            .unwrap();
        let expected: Vec<f32> = distance(1).composed(&x).unwrap().to_vec1().unwrap();
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-5 * expected, "{got} {expected}");
        }
    }

    #[test]
    fn dead_places_have_no_gradient() {
        let zeros = normal(3, &[1, 5, 23, 31]).zeros_like().unwrap();
        let x = candle_core::Var::from_tensor(&zeros).unwrap();
        let y = UnitDistance::forward(&distance(1), &x).unwrap();
        let gradient = y
            .backward()
            .unwrap()
            .get(&x)
            .unwrap()
            .flatten_all()
            .unwrap();
        assert!(gradient.to_vec1::<f32>().unwrap().iter().all(|&g| g == 0.0));
    }
}
