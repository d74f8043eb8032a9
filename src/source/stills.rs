//! Still pictures as a video: a folder, a pattern, or a single file.
//!
//! PNG and JPEG are decoded here, and their sizes checked before the first frame; other formats are
//! decoded by `ffmpeg`, one by one.

use super::error::SourceError;
use super::ffmpeg::{self, Input};
use super::frames::{Options, Source};
use super::{image_file, pattern};
use crate::frame::Frame;
use crate::time::FrameRate;
use std::path::{Path, PathBuf};

const DEFAULT_RATE: u32 = 30;
/// Formats that are decoded here.
const OWN: [&str; 3] = ["png", "jpg", "jpeg"];
/// Formats that `ffmpeg` decodes, if a folder has none of the others.
const FOREIGN: [&str; 7] = ["webp", "tif", "tiff", "bmp", "avif", "jxl", "exr"];

/// The pictures of `folder`, at least one; other files in it are ignored.
pub(super) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    for known in [&OWN[..], &FOREIGN] {
        let paths = pattern::in_folder(folder, &|name| has_extension(Path::new(name), known))?;
        if !paths.is_empty() {
            return Ok(paths);
        }
    }
    let reason = "the folder holds no .png, .jpg, .jpeg or other picture";
    Err(SourceError::invalid(folder, reason))
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default();
    known.iter().any(|k| extension.eq_ignore_ascii_case(k))
}

/// Opens the pictures at `paths`, at least one, as the input `name`.
pub(super) fn open(
    name: &Path,
    paths: Vec<PathBuf>,
    options: &Options,
) -> Result<Source, SourceError> {
    let mut notices: Vec<String> = pattern::gaps(&paths).into_iter().collect();
    let size = sizes(&paths, options, &mut notices)?;
    let frame_rate = match options.frame_rate {
        Some(rate) => rate,
        None => FrameRate::new(DEFAULT_RATE, 1)
            .map_err(|e| SourceError::invalid(name, e.to_string()))?,
    };
    if options.frame_rate.is_none() {
        notices.push(format!("images state no frame rate: {frame_rate} assumed"));
    }
    let options = options.clone();
    let length = paths.len() as u64;
    let frames = paths.into_iter().map(move |path| {
        let frame = read(&path, &options)?;
        require_size(&path, (frame.width(), frame.height()), size)?;
        Ok(frame)
    });
    Ok(Source {
        length: Some(length),
        notices,
        ..Source::new(size, frame_rate, frames)
    })
}

/// The size of all pictures, from the headers that can be read here.
fn sizes(
    paths: &[PathBuf],
    options: &Options,
    notices: &mut Vec<String>,
) -> Result<(u32, u32), SourceError> {
    let mut size = None;
    let (mut turned, mut alpha, mut profiles) = (0, 0, 0);
    for path in paths {
        if !has_extension(path, &OWN) {
            if size.is_none() {
                let first = read(path, options)?;
                size = Some((first.width(), first.height()));
            }
            continue;
        }
        let header = image_file::header(path)?;
        require_size(path, header.size, *size.get_or_insert(header.size))?;
        turned += u32::from(header.turned);
        alpha += u32::from(header.alpha);
        profiles += u32::from(header.profile);
    }
    let profile = "have a colour profile other than sRGB, which is not applied";
    for (count, what) in [
        (turned, "rotated according to their EXIF data"),
        (alpha, "have an alpha channel: composited on the background"),
        (profiles, profile),
    ] {
        if count > 0 {
            notices.push(format!("{count} of {} pictures: {what}", paths.len()));
        }
    }
    Ok(size.unwrap_or_default())
}

fn read(path: &Path, options: &Options) -> Result<Frame, SourceError> {
    if has_extension(path, &OWN) {
        return image_file::read_over(path, options.background);
    }
    let mut frames = ffmpeg::open(Input::file(path), options)?;
    frames
        .next()
        .unwrap_or_else(|| Err(SourceError::empty(path)))
}

fn require_size(path: &Path, got: (u32, u32), expected: (u32, u32)) -> Result<(), SourceError> {
    if got == expected {
        return Ok(());
    }
    let ((width, height), expected) = (got, format!("{}x{}", expected.0, expected.1));
    let reason = format!(
        "this picture is {width}x{height}, the ones before are {expected}: all must have one size"
    );
    Err(SourceError::invalid(path, reason))
}
