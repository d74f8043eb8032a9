//! The configuration of a rung, needed before its first segment: the content of the sample entry.
//! [`super::init`] writes and reads it.

use super::error::SegmentError;
use crate::prompt::{CodingId, CodingParameters, Interpolation};
use crate::time::{FrameRate, Timescale};

/// Four-character code of the sample entry, and first part of every `codecs` string. It is not
/// registered with MP4RA; this is the one place to change it.
pub const CODEC: [u8; 4] = *b"prm1";

/// Longest profile id.
pub const MAX_PROFILE: usize = 16;

/// Largest side of a picture, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// Origin of the latent that is mixed with noise to generate a segment's first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StartLatent {
    /// Nothing but noise.
    Noise = 0,
    /// Frame 0 is generated from noise with the base rung's components, and its latent is the
    /// start of a second pass. The first sample has the number of those components.
    TwoPass = 1,
    /// A small latent in the segment's first sample, enlarged.
    Coarse = 2,
    /// A whole latent in the segment's first sample.
    Full = 3,
    /// The reference's chain: every keyframe starts from the latent of the one before; the first
    /// segment carries the latent that the chain begins with (f32, little-endian).
    Chain = 4,
}

impl StartLatent {
    /// The mode with this number in the container, if there is one.
    pub fn from_id(id: u8) -> Option<Self> {
        use StartLatent::{Chain, Coarse, Full, Noise, TwoPass};
        let modes = [Noise, TwoPass, Coarse, Full, Chain];
        modes.get(usize::from(id)).copied()
    }

    /// Whether the first sample of a closed segment must carry something to start from.
    pub fn in_sample(self) -> bool {
        self != Self::Noise
    }
}

/// The configuration of one file: a rung, or a range of components of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Id of the generator profile, `mini` or `sd-turbo`: 1 to 16 of `a-z`, `0-9` and `-`.
    pub profile: String,
    /// SHA-256 of the generator's weights file; all zero if it is not known.
    pub weights: [u8; 32],
    /// Shape of a prompt, components of this file, full rank, coding and quantiser.
    pub coding: CodingParameters,
    /// First component that this file holds: 0 in a complete rung.
    pub first_component: usize,
    /// How frames between keyframes are made.
    pub interpolation: Interpolation,
    /// Where the start latent comes from.
    pub start_latent: StartLatent,
    /// Seed of the noise.
    pub noise_seed: u32,
    /// Share of the noise in the start, 0 to 1; the latent has the rest.
    pub noise_weight: f32,
    /// Pictures a second (samples are keyframes, hence fewer).
    pub frame_rate: FrameRate,
    /// Width and height that are shown, 1 to 16,384 each.
    pub visible: (u32, u32),
    /// Width and height that are generated, at least those shown.
    pub coded: (u32, u32),
    /// Width to height of a pixel, both at least 1.
    pub pixel_aspect: (u32, u32),
}

/// Width and height of a picture of `size` whose pixels are `aspect` wide to high, in square
/// pixels: as many lines, of another width.
pub fn display_size(size: (u32, u32), aspect: (u32, u32)) -> (u32, u32) {
    let (across, down) = (u64::from(aspect.0), u64::from(aspect.1.max(1)));
    let width = (u64::from(size.0) * across + down / 2) / down;
    (u32::try_from(width).unwrap_or(u32::MAX).max(1), size.1)
}

impl Track {
    /// Width and height as displayed, in square pixels.
    pub fn display_size(&self) -> (u32, u32) {
        display_size(self.visible, self.pixel_aspect)
    }

    /// Components that a player of this file has, with those of the files that it builds on.
    pub fn rank(&self) -> usize {
        self.first_component + self.coding.components
    }

    /// Ticks a second, a multiple of the frame rate.
    pub fn timescale(&self) -> Timescale {
        self.frame_rate.timescale()
    }

    /// Layers of every sample: one a component, or the reference's one payload.
    pub fn layers(&self) -> usize {
        match self.coding.coding {
            CodingId::Reference => 1,
            CodingId::Layered => self.coding.components,
        }
    }

    /// The RFC 6381 string of the file, `prm1.<profile>.<level>`: the generator that it needs, and
    /// its rank.
    pub fn codecs(&self) -> String {
        let profile = &self.profile;
        format!("{}.{profile}.{}", CODEC.escape_ascii(), self.rank())
    }

    /// Fails unless the track can be written.
    pub fn check(&self) -> Result<(), SegmentError> {
        self.problem().map_or(Ok(()), |(field, found, expected)| {
            Err(SegmentError::unwritable(field, found, expected))
        })
    }

    /// The first value outside its limits, if any: field, value, and values that it may have.
    pub(super) fn problem(&self) -> Option<(&'static str, String, String)> {
        let (visible, coded, aspect) = (self.visible, self.coded, self.pixel_aspect);
        let sides = [visible.0, visible.1, coded.0, coded.1];
        let (first, full) = (self.first_component, self.coding.full_rank);
        let (components, grid_width) = (self.coding.components, self.coding.grid_width);
        let coding = self.coding.check().err().map(|error| error.to_string());
        let checks = [
            (
                valid_profile(&self.profile),
                ("profile", format!("{:?}", self.profile)),
                "1 to 16 of a-z, 0-9 and -",
            ),
            (
                sides.iter().all(|side| (1..=MAX_SIDE).contains(side)),
                ("picture size", format!("{visible:?} in {coded:?}")),
                "sides of 1 to 16384 pixels",
            ),
            (
                coded.0 >= visible.0 && coded.1 >= visible.1,
                ("coded size", format!("{coded:?}")),
                "at least the visible size",
            ),
            (
                aspect.0 > 0 && aspect.1 > 0,
                ("pixel aspect", format!("{aspect:?}")),
                "two numbers above 0",
            ),
            (
                (0.0..=1.0).contains(&self.noise_weight),
                ("noise weight", self.noise_weight.to_string()),
                "0 to 1",
            ),
            (
                first.saturating_add(components) <= full,
                ("components", format!("{first} and {components} more")),
                "no more than the full rank",
            ),
            (
                grid_width <= usize::from(u16::MAX),
                ("grid width", grid_width.to_string()),
                "at most 65535",
            ),
            (
                coding.is_none(),
                ("prompt coding", "out of range".to_owned()),
                coding.as_deref().unwrap_or_default(),
            ),
        ];
        let (_, (field, found), expected) = checks.into_iter().find(|(fits, ..)| !fits)?;
        Some((field, found, expected.to_owned()))
    }
}

/// Measured bitrates of a file, as its sample entry states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bitrates {
    /// Bytes of the largest segment.
    pub largest_segment: u32,
    /// Highest bitrate of a segment, bit/s.
    pub peak: u32,
    /// Mean bitrate over the segments, bit/s.
    pub average: u32,
}

fn valid_profile(profile: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_PROFILE).contains(&profile.len()) && profile.bytes().all(known)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::track;
    use super::*;

    #[test]
    fn codecs_name_profile_and_rank() {
        let mut track = track();
        assert_eq!(track.codecs(), "prm1.mini.3");
        track.first_component = 1;
        assert_eq!(track.codecs(), "prm1.mini.4");
    }

    #[test]
    fn values_out_of_range_are_named() {
        type Change = fn(&mut Track);
        let faults: [(Change, &str); 8] = [
            (
                |track| track.profile = "Mini".to_owned(),
                "cannot write profile \"Mini\": expected 1 to 16 of a-z, 0-9 and -",
            ),
            (|track| track.visible.0 = 0, "picture size"),
            (|track| track.coded.1 = 100, "coded size"),
            (|track| track.pixel_aspect.1 = 0, "pixel aspect"),
            (|track| track.noise_weight = f32::NAN, "noise weight"),
            (|track| track.first_component = 4, "components"),
            (|track| track.coding.components = 0, "component count"),
            (|track| track.coding.grid_width = 7, "grid"),
        ];
        for (change, expected) in faults {
            let mut track = track();
            change(&mut track);
            let error = track.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
