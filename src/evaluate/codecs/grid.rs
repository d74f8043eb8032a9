//! The settings of a comparison: codecs × picture sizes × frame rates × target rates.

use super::codec::Codec;
use super::encode::{Encode, scaled};
use crate::evaluate::EvaluateError;
use crate::time::FrameRate;
use std::path::PathBuf;

/// Which settings are compared, and how they are measured.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Grid {
    /// The codecs.
    pub codecs: Vec<Codec>,
    /// Target rates in kbit/s.
    pub rates: Vec<f64>,
    /// Picture sizes as shares of the title's sides, over 0 and at most 4.
    pub sizes: Vec<f64>,
    /// Frame rates: every N-th frame is coded, N from 1.
    pub every: Vec<u32>,
    /// Length of a closed group of pictures in seconds.
    pub gop_s: f64,
    /// Every N-th frame is measured, N from 1.
    pub sample: u32,
    /// Folder of the cache, instead of the user's.
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
            gop_s: 2.0,
            sample: 1,
            cache: None,
        }
    }
}

impl Grid {
    /// Every encode of pictures of `size`, in the order of the grid. `taesd` is the size of the
    /// pictures of latents, which TAESD codes at one size.
    pub(super) fn encodes(
        &self,
        size: (u32, u32),
        taesd: Option<(u32, u32)>,
        rate: FrameRate,
    ) -> Result<Vec<Encode>, EvaluateError> {
        let mut encodes = Vec::new();
        for &codec in &self.codecs {
            let (format, raw, sizes) = match taesd.filter(|_| codec == Codec::Taesd) {
                Some(latents) => ("gray", latents, vec![latents]),
                None => {
                    let sizes = self.sizes.iter().map(|&scale| scaled(size, scale));
                    ("rgb24", size, sizes.collect::<Result<_, _>>()?)
                }
            };
            for size in sizes {
                for &every in &self.every {
                    let gop = self.gop(rate, every)?;
                    for &kbps in &self.rates {
                        check_rate(kbps)?;
                        encodes.push(Encode {
                            codec,
                            format,
                            raw,
                            rate,
                            size,
                            every,
                            kbps,
                            gop,
                        });
                    }
                }
            }
        }
        Ok(encodes)
    }

    /// Length of a group in coded pictures.
    fn gop(&self, rate: FrameRate, every: u32) -> Result<u64, EvaluateError> {
        let pictures = self.gop_s * rate.fps() / f64::from(every);
        if pictures.is_finite() && pictures > 0.0 {
            Ok((pictures.round() as u64).max(1))
        } else {
            let message = "lengths of groups and steps of frames must be positive";
            Err(EvaluateError::Setting(message.to_owned()))
        }
    }
}

fn check_rate(kbps: f64) -> Result<(), EvaluateError> {
    if kbps > 0.0 && kbps.is_finite() {
        Ok(())
    } else {
        let message = format!("rate {kbps} kbit/s: expected a positive number");
        Err(EvaluateError::Setting(message))
    }
}
