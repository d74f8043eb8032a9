//! One PNG or JPEG file as an upright [`Frame`]: rotated according to its EXIF data, composited on a
//! background, 16-bit values rounded to 8. Colour profiles are not applied.

use super::error::SourceError;
use super::size::MAX_SIDE;
use crate::frame::Frame;
use image::metadata::Orientation::{self, Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

const PNG: &[u8] = b"\x89PNG";
const JPEG: &[u8] = b"\xff\xd8\xff";

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// Width and height, upright.
    pub(super) size: (u32, u32),
    /// Whether it is stored rotated or mirrored.
    pub(super) turned: bool,
    pub(super) alpha: bool,
    /// Whether it has a colour profile other than sRGB.
    pub(super) profile: bool,
}

/// Decodes the image at `path`, in front of black; refuses more than [`MAX_SIDE`] pixels a side or
/// 1 GiB decoded.
pub fn read(path: &Path) -> Result<Frame, SourceError> {
    read_over(path, [0; 3])
}

/// As [`read`], in front of `background`.
pub(super) fn read_over(path: &Path, background: [u8; 3]) -> Result<Frame, SourceError> {
    let mut decoder = reader(path)?.into_decoder().map_err(|e| bad(path, &e))?;
    // Malformed EXIF data are ignored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| bad(path, &e))?;
    let mut picture = match picture.color().has_alpha() {
        true => composited(&picture.into_rgba8(), background),
        false => picture,
    };
    picture.apply_orientation(orientation);
    let picture = picture.into_rgb8();
    let (width, height) = picture.dimensions();
    Frame::new(width, height, picture.into_raw()).map_err(|e| bad(path, &e))
}

fn composited(picture: &image::RgbaImage, background: [u8; 3]) -> DynamicImage {
    let mut flat = image::RgbImage::new(picture.width(), picture.height());
    for (to, from) in flat.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, alpha] = from.0;
        to.0 = over([r, g, b], alpha, background);
    }
    DynamicImage::ImageRgb8(flat)
}

pub(super) fn header(path: &Path) -> Result<Header, SourceError> {
    let mut decoder = reader(path)?.into_decoder().map_err(|e| bad(path, &e))?;
    let (width, height) = decoder.dimensions();
    let side = width.max(height);
    if side > MAX_SIDE {
        let reason = format!("{side} pixels a side, at most {MAX_SIDE} are read");
        return Err(bad(path, &reason));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let size = match orientation {
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => (height, width),
        _ => (width, height),
    };
    let profile = decoder.icc_profile().ok().flatten();
    let is_srgb = |profile: &Vec<u8>| profile.windows(4).any(|name| name == b"sRGB");
    Ok(Header {
        size,
        turned: orientation != Orientation::NoTransforms,
        alpha: decoder.color_type().has_alpha(),
        profile: profile.is_some_and(|profile| !is_srgb(&profile)),
    })
}

/// Whether the file at `path`, which begins with `head`, is a PNG or JPEG without animation.
pub(super) fn is_still(path: &Path, head: &[u8]) -> bool {
    let extension = path.extension().unwrap_or_default();
    let named = |name| extension.eq_ignore_ascii_case(name);
    let animated = || head.windows(4).any(|chunk| chunk == b"acTL");
    (named("png") && head.starts_with(PNG) && !animated())
        || ((named("jpg") || named("jpeg")) && head.starts_with(JPEG))
}

/// `colour` with `alpha` (255 is opaque) in front of `behind`.
pub(super) fn over(colour: [u8; 3], alpha: u8, behind: [u8; 3]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    std::array::from_fn(|i| {
        let sum = u32::from(colour[i]) * alpha + u32::from(behind[i]) * (255 - alpha);
        ((sum + 127) / 255) as u8
    })
}

fn reader(path: &Path) -> Result<ImageReader<BufReader<File>>, SourceError> {
    let io = |e| SourceError::io(path, e);
    if std::fs::metadata(path).map_err(io)?.len() == 0 {
        return Err(SourceError::empty(path));
    }
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let mut reader = reader.map_err(io)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    Ok(reader)
}

fn bad(path: &Path, reason: &dyn ToString) -> SourceError {
    let reason = format!("not a readable PNG or JPEG: {}", reason.to_string());
    SourceError::invalid(path, reason)
}
