//! One segment's bytes to its frames.
//!
//! Keyframes are decoded, the prompts between them interpolated, and each composed prompt goes
//! through the generator with the start latent that the track's mode calls for; where the track
//! says so, only keyframes do, and the frames between are moved pictures of them (`moved`). Every
//! generated frame is a forward pass of its own on a CPU, several of them side by side, so a frame's bytes depend on
//! the segment alone: not on what was played before, on the number of threads, or on the rung that
//! the player came from. On a GPU the frames up to the next keyframe are one pass, and what comes
//! back to the host is their bytes.
//!
//! A chain (the reference's recurrence, for imported titles) is the exception: there a segment
//! starts from a latent of the one before, which the renderer keeps.

use super::RenderError;
use crate::frame::Frame;
use crate::model::machine::available_memory;
use crate::model::profile::LatentShape;
use crate::model::{Generator, ModelError, StartMix, StartPayload, picture};
use crate::prompt::{Factors, Interpolation, KeyframeDecoder, between};
use crate::segment::coded::CodedSegment;
use crate::segment::keyframes::bracket;
use crate::segment::media::MediaSegment;
use crate::segment::{StartLatent, Track};
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

mod moved;

/// Frames that are generated side by side before the first of them is handed over, at most.
const GROUP: u32 = 8;

/// Most frames of at most [`TOGETHER_PIXELS`] in one pass on a GPU: their hidden layers have to fit
/// into its memory. Of larger frames so many fewer.
const MOST_TOGETHER: u32 = 16;
const TOGETHER_PIXELS: u64 = 512 * 512;

/// Share of the memory that is left which frames side by side may take.
const MEMORY_SHARE: u64 = 2;

/// What takes finished frames, in order.
pub type Deliver<'a> = dyn FnMut(Frame) -> Result<(), RenderError> + 'a;

/// Renders the segments of one rung.
#[derive(Debug)]
pub struct SegmentRenderer {
    generator: Arc<Generator>,
    track: Track,
    start: StartMix,
    batching: Batching,
    /// Frames side by side that fit into memory, at least 1.
    side_by_side: u32,
    chain: Option<Chain>,
}

/// How the frames of a segment go through the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// Each frame by itself, several at a time, one a core: best on a CPU, where it beats several
    /// cores on one frame.
    SideBySide,
    /// The frames up to the next keyframe in one pass, at most so many: best on a GPU.
    Together(u32),
}

/// Where a chained segment goes on from.
#[derive(Debug)]
struct Chain {
    /// Number of the segment that comes next.
    sequence: u32,
    /// The latent that the last keyframe started from.
    before: Tensor,
}

impl SegmentRenderer {
    /// A renderer for a rung that `track` describes.
    ///
    /// Fails if the generator is of another profile or has other weights than the track was fitted
    /// with, if sizes do not fit the profile, or if a frame takes more memory than there is.
    pub fn new(generator: Arc<Generator>, track: Track) -> Result<Self, RenderError> {
        check(&generator, &track)?;
        let shape = generator.profile().latent_shape(track.coded);
        // The shortest decimal of the stored f32 is the number that was meant (0.95).
        let weight = track.noise_weight.to_string().parse().unwrap_or_default();
        let start = StartMix::new(track.noise_seed, weight, shape, generator.device())?;
        let pixels = u64::from(track.coded.0) * u64::from(track.coded.1);
        let batching = match generator.device().is_cpu() {
            true => Batching::SideBySide,
            false => Batching::Together(together(pixels)),
        };
        let side_by_side = match generator.device().is_cpu() {
            true => side_by_side(
                generator.profile().pass_bytes(track.coded),
                available_memory(),
            )?,
            false => GROUP,
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

    /// The same with another batching than the device's usual one. Frames may then differ in the
    /// last bits.
    #[must_use]
    pub fn with_batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    /// The rung's configuration.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Renders the frames of `media`, whole or cut off, and hands them over in order.
    ///
    /// Fails on damaged samples, on a start latent that does not fit the track, if a chained segment
    /// does not follow the one rendered before it, and with whatever `deliver` fails with.
    pub fn render(
        &mut self,
        media: &MediaSegment,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        self.render_some(media, &|_| true, deliver)
    }

    /// As [`Self::render`], but hands over only the frames whose numbers (from 0 in the segment) are
    /// `wanted`; of moved pictures only those are made.
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
            Interpolation::Motion => self.moved(&keyframes, (frames, wanted), &start, deliver),
            _ => {
                let deliver = &mut only(wanted, deliver);
                self.span(&keyframes, 0..frames, &start, deliver).map(drop)
            }
        }
    }

    /// Frames `range`, all from one start latent; returns the last one's latent.
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
            let done = match self.batching {
                Batching::SideBySide => {
                    let end = range.end.min(next.saturating_add(group));
                    // A small group first, so that the first frame comes soon.
                    group = (2 * group).min(GROUP).min(self.side_by_side);
                    let one = |number| self.batch(keyframes, &[number], start);
                    (next..end).into_par_iter().map(one).collect()
                }
                Batching::Together(limit) => {
                    let end = keyframes.end_of_interval(next).min(range.end);
                    let end = end.min(next.saturating_add(limit.max(1)));
                    let numbers: Vec<u32> = (next..end).collect();
                    vec![self.batch(keyframes, &numbers, start)]
                }
            };
            for result in done {
                let (latent, frames): (Tensor, Vec<Frame>) = result?;
                next += frames.len() as u32;
                frames.into_iter().try_for_each(&mut *deliver)?;
                last = Some(latent);
            }
        }
        Ok(last)
    }

    /// The frames `numbers`, at least one, in one pass, and the latent of the last of them.
    fn batch(
        &self,
        keyframes: &Keyframes<'_>,
        numbers: &[u32],
        start: &Tensor,
    ) -> Result<(Tensor, Vec<Frame>), RenderError> {
        let prompts: Vec<_> = numbers
            .iter()
            .map(|&number| keyframes.prompt(number))
            .collect::<Result<_, _>>()?;
        let latents = self.generator.latent(&self.tensor(&prompts)?, start)?;
        let pictures = self.generator.decode(&latents)?;
        let frames = picture::to_frames(&pictures, self.track.visible)?;
        let last = latents.narrow(0, prompts.len() - 1, 1);
        match frames.len() == prompts.len() {
            true => Ok((last.map_err(ModelError::from)?, frames)),
            false => Err(RenderError::NoPicture),
        }
    }

    /// The recurrence of the reference: keyframe k starts from the latent of keyframe k−1, and so
    /// do the frames before it. Returns the latent that the last keyframe started from.
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
            let known = self
                .chain
                .as_ref()
                .filter(|chain| chain.sequence == sequence);
            let known = known.map(|chain| chain.before.clone());
            return known.ok_or(RenderError::BrokenChain { sequence });
        }
        let bytes = segment.start_latent.as_deref().unwrap_or_default();
        let shape = self.generator.profile().latent_shape(self.track.coded);
        let LatentShape {
            channels,
            rows,
            columns,
        } = shape;
        let expected = 4 * shape.values();
        let got = bytes.len();
        if got != expected {
            return Err(RenderError::LatentSize { got, expected });
        }
        let value = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let values: Vec<f32> = bytes.chunks_exact(4).map(value).collect();
        let shape = (1, channels, rows, columns);
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

/// Hands over those of a segment's frames, counted from 0, that are `wanted`.
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

fn check(generator: &Generator, track: &Track) -> Result<(), RenderError> {
    let profile = generator.profile();
    if track.profile != profile.name {
        return Err(RenderError::Profile {
            track: track.profile.clone(),
            generator: profile.name,
        });
    }
    let unknown = track.weights == [0; 32];
    if !unknown && track.weights != generator.weights_hash() {
        return Err(RenderError::Weights {
            track: hex(&track.weights),
            generator: hex(&generator.weights_hash()),
        });
    }
    let (width, height) = track.coded;
    let cells = profile.coded_size(track.coded) == track.coded;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > profile.max_pixels {
        return Err(RenderError::TooManyPixels {
            size: track.coded,
            profile: profile.name,
            limit: profile.max_pixels,
        });
    }
    if !cells || profile.prompt_shape(track.coded) != track.coding.shape {
        return Err(RenderError::CodedSize {
            size: track.coded,
            tokens: track.coding.shape.tokens,
            dim: track.coding.shape.dim,
            profile: profile.name,
        });
    }
    Ok(())
}

/// Frames of so many pixels in one pass on a GPU.
fn together(pixels: u64) -> u32 {
    let fewer = pixels.div_ceil(TOGETHER_PIXELS).max(1);
    (u64::from(MOST_TOGETHER) / fewer).max(1) as u32
}

/// How many passes of `pass` bytes each may go side by side in `available` bytes, where that is known;
/// fails if there is no room for one.
fn side_by_side(pass: u64, available: Option<u64>) -> Result<u32, RenderError> {
    let Some(available) = available else {
        return Ok(GROUP);
    };
    if pass > available {
        let needed = pass;
        return Err(RenderError::Memory { needed, available });
    }
    let fit = available / MEMORY_SHARE / pass.max(1);
    Ok(fit.clamp(1, u64::from(GROUP)) as u32)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A segment's decoded keyframes, in order of their positions.
struct Keyframes<'a> {
    track: &'a Track,
    decoded: Vec<(u32, Factors)>,
    positions: Vec<u32>,
}

impl<'a> Keyframes<'a> {
    fn decode(track: &'a Track, segment: &CodedSegment) -> Result<Self, RenderError> {
        let mut decoder = KeyframeDecoder::new(track.coding)?;
        let mut decoded = Vec::with_capacity(segment.keyframes.len());
        for keyframe in &segment.keyframes {
            let layers: Vec<&[u8]> = keyframe.layers.iter().map(AsRef::as_ref).collect();
            decoded.push((keyframe.position, decoder.push(&layers)?));
        }
        Ok(Self {
            track,
            decoded,
            positions: segment.positions(),
        })
    }

    /// One past the last frame that is interpolated towards the same keyframe as `number`.
    fn end_of_interval(&self, number: u32) -> u32 {
        let mut positions = self.decoded.iter().map(|(position, _)| *position);
        let next = positions.find(|position| *position >= number);
        next.map_or(u32::MAX, |position| position.saturating_add(1))
    }

    /// The composed prompt of frame `number`.
    fn prompt(&self, number: u32) -> Result<Vec<f32>, RenderError> {
        let components = self.track.rank();
        let bracket = bracket(&self.positions, number);
        let pair = bracket.and_then(|(from, to, t)| {
            Some((&self.decoded.get(from)?.1, &self.decoded.get(to)?.1, t))
        });
        let Some((from, to, t)) = pair else {
            return Err(RenderError::NoPicture);
        };
        if std::ptr::eq(from, to) {
            return Ok(to.compose(components));
        }
        Ok(between(from, to, t, self.track.interpolation, components)?)
    }

    /// Frame 0's prompt of its first `components` components, if it has them.
    fn sketch(&self, components: usize) -> Option<Vec<f32>> {
        let (_, factors) = self.decoded.first()?;
        (components <= factors.rank()).then(|| factors.compose(components))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Profile;

    #[test]
    fn batches_fit_into_memory() {
        let gib = 1u64 << 30;
        assert_eq!(side_by_side(gib, Some(8 * gib)).unwrap(), 4);
        assert_eq!(side_by_side(gib, Some(gib)).unwrap(), 1);
        assert_eq!(side_by_side(1, Some(8 * gib)).unwrap(), GROUP);
        assert_eq!(side_by_side(100 * gib, None).unwrap(), GROUP);
        let error = side_by_side(3 * gib, Some(gib)).unwrap_err().to_string();
        assert!(
            error.contains("3.2 GB") && error.contains("1.1 GB"),
            "{error}"
        );
        // The attention of the published method's picture fits a laptop, that of four times the side
        // of it would not fit any machine: the profile refuses it before.
        let sd = Profile::sd_turbo();
        assert!(side_by_side(sd.pass_bytes((512, 512)), Some(8 * gib)).is_ok());
        assert!(side_by_side(sd.pass_bytes((4096, 4096)), Some(1000 * gib)).is_err());
    }

    #[test]
    fn fewer_large_frames_go_in_one_pass() {
        assert_eq!(together(256 * 256), MOST_TOGETHER);
        assert_eq!(together(512 * 512), MOST_TOGETHER);
        assert_eq!(together(1024 * 1024), 4);
        assert_eq!(together(4096 * 4096), 1);
    }
}
