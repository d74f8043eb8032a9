//! One media segment to its frames.
//!
//! Keyframes are decoded and the prompts between them interpolated. Each composed prompt passes
//! through the generator with the start latent of the track's mode. Where the track's interpolation is
//! motion, only keyframes are generated and the frames between are warped from them (`motion`).
//!
//! Frames are taken one at a time ([`SegmentRenderer::begin`], [`SegmentRenderer::next_frame`]), so that
//! a seek need not wait for a whole segment, or pushed to a receiver ([`SegmentRenderer::render`]).
//!
//! On a CPU every frame is a forward pass of its own, several side by side, so the bytes of a frame
//! depend on the segment alone: not on earlier segments, the number of threads or the rung before a
//! switch. On a GPU the frames up to the next keyframe are one pass.
//!
//! The exception is a chain (the reference's recurrence, in imported titles): its segments start from a
//! latent of the segment before, which the renderer keeps.

use super::batching::Batching;
use super::chain::Chain;
use super::error::RenderError;
use super::keyframes::Keyframes;
use super::motion::Motion;
use super::passes::Passes;
use super::queue::Queue;
use super::span::Span;
use crate::frame::Frame;
use crate::model::{Generator, ModelError, StartMix, StartPayload};
use crate::prompt::Interpolation;
use crate::segment::coded::CodedSegment;
use crate::segment::media::MediaSegment;
use crate::segment::{StartLatent, Track};
use candle_core::Tensor;
use std::collections::VecDeque;
use std::sync::Arc;

/// Receives finished frames in order.
pub type Deliver<'a> = dyn FnMut(Frame) -> Result<(), RenderError> + 'a;

/// Renders the segments of one rung.
#[derive(Debug)]
pub struct SegmentRenderer {
    passes: Passes,
    start: StartMix,
    chain: Option<Link>,
}

/// The end of a chain so far: the latent for the segment of this number.
#[derive(Debug)]
struct Link {
    sequence: u32,
    before: Tensor,
}

/// A segment under way, of the renderer that began it. Dropping it is all that a seek needs.
pub struct SegmentFrames<'w> {
    keyframes: Keyframes,
    count: u32,
    work: Work,
    queue: Queue<'w>,
}

enum Work {
    Span(Span),
    Motion(Box<Motion>),
    /// With the number of the segment after it, unless samples are missing.
    Chain(Chain, Option<u32>),
}

impl SegmentFrames<'_> {
    /// Frames that the segment has, wanted or not.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Numbers of the keyframes, ascending from 0; the last may lie after the last frame.
    pub fn keyframes(&self) -> &[u32] {
        &self.keyframes.positions
    }

    /// Frames before `number` would come too late: those that are not generated yet are left out, except a
    /// keyframe that later frames need. A chain leaves out none.
    pub fn skip_to(&mut self, number: u32) {
        match &mut self.work {
            Work::Span(span) => span.skip_to(number),
            Work::Motion(motion) => motion.skip_to(number),
            Work::Chain(..) => {}
        }
    }
}

impl std::fmt::Debug for SegmentFrames<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SegmentFrames({} frames)", self.count)
    }
}

impl SegmentRenderer {
    /// A renderer of the rung `track`.
    ///
    /// Fails if the generator has another profile or other weights than the track was fitted with, if
    /// sizes do not fit the profile, or if one frame takes more memory than is free.
    pub fn new(generator: Arc<Generator>, track: Track) -> Result<Self, RenderError> {
        let passes = Passes::new(generator, track)?;
        let (generator, track) = (&passes.generator, &passes.track);
        let shape = generator.profile().latent_shape(track.coded);
        // The shortest decimal of the stored f32 is the encoder's setting (0.95).
        let weight = track.noise_weight.to_string().parse().unwrap_or_default();
        let start = StartMix::new(track.noise_seed, weight, shape, generator.device())?;
        Ok(Self {
            passes,
            start,
            chain: None,
        })
    }

    /// Replaces the device's usual batching. Frames may then differ in the last bits.
    #[must_use]
    pub fn with_batching(mut self, batching: Batching) -> Self {
        self.passes.batching = batching;
        self
    }

    /// The rung's configuration.
    pub fn track(&self) -> &Track {
        &self.passes.track
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
        let mut frames = self.begin_some(media, wanted)?;
        while let Some((_, frame)) = self.next_frame(&mut frames)? {
            deliver(frame)?;
        }
        Ok(())
    }

    /// Decodes the prompts of `media`, whole or truncated; [`Self::next_frame`] generates its frames.
    ///
    /// Fails on damaged samples, on a start latent that does not fit the track, and if a chained segment
    /// does not follow the one rendered to its end before it.
    pub fn begin(&self, media: &MediaSegment) -> Result<SegmentFrames<'static>, RenderError> {
        self.begin_some(media, &|_| true)
    }

    /// As [`Self::begin`], for the frames whose numbers (from 0 in the segment) are `wanted`.
    pub fn begin_some<'w>(
        &self,
        media: &MediaSegment,
        wanted: &'w dyn Fn(u32) -> bool,
    ) -> Result<SegmentFrames<'w>, RenderError> {
        let track = self.track();
        let segment = CodedSegment::read(track, media)?;
        let keyframes = Keyframes::decode(track, &segment)?;
        let count = segment.playable_frames();
        let work = match (track.start_latent, track.interpolation) {
            (StartLatent::Chain, _) => {
                let before = self.chain_start(media.sequence, &segment)?;
                let next = (media.missing == 0).then_some(media.sequence.wrapping_add(1));
                Work::Chain(Chain::new(self.start.clone(), count, before), next)
            }
            (mode, interpolation) => {
                let bytes = segment.start_latent.as_deref().unwrap_or_default();
                let payload = StartPayload { mode, bytes };
                let sketch = |components| keyframes.sketch(components);
                let start = payload.latent(&self.passes.generator, &self.start, sketch)?;
                match interpolation {
                    Interpolation::Motion => {
                        Work::Motion(Box::new(Motion::new(&keyframes, count, wanted, start)))
                    }
                    _ => Work::Span(Span::new(&self.passes, 0..count, start)),
                }
            }
        };
        let ready = VecDeque::new();
        Ok(SegmentFrames {
            keyframes,
            count,
            work,
            queue: Queue { wanted, ready },
        })
    }

    /// The next wanted frame of a segment that this renderer began, with its number in the segment; `None`
    /// after the last. Returns as soon as one frame (on several threads: one group) is generated.
    pub fn next_frame(
        &mut self,
        frames: &mut SegmentFrames<'_>,
    ) -> Result<Option<(u32, Frame)>, RenderError> {
        loop {
            if let Some(next) = frames.queue.ready.pop_front() {
                return Ok(Some(next));
            }
            let (passes, keyframes) = (&self.passes, &frames.keyframes);
            let more = match &mut frames.work {
                Work::Span(span) => span.step(passes, keyframes, &mut frames.queue)?,
                Work::Motion(motion) => motion.step(passes, keyframes, &mut frames.queue)?,
                Work::Chain(chain, _) => chain.step(passes, keyframes, &mut frames.queue)?,
            };
            if !more {
                self.finish(&frames.work);
                return Ok(None);
            }
        }
    }

    /// Keeps the latent that the next segment of a chain starts from.
    fn finish(&mut self, work: &Work) {
        if let Work::Chain(chain, next) = work {
            self.chain = next.map(|sequence| Link {
                sequence,
                before: chain.before.clone(),
            });
        }
    }

    fn chain_start(&self, sequence: u32, segment: &CodedSegment) -> Result<Tensor, RenderError> {
        if segment.chained {
            let chain = self.chain.as_ref();
            let known = chain.filter(|chain| chain.sequence == sequence);
            let known = known.map(|chain| chain.before.clone());
            return known.ok_or(RenderError::BrokenChain { sequence });
        }
        let generator = &self.passes.generator;
        let bytes = segment.start_latent.as_deref().unwrap_or_default();
        let shape = generator.profile().latent_shape(self.track().coded);
        let expected = 4 * shape.values();
        let got = bytes.len();
        if got != expected {
            return Err(RenderError::LatentSize { got, expected });
        }
        let (values, _) = bytes.as_chunks::<4>();
        let values: Vec<f32> = values.iter().copied().map(f32::from_le_bytes).collect();
        let shape = (1, shape.channels, shape.rows, shape.columns);
        let latent = Tensor::from_vec(values, shape, generator.device());
        Ok(latent.map_err(ModelError::from)?)
    }
}
