//! Frames as numbered PNG files of one folder.

use super::error::SinkError;
use super::format::Sink;
use super::publish::{beside, publish};
use crate::claim::Claim;
use crate::frame::Frame;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const MARKER: &str = ".promptus-frames";
/// Kinds of marker: all frames in the folder are this program's, or some were there before.
const OWN: &str = "frames";
const MIXED: &str = "frames among others";

/// A folder with one PNG file a frame, numbered from 0, and a marker of ownership: frames of an
/// earlier run are removed, other files of such names never.
#[derive(Debug)]
pub struct PngFolder {
    folder: PathBuf,
    next: u64,
    own: bool,
    _claim: Claim,
}

impl PngFolder {
    /// Creates the folder if it is missing. Files of the same name are replaced.
    ///
    /// Fails if another process is writing frames there.
    pub fn create(folder: &Path) -> Result<Self, SinkError> {
        std::fs::create_dir_all(folder).map_err(|e| SinkError::io(folder, e))?;
        let own = !Self::holds_others(folder)?;
        let kind = if own { OWN } else { MIXED };
        Ok(Self {
            _claim: Claim::take(&folder.join(MARKER), kind)?,
            folder: folder.into(),
            next: 0,
            own,
        })
    }

    /// Whether `folder` has files named like frames that this program did not write.
    pub fn holds_others(folder: &Path) -> Result<bool, SinkError> {
        let marker = folder.join(MARKER);
        if Claim::is_marked(&marker, MIXED) {
            return Ok(true);
        }
        Ok(!Claim::is_marked(&marker, OWN) && !frames_from(folder, 0)?.is_empty())
    }

    /// Removes the frames after the last one, left by an earlier, longer run. Other files stay.
    fn remove_rest(&self) -> Result<(), SinkError> {
        let rest = frames_from(&self.folder, self.next)?;
        let (count, folder) = (rest.len(), self.folder.display());
        if !self.own && count > 0 {
            tracing::warn!("{folder}: {count} frames after the last one were there before");
            return Ok(());
        }
        for path in &rest {
            std::fs::remove_file(path).map_err(|e| SinkError::io(path, e))?;
        }
        if count > 0 {
            tracing::warn!("{folder}: removed {count} frames of an earlier, longer run");
        }
        Ok(())
    }
}

/// Frame files in `folder` from number `first` on; none if the folder is missing.
fn frames_from(folder: &Path, first: u64) -> Result<Vec<PathBuf>, SinkError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| SinkError::io(folder, e))?,
    };
    let mut frames = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| SinkError::io(folder, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.and_then(number_of).is_some_and(|n| n >= first) {
            frames.push(path);
        }
    }
    Ok(frames)
}

impl Sink for PngFolder {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let path = self.folder.join(format!("frame-{:06}.png", self.next));
        self.next += 1;
        write_png(&path, frame)
    }

    /// Removes later frames of an earlier run, which would look like the continuation of this one.
    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        self.remove_rest()
    }
}

/// The frame number in a file name of [`PngFolder`].
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("frame-")?.strip_suffix(".png")?;
    let all = digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

/// Writes `frame` as the PNG file `path`, atomically.
pub fn write_png(path: &Path, frame: &Frame) -> Result<(), SinkError> {
    let io = |e| SinkError::io(path, e);
    let mut out = BufWriter::new(beside(path)?);
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
    publish(file, path)
}
