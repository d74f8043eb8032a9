//! The settings of a comparison: codecs × picture sizes × frame rates × target rates.

use super::codec::Codec;
use super::encode::Encode;
use crate::evaluate::EvaluateError;
use crate::time::FrameRate;
use std::path::PathBuf;

/// The settings that are compared, and their measurement.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "cli",
    derive(clap::Args),
    command(next_help_heading = "Other codecs")
)]
#[non_exhaustive]
pub struct Grid {
    /// Codecs to compare with; needs ffmpeg.
    #[cfg_attr(
        feature = "cli",
        arg(long = "against", value_delimiter = ',', value_name = "CODEC,…")
    )]
    pub codecs: Vec<Codec>,
    /// Target rates of the codecs in kbit/s.
    #[cfg_attr(feature = "cli", arg(
        long = "against-rates", value_delimiter = ',', default_values_t = Self::default().rates,
        value_name = "KBPS,…"
    ))]
    pub rates: Vec<f64>,
    /// Coded picture sizes, as shares of the title's sides, over 0 and at most 4.
    #[cfg_attr(feature = "cli", arg(
        long = "against-sizes", value_delimiter = ',', default_values_t = Self::default().sizes,
        value_name = "SHARE,…"
    ))]
    pub sizes: Vec<f64>,
    /// Coded frame rates: every N-th frame, N from 1.
    #[cfg_attr(feature = "cli", arg(
        long = "against-every", value_delimiter = ',', default_values_t = Self::default().every,
        value_name = "N,…", value_parser = clap::value_parser!(u32).range(1..)
    ))]
    pub every: Vec<u32>,
    /// Length of the codecs' closed groups of pictures in seconds [default: that of the title's
    /// longest segment].
    #[cfg_attr(feature = "cli", arg(long = "against-gop", value_name = "SECONDS"))]
    pub gop_s: Option<f64>,
    /// Measure only every N-th frame of the codecs' videos.
    #[cfg_attr(feature = "cli", arg(
        long = "against-sample", default_value_t = 1, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..)
    ))]
    pub sample: u32,
    /// Folder that keeps the codecs' videos and figures [default: in the user's cache folder].
    #[cfg_attr(feature = "cli", arg(long, value_name = "DIR"))]
    pub cache: Option<PathBuf>,
}

impl Default for Grid {
    /// No codec yet; 8 to 60 kbit/s at full, three quarter and half size, full and half rate.
    fn default() -> Self {
        Self {
            codecs: Vec::new(),
            rates: vec![8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 60.0],
            sizes: vec![1.0, 0.75, 0.5],
            every: vec![1, 2],
            gop_s: None,
            sample: 1,
            cache: None,
        }
    }
}

impl Grid {
    /// Every encode of pictures of `raw` size at `rate` in groups of `gop_s` seconds, in the order of
    /// the grid. `taesd` is the size of the pictures of latents, which TAESD codes at one size.
    pub(super) fn encodes(
        &self,
        raw: (u32, u32),
        taesd: Option<(u32, u32)>,
        rate: FrameRate,
        gop_s: f64,
    ) -> Result<Vec<Encode>, EvaluateError> {
        let mut encodes = Vec::new();
        for &codec in &self.codecs {
            let latents = taesd.filter(|_| codec == Codec::Taesd);
            let scales = self.sizes.iter().map(|&scale| scaled(raw, scale));
            let sizes = latents.map_or_else(|| scales.collect(), |latents| Ok(vec![latents]));
            let sizes: Vec<(u32, u32)> = sizes?;
            for (width, height) in sizes {
                for &every in &self.every {
                    let fps = rate.fps() / f64::from(every);
                    let gop = positive("group, in coded pictures", gop_s * fps)?;
                    for &kbps in &self.rates {
                        encodes.push(Encode {
                            codec,
                            width,
                            height,
                            fps,
                            target_kbps: positive("rate, in kbit/s", kbps)?,
                            raw: latents.unwrap_or(raw),
                            rate,
                            every,
                            gop: (gop.round() as u64).max(1),
                        });
                    }
                }
            }
        }
        Ok(encodes)
    }
}

fn positive(what: &str, value: f64) -> Result<f64, EvaluateError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    let message = format!("{what}: {value}, expected a positive number");
    Err(EvaluateError::Input(message))
}

/// `size` times `scale`, even as 4:2:0 needs it and at least 16 pixels, the smallest that every codec
/// takes.
fn scaled(size: (u32, u32), scale: f64) -> Result<(u32, u32), EvaluateError> {
    let side = |side: u32| 2 * ((f64::from(side) * scale / 2.0).round() as u32).max(8);
    if scale > 0.0 && scale <= 4.0 {
        return Ok((side(size.0), side(size.1)));
    }
    let message = format!("size {scale}: expected a share of the sides, such as 0.75");
    Err(EvaluateError::Input(message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::scaled;

    #[test]
    fn sizes_are_even_and_large_enough() {
        assert_eq!(scaled((256, 255), 1.0).unwrap(), (256, 256));
        assert_eq!(scaled((256, 144), 0.75).unwrap(), (192, 108));
        assert_eq!(scaled((20, 20), 0.5).unwrap(), (16, 16));
        assert!(scaled((20, 20), 0.0).is_err() && scaled((20, 20), f64::NAN).is_err());
    }
}
