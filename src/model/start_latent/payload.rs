//! The start latent of a closed segment from its mode and the bytes in its first sample.
//!
//! | mode | bytes | "previous" in the recurrence |
//! |---|---|---|
//! | noise | none | none: z = w·noise |
//! | two passes | one: a number of components n | the latent that frame 0's first n components give from noise; every rung has them, so all start alike |
//! | coarse, full | a quantised latent (`sent`) | that latent, enlarged to the picture's; read only, no longer written |

use candle_core::Tensor;

use super::{StartMix, sent};
use crate::model::profile::LatentShape;
use crate::model::{Generator, ModelError};
use crate::segment::StartLatent;

/// A closed segment's data on its start latent.
#[derive(Debug, Clone, Copy)]
pub struct StartPayload<'a> {
    /// The mode in the track's configuration.
    pub mode: StartLatent,
    /// The bytes in the segment's first sample; empty for noise.
    pub bytes: &'a [u8],
}

impl StartPayload<'_> {
    /// The start latent (1, C, Hl, Wl). `compose` gives frame 0's prompt of so many components, or
    /// `None` if it has fewer.
    ///
    /// Fails on bytes that do not fit the mode or the profile, and in a chain.
    pub fn latent(
        self,
        generator: &Generator,
        mix: &StartMix,
        compose: impl FnOnce(usize) -> Option<Vec<f32>>,
    ) -> Result<Tensor, ModelError> {
        let noise = mix.fresh()?;
        match self.mode {
            StartLatent::Noise => Ok(noise),
            StartLatent::TwoPass => {
                let &[components @ 1..=u8::MAX] = self.bytes else {
                    let detail = format!("{:?} is not a number of components", self.bytes);
                    return Err(self.wrong(detail));
                };
                let prompt = compose(components.into()).ok_or_else(|| {
                    self.wrong(format!("{components} components are not present"))
                })?;
                mix.after(&latent_of(generator, prompt, &noise)?)
            }
            StartLatent::Coarse | StartLatent::Full => {
                let (_, channels, rows, columns) = noise.dims4()?;
                let shape = LatentShape {
                    channels,
                    rows,
                    columns,
                };
                let values = sent::read(self.bytes, shape, self.mode == StartLatent::Full)
                    .map_err(|detail| self.wrong(detail))?;
                let dims = (1, channels, rows, columns);
                mix.after(&Tensor::from_vec(values, dims, noise.device())?)
            }
            StartLatent::Chain => Err(self.wrong("only chained segments have it".to_owned())),
        }
    }

    fn wrong(&self, detail: String) -> ModelError {
        ModelError::StartLatent {
            mode: self.mode,
            detail,
        }
    }
}

/// The latent (1, C, Hl, Wl) of one composed `prompt` (T × D values, row-major) from the start latent
/// `start`.
pub fn latent_of(
    generator: &Generator,
    prompt: Vec<f32>,
    start: &Tensor,
) -> Result<Tensor, ModelError> {
    let (_, _, rows, columns) = start.dims4()?;
    let profile = generator.profile();
    let pixels = |cells: usize| cells as u32 * profile.latent_cell;
    let shape = profile.prompt_shape((pixels(columns), pixels(rows)));
    let prompt = Tensor::from_vec(prompt, (1, shape.tokens, shape.dim), start.device())?;
    generator.latent(&prompt, start)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::StartPayload;
    use crate::model::Generator;
    use crate::segment::StartLatent;
    use candle_core::Device;

    #[test]
    fn damaged_payloads_are_refused_in_every_mode() {
        let generator = Generator::shipped(&Device::Cpu).unwrap();
        let mix = generator.start((64, 32)).unwrap();
        let latent =
            |mode, bytes: &[u8]| StartPayload { mode, bytes }.latent(&generator, &mix, |_| None);
        let refused = |mode, bytes: &[u8]| latent(mode, bytes).unwrap_err().to_string();
        assert!(refused(StartLatent::TwoPass, &[]).contains("not a number"));
        assert!(refused(StartLatent::TwoPass, &[3]).contains("3 components"));
        assert!(refused(StartLatent::Coarse, &[8, 1]).contains("2 bytes"));
        assert!(refused(StartLatent::Chain, &[]).contains("chained"));
        let mut coarse = vec![8, 2, 0, 4, 0, 0, 0, 0, 0x3f];
        coarse.extend([1; 16 * 2 * 4]);
        assert_eq!(
            latent(StartLatent::Coarse, &coarse).unwrap().dims(),
            [1, 16, 4, 8]
        );
        assert!(refused(StartLatent::Full, &coarse).contains("4×8"));
    }
}
