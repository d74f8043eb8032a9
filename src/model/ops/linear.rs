//! Affine map of the last axis with frozen weights.

use candle_core::{Result, Tensor, bail};

/// A linear layer. Weight (O, I), bias (O).
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

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
        Ok(Self {
            weight: weight.detach(),
            bias: bias.map(Tensor::detach),
        })
    }

    /// (…, I) → (…, O).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = self.weight.dims2()?;
        let mut dims = x.dims().to_vec();
        match dims.last_mut() {
            Some(last) if *last == inputs => *last = outputs,
            _ => bail!("linear: want (…, {inputs}), got {:?}", x.shape()),
        }
        let rows = x.elem_count() / inputs;
        let y = x
            .contiguous()?
            .reshape((rows, inputs))?
            .matmul(&self.weight.t()?)?;
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        y.reshape(dims)
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
        check(&normal(3, &[2, 3, 10]), 1e-2, |x| linear.forward(x));
        let square = Linear::new(&normal(1, &[7, 7]), None).unwrap();
        check(&normal(3, &[4, 7]), 1e-2, |x| {
            square.forward(x)? * square.forward(&square.forward(x)?)?
        });
    }

    #[test]
    fn a_wrong_width_is_named() {
        let linear = Linear::new(&normal(1, &[6, 10]), None).unwrap();
        let error = linear.forward(&normal(3, &[2, 9])).unwrap_err().to_string();
        assert!(error.contains("10") && error.contains("[2, 9]"), "{error}");
    }
}
