//! One encode: a codec at one picture size, frame rate and target rate.
//!
//! 8-bit 4:2:0; fragmented MP4 with a fragment a group and without indexes. Messages that only name
//! the encoder (SEI) are left out.

use super::codec::Codec;
use super::ffmpeg::{SCALER, raw_input, words};
use crate::evaluate::EvaluateError;
use crate::time::FrameRate;
use std::path::Path;

/// One encode.
#[derive(Debug, Clone)]
pub(super) struct Encode {
    pub(super) codec: Codec,
    /// Pixel format of the raw input in ffmpeg's terms.
    pub(super) format: &'static str,
    /// Size of its pictures.
    pub(super) raw: (u32, u32),
    /// Its frame rate.
    pub(super) rate: FrameRate,
    /// Size of the pictures that are coded.
    pub(super) size: (u32, u32),
    /// Every N-th frame is coded.
    pub(super) every: u32,
    /// Target rate in kbit/s.
    pub(super) kbps: f64,
    /// Length of a group, in coded pictures.
    pub(super) gop: u64,
}

impl Encode {
    /// ffmpeg's arguments for pass 1 or 2 from the raw file `input` to `out`.
    pub(super) fn arguments(&self, pass: u32, input: &Path, out: &str) -> Vec<String> {
        let mut arguments = raw_input(input, self.format, self.raw, self.rate);
        let (width, height) = self.size;
        let step = match self.every {
            1 => String::new(),
            every => format!("framestep={every},"),
        };
        let filter = match self.codec {
            Codec::Taesd => format!("{step}format=gray"),
            _ => format!(
                "{step}scale={width}:{height}:{SCALER}:out_color_matrix=bt601:out_range=tv,\
                 format=yuv420p"
            ),
        };
        arguments.extend(words(&format!("-vf {filter}")));
        arguments.extend(self.codec.arguments(pass, self.kbps, self.gop, self.size));
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

    /// Name for people, such as `x265 192x192 @15`.
    pub(super) fn describe(&self) -> String {
        let (width, height) = self.size;
        let fps = self.rate.fps() / f64::from(self.every);
        format!("{} {width}x{height} @{fps:.4}", self.codec.name())
    }
}

/// `size` times `scale`, even as 4:2:0 needs it and at least 16 pixels, the smallest that every codec
/// takes.
pub(super) fn scaled(size: (u32, u32), scale: f64) -> Result<(u32, u32), EvaluateError> {
    let side = |side: u32| 2 * ((f64::from(side) * scale / 2.0).round() as u32).max(8);
    if scale > 0.0 && scale <= 4.0 {
        Ok((side(size.0), side(size.1)))
    } else {
        let message = format!("size {scale}: expected a share of the sides, such as 0.75");
        Err(EvaluateError::Setting(message))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Encode, scaled};
    use crate::evaluate::codecs::Codec;
    use crate::time::FrameRate;

    #[test]
    fn sizes_are_even_and_large_enough() {
        assert_eq!(scaled((256, 255), 1.0).unwrap(), (256, 256));
        assert_eq!(scaled((256, 144), 0.75).unwrap(), (192, 108));
        assert_eq!(scaled((20, 20), 0.5).unwrap(), (16, 16));
        assert!(scaled((20, 20), 0.0).is_err());
        assert!(scaled((20, 20), f64::NAN).is_err());
    }

    #[test]
    fn settings_change_the_cache_key() {
        let encode = Encode {
            codec: Codec::X265,
            format: "rgb24",
            raw: (64, 64),
            rate: FrameRate::new(30, 1).unwrap(),
            size: (48, 48),
            every: 2,
            kbps: 20.0,
            gop: 30,
        };
        let key = encode.key("ffmpeg 1");
        assert!(
            key.contains("framestep=2,scale=48:48") && key.contains("pass=2"),
            "{key}"
        );
        assert!(
            key.contains("ctu=32") && key.contains("-b:v 20000"),
            "{key}"
        );
        let other = Encode {
            kbps: 20.5,
            ..encode.clone()
        };
        assert_ne!(other.key("ffmpeg 1"), key);
        assert_ne!(encode.key("ffmpeg 2"), key);
        assert_eq!(encode.describe(), "x265 48x48 @15.0000");
    }
}
