//! The residual block of small autoencoders as one operation:
//! relu(convₙ(… relu(conv₁(x))) + x), all 3×3 at stride 1.

use std::sync::{Arc, OnceLock};

use candle_core::{Result, Shape, Tensor, bail};

use super::cpu::custom::{Unary, apply, is_served};
use super::{Conv2d, relu};

/// A residual block that keeps channels and grid.
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    convs: Arc<Vec<Conv2d>>,
}

impl ResidualBlock {
    /// Convolutions that keep channels and grid, first one first; at least one.
    pub fn new(convs: Vec<Conv2d>) -> Result<Self> {
        if convs.is_empty() {
            bail!("residual block: no convolutions");
        }
        Ok(Self {
            convs: Arc::new(convs),
        })
    }

    /// (B, C, H, W) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if is_served(x) && self.convs.iter().all(Conv2d::is_served) {
            let hidden = OnceLock::new();
            return apply(
                x,
                Pass {
                    convs: self.convs.clone(),
                    hidden,
                },
            );
        }
        self.composed(x)
    }

    /// The same from single operations, for other devices.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let mut y = x.clone();
        for (i, conv) in self.convs.iter().enumerate() {
            y = if i + 1 == self.convs.len() {
                conv.forward(&y)?
            } else {
                conv.forward_relu(&y)?
            };
        }
        relu(&(y + x)?)
    }
}

/// One use of a block in a graph, with its hidden layers for the way back.
struct Pass {
    convs: Arc<Vec<Conv2d>>,
    hidden: OnceLock<Vec<Vec<f32>>>,
}

impl Unary for Pass {
    const NAME: &'static str = "residual block";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let mut hidden: Vec<Vec<f32>> = Vec::with_capacity(self.convs.len());
        for (i, conv) in self.convs.iter().enumerate() {
            let input = hidden.last().map_or(x, Vec::as_slice);
            let residual = (i + 1 == self.convs.len()).then_some(x);
            let (values, shape) = conv.run_forward(conv.kind(), input, dims, residual, true)?;
            if shape.dims() != dims {
                bail!("residual block: {dims:?} became {shape:?}");
            }
            hidden.push(values);
        }
        let y = hidden.pop().unwrap_or_default();
        self.hidden.get_or_init(|| hidden);
        Ok((y, Shape::from(dims)))
    }

    fn backward(&self, _: &[f32], y: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let masked: Vec<f32> = gradient
            .iter()
            .zip(y)
            .map(|(&g, &y)| if y > 0.0 { g } else { 0.0 })
            .collect();
        let hidden = self.hidden.get().map_or(&[][..], Vec::as_slice);
        let mut result: Option<Vec<f32>> = None;
        for (i, conv) in self.convs.iter().enumerate().rev() {
            let gradient = result.as_deref().unwrap_or(&masked);
            let mask = hidden.get(i).map(Vec::as_slice);
            let residual = (i == 0).then_some(masked.as_slice());
            result = Some(conv.run_backward(conv.kind(), gradient, dims, mask, residual)?);
        }
        Ok(result.unwrap_or_default())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    fn block(convs: usize, channels: usize) -> ResidualBlock {
        let conv = |i: usize| {
            let weight = (normal(i as u64, &[channels, channels, 3, 3]) * 0.2).unwrap();
            Conv2d::new(&weight, Some(&normal(9, &[channels])), 1, 1).unwrap()
        };
        ResidualBlock::new((0..convs).map(conv).collect()).unwrap()
    }

    #[test]
    fn agrees_with_the_composed_form() {
        for (convs, channels, side) in [(1, 3, 5), (2, 12, 8), (3, 9, 35), (2, 24, 64)] {
            let (block, x) = (
                block(convs, channels),
                normal(5, &[2, channels, side, side + 1]),
            );
            let far = (block.forward(&x).unwrap() - block.composed(&x).unwrap()).unwrap();
            let far = far.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(far.to_scalar::<f32>().unwrap() < 1e-4);
        }
    }

    #[test]
    fn gradient_is_that_of_the_single_operations() {
        for (convs, channels, side) in [(1, 3, 5), (2, 12, 8), (3, 9, 20)] {
            let (block, x) = (
                block(convs, channels),
                normal(5, &[2, channels, side, side]),
            );
            let gradient = |f: &dyn Fn(&Tensor) -> Result<Tensor>| {
                let x = candle_core::Var::from_tensor(&x).unwrap();
                let loss = f(&x).unwrap().sqr().unwrap().sum_all().unwrap();
                loss.backward()
                    .unwrap()
                    .get(&x)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
            };
            let got: Vec<f32> = gradient(&|x| block.forward(x)).to_vec1().unwrap();
            let expected: Vec<f32> = gradient(&|x| block.composed(x)).to_vec1().unwrap();
            for (got, expected) in got.iter().zip(expected) {
                assert!(
                    (got - expected).abs() < 1e-4 * expected.abs().max(10.0),
                    "{got} {expected}"
                );
            }
        }
    }

    #[test]
    fn gradients() {
        let block = block(2, 6);
        let x = normal(5, &[1, 6, 7, 8]);
        check(&x, 1e-4, |x| block.forward(x));
        check(&x, 1e-4, |x| {
            block.forward(x)? * block.forward(&block.forward(x)?)?
        });
    }
}
