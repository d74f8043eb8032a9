//! Forward passes of one track: which frames go through the generator together.

use super::batching::{Batching, GROUP, side_by_side, together};
use super::check::check;
use super::error::RenderError;
use super::keyframes::Keyframes;
use crate::frame::Frame;
use crate::model::{Generator, ModelError, picture};
use crate::segment::Track;
use candle_core::Tensor;
use rayon::prelude::*;
use std::sync::Arc;

/// Latent of the last frame of one pass, and its frames.
pub(super) type Pass = (Tensor, Vec<Frame>);

#[derive(Debug)]
pub(super) struct Passes {
    pub(super) generator: Arc<Generator>,
    pub(super) track: Track,
    pub(super) batching: Batching,
    /// Frames side by side that fit into memory, at least 1.
    pub(super) side_by_side: u32,
}

impl Passes {
    /// Fails if the generator cannot render the track.
    pub(super) fn new(generator: Arc<Generator>, track: Track) -> Result<Self, RenderError> {
        check(&generator, &track)?;
        let (batching, side_by_side) = if generator.device().is_cpu() {
            let fit = side_by_side(generator.profile().pass_bytes(track.coded))?;
            (Batching::SideBySide, fit)
        } else {
            (Batching::Together(together(track.coded)), GROUP)
        };
        Ok(Self {
            generator,
            track,
            batching,
            side_by_side,
        })
    }

    /// Keyframes generated before the first of them is used.
    pub(super) fn ahead(&self) -> usize {
        match self.batching {
            Batching::SideBySide => {
                let most = self.side_by_side.min(GROUP) as usize;
                rayon::current_num_threads().clamp(1, most)
            }
            Batching::Together(limit) => limit.max(1) as usize,
        }
    }

    /// The passes that generate the frames `numbers`, all from the latent `start`.
    pub(super) fn generate(
        &self,
        keyframes: &Keyframes,
        numbers: &[u32],
        start: &Tensor,
    ) -> Result<Vec<Pass>, RenderError> {
        match self.batching {
            Batching::SideBySide => {
                let one = |number: &u32| self.pass(keyframes, &[*number], start);
                numbers.par_iter().map(one).collect()
            }
            Batching::Together(_) if numbers.is_empty() => Ok(Vec::new()),
            Batching::Together(_) => Ok(vec![self.pass(keyframes, numbers, start)?]),
        }
    }

    /// The frames `numbers`, at least one, in one pass.
    fn pass(
        &self,
        keyframes: &Keyframes,
        numbers: &[u32],
        start: &Tensor,
    ) -> Result<Pass, RenderError> {
        let prompts = numbers.iter().map(|&number| keyframes.prompt(number));
        let prompts: Vec<_> = prompts.collect::<Result<_, _>>()?;
        let latents = self.generator.latent(&self.tensor(&prompts)?, start)?;
        let pictures = self.generator.decode(&latents)?;
        let frames = picture::to_frames(&pictures, self.track.visible)?;
        let last = latents.narrow(0, prompts.len() - 1, 1);
        if frames.len() != prompts.len() {
            return Err(RenderError::NoPicture);
        }
        Ok((last.map_err(ModelError::from)?, frames))
    }

    fn tensor(&self, prompts: &[Vec<f32>]) -> Result<Tensor, RenderError> {
        let shape = self.track.coding.shape;
        let shape = (prompts.len(), shape.tokens, shape.dim);
        let tensor = Tensor::from_vec(prompts.concat(), shape, self.generator.device());
        Ok(tensor.map_err(ModelError::from)?)
    }
}
