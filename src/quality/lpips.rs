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
use crate::model::weights::{Checkpoint, Source};
use crate::model::{ModelError, installed, picture};

/// The weights file, below one of the folders of [`installed::folders`].
pub const WEIGHTS: &str = "lpips/lpips_squeeze_v0.1.safetensors";

/// The published normalisation of colours in −1..1.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

/// Channels after the first convolution.
const STEM: usize = 64;
/// The fire modules: index among the layers, channels in, squeezed, expanded (twice), and whether
/// a pooling precedes them.
const FIRES: [(usize, usize, usize, usize, bool); 8] = [
    (3, 64, 16, 64, true),
    (4, 128, 16, 64, false),
    (6, 128, 32, 128, true),
    (7, 256, 32, 128, false),
    (9, 256, 48, 192, true),
    (10, 384, 48, 192, false),
    (11, 384, 64, 256, false),
    (12, 512, 64, 256, false),
];
/// Layers whose output is compared, in addition to the first.
const TAPS: [usize; 6] = [4, 7, 9, 10, 11, 12];
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

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// Left edge.
    pub left: usize,
    /// Top edge.
    pub top: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

/// Target of a comparison: the feature maps of the originals, computed once.
#[derive(Debug)]
pub struct Target {
    crop: Option<Crop>,
    taps: Vec<UnitDistance>,
}

impl Squeeze {
    /// The metric with installed weights; `None` where they are not installed.
    pub fn installed(device: &Device) -> Result<Option<Self>, QualityError> {
        let file = installed::find(WEIGHTS);
        file.map(|file| Self::new(&Checkpoint::read(&file, device)?))
            .transpose()
    }

    /// Takes the weights from `source`: torchvision's `features.*` and the heads `lin0`…`lin6`.
    pub fn new(source: &dyn Source) -> Result<Self, QualityError> {
        let fires = FIRES
            .iter()
            .map(|&(index, inputs, squeezed, expanded, after_pooling)| {
                let name = format!("features.{index}");
                let squeeze = conv(source, &format!("{name}.squeeze"), inputs, squeezed, 1)?;
                let expand = expansion(source, &name, squeezed, expanded)?;
                Ok(Fire {
                    after_pooling,
                    squeeze,
                    expand,
                    is_tap: TAPS.contains(&index),
                })
            });
        let fires = fires.collect::<Result<Vec<_>, ModelError>>()?;
        let taps = FIRES.iter().filter(|fire| TAPS.contains(&fire.0));
        let channels = taps.map(|fire| 2 * fire.3);
        let heads = std::iter::once(STEM)
            .chain(channels)
            .enumerate()
            .map(|(index, channels)| {
                let head = source.tensor(&format!("lin{index}.weight"), &[1, channels, 1, 1])?;
                Ok(head.reshape(channels)?)
            });
        Ok(Self {
            stem: stem(source)?,
            fires,
            heads: heads.collect::<Result<_, ModelError>>()?,
        })
    }

    /// The originals (B, 3, H, W), values in 0..1, as a target; only `crop` of them if given.
    /// Without gradients.
    pub fn target(&self, originals: &Tensor, crop: Option<Crop>) -> Result<Target, QualityError> {
        let maps = self.maps(&cropped(&originals.detach(), crop)?)?;
        let taps = maps
            .iter()
            .zip(&self.heads)
            .map(|(map, head)| UnitDistance::new(map, head));
        Ok(Target {
            crop,
            taps: taps.collect::<Result<_, _>>()?,
        })
    }

    /// The distance of each picture (B, 3, H, W), values in 0..1, from its original: (B), 0 for
    /// equal pictures. Differentiable with respect to the pictures. Takes the target's crop of
    /// them; a target of one original serves any number of pictures.
    pub fn distance(&self, pictures: &Tensor, target: &Target) -> Result<Tensor, QualityError> {
        let maps = self.maps(&cropped(pictures, target.crop)?)?;
        let mut total = Tensor::zeros(pictures.dim(0)?, pictures.dtype(), pictures.device())?;
        for (map, tap) in maps.iter().zip(&target.taps) {
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
        let distance = self.distance(&tensor(a)?, &self.target(&tensor(b)?, None)?)?;
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

fn conv(
    source: &dyn Source,
    name: &str,
    inputs: usize,
    outputs: usize,
    kernel: usize,
) -> Result<Conv2d, ModelError> {
    let weight = source.tensor(
        &format!("{name}.weight"),
        &[outputs, inputs, kernel, kernel],
    )?;
    let bias = source.tensor(&format!("{name}.bias"), &[outputs])?;
    Ok(Conv2d::new(&weight, Some(&bias), 1, kernel / 2)?)
}

/// The first convolution, 3×3 at stride 2 without padding, for colours in 0..1: their
/// normalisation x ↦ (2x − 1 − shift) / scale is folded into its weights.
fn stem(source: &dyn Source) -> Result<Conv2d, ModelError> {
    let weight = source.tensor("features.0.weight", &[STEM, 3, 3, 3])?;
    let bias = source.tensor("features.0.bias", &[STEM])?;
    let per_colour =
        |values: [f32; 3]| Tensor::new(&values, weight.device())?.reshape((1, 3, 1, 1));
    let offset = per_colour([0, 1, 2].map(|c| -(1.0 + SHIFT[c]) / SCALE[c]))?;
    let factor = per_colour(SCALE.map(|scale| 2.0 / scale))?;
    let bias = (bias + weight.broadcast_mul(&offset)?.flatten_from(1)?.sum(1)?)?;
    Ok(Conv2d::new(
        &weight.broadcast_mul(&factor)?,
        Some(&bias),
        2,
        0,
    )?)
}

/// Both expansions of a fire module as one 3×3 convolution: the 1×1 kernel is padded with
/// zeros, which the convolution skips.
fn expansion(
    source: &dyn Source,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Conv2d, ModelError> {
    let tensor = |part: &str, shape: &[usize]| source.tensor(&format!("{name}.{part}"), shape);
    let small = tensor("expand1x1.weight", &[outputs, inputs, 1, 1])?;
    let small = small.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
    let large = tensor("expand3x3.weight", &[outputs, inputs, 3, 3])?;
    let bias = [
        tensor("expand1x1.bias", &[outputs])?,
        tensor("expand3x3.bias", &[outputs])?,
    ];
    let weight = Tensor::cat(&[small, large], 0)?;
    Ok(Conv2d::new(&weight, Some(&Tensor::cat(&bias, 0)?), 1, 1)?)
}

fn cropped(pictures: &Tensor, crop: Option<Crop>) -> Result<Tensor, QualityError> {
    let Some(Crop {
        left,
        top,
        width,
        height,
    }) = crop
    else {
        return Ok(pictures.clone());
    };
    let (_, _, rows, columns) = pictures.dims4()?;
    let fits = |start: usize, length: usize, side: usize| {
        start.checked_add(length).is_some_and(|end| end <= side)
    };
    if !fits(left, width, columns) || !fits(top, height, rows) {
        let picture = pictures.dims().to_vec();
        return Err(QualityError::Crop {
            left,
            top,
            width,
            height,
            picture,
        });
    }
    Ok(pictures.narrow(2, top, height)?.narrow(3, left, width)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};
    use crate::model::synthetic::RandomWeights;
    use candle_core::Error;

    /// Random weights of a gain at which the signal outlives seventeen rectified layers.
    struct Lively(RandomWeights);

    impl Source for Lively {
        fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
            let gain = if shape.len() == 1 { 0.1 } else { 1.5 };
            Ok((self.0.tensor(name, shape)? * gain)?)
        }

        fn device(&self) -> &Device {
            self.0.device()
        }
    }

    fn random() -> Squeeze {
        Squeeze::new(&Lively(RandomWeights::new(5, &Device::Cpu))).unwrap()
    }

    #[test]
    fn gradients() {
        let lpips = random();
        let picture = normal(1, &[1, 3, 33, 40]);
        // Close to the picture, so that rounding of the distance is small compared with its change.
        let original = (&picture + normal(2, &[1, 3, 33, 40]) * 0.1).unwrap();
        let target = lpips.target(&original, None).unwrap();
        check(&picture, 1e-4, |x| {
            lpips.distance(x, &target).map_err(Error::wrap)
        });
    }

    #[test]
    fn a_crop_is_the_metric_of_the_cropped_pictures() {
        let lpips = random();
        let (a, b) = (normal(1, &[2, 3, 40, 50]), normal(2, &[2, 3, 40, 50]));
        let crop = Crop {
            left: 7,
            top: 3,
            width: 32,
            height: 28,
        };
        let target = lpips.target(&b, Some(crop)).unwrap();
        let got: Vec<f32> = lpips.distance(&a, &target).unwrap().to_vec1().unwrap();
        let cut = |x: &Tensor| x.narrow(2, 3, 28).unwrap().narrow(3, 7, 32).unwrap();
        let target = lpips.target(&cut(&b), None).unwrap();
        let expected: Vec<f32> = lpips
            .distance(&cut(&a), &target)
            .unwrap()
            .to_vec1()
            .unwrap();
        assert_eq!(got, expected);
        let outside = Crop { left: 20, ..crop };
        assert!(
            lpips
                .target(&b, Some(outside))
                .unwrap_err()
                .to_string()
                .contains("(20, 3)")
        );
    }

    #[test]
    fn small_pictures_are_refused() {
        let error = random()
            .target(&normal(1, &[1, 3, 24, 40]), None)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "LPIPS needs pictures of at least 25x25 pixels, got 40x24"
        );
        assert!(random().target(&normal(1, &[1, 3, 25, 25]), None).is_ok());
    }
}
