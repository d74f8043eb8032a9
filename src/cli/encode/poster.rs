//! The picture that stands for a segment: its middle frame, as the highest rung shows it. That of
//! the middle segment stands for the title.

use crate::cli::CliError;
use crate::frame::Frame;
use crate::source::scaled;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// Quality of the JPEG, of 100.
const QUALITY: u8 = 85;

/// A JPEG of `frame`, scaled to the size in which it is displayed; empty if there is none.
pub(super) fn of(frame: Option<&Frame>, displayed: (u32, u32)) -> Result<Vec<u8>, CliError> {
    let mut jpeg = Vec::new();
    if let Some(frame) = frame {
        let frame = scaled(frame, displayed)?;
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode(
            frame.data(),
            frame.width(),
            frame.height(),
            ExtendedColorType::Rgb8,
        )?;
    }
    Ok(jpeg)
}
