//! The wire format: init segments, media segments, samples and their index, read and written.
//!
//! A rung is one file: `ftyp` + `moov` ([`init`]), `sidx` ([`sidx`]), then media segments
//! ([`media`]), each `styp` + `moof` + `mdat` with one sample a keyframe ([`sample`]). [`mod@file`]
//! puts them together and takes them apart; [`coded`] is a segment as its keyframes, free of
//! boxes; [`tree`] lists the boxes of anything. The boxes are those of ISO/IEC 14496-12 as CMAF
//! (ISO/IEC 23000-19 §7) narrows them; `prm1`, `prmC` and the samples are our own and described in
//! [`init`] and [`sample`], byte by byte.
//!
//! Nothing here decodes layers, generates frames, or reads files.
//! Parsers never panic, never allocate on the word of a length field, and name the box path and
//! byte offset of whatever is wrong.

mod boxes;
pub mod coded;
mod error;
pub mod file;
mod hash;
pub mod init;
pub mod keyframes;
pub mod media;
pub mod sample;
pub mod sidx;
mod track;
pub mod tree;

pub use error::{FourCc, Place, SegmentError};
pub use hash::{hex, parse_sha256};
pub use track::{CODEC, MAX_PROFILE, MAX_SIDE, StartLatent, Track, display_size};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod testing {
    use super::{StartLatent, Track};
    use crate::prompt::{CodingId, CodingParameters, Interpolation, Quantiser, Shape};
    use crate::time::FrameRate;

    /// A small `mini` track: three of four components, 24 frames a second.
    pub(crate) fn track() -> Track {
        Track {
            profile: "mini".to_owned(),
            weights: [7; 32],
            coding: CodingParameters {
                coding: CodingId::Layered,
                shape: Shape {
                    tokens: 144,
                    dim: 32,
                },
                grid_width: 16,
                components: 3,
                full_rank: 4,
                quantiser: Quantiser {
                    u_bits: 6,
                    v_bits: 8,
                },
            },
            first_component: 0,
            interpolation: Interpolation::Prompt,
            start_latent: StartLatent::Noise,
            noise_seed: 88,
            noise_weight: 0.95,
            frame_rate: FrameRate::new(24, 1).unwrap(),
            visible: (250, 140),
            coded: (256, 160),
            pixel_aspect: (1, 1),
        }
    }
}
