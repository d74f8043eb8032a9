//! One rung of a ladder: its configuration, its coded segments, and their decoded keyframes.

use super::PackageError;
use crate::prompt::{Factors, KeyframeDecoder, PromptError};
use crate::segment::Track;
use crate::segment::coded::CodedSegment;

/// One rung: its configuration and its segments in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Content of the init segment's `prmC` box.
    pub track: Track,
    /// Coded keyframes, with [`Track::layers`] layers each.
    pub segments: Vec<CodedSegment>,
}

impl Rung {
    /// The first `rank` components of this rung as a rung of its own. Layered coding only.
    #[must_use]
    pub fn cut(&self, rank: usize) -> Self {
        let mut track = self.track.clone();
        track.coding.components = rank.clamp(1, track.coding.components);
        let layers = track.layers();
        let segments = self.segments.iter().map(|segment| segment.cut(layers));
        Self {
            segments: segments.collect(),
            track,
        }
    }
}

/// Id of a rung, `<profile>-r<rank>`, or of a layer, `<profile>-l<first>-r<rank>`: also the name of
/// its file without the extension.
pub fn rung_id(track: &Track) -> String {
    let (profile, rank) = (&track.profile, track.rank());
    match track.first_component {
        0 => format!("{profile}-r{rank}"),
        first => format!("{profile}-l{first}-r{rank}"),
    }
}

/// A decoded keyframe.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyframe {
    /// Number of its frame in the segment, from 0.
    pub position: u32,
    /// Its prompt.
    pub factors: Factors,
}

/// The decoded keyframes of a segment; `file` and its `number`, from 1, name it in errors.
pub(super) fn decode(
    file: &str,
    number: usize,
    track: &Track,
    segment: &CodedSegment,
) -> Result<Vec<Keyframe>, PackageError> {
    let failed = |error: PromptError| {
        PackageError::invalid(format!("{file}: segment {number}"), error.to_string())
    };
    let mut decoder = KeyframeDecoder::new(track.coding).map_err(failed)?;
    let keyframes = segment.keyframes.iter().map(|keyframe| {
        let layers: Vec<&[u8]> = keyframe.layers.iter().map(AsRef::as_ref).collect();
        Ok(Keyframe {
            position: keyframe.position,
            factors: decoder.push(&layers).map_err(failed)?,
        })
    });
    keyframes.collect()
}
