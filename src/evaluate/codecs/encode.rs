//! One encode: a codec at one picture size, frame rate and target rate.
//!
//! 8-bit 4:2:0; fragmented MP4 with a fragment a group and without indexes. Messages that only name
//! the encoder (SEI) are left out.

use super::codec::Codec;
use super::ffmpeg::{SCALER, raw_input, words};
use crate::time::FrameRate;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// One encode.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Encode {
    /// The codec.
    pub codec: Codec,
    /// Width of the coded pictures in pixels.
    pub width: u32,
    /// Their height.
    pub height: u32,
    /// Coded frames a second.
    pub fps: f64,
    /// Target rate in kbit/s.
    pub target_kbps: f64,
    /// Width and height of the raw input's pictures.
    #[serde(skip)]
    pub(super) raw: (u32, u32),
    /// Frame rate of the raw input.
    #[serde(skip)]
    pub(super) rate: FrameRate,
    /// Every N-th frame is coded.
    #[serde(skip)]
    pub(super) every: u32,
    /// Length of a group, in coded pictures.
    #[serde(skip)]
    pub(super) gop: u64,
}

impl Encode {
    /// ffmpeg's arguments for pass 1 or 2 from the raw file `input` to `out`.
    pub(super) fn arguments(&self, pass: u32, input: &Path, out: &str) -> Vec<String> {
        let (width, height) = (self.width, self.height);
        let (format, filter) = match self.codec {
            Codec::Taesd => ("gray", "format=gray".to_owned()),
            _ => {
                let colours = "out_color_matrix=bt601:out_range=tv,format=yuv420p";
                (
                    "rgb24",
                    format!("scale={width}:{height}:{SCALER}:{colours}"),
                )
            }
        };
        let step = match self.every {
            1 => String::new(),
            every => format!("framestep={every},"),
        };
        let mut arguments = raw_input(input, format, self.raw, self.rate);
        arguments.extend(words(&format!("-vf {step}{filter}")));
        let size = (width, height);
        arguments.extend(self.codec.arguments(pass, self.target_kbps, self.gop, size));
        arguments.extend(words(&format!(
            "-threads 1 -fflags +bitexact \
             -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer -f mp4 {out}"
        )));
        arguments
    }

    /// Cache key: everything that decides the bytes except the input's frames.
    pub(super) fn key(&self, version: &str) -> String {
        let arguments = [1, 2].map(|pass| self.arguments(pass, Path::new("IN"), "OUT").join(" "));
        format!("{version}\n{}", arguments.join("\n"))
    }

    /// Frames of the input that a group shows.
    pub(super) fn group(&self) -> u64 {
        self.gop * u64::from(self.every)
    }
}

/// Such as `x265-192x192@15`.
impl fmt::Display for Encode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (codec, width, height) = (self.codec, self.width, self.height);
        let fps = (100.0 * self.fps).round() / 100.0;
        write!(f, "{codec}-{width}x{height}@{fps}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_the_cache_key() {
        let encode = Encode {
            codec: Codec::X265,
            width: 48,
            height: 48,
            fps: 15.0,
            target_kbps: 20.0,
            raw: (64, 64),
            rate: FrameRate::new(30, 1).unwrap(),
            every: 2,
            gop: 30,
        };
        let key = encode.key("ffmpeg 1");
        for part in ["framestep=2,scale=48:48", "pass=2", "ctu=32", "-b:v 20000"] {
            assert!(key.contains(part), "{part}: {key}");
        }
        assert_eq!(encode.to_string(), "x265-48x48@15");
        assert_ne!(encode.key("ffmpeg 2"), key);
        let target_kbps = 20.5;
        let other = Encode {
            target_kbps,
            ..encode
        };
        assert_ne!(other.key("ffmpeg 1"), key);
    }
}
