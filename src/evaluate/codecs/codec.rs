//! Codecs that a title is compared with, and each one's best settings for streaming.
//!
//! Closed groups of pictures of fixed length, two passes, one thread (so that equal input gives equal
//! bytes), preset `slow`, 5 for SVT-AV1.

use super::ffmpeg::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A codec to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum), value(rename_all = "lower"))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Codec {
    /// H.265 by x265.
    X265,
    /// H.264 by x264.
    X264,
    /// AV1 by SVT-AV1.
    SvtAv1,
    /// Latents of Stable Diffusion's tiny autoencoder as an H.265 video of bytes, the published
    /// method's VAE baseline; needs its weights.
    Taesd,
}

impl Codec {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// ffmpeg's name of the encoder.
    pub(super) fn encoder(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::X265 => ("x265", "libx265"),
            Self::X264 => ("x264", "libx264"),
            Self::SvtAv1 => ("svtav1", "libsvtav1"),
            Self::Taesd => ("taesd", "libx265"),
        }
    }

    /// Encoder arguments for pass 1 or 2 at `kbps`, a group of `gop` pictures of `size`.
    pub(super) fn arguments(self, pass: u32, kbps: f64, gop: u64, size: (u32, u32)) -> Vec<String> {
        let rate = (kbps * 1000.0).round();
        let encoder = match self {
            Self::X265 | Self::Taesd => {
                // A coding tree must fit the picture.
                let tree = match size.0.min(size.1) {
                    64.. => 64,
                    32..64 => 32,
                    _ => 16,
                };
                format!(
                    "-preset slow -x265-params keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:\
                     info=0:pools=none:frame-threads=1:ctu={tree}:log-level=error:pass={pass}:\
                     stats=pass.log"
                )
            }
            Self::X264 => format!(
                "-preset slow -keyint_min {gop} -sc_threshold 0 -flags +cgop \
                 -bsf:v filter_units=remove_types=6 -pass {pass} -passlogfile pass"
            ),
            Self::SvtAv1 => {
                format!("-preset 5 -svtav1-params lp=1 -pass {pass} -passlogfile pass")
            }
        };
        let name = self.encoder();
        words(&format!("-c:v {name} -b:v {rate} -g {gop} {encoder}"))
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
