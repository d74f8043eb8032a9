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
        let mut file = temporary_file()?;
        for number in 0..originals.frames() {
            let coded = (columns * CELL, rows * CELL);
            let picture = picture::to_tensor(&originals.frame(number)?, coded, &device)?;
            let latent: Vec<f32> = encoder.forward(&picture)?.flatten_all()?.to_vec1()?;
            let latent: Vec<u8> = latent.into_iter().map(byte).collect();
            let written = file.write_all(&tiled(&latent, columns as usize));
            written.map_err(EvaluateError::io(file.path()))?;
        }
        Ok(Self {
            decoder,
            device,
            grid: (columns as usize, rows as usize),
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
        let (columns, rows) = self.grid;
        let bytes = CHANNELS * columns * rows;
        let arguments = decode(video, "format=gray", "gray");
        ffmpeg.pictures(&arguments, bytes, &mut |data| {
            let shape = (1, CHANNELS, rows, columns);
            let latent = Tensor::from_vec(values(&data, columns), shape, &self.device)?;
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

/// Four channels of rows of `columns` values as one picture, tiled two by two.
fn tiled(channels: &[u8], columns: usize) -> Vec<u8> {
    let channels: Vec<&[u8]> = channels.chunks(channels.len() / CHANNELS).collect();
    let pairs = channels.chunks(2).flat_map(|pair| {
        let (left, right) = (pair[0].chunks(columns), pair[1].chunks(columns));
        left.zip(right).map(|(left, right)| [left, right].concat())
    });
    pairs.collect::<Vec<_>>().concat()
}

/// The values of such a picture, channel by channel.
fn values(picture: &[u8], columns: usize) -> Vec<f32> {
    let value = |byte: &u8| (f32::from(*byte) / 255.0 - 0.5) * 2.0 * MAGNITUDE;
    let halves = picture.chunks(picture.len() / 2);
    let channels = halves.flat_map(|half| {
        let side = |right: usize| {
            let rows = half.chunks(2 * columns);
            rows.flat_map(move |row| row[right * columns..(right + 1) * columns].iter())
        };
        side(0).chain(side(1)).collect::<Vec<_>>()
    });
    channels.map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::{byte, tiled, values};

    #[test]
    fn tiling_is_undone() {
        let channels: Vec<u8> = (0..24).map(|i| i * 10).collect();
        let picture = tiled(&channels, 3);
        assert_eq!(picture[..6], [0, 10, 20, 60, 70, 80]);
        let back: Vec<u8> = values(&picture, 3).into_iter().map(byte).collect();
        assert_eq!(back, channels);
    }
}
