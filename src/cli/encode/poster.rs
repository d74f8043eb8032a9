//! The picture that stands for a title: the middle frame of its middle segment, as the highest
//! rung shows it.

use crate::cli::CliError;
use crate::model::Generator;
use crate::package::Rung;
use crate::render::SegmentRenderer;
use crate::segment::media::read_media;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use std::sync::Arc;

/// Quality of the JPEG, of 100.
const QUALITY: u8 = 85;

/// A JPEG of `rung`; `None` if it has no segments.
pub(super) fn of(rung: &Rung, generator: &Arc<Generator>) -> Result<Option<Vec<u8>>, CliError> {
    let Some(segment) = rung.segments.get(rung.segments.len() / 2) else {
        return Ok(None);
    };
    let bytes = segment.write(&rung.track, 1, 0)?;
    let mut renderer = SegmentRenderer::new(Arc::clone(generator), rung.track.clone())?;
    let mut frames = Vec::new();
    renderer.render(&read_media(&bytes)?, &mut |frame| {
        frames.push(frame);
        Ok(())
    })?;
    let Some(frame) = frames.get(frames.len() / 2) else {
        return Ok(None);
    };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode(
        frame.data(),
        frame.width(),
        frame.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(Some(jpeg))
}
