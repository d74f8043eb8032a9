//! The keyframes of a segment, decoded, and the composed prompts of its frames.

use super::error::RenderError;
use crate::prompt::{Factors, Interpolation, KeyframeDecoder, between};
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::keyframes::bracket;

pub(super) struct Keyframes {
    rank: usize,
    interpolation: Interpolation,
    /// Frame number in the segment, factors.
    pub(super) decoded: Vec<(u32, Factors)>,
    pub(super) positions: Vec<u32>,
}

impl Keyframes {
    /// Decodes all keyframes of `segment`. Fails if one is damaged.
    pub(super) fn decode(track: &Track, segment: &CodedSegment) -> Result<Self, RenderError> {
        let mut decoder = KeyframeDecoder::new(track.coding)?;
        let mut decoded = Vec::with_capacity(segment.keyframes.len());
        for keyframe in &segment.keyframes {
            let layers: Vec<&[u8]> = keyframe.layers.iter().map(AsRef::as_ref).collect();
            decoded.push((keyframe.position, decoder.push(&layers)?));
        }
        Ok(Self {
            rank: track.rank(),
            interpolation: track.interpolation,
            decoded,
            positions: segment.positions(),
        })
    }

    /// One past the last frame interpolated towards the same keyframe as `number`.
    pub(super) fn end_of_interval(&self, number: u32) -> u32 {
        let mut positions = self.decoded.iter().map(|(position, _)| *position);
        let next = positions.find(|position| *position >= number);
        next.map_or(u32::MAX, |position| position.saturating_add(1))
    }

    pub(super) fn prompt(&self, number: u32) -> Result<Vec<f32>, RenderError> {
        let bracket = bracket(&self.positions, number);
        let pair = bracket.and_then(|(from, to, t)| {
            Some((&self.decoded.get(from)?.1, &self.decoded.get(to)?.1, t))
        });
        let Some((from, to, t)) = pair else {
            return Err(RenderError::NoPicture);
        };
        if std::ptr::eq(from, to) {
            return Ok(to.compose(self.rank));
        }
        Ok(between(from, to, t, self.interpolation, self.rank)?)
    }

    /// Prompt of frame 0 from its first `components` components; `None` if it has fewer.
    pub(super) fn sketch(&self, components: usize) -> Option<Vec<f32>> {
        let (_, factors) = self.decoded.first()?;
        (components <= factors.rank()).then(|| factors.compose(components))
    }
}
