//! Two-dimensional convolution (cross-correlation, zero padding) with frozen weights.

use std::sync::{Arc, OnceLock};

use candle_core::{DType, Result, Tensor, bail};

use super::attach::{attach, frozen_bias};
use super::cpu::convolve::Convolution;
use super::cpu::custom::{apply, is_served, with_values};
use super::cpu::plan::{Kind, Plan, Weights};
use super::cpu::simd::Level;
use super::{flops, relu, upsample_nearest2};

/// A convolution layer. Weight (O, I, k, k), bias (O), one stride and padding for both axes.
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: usize,
    padding: usize,
    level: Level,
    plans: Arc<Plans>,
}

/// Weights in the layout of the CPU kernels, made at first use.
#[derive(Debug, Default)]
struct Plans {
    bias: OnceLock<Option<Vec<f32>>>,
    /// Plain forwards and backwards, then enlarged forwards and backwards.
    plans: [OnceLock<Plan>; 4],
}

impl Conv2d {
    /// Freezes `weight` (O, I, k, k) and `bias` (O). Errors on any other shape or a zero stride.
    pub fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let (outputs, _, height, width) = weight.dims4()?;
        if height != width || stride == 0 {
            let shape = weight.shape();
            bail!("conv2d: want a square kernel and a stride, got {shape:?} and {stride}");
        }
        Ok(Self {
            weight: weight.detach().contiguous()?,
            bias: frozen_bias("conv2d", bias, outputs)?,
            stride,
            padding,
            level: Level::best(),
            plans: Arc::default(),
        })
    }

    /// The layer on another instruction set.
    #[cfg(test)]
    pub(super) fn at(&self, level: Level) -> Self {
        Self {
            level,
            plans: Arc::default(),
            ..self.clone()
        }
    }

    /// (B, I, H, W) → (B, O, H', W'), H' = (H + 2·padding − k) / stride + 1.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.run(x, self.kind(), false)
    }

    /// As [`relu`] of [`Self::forward`], in one pass.
    pub fn forward_relu(&self, x: &Tensor) -> Result<Tensor> {
        self.run(x, self.kind(), true)
    }

    /// As [`Self::forward`] of [`upsample_nearest2`], without the enlarged picture and with 4/9 of
    /// the work. Errors unless the stride is 1.
    pub fn forward_enlarged(&self, x: &Tensor) -> Result<Tensor> {
        if self.stride != 1 {
            bail!("conv2d: enlargement at stride {}", self.stride);
        }
        let padding = self.padding;
        self.run(x, Kind::Enlarged { padding }, false)
    }

    /// The format of weights, inputs and outputs.
    pub fn dtype(&self) -> DType {
        self.weight.dtype()
    }

    fn run(&self, x: &Tensor, kind: Kind, with_relu: bool) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let (outputs, inputs, side, _) = self.weight.dims4()?;
        if channels != inputs || height.min(width) + 2 * self.padding < side {
            let (input, kernel) = (x.shape(), self.weight.shape());
            bail!("conv2d: {input:?} through a kernel {kernel:?}");
        }
        if is_served(x) && self.is_served() {
            let dims = [batch, channels, height, width];
            let [rows, columns] = [height, width].map(|length| kind.output(length, side));
            let (layer, back) = (self.clone(), self.clone());
            let forward = move |x: &[f32]| {
                let pass = layer.pass(kind, false, x, dims)?;
                let relu = with_relu;
                Ok(Convolution { relu, ..pass }.run())
            };
            let backward = move |_: &[f32], y: &[f32], gradient: &[f32]| {
                let pass = back.pass(kind, true, gradient, dims)?;
                let mask = with_relu.then_some(y);
                Ok(Convolution { mask, ..pass }.run())
            };
            return apply(x, (batch, outputs, rows, columns), forward, backward);
        }
        match kind {
            _ if with_relu => relu(&self.composed(x)?),
            Kind::Plain { .. } => self.composed(x),
            Kind::Enlarged { .. } => self.composed(&upsample_nearest2(x)?),
        }
    }

    /// The same from candle's own operations, for other devices and formats.
    pub(super) fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let (layer, height, width) = (self.clone(), x.dim(2)?, x.dim(3)?);
        let forward = |x: &Tensor| {
            let y = x.conv2d(&self.weight, self.padding, self.stride, 1, 1)?;
            let (batch, _, height, width) = y.dims4()?;
            self.count(self.kind(), batch * height * width)?;
            match &self.bias {
                Some(bias) => y.broadcast_add(&bias.reshape((1, (), 1, 1))?),
                None => Ok(y),
            }
        };
        attach(x, forward, move |gradient| {
            layer.composed_backward(gradient, height, width)
        })
    }

    /// The gradient of an input of `height` × `width`.
    fn composed_backward(&self, gradient: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let side = self.weight.dim(3)?;
        let gradient = gradient.contiguous()?;
        if self.stride == 1 && self.padding < side {
            let turned = self.weight.transpose(0, 1)?.contiguous()?;
            let turned = turned.flip(&[2, 3])?.contiguous()?;
            return gradient.conv2d(&turned, side - 1 - self.padding, 1, 1, 1);
        }
        // Rows and columns that no window reached. candle takes one number for both axes: the larger.
        let unused = |length: usize| (length + 2 * self.padding - side) % self.stride;
        let most = unused(height).max(unused(width));
        let full = gradient.conv_transpose2d(&self.weight, self.padding, most, self.stride, 1)?;
        full.narrow(2, 0, height)?.narrow(3, 0, width)?.contiguous()
    }

    /// The layer on plain slices, on the CPU: from an `input` of shape `dims` to the output or, if
    /// `transposed`, from the output's gradient to that of an input of shape `dims`.
    pub(super) fn pass<'a>(
        &'a self,
        kind: Kind,
        transposed: bool,
        input: &'a [f32],
        dims: [usize; 4],
    ) -> Result<Convolution<'a>> {
        let [batch, _, rows, columns] = dims;
        let (plan, side) = (self.plan(kind, transposed)?, self.weight.dim(3)?);
        let output = (kind.output(rows, side), kind.output(columns, side));
        self.count(kind, batch * output.0 * output.1)?;
        let (from, to) = match transposed {
            false => ((rows, columns), output),
            true => (output, (rows, columns)),
        };
        Ok(Convolution {
            plan,
            input,
            mask: None,
            batch,
            height: from.0,
            width: from.1,
            out_height: to.0,
            out_width: to.1,
            bias: if transposed {
                None
            } else {
                self.bias_values()?
            },
            residual: None,
            relu: false,
        })
    }

    /// The layer without enlargement.
    pub(super) fn kind(&self) -> Kind {
        let (stride, padding) = (self.stride, self.padding);
        Kind::Plain { stride, padding }
    }

    /// Whether the CPU kernels have this layer's weights.
    pub(super) fn is_served(&self) -> bool {
        is_served(&self.weight)
    }

    fn plan(&self, kind: Kind, transposed: bool) -> Result<&Plan> {
        let enlarged = matches!(kind, Kind::Enlarged { .. });
        let slot = &self.plans.plans[2 * usize::from(enlarged) + usize::from(transposed)];
        if let Some(plan) = slot.get() {
            return Ok(plan);
        }
        let (outputs, inputs, side, _) = self.weight.dims4()?;
        let plan = with_values(&self.weight, |values| {
            let weights = Weights {
                values,
                outputs,
                inputs,
                side,
            };
            Ok(Plan::new(weights, kind, transposed, self.level))
        })?;
        Ok(slot.get_or_init(|| plan))
    }

    fn bias_values(&self) -> Result<Option<&[f32]>> {
        let slot = &self.plans.bias;
        if slot.get().is_none() {
            let bias = self.bias.as_ref().map(Tensor::to_vec1).transpose()?;
            slot.get_or_init(|| bias);
        }
        Ok(slot.get().and_then(Option::as_deref))
    }

    /// Counts the multiply-adds of an output of `pixels`, or of its backward pass.
    fn count(&self, kind: Kind, pixels: usize) -> Result<()> {
        let (outputs, inputs, side, _) = self.weight.dims4()?;
        let taps = match kind {
            Kind::Plain { .. } => side,
            Kind::Enlarged { .. } => side / 2 + 1,
        };
        flops::count([pixels, outputs, inputs, taps, taps]);
        Ok(())
    }
}
