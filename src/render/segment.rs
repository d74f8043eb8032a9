//! One media segment to its frames.
//!
//! Keyframes are decoded and the prompts between them interpolated. Each composed prompt passes
//! through the generator with the start latent of the track's mode. Where the track's interpolation is
//! motion, only keyframes are generated and the frames between are warped from them (`motion`).
//!
//! On a CPU every frame is a forward pass of its own, several side by side, so the bytes of a frame
//! depend on the segment alone: not on earlier segments, the number of threads or the rung before a
//! switch. On a GPU the frames up to the next keyframe are one pass.
//!
//! The exception is a chain (the reference's recurrence, in imported titles): its segments start from a
//! latent of the segment before, which the renderer keeps.

use super::batching::{Batching, GROUP, side_by_side, together};
use super::check::check;
use super::error::RenderError;
use super::keyframes::Keyframes;
use crate::frame::Frame;
use crate::model::{Generator, ModelError, StartMix, StartPayload, picture};
use crate::prompt::Interpolation;
use crate::segment::coded::CodedSegment;
use crate::segment::media::MediaSegment;
use crate::segment::{StartLatent, Track};
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Receives finished frames in order.
pub type Deliver<'a> = dyn FnMut(Frame) -> Result<(), RenderError> + 'a;

/// Renders the segments of one rung.
#[derive(Debug)]
pub struct SegmentRenderer {
    generator: Arc<Generator>,
    track: Track,
    start: StartMix,
    pub(super) batching: Batching,
    /// Frames side by side that fit into memory, at least 1.
    pub(super) side_by_side: u32,
    chain: Option<Chain>,
}

/// Frames of one pass, and the latent of the last of them.
pub(super) type Pass = (Tensor, Vec<Frame>);

#[derive(Debug)]
struct Chain {
    sequence: u32,
    before: Tensor,
}

impl SegmentRenderer {
    /// A renderer of the rung `track`.
    ///
    /// Fails if the generator has another profile or other weights than the track was fitted with, if
    /// sizes do not fit the profile, or if one frame takes more memory than is free.
    pub fn new(generator: Arc<Generator>, track: Track) -> Result<Self, RenderError> {
        check(&generator, &track)?;
        let shape = generator.profile().latent_shape(track.coded);
        // The shortest decimal of the stored f32 is the encoder's setting (0.95).
        let weight = track.noise_weight.to_string().parse().unwrap_or_default();
        let start = StartMix::new(track.noise_seed, weight, shape, generator.device())?;
        let profile = generator.profile();
        let (batching, side_by_side) = if generator.device().is_cpu() {
            let fit = side_by_side(profile.pass_bytes(track.coded))?;
            (Batching::SideBySide, fit)
        } else {
            (Batching::Together(together(track.coded)), GROUP)
        };
        Ok(Self {
            generator,
            track,
            start,
            batching,
            side_by_side,
            chain: None,
        })
    }

    /// Replaces the device's usual batching. Frames may then differ in the last bits.
    #[must_use]
    pub fn with_batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    /// The rung's configuration.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Renders the frames of `media`, whole or truncated, and passes them to `deliver` in order.
    ///
    /// Fails on damaged samples, on a start latent that does not fit the track, if a chained segment
    /// does not follow the one rendered before it, and with the errors of `deliver`.
    pub fn render(
        &mut self,
        media: &MediaSegment,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        self.render_some(media, &|_| true, deliver)
    }

    /// As [`Self::render`], but delivers only the frames whose numbers (from 0 in the segment) are
    /// `wanted`. Of frames warped from keyframes, others are not computed.
    pub fn render_some(
        &mut self,
        media: &MediaSegment,
        wanted: &dyn Fn(u32) -> bool,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        let segment = CodedSegment::read(&self.track, media)?;
        let keyframes = Keyframes::decode(&self.track, &segment)?;
        let frames = segment.playable_frames();
        if self.track.start_latent == StartLatent::Chain {
            let before = self.chain_start(media.sequence, &segment)?;
            let before = self.chained(&keyframes, frames, before, &mut only(wanted, deliver))?;
            let sequence = media.sequence.wrapping_add(1);
            self.chain = (media.missing == 0).then_some(Chain { sequence, before });
            return Ok(());
        }
        let payload = StartPayload {
            mode: self.track.start_latent,
            bytes: segment.start_latent.as_deref().unwrap_or_default(),
        };
        let sketch = |components| keyframes.sketch(components);
        let start = payload.latent(&self.generator, &self.start, sketch)?;
        match self.track.interpolation {
            Interpolation::Motion => self.moved(&keyframes, frames, wanted, &start, deliver),
            _ => {
                let deliver = &mut only(wanted, deliver);
                self.span(&keyframes, 0..frames, &start, deliver).map(drop)
            }
        }
    }

    /// Frames `range`, all from one start latent; returns the latent of the last one.
    fn span(
        &self,
        keyframes: &Keyframes<'_>,
        range: Range<u32>,
        start: &Tensor,
        deliver: &mut Deliver<'_>,
    ) -> Result<Option<Tensor>, RenderError> {
        let mut last = None;
        let mut next = range.start;
        let mut group = (rayon::current_num_threads() as u32).min(self.side_by_side);
        while next < range.end {
            let end = match self.batching {
                Batching::SideBySide => next.saturating_add(group),
                Batching::Together(limit) => {
                    let end = next.saturating_add(limit.max(1));
                    end.min(keyframes.end_of_interval(next))
                }
            };
            // A small group first, so that the first frame comes soon.
            group = (2 * group).min(GROUP).min(self.side_by_side);
            let numbers: Vec<u32> = (next..end.min(range.end)).collect();
            for result in self.passes(keyframes, &numbers, start) {
                let (latent, frames) = result?;
                next += frames.len() as u32;
                frames.into_iter().try_for_each(&mut *deliver)?;
                last = Some(latent);
            }
        }
        Ok(last)
    }

    /// The passes that generate the frames `numbers`.
    pub(super) fn passes(
        &self,
        keyframes: &Keyframes<'_>,
        numbers: &[u32],
        start: &Tensor,
    ) -> Vec<Result<Pass, RenderError>> {
        match self.batching {
            Batching::SideBySide => {
                let one = |number: &u32| self.batch(keyframes, &[*number], start);
                numbers.par_iter().map(one).collect()
            }
            Batching::Together(_) if numbers.is_empty() => Vec::new(),
            Batching::Together(_) => vec![self.batch(keyframes, numbers, start)],
        }
    }

    /// The frames `numbers`, at least one, in one pass.
    fn batch(
        &self,
        keyframes: &Keyframes<'_>,
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

    /// The reference's recurrence: keyframe k, and the frames before it, start from the latent of
    /// keyframe k−1. Returns the start latent of the last keyframe.
    fn chained(
        &self,
        keyframes: &Keyframes<'_>,
        frames: u32,
        mut before: Tensor,
        deliver: &mut Deliver<'_>,
    ) -> Result<Tensor, RenderError> {
        let mut from = 0;
        for (index, (position, _)) in keyframes.decoded.iter().enumerate() {
            let end = position.saturating_add(1).min(frames);
            let start = self.start.after(&before)?;
            let latent = self.span(keyframes, from..end, &start, deliver)?;
            let last = index + 1 == keyframes.decoded.len();
            if let (Some(latent), false) = (latent, last) {
                before = latent;
            }
            from = end;
        }
        Ok(before)
    }

    fn chain_start(&self, sequence: u32, segment: &CodedSegment) -> Result<Tensor, RenderError> {
        if segment.chained {
            let chain = self.chain.as_ref();
            let known = chain.filter(|chain| chain.sequence == sequence);
            let known = known.map(|chain| chain.before.clone());
            return known.ok_or(RenderError::BrokenChain { sequence });
        }
        let bytes = segment.start_latent.as_deref().unwrap_or_default();
        let shape = self.generator.profile().latent_shape(self.track.coded);
        let expected = 4 * shape.values();
        let got = bytes.len();
        if got != expected {
            return Err(RenderError::LatentSize { got, expected });
        }
        let (values, _) = bytes.as_chunks::<4>();
        let values: Vec<f32> = values.iter().copied().map(f32::from_le_bytes).collect();
        let shape = (1, shape.channels, shape.rows, shape.columns);
        let latent = Tensor::from_vec(values, shape, self.generator.device());
        Ok(latent.map_err(ModelError::from)?)
    }

    fn tensor(&self, prompts: &[Vec<f32>]) -> Result<Tensor, RenderError> {
        let shape = self.track.coding.shape;
        let shape = (prompts.len(), shape.tokens, shape.dim);
        let tensor = Tensor::from_vec(prompts.concat(), shape, self.generator.device());
        Ok(tensor.map_err(ModelError::from)?)
    }
}

/// Filters a segment's frames by their numbers, counted from 0.
fn only<'a>(
    wanted: &'a dyn Fn(u32) -> bool,
    deliver: &'a mut Deliver<'_>,
) -> impl FnMut(Frame) -> Result<(), RenderError> + 'a {
    let mut numbers = 0..;
    move |frame| match numbers.next().is_some_and(wanted) {
        true => deliver(frame),
        false => Ok(()),
    }
}
