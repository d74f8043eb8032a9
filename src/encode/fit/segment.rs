//! The constant data of a segment over all passes: targets, keyframe positions, coding, loss and the
//! mode of its start latent.

use candle_core::{Device, Tensor};

use super::loss::Loss;
use super::prompts::Share;
use super::schedule::Visit;
use crate::encode::EncodeError;
use crate::frame::Frame;
use crate::model::{Generator, StartMix, StartPayload, picture};
use crate::prompt::{CodedKeyframe, CodingParameters, Factors, Interpolation, between};
use crate::segment::StartLatent;
use crate::segment::keyframes::bracket;

pub(super) struct Segment<'a> {
    pub(super) positions: &'a [u32],
    pub(super) frames: &'a [Frame],
    /// Width and height of the pictures that are generated.
    pub(super) coded: (u32, u32),
    pub(super) device: &'a Device,
    pub(super) loss: Loss<'a>,
    pub(super) coding: CodingParameters,
    pub(super) interpolation: Interpolation,
}

/// The keyframes as coded in one pass.
#[derive(Default)]
pub(super) struct Coded {
    pub(super) keyframes: Vec<CodedKeyframe>,
    /// Factors as a player decodes them.
    pub(super) seen: Vec<Factors>,
    /// Per keyframe, derivative of the rate in bits per unit of U; empty if all entries cost the same.
    pub(super) slopes: Vec<Vec<f32>>,
}

impl Segment<'_> {
    /// Target picture of frame `number`. Converted on demand: as floats, the frames of a segment take four
    /// times the memory of their bytes.
    pub(super) fn target(&self, number: u32) -> Result<Tensor, EncodeError> {
        let frame = &self.frames[number as usize];
        Ok(picture::to_tensor(frame, self.coded, self.device)?)
    }

    /// The composed prompt of a visit, exactly as in a player.
    pub(super) fn prompt(&self, seen: &[Factors], visit: Visit) -> Result<Vec<f32>, EncodeError> {
        match bracket(self.positions, visit.frame) {
            Some((from, to, t)) if from != to => Ok(between(
                &seen[from],
                &seen[to],
                t,
                self.interpolation,
                visit.rank,
            )?),
            _ => Ok(seen[0].compose(visit.rank)),
        }
    }

    /// The frames between keyframes that are fitted.
    pub(super) fn between(&self) -> impl Iterator<Item = u32> {
        self.visited()
            .filter(|frame| self.positions.binary_search(frame).is_err())
    }

    /// All frames that are fitted, in order.
    pub(super) fn visited(&self) -> impl Iterator<Item = u32> {
        let generated = self.interpolation != Interpolation::Motion;
        let frames = 0..self.frames.len() as u32;
        frames.filter(move |frame| generated || self.positions.binary_search(frame).is_ok())
    }

    /// The keyframes of a visit's prompt, with their weights.
    pub(super) fn shares<'s>(
        &self,
        visit: Visit,
        seen: &'s [Factors],
    ) -> impl Iterator<Item = Share<'s>> {
        let share = move |keyframe: usize, weight: f64| Share {
            keyframe,
            weight,
            components: visit.rank,
            seen: &seen[keyframe],
        };
        let between = bracket(self.positions, visit.frame).map(|(from, to, t)| {
            let t = f64::from(t);
            let other = (from != to && t < 1.0).then(|| share(from, 1.0 - t));
            [Some(share(to, t)), other]
        });
        between.into_iter().flatten().flatten()
    }
}

/// The start latent of one segment, always the one that the player will compute. With two passes it
/// follows the prompts: it is computed anew in every pass and taken as constant there (no gradient goes
/// through it).
#[derive(Debug)]
pub(super) struct SegmentStart {
    pub(super) mode: StartLatent,
    pub(super) mix: StartMix,
    /// Components of the lowest rung, from which two passes start.
    pub(super) base: u8,
}

impl SegmentStart {
    /// The bytes in the segment's first sample.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        (self.mode == StartLatent::TwoPass).then(|| vec![self.base])
    }

    /// The start latent that a player computes from the decoded keyframes `decoded`.
    pub(super) fn latent(
        &self,
        generator: &Generator,
        decoded: &[Factors],
    ) -> Result<Tensor, EncodeError> {
        let payload = StartPayload {
            mode: self.mode,
            bytes: &self.payload().unwrap_or_default(),
        };
        let compose = |components| decoded.first().map(|first| first.compose(components));
        Ok(payload.latent(generator, &self.mix, compose)?)
    }
}

/// Fails unless there are frames, of one size, and `positions` span them.
pub(super) fn check(frames: &[Frame], positions: &[u32]) -> Result<(), EncodeError> {
    let wrong = |text: String| Err(EncodeError::Input(text));
    let Some(first) = frames.first() else {
        return wrong("a segment needs a frame".to_owned());
    };
    let size = |frame: &Frame| (frame.width(), frame.height());
    if let Some(odd) = frames.iter().position(|frame| size(frame) != size(first)) {
        let frame = &frames[odd];
        return wrong(format!(
            "frame {odd} of the segment is {frame:?}, frame 0 {first:?}"
        ));
    }
    let count = frames.len();
    let spans = positions.first() == Some(&0)
        && positions.last().map(|&p| p as usize + 1) == Some(count)
        && positions.is_sorted_by(|a, b| a < b);
    if spans {
        return Ok(());
    }
    wrong(format!(
        "keyframe positions {positions:?} do not span {count} frames"
    ))
}
