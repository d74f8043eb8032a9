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
        frames.remove_rest()?;
        Ok(frames)
    }

    /// Removes the frames from the next one on, which an earlier, longer run left; other files stay.
    /// Returns how many there were.
    fn remove_rest(&self) -> Result<u64, RenderError> {
        let io = |e| RenderError::io(&self.folder, e);
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name.and_then(number_of).is_some_and(|n| n >= self.next) {
                std::fs::remove_file(&path).map_err(|e| RenderError::io(&path, e))?;
                removed += 1;
            }
        }
        Ok(removed)
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

    /// A folder with a longer run's frames behind ours would look like one long run.
    fn finish(self: Box<Self>) -> Result<(), RenderError> {
        let removed = self.remove_rest()?;
        if removed > 0 {
            let folder = self.folder.display();
            tracing::warn!("{folder}: removed {removed} frames of an earlier, longer run");
        }
        Ok(())
    }
}

/// The number of a frame's file, as [`PngFolder`] names them.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("frame-")?.strip_suffix(".png")?;
    let all = digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
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
