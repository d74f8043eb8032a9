//! The published method's VAE baseline: Stable Diffusion latents as bytes, coded as a video.
//!
//! TAESD's encoder gives four channels an eighth of the picture's size. Each value in −3..3, the range
//! of TAESD's own conversion, becomes a byte; the four channels are tiled two by two in a grey
//! picture, which H.265 codes. TAESD's decoder makes frames of the decoded video.

use super::ffmpeg::{Ffmpeg, decode};
use crate::evaluate::EvaluateError;
use crate::evaluate::spool::{Spool, temporary_file};
use crate::frame::Frame;
use crate::model::decoder::Decoder;
use crate::model::weights::Checkpoint;
use crate::model::{device, installed, picture, taesd};
use candle_core::{Device, Tensor};
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

/// The encoder's weights below a models folder.
const ENCODER: &str = "taesd/taesd_encoder.safetensors";

/// Pixels of a latent's cell, along each side.
const CELL: u32 = 8;
/// Channels of a latent.
const CHANNELS: usize = 4;
/// The largest latent value that a byte represents.
const MAGNITUDE: f32 = 3.0;

/// The latents of a clip, and the network that makes pictures of them.
pub(super) struct Taesd {
    decoder: Decoder,
    device: Device,
    /// Width and height of a channel.
    grid: (usize, usize),
    file: NamedTempFile,
}

impl Taesd {
    /// Encodes all frames of `originals`.
    pub(super) fn of(originals: &Spool) -> Result<Self, EvaluateError> {
        let device = device::best();
        let read = |name: &'static str| -> Result<Checkpoint, EvaluateError> {
            let file = installed::find(name).ok_or_else(|| {
                EvaluateError::NotInstalled(format!("codec taesd: {name} is not installed"))
            })?;
            Ok(Checkpoint::read(&file, &device)?)
        };
        let encoder = taesd::encoder(&read(ENCODER)?)?;
        let decoder = taesd::decoder(&read(installed::TAESD_DECODER)?)?;
        let (width, height) = originals.size();
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let grid = (columns as usize, rows as usize);
        let mut file = temporary_file()?;
        for number in 0..originals.frames() {
            let coded = (columns * CELL, rows * CELL);
            let picture = picture::to_tensor(&originals.frame(number)?, coded, &device)?;
            let latent: Vec<f32> = encoder.forward(&picture)?.flatten_all()?.to_vec1()?;
            let latent = latent.into_iter().map(byte).collect();
            let written = file.write_all(&tiled(latent, grid)?);
            written.map_err(EvaluateError::io(file.path()))?;
        }
        Ok(Self {
            decoder,
            device,
            grid,
            file,
        })
    }

    /// The raw grey pictures.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Width and height of a grey picture.
    pub(super) fn size(&self) -> (u32, u32) {
        (2 * self.grid.0 as u32, 2 * self.grid.1 as u32)
    }

    /// Calls `each` with the frames of a coded video, cut to `visible` pixels.
    pub(super) fn decode(
        &self,
        ffmpeg: &Ffmpeg,
        video: &Path,
        visible: (u32, u32),
        each: &mut dyn FnMut(Frame) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let bytes = CHANNELS * self.grid.0 * self.grid.1;
        let arguments = decode(video, "format=gray", "gray");
        ffmpeg.pictures(&arguments, bytes, &mut |data| {
            let values = data.into_iter().map(value).collect();
            let latent = channels(values, self.grid, &self.device)?;
            let pictures = self.decoder.forward(&latent)?;
            let frames = picture::to_frames(&pictures, visible)?;
            frames.into_iter().try_for_each(&mut *each)
        })
    }
}

fn byte(value: f32) -> u8 {
    let share = (value / (2.0 * MAGNITUDE) + 0.5).clamp(0.0, 1.0);
    (255.0 * share).round() as u8
}

fn value(byte: u8) -> f32 {
    (f32::from(byte) / 255.0 - 0.5) * 2.0 * MAGNITUDE
}

/// Four channels of `rows` rows of `columns` values, shaped 1×4×rows×columns, as one picture, tiled
/// two by two.
fn tiled(channels: Vec<u8>, (columns, rows): (usize, usize)) -> candle_core::Result<Vec<u8>> {
    let channels = Tensor::from_vec(channels, (2, 2, rows, columns), &Device::Cpu)?;
    channels.permute((0, 2, 1, 3))?.flatten_all()?.to_vec1()
}

/// The channels of such a picture.
fn channels(
    picture: Vec<f32>,
    (columns, rows): (usize, usize),
    device: &Device,
) -> candle_core::Result<Tensor> {
    let picture = Tensor::from_vec(picture, (2, rows, 2, columns), device)?;
    let channels = picture.permute((0, 2, 1, 3))?.contiguous()?;
    channels.reshape((1, CHANNELS, rows, columns))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Device, byte, channels, tiled, value};

    #[test]
    fn tiling_is_undone() {
        let bytes: Vec<u8> = (0..24).map(|i| i * 10).collect();
        let picture = tiled(bytes.clone(), (3, 2)).unwrap();
        assert_eq!(picture[..6], [0, 10, 20, 60, 70, 80]);
        let values = picture.into_iter().map(value).collect();
        let back = channels(values, (3, 2), &Device::Cpu).unwrap();
        assert_eq!(back.dims(), [1, 4, 2, 3]);
        let back: Vec<f32> = back.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(back.into_iter().map(byte).collect::<Vec<u8>>(), bytes);
    }
}
