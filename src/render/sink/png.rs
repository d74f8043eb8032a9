//! Frames as numbered PNG files of one folder.

use super::Sink;
use crate::frame::Frame;
use crate::render::RenderError;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A folder that gets one PNG a frame, numbered from 0.
#[derive(Debug)]
pub struct PngFolder {
    folder: PathBuf,
    next: u64,
}

impl PngFolder {
    /// As [`Self::create`], without the frames of an earlier run; other files stay.
    pub fn create_empty(folder: &Path) -> Result<Self, RenderError> {
        let frames = Self::create(folder)?;
        let io = |e| RenderError::io(folder, e);
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let number = name.and_then(|n| n.strip_prefix("frame-")?.strip_suffix(".png"));
            if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
                std::fs::remove_file(&path).map_err(|e| RenderError::io(&path, e))?;
            }
        }
        Ok(frames)
    }

    /// Makes the folder where it is missing; files of the same name are replaced.
    pub fn create(folder: &Path) -> Result<Self, RenderError> {
        std::fs::create_dir_all(folder).map_err(|e| RenderError::io(folder, e))?;
        Ok(Self {
            folder: folder.into(),
            next: 0,
        })
    }
}

impl Sink for PngFolder {
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError> {
        let path = self.folder.join(format!("frame-{:06}.png", self.next));
        self.next += 1;
        write_png(&path, frame)
    }

    fn finish(self: Box<Self>) -> Result<(), RenderError> {
        Ok(())
    }
}

/// Writes `frame` as the PNG file `path`, which appears whole or not at all.
pub fn write_png(path: &Path, frame: &Frame) -> Result<(), RenderError> {
    let io = |e| RenderError::io(path, e);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(folder).map_err(io)?;
    let mut out = BufWriter::new(file);
    PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
        .write_image(
            frame.data(),
            frame.width(),
            frame.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(|e| io(std::io::Error::other(e)))?;
    out.flush().map_err(io)?;
    let file = out.into_inner().map_err(|e| io(e.into_error()))?;
    super::publish(file, path)
}
