//! One segment as a fit sees it: targets, keyframe positions, coding and loss. Nothing here changes
//! from pass to pass.

use candle_core::{Device, Tensor};

use super::loss::Loss;
use super::prompts::Share;
use super::schedule::Visit;
use crate::encode::EncodeError;
use crate::frame::Frame;
use crate::model::picture;
use crate::prompt::{CodedKeyframe, CodingParameters, Factors, Interpolation, between};
use crate::segment::keyframes::bracket;

/// Constant data of a segment over all passes.
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

/// Fails unless there are frames, of one size, and `positions` span them.
pub(super) fn check(frames: &[Frame], positions: &[u32]) -> Result<(), EncodeError> {
    let Some(first) = frames.first() else {
        return Err(EncodeError::Frames("a segment needs a frame".to_owned()));
    };
    let visible = (first.width(), first.height());
    let odd = frames
        .iter()
        .position(|f| (f.width(), f.height()) != visible);
    if let Some(odd) = odd {
        let text = format!(
            "frame {odd} of the segment is {:?}, frame 0 {first:?}",
            frames[odd]
        );
        return Err(EncodeError::Frames(text));
    }
    let spans = positions.first() == Some(&0)
        && positions.last().map(|&p| p as usize + 1) == Some(frames.len())
        && positions.is_sorted_by(|a, b| a < b);
    if !spans {
        let count = frames.len();
        let text = format!("keyframe positions {positions:?} do not span {count} frames");
        return Err(EncodeError::Frames(text));
    }
    Ok(())
}
