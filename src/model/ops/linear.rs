//! Affine map of the last axis with frozen weights.

use std::sync::{Arc, OnceLock};

use candle_core::{DType, Result, Tensor, bail};
use rayon::prelude::*;

use super::attach::{attach, frozen_bias};
use super::cpu::custom::{apply, is_served, with_values};
use super::cpu::product::{Matrix, Product};
use super::cpu::simd::Level;
use super::flops;

/// A linear layer. Weight (O, I), bias (O).
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    level: Level,
    /// Weights in the layout of the CPU kernels, forwards and backwards, made at first use.
    matrices: Arc<[OnceLock<Matrix>; 2]>,
}

/// Rows per parallel task.
const ROWS: usize = 64;

impl Linear {
    /// Freezes `weight` (O, I) and `bias` (O). Errors on any other shape.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>) -> Result<Self> {
        let (outputs, _) = weight.dims2()?;
        Ok(Self {
            weight: weight.detach(),
            bias: frozen_bias("linear", bias, outputs)?,
            level: Level::best(),
            matrices: Arc::default(),
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
        let (outputs, inputs) = self.weight.dims2()?;
        if x.dims().last() != Some(&inputs) {
            bail!("linear: want (…, {inputs}), got {:?}", x.shape());
        }
        if !is_served(x) || !is_served(&self.weight) {
            return self.composed(x);
        }
        let (layer, back) = (self.clone(), self.clone());
        apply(
            x,
            with_last(x, outputs),
            move |x| layer.multiply(false, x),
            move |_, _, gradient| back.multiply(true, gradient),
        )
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
            y.reshape(with_last(x, outputs))
        };
        attach(x, forward, move |gradient| {
            let gradient = gradient.contiguous()?.reshape((rows, outputs))?;
            gradient.matmul(&weight)?.reshape(dims.as_slice())
        })
    }

    /// Every row of `x` times the matrix from inputs to outputs, or `transposed` from outputs to
    /// inputs.
    fn multiply(&self, transposed: bool, x: &[f32]) -> Result<Vec<f32>> {
        let matrix = self.matrix(transposed)?;
        let Matrix {
            inputs, outputs, ..
        } = *matrix;
        flops::count([x.len(), outputs]);
        let mut y = vec![0f32; x.len() / inputs.max(1) * outputs];
        if !y.is_empty() {
            let results = y.par_chunks_mut(ROWS * outputs);
            let pieces = x.par_chunks(ROWS * inputs).zip(results);
            pieces.for_each(|(x, y)| self.level.run(Product { matrix, x, y }));
        }
        Ok(y)
    }

    fn matrix(&self, transposed: bool) -> Result<&Matrix> {
        let slot = &self.matrices[usize::from(transposed)];
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

/// The shape of `x` with `last` as the length of the last axis.
fn with_last(x: &Tensor, last: usize) -> Vec<usize> {
    let leading = x.rank().saturating_sub(1);
    x.dims()[..leading].iter().copied().chain([last]).collect()
}
