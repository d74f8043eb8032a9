//! Two-dimensional convolution (cross-correlation, zero padding) with frozen weights.

use std::sync::{Arc, OnceLock};

use candle_core::{DType, Result, Shape, Tensor, bail};

use super::attach::attach;
use super::cpu::convolve::Convolution;
use super::cpu::custom::{Unary, apply, is_served, with_values};
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
    plain: Arc<Plans>,
    enlarged: Arc<Plans>,
}

/// Weights in the layout of the CPU kernels, made at first use.
#[derive(Debug, Default)]
struct Plans {
    bias: OnceLock<Option<Vec<f32>>>,
    forward: OnceLock<Plan>,
    backward: OnceLock<Plan>,
}

impl Conv2d {
    /// Freezes `weight` (O, I, k, k) and `bias` (O). Errors on any other shape or a zero stride.
    pub fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let (out_channels, _, height, width) = weight.dims4()?;
        if height != width || stride == 0 {
            bail!(
                "conv2d: want a square kernel and a stride, got {:?} and {stride}",
                weight.shape()
            );
        }
        if let Some(bias) = bias {
            let length = bias.dims1()?;
            if length != out_channels {
                bail!("conv2d: {out_channels} output channels but a bias of {length}");
            }
        }
        Ok(Self {
            weight: weight.detach().contiguous()?,
            bias: bias.map(Tensor::detach),
            stride,
            padding,
            level: Level::best(),
            plain: Arc::default(),
            enlarged: Arc::default(),
        })
    }

    /// The layer on another instruction set.
    #[cfg(test)]
    pub(super) fn at(&self, level: Level) -> Self {
        Self {
            level,
            plain: Arc::default(),
            enlarged: Arc::default(),
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
        self.run(
            x,
            Kind::Enlarged {
                padding: self.padding,
            },
            false,
        )
    }

    /// The format of weights, inputs and outputs.
    pub fn dtype(&self) -> DType {
        self.weight.dtype()
    }

    fn run(&self, x: &Tensor, kind: Kind, with_relu: bool) -> Result<Tensor> {
        let (_, channels, height, width) = x.dims4()?;
        let (_, inputs, side, _) = self.weight.dims4()?;
        if channels != inputs || height.min(width) + 2 * self.padding < side {
            bail!(
                "conv2d: {:?} through a kernel {:?}",
                x.shape(),
                self.weight.shape()
            );
        }
        if is_served(x) && self.is_served() {
            let layer = self.clone();
            return apply(
                x,
                Convolve {
                    layer,
                    kind,
                    relu: with_relu,
                },
            );
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
}

/// The layer on plain slices, on the CPU.
impl Conv2d {
    /// The output for an input of shape `dims`, plus `residual`, then rectified if `relu`.
    pub(super) fn run_forward(
        &self,
        kind: Kind,
        x: &[f32],
        dims: &[usize],
        residual: Option<&[f32]>,
        relu: bool,
    ) -> Result<(Vec<f32>, Shape)> {
        let (batch, height, width) = (dims[0], dims[2], dims[3]);
        let (out_height, out_width) = (self.side(kind, height)?, self.side(kind, width)?);
        let plans = self.plans(kind);
        self.count(kind, batch * out_height * out_width)?;
        let output = Convolution {
            plan: self.plan(&plans.forward, kind, false)?,
            input: x,
            mask: None,
            batch,
            height,
            width,
            out_height,
            out_width,
            bias: self.bias_values(plans)?,
            residual,
            relu,
        };
        let shape = Shape::from((batch, self.weight.dim(0)?, out_height, out_width));
        Ok((output.run(), shape))
    }

    /// The gradient of an input of shape `dims`, plus `residual`. The output's gradient counts
    /// only where `mask` (of its shape) is positive.
    pub(super) fn run_backward(
        &self,
        kind: Kind,
        gradient: &[f32],
        dims: &[usize],
        mask: Option<&[f32]>,
        residual: Option<&[f32]>,
    ) -> Result<Vec<f32>> {
        let (batch, out_height, out_width) = (dims[0], dims[2], dims[3]);
        let (height, width) = (self.side(kind, out_height)?, self.side(kind, out_width)?);
        self.count(kind, batch * height * width)?;
        let gradient = Convolution {
            plan: self.plan(&self.plans(kind).backward, kind, true)?,
            input: gradient,
            mask,
            batch,
            height,
            width,
            out_height,
            out_width,
            bias: None,
            residual,
            relu: false,
        };
        Ok(gradient.run())
    }

    /// The layer without enlargement.
    pub(super) fn kind(&self) -> Kind {
        Kind::Plain {
            stride: self.stride,
            padding: self.padding,
        }
    }

    /// Whether the CPU kernels have this layer's weights.
    pub(super) fn is_served(&self) -> bool {
        is_served(&self.weight)
    }

    fn plans(&self, kind: Kind) -> &Plans {
        match kind {
            Kind::Plain { .. } => &self.plain,
            Kind::Enlarged { .. } => &self.enlarged,
        }
    }

    fn plan<'a>(&self, slot: &'a OnceLock<Plan>, kind: Kind, transposed: bool) -> Result<&'a Plan> {
        if let Some(plan) = slot.get() {
            return Ok(plan);
        }
        let (outputs, inputs, side, _) = self.weight.dims4()?;
        let plan = with_values(&self.weight, |values| {
            Ok(Plan::new(
                Weights {
                    values,
                    outputs,
                    inputs,
                    side,
                },
                kind,
                transposed,
                self.level,
            ))
        })?;
        Ok(slot.get_or_init(|| plan))
    }

    fn bias_values<'a>(&self, plans: &'a Plans) -> Result<Option<&'a [f32]>> {
        if plans.bias.get().is_none() {
            let bias = self.bias.as_ref().map(Tensor::to_vec1).transpose()?;
            plans.bias.get_or_init(|| bias);
        }
        Ok(plans.bias.get().and_then(Option::as_deref))
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

    /// Height or width of the output.
    fn side(&self, kind: Kind, length: usize) -> Result<usize> {
        let kernel = self.weight.dim(3)?;
        Ok(match kind {
            Kind::Plain { stride, padding } => (length + 2 * padding - kernel) / stride + 1,
            Kind::Enlarged { padding } => 2 * length + 2 * padding - kernel + 1,
        })
    }
}

/// One use of a layer in a graph on the CPU.
struct Convolve {
    layer: Conv2d,
    kind: Kind,
    relu: bool,
}

impl Unary for Convolve {
    const NAME: &'static str = "convolve";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        self.layer.run_forward(self.kind, x, dims, None, self.relu)
    }

    fn backward(&self, _: &[f32], y: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let mask = self.relu.then_some(y);
        self.layer
            .run_backward(self.kind, gradient, dims, mask, None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    /// (input channels, output channels, kernel, stride, padding, height, width)
    const SHAPES: [(usize, usize, usize, usize, usize, usize, usize); 10] = [
        (3, 5, 3, 1, 1, 7, 9),
        (16, 24, 3, 1, 1, 12, 20),
        (12, 12, 3, 1, 1, 40, 64),
        (20, 33, 3, 1, 1, 8, 8),
        (3, 4, 3, 1, 0, 6, 5),
        (5, 7, 3, 2, 1, 9, 12),
        (8, 8, 3, 2, 1, 16, 16),
        (4, 6, 3, 2, 0, 11, 8),
        (6, 3, 1, 1, 0, 5, 6),
        (6, 20, 1, 1, 0, 16, 16),
    ];

    fn layers() -> impl Iterator<Item = (Conv2d, Tensor)> {
        SHAPES.into_iter().map(
            |(inputs, outputs, kernel, stride, padding, height, width)| {
                let weight = normal(1, &[outputs, inputs, kernel, kernel]);
                let bias = normal(2, &[outputs]);
                let layer = Conv2d::new(&weight, Some(&bias), stride, padding).unwrap();
                (layer, normal(3, &[2, inputs, height, width]))
            },
        )
    }

    #[track_caller]
    fn assert_same(got: &Tensor, expected: &Tensor) {
        assert_eq!(got.dims(), expected.dims());
        let flat = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (got, expected) in flat(got).iter().zip(flat(expected)) {
            assert!((got - expected).abs() < 1e-4, "{got} {expected}");
        }
    }

    #[test]
    fn agrees_with_the_composed_form() {
        for (layer, x) in layers() {
            let expected = layer.composed(&x).unwrap();
            assert_same(&layer.forward(&x).unwrap(), &expected);
            assert_same(&layer.forward_relu(&x).unwrap(), &expected.relu().unwrap());
            if layer.stride == 1 {
                let large = layer.composed(&upsample_nearest2(&x).unwrap()).unwrap();
                assert_same(&layer.forward_enlarged(&x).unwrap(), &large);
            }
        }
    }

    #[test]
    fn gradients() {
        for (layer, x) in layers() {
            check(&x, 1e-2, |x| layer.forward(x));
            if layer.stride == 1 {
                check(&x, 1e-2, |x| layer.forward_enlarged(x));
            }
        }
    }

    #[test]
    fn gradients_where_the_input_is_used_twice() {
        let layer = Conv2d::new(&normal(1, &[6, 6, 3, 3]), None, 1, 1).unwrap();
        let x = normal(3, &[1, 6, 7, 8]);
        check(&x, 1e-3, |x| {
            layer.forward(x)? * layer.forward(&layer.forward(x)?)?
        });
        check(&x, 1e-3, |x| layer.forward(x)? * x);
    }

    #[test]
    fn gradient_through_relu_is_that_of_the_two_steps() {
        for (layer, x) in layers() {
            let gradient = |f: &dyn Fn(&Tensor) -> Result<Tensor>| {
                let x = candle_core::Var::from_tensor(&x).unwrap();
                let loss = f(&x).unwrap().sqr().unwrap().sum_all().unwrap();
                loss.backward()
                    .unwrap()
                    .get(&x)
                    .unwrap()
                    .affine(1e-2, 0.0)
                    .unwrap()
            };
            let fused = gradient(&|x| layer.forward_relu(x));
            assert_same(&fused, &gradient(&|x| relu(&layer.forward(x)?)));
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        for (layer, x) in layers() {
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let y = pool.install(|| layer.forward(&x)).unwrap();
                y.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            assert_eq!(run(1), run(3));
        }
    }

    #[test]
    fn wrong_shapes_are_named() {
        let layer = Conv2d::new(&normal(1, &[6, 5, 3, 3]), None, 1, 0).unwrap();
        let error = layer
            .forward(&normal(1, &[1, 4, 8, 8]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("[1, 4, 8, 8]") && error.contains("[6, 5, 3, 3]"),
            "{error}"
        );
        assert!(layer.forward(&normal(1, &[1, 5, 2, 8])).is_err());
        assert!(Conv2d::new(&normal(1, &[6, 5, 3, 1]), None, 1, 0).is_err());
    }
}
