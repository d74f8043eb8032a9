//! The residual block of small autoencoders as one operation:
//! relu(convₙ(… relu(conv₁(x))) + x), all 3×3 at stride 1.

use std::sync::{Arc, OnceLock};

use candle_core::{Result, Tensor, bail};

use super::cpu::convolve::Convolution;
use super::cpu::custom::{apply, is_served};
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
        let convs = Arc::new(convs);
        Ok(Self { convs })
    }

    /// (B, C, H, W) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if !is_served(x) || !self.convs.iter().all(Conv2d::is_served) {
            return self.composed(x);
        }
        let (batch, channels, height, width) = x.dims4()?;
        let dims = [batch, channels, height, width];
        // The hidden layers of this use, for the way back.
        let hidden = Arc::new(OnceLock::new());
        let (forward, backward, kept) = (self.clone(), self.clone(), hidden.clone());
        let forward = move |x: &[f32]| {
            let (y, layers) = forward.values(x, dims)?;
            hidden.get_or_init(|| layers);
            Ok(y)
        };
        let backward = move |_: &[f32], y: &[f32], gradient: &[f32]| {
            let hidden = kept.get().map_or(&[][..], Vec::as_slice);
            backward.gradient(hidden, y, gradient, dims)
        };
        apply(x, x.dims(), forward, backward)
    }

    /// The same from single operations, for other devices.
    pub(super) fn composed(&self, x: &Tensor) -> Result<Tensor> {
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

    /// The output and the hidden layers.
    fn values(&self, x: &[f32], dims: [usize; 4]) -> Result<(Vec<f32>, Vec<Vec<f32>>)> {
        let mut hidden: Vec<Vec<f32>> = Vec::with_capacity(self.convs.len());
        for (i, conv) in self.convs.iter().enumerate() {
            let input = hidden.last().map_or(x, Vec::as_slice);
            let pass = Convolution {
                residual: (i + 1 == self.convs.len()).then_some(x),
                relu: true,
                ..conv.pass(conv.kind(), false, input, dims)?
            };
            if [pass.plan.outputs, pass.out_height, pass.out_width] != dims[1..] {
                bail!("residual block: another shape than {dims:?} from layer {i}");
            }
            hidden.push(pass.run());
        }
        Ok((hidden.pop().unwrap_or_default(), hidden))
    }

    fn gradient(
        &self,
        hidden: &[Vec<f32>],
        y: &[f32],
        gradient: &[f32],
        dims: [usize; 4],
    ) -> Result<Vec<f32>> {
        let masked = gradient.iter().zip(y);
        let masked = masked.map(|(&g, &y)| if y > 0.0 { g } else { 0.0 });
        let masked: Vec<f32> = masked.collect();
        let mut result: Option<Vec<f32>> = None;
        for (i, conv) in self.convs.iter().enumerate().rev() {
            let gradient = result.as_deref().unwrap_or(&masked);
            let pass = Convolution {
                mask: hidden.get(i).map(Vec::as_slice),
                residual: (i == 0).then_some(masked.as_slice()),
                ..conv.pass(conv.kind(), true, gradient, dims)?
            };
            result = Some(pass.run());
        }
        Ok(result.unwrap_or_default())
    }
}
