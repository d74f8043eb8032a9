//! The codecs that a title is compared with, and how each is asked for its best.
//!
//! Closed groups of pictures of fixed length, two passes, one thread (so that the same input gives
//! the same bytes), preset `slow`, 5 for SVT-AV1; 8-bit 4:2:0; fragmented MP4 with a fragment a
//! group and without indexes. Messages that only say which encoder it was (SEI) are left out.

use super::super::ffmpeg::{SCALER, raw_input, words};
use crate::cli::CliError;
use crate::time::FrameRate;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A codec to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli::eval) enum Codec {
    /// H.265 by x265.
    X265,
    /// H.264 by x264.
    X264,
    /// AV1 by SVT-AV1.
    #[value(name = "svtav1")]
    SvtAv1,
    /// Latents of Stable Diffusion's tiny autoencoder as an H.265 video of bytes, the published
    /// method's VAE baseline; needs its weights.
    Taesd,
}

impl Codec {
    /// Its name in reports.
    pub(in crate::cli::eval) fn name(self) -> &'static str {
        match self {
            Self::X265 => "x265",
            Self::X264 => "x264",
            Self::SvtAv1 => "svtav1",
            Self::Taesd => "taesd",
        }
    }

    /// What ffmpeg calls the encoder.
    pub(super) fn encoder(self) -> &'static str {
        match self {
            Self::X265 | Self::Taesd => "libx265",
            Self::X264 => "libx264",
            Self::SvtAv1 => "libsvtav1",
        }
    }

    /// Its arguments for pass 1 or 2 at `kbps`, a group of `gop` pictures of `size`.
    fn arguments(self, pass: u32, kbps: f64, gop: u64, size: (u32, u32)) -> Vec<String> {
        let (rate, gop) = (format!("{}", (kbps * 1000.0).round()), gop.to_string());
        let mut arguments = words(&["-c:v", self.encoder(), "-b:v", &rate, "-g", &gop]);
        let pass = pass.to_string();
        match self {
            Self::X265 | Self::Taesd => {
                // A coding tree must fit the picture.
                let tree = match size.0.min(size.1) {
                    64.. => 64,
                    32..64 => 32,
                    _ => 16,
                };
                let params = format!(
                    "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:info=0:pools=none:\
                     frame-threads=1:ctu={tree}:log-level=error:pass={pass}:stats=pass.log"
                );
                arguments.extend(words(&["-preset", "slow", "-x265-params", &params]));
            }
            Self::X264 => arguments.extend(words(&[
                "-preset",
                "slow",
                "-keyint_min",
                &gop,
                "-sc_threshold",
                "0",
                "-flags",
                "+cgop",
                "-bsf:v",
                "filter_units=remove_types=6",
                "-pass",
                &pass,
                "-passlogfile",
                "pass",
            ])),
            Self::SvtAv1 => arguments.extend(words(&[
                "-preset",
                "5",
                "-svtav1-params",
                "lp=1",
                "-pass",
                &pass,
                "-passlogfile",
                "pass",
            ])),
        }
        arguments
    }
}

/// One encode.
#[derive(Debug, Clone)]
pub(super) struct Encode {
    pub(super) codec: Codec,
    /// Format of the raw input's pixels, their size and rate.
    pub(super) input: (&'static str, (u32, u32), FrameRate),
    /// Size of the pictures that are coded.
    pub(super) size: (u32, u32),
    /// Every how many-th frame is coded.
    pub(super) every: u32,
    pub(super) kbps: f64,
    /// Length of a group, in coded pictures.
    pub(super) gop: u64,
}

impl Encode {
    /// ffmpeg's arguments for pass 1 or 2 from the raw file `input` to `out`.
    pub(super) fn arguments(&self, pass: u32, input: &Path, out: &str) -> Vec<String> {
        let (format, raw, rate) = self.input;
        let mut arguments = raw_input(input, format, raw, rate);
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
        arguments.extend(words(&["-vf", &filter]));
        arguments.extend(self.codec.arguments(pass, self.kbps, self.gop, self.size));
        arguments.extend(words(&[
            "-threads",
            "1",
            "-fflags",
            "+bitexact",
            "-movflags",
            "+frag_keyframe+empty_moov+default_base_moof+skip_trailer",
            "-f",
            "mp4",
            out,
        ]));
        arguments
    }

    /// Everything that decides the bytes but the input's frames.
    pub(super) fn key(&self, version: &str) -> String {
        let arguments = [1, 2].map(|pass| self.arguments(pass, Path::new("IN"), "OUT").join(" "));
        format!("{version}\n{}", arguments.join("\n"))
    }

    /// What a reader calls it, such as `x265 192x192 @15`.
    pub(super) fn describe(&self) -> String {
        let (width, height) = self.size;
        let fps = self.input.2.fps() / f64::from(self.every);
        format!("{} {width}x{height} @{fps:.4}", self.codec.name())
    }
}

/// `size` times `scale`, even as 4:2:0 needs it and not below what every codec takes.
pub(super) fn scaled(size: (u32, u32), scale: f64) -> Result<(u32, u32), CliError> {
    let side = |side: u32| 2 * ((f64::from(side) * scale / 2.0).round() as u32).max(8);
    match scale > 0.0 && scale <= 4.0 {
        true => Ok((side(size.0), side(size.1))),
        false => Err(CliError::input(format!(
            "--against-sizes {scale}: expected shares of the picture's sides, such as 1,0.75"
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Codec, Encode, scaled};
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
    fn what_decides_the_bytes_decides_the_key() {
        let encode = Encode {
            codec: Codec::X265,
            input: ("rgb24", (64, 64), FrameRate::new(30, 1).unwrap()),
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
