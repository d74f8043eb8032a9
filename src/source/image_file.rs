//! One PNG or JPEG file as a [`Frame`]: alpha is dropped, 16 bits become 8.

use super::SourceError;
use crate::frame::Frame;
use image::{ImageReader, Limits};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Largest width or height of any input, in pixels.
pub const MAX_SIDE: u32 = 16384;

/// Decodes the image at `path`; refuses more than [`MAX_SIDE`] pixels a side or 1 GiB decoded.
pub fn read(path: &Path) -> Result<Frame, SourceError> {
    let picture = reader(path)?.decode().map_err(|e| bad(path, &e))?;
    let picture = picture.into_rgb8();
    let (width, height) = picture.dimensions();
    Frame::new(width, height, picture.into_raw()).map_err(|e| bad(path, &e))
}

/// Width and height of the image at `path`, from its header alone.
pub(super) fn size(path: &Path) -> Result<(u32, u32), SourceError> {
    let size = reader(path)?.into_dimensions().map_err(|e| bad(path, &e))?;
    let side = size.0.max(size.1);
    if side > MAX_SIDE {
        let reason = format!("{side} pixels a side, at most {MAX_SIDE} are read");
        return Err(bad(path, &reason));
    }
    Ok(size)
}

fn reader(path: &Path) -> Result<ImageReader<BufReader<File>>, SourceError> {
    let io = |e| SourceError::io(path, e);
    if std::fs::metadata(path).map_err(io)?.len() == 0 {
        return Err(SourceError::Empty { path: path.into() });
    }
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(io)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    Ok(reader)
}

fn bad(path: &Path, reason: &dyn ToString) -> SourceError {
    SourceError::Image {
        path: path.into(),
        reason: reason.to_string(),
    }
}
