//! Affine map of the last axis with frozen weights.

use std::sync::{Arc, OnceLock};

use candle_core::{DType, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::attach::attach;
use super::cpu::custom::{Unary, apply, is_served, with_values};
use super::cpu::product::{Matrix, Product};
use super::cpu::simd::Level;
use super::flops;

/// A linear layer. Weight (O, I), bias (O).
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    level: Level,
    laid_out: Arc<LaidOut>,
}

/// Weights in the layout of the CPU kernels, made at first use.
#[derive(Debug, Default)]
struct LaidOut {
    forward: OnceLock<Matrix>,
    backward: OnceLock<Matrix>,
}

/// Rows per parallel task.
const ROWS: usize = 64;

impl Linear {
    /// Freezes `weight` (O, I) and `bias` (O). Errors on any other shape.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>) -> Result<Self> {
        let (outputs, _) = weight.dims2()?;
        if let Some(bias) = bias {
            let length = bias.dims1()?;
            if length != outputs {
                bail!("linear: {outputs} outputs but a bias of {length}");
            }
        }
        let (weight, bias) = (weight.detach(), bias.map(Tensor::detach));
        Ok(Self {
            weight,
            bias,
            level: Level::best(),
            laid_out: Arc::default(),
        })
    }

    /// The layer on another instruction set.
    #[cfg(test)]
    pub(super) fn at(&self, level: Level) -> Self {
        Self {
            level,
            ..self.clone()
        }
    }

    /// The format of weights, inputs and outputs.
    pub fn dtype(&self) -> DType {
        self.weight.dtype()
    }

    /// (…, I) → (…, O).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, inputs) = self.weight.dims2()?;
        if x.dims().last() != Some(&inputs) {
            bail!("linear: want (…, {inputs}), got {:?}", x.shape());
        }
        if is_served(x) && is_served(&self.weight) {
            return apply(x, self.clone());
        }
        self.composed(x)
    }

    /// The same from candle's own operations, for other devices and formats.
    pub(super) fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = self.weight.dims2()?;
        let rows = x.elem_count() / inputs.max(1);
        let (weight, dims) = (self.weight.clone(), x.dims().to_vec());
        let forward = |x: &Tensor| {
            let y = x.contiguous()?.reshape((rows, inputs))?;
            let y = y.matmul(&self.weight.t()?)?;
            flops::count([rows, inputs, outputs]);
            let y = match &self.bias {
                Some(bias) => y.broadcast_add(bias)?,
                None => y,
            };
            y.reshape(self.output(x.dims(), outputs))
        };
        attach(x, forward, move |gradient| {
            let gradient = gradient.contiguous()?.reshape((rows, outputs))?;
            gradient.matmul(&weight)?.reshape(dims.as_slice())
        })
    }

    fn output(&self, dims: &[usize], outputs: usize) -> Vec<usize> {
        let leading = dims.len().saturating_sub(1);
        dims[..leading].iter().copied().chain([outputs]).collect()
    }

    /// The weight as a matrix from inputs to outputs, or `transposed` from outputs to inputs.
    fn matrix(&self, transposed: bool) -> Result<&Matrix> {
        let slot = if transposed {
            &self.laid_out.backward
        } else {
            &self.laid_out.forward
        };
        if let Some(matrix) = slot.get() {
            return Ok(matrix);
        }
        let (outputs, inputs) = self.weight.dims2()?;
        let bias: Vec<f32> = match &self.bias {
            Some(bias) if !transposed => bias.to_vec1()?,
            _ => Vec::new(),
        };
        let matrix = with_values(&self.weight, |weight| {
            Ok(if transposed {
                Matrix::new(outputs, inputs, &bias, |o, i| weight[o * inputs + i])
            } else {
                Matrix::new(inputs, outputs, &bias, |i, o| weight[o * inputs + i])
            })
        })?;
        Ok(slot.get_or_init(|| matrix))
    }
}

/// Every row of `x` times `matrix`.
fn multiply(level: Level, matrix: &Matrix, x: &[f32]) -> Vec<f32> {
    let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
    flops::count([x.len(), outputs]);
    let mut y = vec![0f32; x.len() / inputs.max(1) * outputs];
    if !y.is_empty() {
        let pieces = x
            .par_chunks(ROWS * inputs)
            .zip(y.par_chunks_mut(ROWS * outputs));
        pieces.for_each(|(x, y)| level.run(Product { matrix, x, y }));
    }
    y
}

impl Unary for Linear {
    const NAME: &'static str = "linear";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let matrix = self.matrix(false)?;
        Ok((
            multiply(self.level, matrix, x),
            Shape::from(self.output(dims, matrix.outputs())),
        ))
    }

    fn backward(&self, _: &[f32], _: &[f32], gradient: &[f32], _: &[usize]) -> Result<Vec<f32>> {
        Ok(multiply(self.level, self.matrix(true)?, gradient))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        let linear = Linear::new(&normal(1, &[6, 10]), Some(&normal(2, &[6]))).unwrap();
        check(&normal(3, &[2, 3, 10]), 1e-2, |x| {
            Linear::forward(&linear, x)
        });
        let square = Linear::new(&normal(1, &[7, 7]), None).unwrap();
        check(&normal(3, &[4, 7]), 1e-2, |x| {
            Linear::forward(&square, x)? * Linear::forward(&square, &Linear::forward(&square, x)?)?
        });
    }

    #[test]
    fn a_wrong_width_is_named() {
        let linear = Linear::new(&normal(1, &[6, 10]), None).unwrap();
        let error = Linear::forward(&linear, &normal(3, &[2, 9]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("10") && error.contains("[2, 9]"), "{error}");
    }

    #[test]
    fn agrees_with_the_composed_form() {
        for (inputs, outputs, rows) in [(1, 1, 1), (10, 6, 3), (96, 50, 77), (64, 130, 200)] {
            let bias = normal(2, &[outputs]);
            let linear = Linear::new(&normal(1, &[outputs, inputs]), Some(&bias)).unwrap();
            let x = normal(3, &[rows, inputs]);
            let far =
                (Linear::forward(&linear, &x).unwrap() - linear.composed(&x).unwrap()).unwrap();
            let far = far.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(far.to_scalar::<f32>().unwrap() < 1e-4);
        }
    }
}
