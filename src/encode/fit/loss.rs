//! Loss of a generated picture: squared error, a perceptual distance on a crop, and a colour term on cell
//! means. Differentiable with respect to the picture.

use candle_core::{D, Tensor};

use crate::encode::EncodeError;
use crate::encode::options::LossWeights;
use crate::model::Encoder;
use crate::model::ops::avg_pool2;
use crate::quality::Squeeze;

/// Halvings of the picture for the colour term: 8×8 cells.
const HALVINGS: usize = 3;
/// Lower bound of the squared length of a feature vector.
const EPS: f64 = 1e-6;

/// Top left corner of a crop, as fractions in 0..1 of the range of valid positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corner {
    pub(super) right: f64,
    pub(super) down: f64,
}

/// A perceptual distance of pictures.
#[derive(Debug, Clone, Copy)]
pub enum Perceptual<'a> {
    /// LPIPS with SqueezeNet.
    Lpips(&'a Squeeze),
    /// Distance of unit-length features of the encoder network, summed over its levels.
    Features(&'a Encoder),
}

impl Perceptual<'_> {
    /// The distance of pictures (1, 3, H, W) in 0..1, H and W multiples of 32.
    fn distance(&self, picture: &Tensor, target: &Tensor) -> Result<Tensor, EncodeError> {
        match self {
            Self::Lpips(lpips) => {
                let target = lpips.target(target)?;
                Ok(lpips.distance(picture, &target)?.sum_all()?)
            }
            Self::Features(encoder) => {
                let maps = encoder.features(picture)?.into_iter();
                let mut sum = Tensor::zeros((), picture.dtype(), picture.device())?;
                for (map, aim) in maps.zip(encoder.features(target)?) {
                    let squares = (unit(&map)? - unit(&aim)?)?.sqr()?;
                    sum = (sum + squares.sum(1)?.mean_all()?)?;
                }
                Ok(sum)
            }
        }
    }
}

/// Feature vectors (along axis 1) normalised to length 1.
fn unit(map: &Tensor) -> Result<Tensor, EncodeError> {
    let length = (map.sqr()?.sum_keepdim(1)? + EPS)?.sqrt()?;
    Ok(map.broadcast_div(&length)?)
}

#[derive(Debug)]
pub(super) struct Loss<'a> {
    pub(super) weights: LossWeights,
    pub(super) perceptual: Perceptual<'a>,
    /// Visible columns and rows; the rest of a picture is padding.
    pub(super) visible: (u32, u32),
    pub(super) crop: usize,
}

impl Loss<'_> {
    /// The loss of `picture` against `target`, both (1, 3, H, W), as a scalar.
    pub(super) fn of(
        &self,
        picture: &Tensor,
        target: &Tensor,
        corner: Corner,
    ) -> Result<Tensor, EncodeError> {
        let difference = self.shown(&(picture - target)?)?;
        let mut loss = (difference.sqr()?.mean_all()? * self.weights.mse)?;
        if self.weights.colour > 0.0 {
            let mut cells = (picture - target)?;
            for _ in 0..HALVINGS {
                cells = avg_pool2(&cells)?;
            }
            loss = (loss + (cells.sqr()?.mean_all()? * self.weights.colour)?)?;
        }
        if self.weights.perceptual > 0.0 {
            let (picture, target) = (self.cut(picture, corner)?, self.cut(target, corner)?);
            let distance = self.perceptual.distance(&picture, &target)?;
            loss = (loss + (distance * self.weights.perceptual)?)?;
        }
        Ok(loss)
    }

    pub(super) fn pixels(&self) -> f64 {
        f64::from(self.visible.0) * f64::from(self.visible.1)
    }

    fn shown(&self, x: &Tensor) -> Result<Tensor, EncodeError> {
        let (width, height) = self.visible;
        let rows = x.narrow(D::Minus2, 0, height as usize)?;
        Ok(rows.narrow(D::Minus1, 0, width as usize)?)
    }

    fn cut(&self, x: &Tensor, corner: Corner) -> Result<Tensor, EncodeError> {
        let (_, _, height, width) = x.dims4()?;
        let place = |room: usize, way: f64| {
            let side = self.crop.min(room);
            ((way * (room - side + 1) as f64) as usize, side)
        };
        let (top, rows) = place(height, corner.down);
        let (left, columns) = place(width, corner.right);
        let cut = x
            .narrow(D::Minus2, top, rows)?
            .narrow(D::Minus1, left, columns)?;
        Ok(cut.contiguous()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Corner, Loss, LossWeights, Perceptual};
    use crate::model::Encoder;
    use crate::model::gradient_check::{check, normal};
    use candle_core::{Device, Error};

    #[test]
    fn every_term_has_an_exact_gradient_and_is_0_for_the_target() {
        let encoder = Encoder::shipped(&Device::Cpu).unwrap();
        let picture = ((normal(1, &[1, 3, 32, 64]) * 0.1).unwrap() + 0.5).unwrap();
        let target = ((normal(2, &[1, 3, 32, 64]) * 0.1).unwrap() + 0.5).unwrap();
        let (right, down) = (0.5, 0.9);
        let corner = Corner { right, down };
        let mut perceptual = LossWeights::DEFAULT;
        (perceptual.mse, perceptual.colour) = (0.0, 0.0);
        for (weights, step) in [(LossWeights::MSE, 1e-3), (perceptual, 3e-5)] {
            let loss = Loss {
                weights,
                perceptual: Perceptual::Features(&encoder),
                visible: (50, 30),
                crop: 32,
            };
            let none = loss.of(&target, &target, corner).unwrap();
            assert!(none.to_scalar::<f32>().unwrap().abs() < 1e-9);
            check(&picture, step, |x| {
                loss.of(x, &target, corner).map_err(Error::wrap)
            });
        }
    }
}
