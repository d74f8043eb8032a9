//! Weights converted to another number format, such as half precision on a GPU. Knows no network;
//! layers take inputs in the format of their weights.

use candle_core::DType;

use super::weights::{Derived, Source};

/// The tensors of `source` as `dtype`.
pub fn in_format(source: &dyn Source, dtype: DType) -> impl Source {
    Derived::new(source.device(), move |name, shape| {
        Ok(source.tensor(name, shape)?.to_dtype(dtype)?)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::in_format;
    use crate::model::Generator;
    use crate::model::gradient_check::{apart, flat, normal};
    use crate::model::profile::Profile;
    use crate::model::synthetic::{RandomWeights, narrow_sd_turbo};
    use candle_core::{DType, Device, Tensor, Var};

    /// Largest difference of `a` and `b` over the largest value of `b`.
    fn relative(a: &Tensor, b: &Tensor) -> f32 {
        apart(a, b) / apart(b, &b.zeros_like().unwrap())
    }

    fn cosine(a: &Tensor, b: &Tensor) -> f32 {
        let dot = |a: &Tensor, b: &Tensor| flat(&(a * b).unwrap()).iter().sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    /// Half precision takes the path that other devices take, so this tests that path too.
    #[test]
    fn half_precision_gives_the_same_frames_and_gradients_nearly() {
        // Beside the prompt, four inputs that do not depend on it have a gradient in the first
        // transformer and where its level is used again; weights never have one.
        for (profile, size, others) in [
            (narrow_sd_turbo(), (32, 16), 4),
            (Profile::mini(), (64, 64), 0),
        ] {
            let weights = RandomWeights::new(9, &Device::Cpu);
            let shape = profile.prompt_shape(size);
            let prompts = normal(1, &[2, shape.tokens, shape.dim]);
            let pass = |dtype| {
                let source = in_format(&weights, dtype);
                let generator = Generator::new(profile.clone(), &source, [0; 32]).unwrap();
                let start = generator.start(size).unwrap().fresh().unwrap();
                let prompts = Var::from_tensor(&prompts).unwrap();
                let frames = generator.frames(&prompts, &start).unwrap();
                assert_eq!(frames.dtype(), DType::F32);
                // A mean's gradient would be below the smallest number of half precision.
                let loss = frames.sqr().unwrap().sum_all().unwrap();
                let mut gradients = loss.backward().unwrap();
                let gradient = gradients.remove(&prompts).unwrap();
                assert_eq!(gradients.get_ids().count(), others);
                (frames.detach(), gradient)
            };
            let (whole, half) = (pass(DType::F32), pass(DType::F16));
            let far = relative(&half.0, &whole.0);
            assert!(far < 3e-2, "{far}");
            let alike = cosine(&half.1, &whole.1);
            assert!(alike > 0.95, "{alike}");
        }
    }
}
