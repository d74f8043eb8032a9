//! Frames as numbered PNG files of one folder.

use super::Sink;
use crate::claim::Claim;
use crate::frame::Frame;
use crate::render::RenderError;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The marker in a folder of frames.
const MARKER: &str = ".promptus-frames";
/// Its kinds: every frame in the folder is this program's, or some were there before.
const OWN: &str = "frames";
const MIXED: &str = "frames among others";

/// A folder that gets one PNG a frame, numbered from 0, and a marker that says whose frames they
/// are: those of an earlier run give way, those of somebody else are never removed.
#[derive(Debug)]
pub struct PngFolder {
    folder: PathBuf,
    next: u64,
    own: bool,
    _claim: Claim,
}

impl PngFolder {
    /// Makes the folder where it is missing; files of the same name are replaced.
    ///
    /// Fails if another process is writing frames there.
    pub fn create(folder: &Path) -> Result<Self, RenderError> {
        std::fs::create_dir_all(folder).map_err(|e| RenderError::io(folder, e))?;
        let own = !Self::holds_others(folder)?;
        let kind = if own { OWN } else { MIXED };
        Ok(Self {
            _claim: Claim::take(&folder.join(MARKER), kind)?,
            folder: folder.into(),
            next: 0,
            own,
        })
    }

    /// Whether `folder` has files of the names that frames get and that were not all written by
    /// this program.
    pub fn holds_others(folder: &Path) -> Result<bool, RenderError> {
        let marker = folder.join(MARKER);
        if Claim::is_marked(&marker, MIXED) {
            return Ok(true);
        }
        Ok(!Claim::is_marked(&marker, OWN) && !frames_from(folder, 0)?.is_empty())
    }

    /// Removes the frames from the next one on, which an earlier, longer run left; other files stay.
    fn remove_rest(&self) -> Result<(), RenderError> {
        let rest = frames_from(&self.folder, self.next)?;
        let (count, folder) = (rest.len(), self.folder.display());
        if !self.own && count > 0 {
            tracing::warn!("{folder}: {count} frames after the last one were there before");
            return Ok(());
        }
        for path in &rest {
            std::fs::remove_file(path).map_err(|e| RenderError::io(path, e))?;
        }
        if count > 0 {
            tracing::warn!("{folder}: removed {count} frames of an earlier, longer run");
        }
        Ok(())
    }
}

/// The files in `folder` with names of frames from number `first` on; none if it is missing.
fn frames_from(folder: &Path, first: u64) -> Result<Vec<PathBuf>, RenderError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| RenderError::io(folder, e))?,
    };
    let mut frames = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| RenderError::io(folder, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.and_then(number_of).is_some_and(|n| n >= first) {
            frames.push(path);
        }
    }
    Ok(frames)
}

impl Sink for PngFolder {
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError> {
        let path = self.folder.join(format!("frame-{:06}.png", self.next));
        self.next += 1;
        write_png(&path, frame)
    }

    /// A folder with a longer run's frames behind ours would look like one long run.
    fn finish(self: Box<Self>) -> Result<(), RenderError> {
        self.remove_rest()
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
