//! LPIPS v0.1 (Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual
//! Metric") with SqueezeNet 1.1: distances between channel-normalised feature maps after layers 1,
//! 4, 7, 9, 10, 11 and 12, weighted per channel by trained heads, averaged over places and added
//! up. Numbers of other backbones (VGG, AlexNet) are not comparable.
//!
//! The weights do not ship with the crate; see [`crate::model::installed`].

use candle_core::{Device, Tensor};

use super::QualityError;
use super::error::same_size;
use crate::frame::Frame;
use crate::model::ops::{Conv2d, UnitDistance, max_pool3s2_ceil};
use crate::model::scope::Scope;
use crate::model::weights::{Checkpoint, Source};
use crate::model::{ModelError, installed, picture};

/// The weights file, below one of the folders of [`installed::folders`].
pub const WEIGHTS: &str = "lpips/lpips_squeeze_v0.1.safetensors";

/// The published normalisation of colours in −1..1.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

/// Channels after the first convolution.
const STEM: usize = 64;
/// The fire modules: index among the layers, channels in, squeezed, expanded (twice), whether a
/// pooling precedes them, and whether their output is compared, as that of the first layer is.
const FIRES: [(usize, usize, usize, usize, bool, bool); 8] = [
    (3, 64, 16, 64, true, false),
    (4, 128, 16, 64, false, true),
    (6, 128, 32, 128, true, false),
    (7, 256, 32, 128, false, true),
    (9, 256, 48, 192, true, true),
    (10, 384, 48, 192, false, true),
    (11, 384, 64, 256, false, true),
    (12, 512, 64, 256, false, true),
];
/// The smallest side whose maps can be pooled three times.
const SMALLEST: usize = 25;

/// LPIPS v0.1 with SqueezeNet.
#[derive(Debug)]
pub struct Squeeze {
    stem: Conv2d,
    fires: Vec<Fire>,
    heads: Vec<Tensor>,
}

#[derive(Debug)]
struct Fire {
    after_pooling: bool,
    squeeze: Conv2d,
    expand: Conv2d,
    is_tap: bool,
}

/// Target of a comparison: the feature maps of the originals, computed once.
#[derive(Debug)]
pub struct Target(Vec<UnitDistance>);

impl Squeeze {
    /// The metric with installed weights; `None` where they are not installed.
    pub fn installed(device: &Device) -> Result<Option<Self>, QualityError> {
        let file = installed::find(WEIGHTS);
        file.map(|file| Self::new(&Checkpoint::read(&file, device)?))
            .transpose()
    }

    /// Takes the weights from `source`: torchvision's `features.*` and the heads `lin0`…`lin6`.
    pub fn new(source: &dyn Source) -> Result<Self, QualityError> {
        let root = Scope::root(source);
        let fires = FIRES.map(
            |(index, inputs, squeezed, expanded, after_pooling, is_tap)| {
                let scope = root.sub("features").sub(index);
                Ok(Fire {
                    after_pooling,
                    squeeze: scope.sub("squeeze").conv1(inputs, squeezed)?,
                    expand: expansion(&scope, squeezed, expanded)?,
                    is_tap,
                })
            },
        );
        let taps = FIRES.iter().filter(|fire| fire.5).map(|fire| 2 * fire.3);
        let channels = std::iter::once(STEM).chain(taps);
        let heads = channels.enumerate().map(|(index, channels)| {
            let scope = root.sub(format!("lin{index}"));
            let head = scope.tensor("weight", &[1, channels, 1, 1])?;
            Ok(head.reshape(channels)?)
        });
        Ok(Self {
            stem: stem(&root.sub("features").sub(0))?,
            fires: fires.into_iter().collect::<Result<_, ModelError>>()?,
            heads: heads.collect::<Result<_, ModelError>>()?,
        })
    }

    /// The originals (B, 3, H, W), values in 0..1, as a target. Without gradients.
    pub fn target(&self, originals: &Tensor) -> Result<Target, QualityError> {
        let maps = self.maps(&originals.detach())?;
        let pairs = maps.iter().zip(&self.heads);
        let taps = pairs.map(|(map, head)| UnitDistance::new(map, head));
        Ok(Target(taps.collect::<Result<_, _>>()?))
    }

    /// The distance of each picture (B, 3, H, W), values in 0..1, from its original: (B), 0 for
    /// equal pictures. Differentiable with respect to the pictures. A target of one original serves
    /// any number of pictures.
    pub fn distance(&self, pictures: &Tensor, target: &Target) -> Result<Tensor, QualityError> {
        let maps = self.maps(pictures)?;
        let mut total = Tensor::zeros(pictures.dim(0)?, pictures.dtype(), pictures.device())?;
        for (map, tap) in maps.iter().zip(&target.0) {
            total = (total + tap.forward(map)?)?;
        }
        Ok(total)
    }

    /// The distance of two frames of one size, at least 25×25.
    pub fn between(&self, a: &Frame, b: &Frame) -> Result<f64, QualityError> {
        same_size(a, b)?;
        let device = self.heads.first().map_or(&Device::Cpu, Tensor::device);
        let tensor =
            |frame: &Frame| picture::to_tensor(frame, (frame.width(), frame.height()), device);
        let distance = self.distance(&tensor(a)?, &self.target(&tensor(b)?)?)?;
        Ok(f64::from(distance.sum_all()?.to_scalar::<f32>()?))
    }

    /// The seven feature maps, finest first.
    fn maps(&self, pictures: &Tensor) -> Result<Vec<Tensor>, QualityError> {
        let (_, _, height, width) = pictures.dims4()?;
        if height.min(width) < SMALLEST {
            return Err(QualityError::TooSmall {
                metric: "LPIPS",
                least: SMALLEST,
                width,
                height,
            });
        }
        let mut x = self.stem.forward_relu(pictures)?;
        let mut maps = vec![x.clone()];
        for fire in &self.fires {
            if fire.after_pooling {
                x = max_pool3s2_ceil(&x)?;
            }
            x = fire.expand.forward_relu(&fire.squeeze.forward_relu(&x)?)?;
            if fire.is_tap {
                maps.push(x.clone());
            }
        }
        Ok(maps)
    }
}

/// The first convolution, 3×3 at stride 2 without padding, for colours in 0..1: their
/// normalisation x ↦ (2x − 1 − shift) / scale is folded into its weights.
fn stem(scope: &Scope<'_>) -> Result<Conv2d, ModelError> {
    let weight = scope.tensor("weight", &[STEM, 3, 3, 3])?;
    let bias = scope.tensor("bias", &[STEM])?;
    let per_colour =
        |values: [f32; 3]| Tensor::new(&values, weight.device())?.reshape((1, 3, 1, 1));
    let offset = per_colour([0, 1, 2].map(|c| -(1.0 + SHIFT[c]) / SCALE[c]))?;
    let factor = per_colour(SCALE.map(|scale| 2.0 / scale))?;
    let bias = (bias + weight.broadcast_mul(&offset)?.flatten_from(1)?.sum(1)?)?;
    let weight = weight.broadcast_mul(&factor)?;
    Ok(Conv2d::new(&weight, Some(&bias), 2, 0)?)
}

/// Both expansions of a fire module as one 3×3 convolution: the 1×1 kernel is padded with
/// zeros, which the convolution skips.
fn expansion(scope: &Scope<'_>, inputs: usize, outputs: usize) -> Result<Conv2d, ModelError> {
    let (one, three) = (scope.sub("expand1x1"), scope.sub("expand3x3"));
    let small = one.tensor("weight", &[outputs, inputs, 1, 1])?;
    let small = small.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
    let large = three.tensor("weight", &[outputs, inputs, 3, 3])?;
    let biases = [
        one.tensor("bias", &[outputs])?,
        three.tensor("bias", &[outputs])?,
    ];
    let weight = Tensor::cat(&[small, large], 0)?;
    Ok(Conv2d::new(&weight, Some(&Tensor::cat(&biases, 0)?), 1, 1)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};
    use crate::model::synthetic::RandomWeights;
    use crate::model::weights::Derived;
    use candle_core::Error;

    /// Random weights of a gain at which the signal outlives seventeen rectified layers.
    fn random() -> Squeeze {
        let random = RandomWeights::new(5, &Device::Cpu);
        let lively = Derived::new(&Device::Cpu, |name, shape| {
            let gain = if shape.len() == 1 { 0.1 } else { 1.5 };
            Ok((random.tensor(name, shape)? * gain)?)
        });
        Squeeze::new(&lively).unwrap()
    }

    #[test]
    fn gradients() {
        let lpips = random();
        let picture = normal(1, &[1, 3, 33, 40]);
        // Close to the picture, so that rounding of the distance is small compared with its change.
        let original = (&picture + normal(2, &[1, 3, 33, 40]) * 0.1).unwrap();
        let target = lpips.target(&original).unwrap();
        check(&picture, 1e-4, |x| {
            lpips.distance(x, &target).map_err(Error::wrap)
        });
    }

    #[test]
    fn small_pictures_are_refused() {
        let target = |height| random().target(&normal(1, &[1, 3, height, 40]));
        let error = target(24).unwrap_err().to_string();
        let expected = "LPIPS needs pictures of at least 25x25 pixels, got 40x24";
        assert_eq!(error, expected);
        assert!(target(25).is_ok());
    }
}
