//! Weights converted to another number format, such as half precision on a GPU. Knows no network;
//! layers take inputs in the format of their weights.

use candle_core::{DType, Device, Tensor};

use super::ModelError;
use super::weights::Source;

/// A source that converts each tensor.
pub struct InFormat<'a> {
    source: &'a dyn Source,
    dtype: DType,
}

impl<'a> InFormat<'a> {
    /// The tensors of `source` as `dtype`.
    pub fn new(source: &'a dyn Source, dtype: DType) -> Self {
        Self { source, dtype }
    }
}

impl Source for InFormat<'_> {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        Ok(self.source.tensor(name, shape)?.to_dtype(self.dtype)?)
    }

    fn device(&self) -> &Device {
        self.source.device()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::InFormat;
    use crate::model::Generator;
    use crate::model::gradient_check::normal;
    use crate::model::profile::Profile;
    use crate::model::synthetic::{RandomWeights, narrow_sd_turbo};
    use candle_core::{DType, Device, Tensor, Var};

    /// Largest difference of `a` and `b` over the largest value of `b`.
    fn apart(a: &Tensor, b: &Tensor) -> f32 {
        let most = |x: &Tensor| {
            let most = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            most.to_scalar::<f32>().unwrap()
        };
        most(&(a - b).unwrap()) / most(b)
    }

    fn cosine(a: &Tensor, b: &Tensor) -> f32 {
        let dot = |a: &Tensor, b: &Tensor| {
            let sum = (a * b).unwrap().sum_all().unwrap();
            sum.to_scalar::<f32>().unwrap()
        };
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    /// Half precision takes the path that other devices take, so this tests that path too.
    #[test]
    fn half_precision_gives_the_same_frames_and_gradients_nearly() {
        // What the prompt has not reached yet is differentiated four times in the first
        // transformer and where its level is used again: inputs, never weights.
        for (profile, size, others) in [
            (narrow_sd_turbo(), (32, 16), 4),
            (Profile::mini(), (64, 64), 0),
        ] {
            let weights = RandomWeights::new(9, &Device::Cpu);
            let shape = profile.prompt_shape(size);
            let prompts = normal(1, &[2, shape.tokens, shape.dim]);
            let pass = |dtype| {
                let source = InFormat::new(&weights, dtype);
                let generator = Generator::new(profile.clone(), &source, [0; 32]).unwrap();
                let start = generator.start(size).unwrap().fresh().unwrap();
                let prompts = Var::from_tensor(&prompts).unwrap();
                let frames = generator.frames(&prompts, &start).unwrap();
                assert_eq!(frames.dtype(), DType::F32);
                // A mean's gradient would be below what half precision holds.
                let loss = frames.sqr().unwrap().sum_all().unwrap();
                let mut gradients = loss.backward().unwrap();
                let gradient = gradients.remove(&prompts).unwrap();
                assert_eq!(gradients.get_ids().count(), others);
                (frames.detach(), gradient)
            };
            let (whole, half) = (pass(DType::F32), pass(DType::F16));
            let far = apart(&half.0, &whole.0);
            assert!(far < 3e-2, "{far}");
            let alike = cosine(&half.1, &whole.1);
            assert!(alike > 0.95, "{alike}");
        }
    }
}
