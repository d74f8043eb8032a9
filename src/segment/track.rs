//! The configuration of a rung, needed before its first segment: the content of `prmC`, and the
//! sizes of the sample entry. Knows no bytes: [`super::init`] writes and reads them.

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
    /// start of a second pass. The first sample says how many components that are.
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
        [
            Self::Noise,
            Self::TwoPass,
            Self::Coarse,
            Self::Full,
            Self::Chain,
        ]
        .into_iter()
        .find(|&mode| mode as u8 == id)
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
        match self.problem() {
            None => Ok(()),
            Some(problem) => Err(SegmentError::unwritable(
                problem.field,
                problem.found,
                problem.expected,
            )),
        }
    }

    /// The first value outside its limits, if any.
    pub(super) fn problem(&self) -> Option<Problem> {
        let sides = [self.visible.0, self.visible.1, self.coded.0, self.coded.1];
        let (first, full) = (self.first_component, self.coding.full_rank);
        let checks = [
            (
                !valid_profile(&self.profile),
                "profile",
                format!("{:?}", self.profile),
                PROFILES,
            ),
            (
                sides.iter().any(|&side| side == 0 || side > MAX_SIDE),
                "picture size",
                format!("{:?} in {:?}", self.visible, self.coded),
                "sides of 1 to 16384 pixels",
            ),
            (
                self.coded.0 < self.visible.0 || self.coded.1 < self.visible.1,
                "coded size",
                format!("{:?}", self.coded),
                "at least the visible size",
            ),
            (
                self.pixel_aspect.0 == 0 || self.pixel_aspect.1 == 0,
                "pixel aspect",
                format!("{:?}", self.pixel_aspect),
                "two numbers above 0",
            ),
            (
                !(0.0..=1.0).contains(&self.noise_weight),
                "noise weight",
                self.noise_weight.to_string(),
                "0 to 1",
            ),
            (
                first.saturating_add(self.coding.components) > full,
                "components",
                format!("{first} and {} more", self.coding.components),
                "no more than the full rank",
            ),
            (
                self.coding.grid_width > usize::from(u16::MAX),
                "grid width",
                self.coding.grid_width.to_string(),
                "at most 65535",
            ),
        ];
        let broken = checks.into_iter().find(|(broken, ..)| *broken);
        let local = broken.map(|(_, field, found, expected)| Problem {
            field,
            found,
            expected: expected.to_owned(),
        });
        local.or_else(|| {
            let error = self.coding.check().err()?;
            Some(Problem {
                field: "prompt coding",
                found: "out of range".to_owned(),
                expected: error.to_string(),
            })
        })
    }
}

const PROFILES: &str = "1 to 16 of a-z, 0-9 and -";

/// A value that a track may not have.
pub(super) struct Problem {
    pub(super) field: &'static str,
    pub(super) found: String,
    pub(super) expected: String,
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
        let broken = |change: &dyn Fn(&mut Track)| {
            let mut track = track();
            change(&mut track);
            track.check().unwrap_err().to_string()
        };
        let error = broken(&|track| track.profile = "Mini".to_owned());
        assert_eq!(
            error,
            "cannot write profile \"Mini\": expected 1 to 16 of a-z, 0-9 and -"
        );
        assert!(broken(&|track| track.visible.0 = 0).contains("picture size"));
        assert!(broken(&|track| track.coded.1 = 100).contains("coded size"));
        assert!(broken(&|track| track.pixel_aspect.1 = 0).contains("pixel aspect"));
        assert!(broken(&|track| track.noise_weight = f32::NAN).contains("noise weight"));
        assert!(broken(&|track| track.first_component = 4).contains("components"));
        assert!(broken(&|track| track.coding.components = 0).contains("component count"));
        assert!(broken(&|track| track.coding.grid_width = 7).contains("grid"));
    }
}
