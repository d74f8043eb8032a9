//! What arrived of one segment, put together to what the renderer takes: a whole rung, the whole
//! samples that an abandoned transfer left, or a base and the layers above it.
//!
//! Layers are joined to the very samples that the rung of the same rank has, so frames do not tell
//! how a segment came.

use super::CliError;
use crate::package::join;
use crate::playback::Segment;
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::init::read_init;
use crate::segment::media::{MediaSegment, read_media, read_partial};

/// The media of `segment` and the track that describes it.
pub(super) fn media_of(segment: &Segment) -> Result<(Track, MediaSegment), CliError> {
    let tracks = segment.inits.iter().map(|init| read_init(init));
    let tracks = tracks.collect::<Result<Vec<Track>, _>>()?;
    if !segment.layers.is_empty() {
        return joined(&tracks, segment);
    }
    let Some(track) = tracks.into_iter().next() else {
        let message = format!("segment {} came without its init segment", segment.segment);
        return Err(CliError::input(message));
    };
    let media = match segment.whole {
        true => read_media(&segment.bytes)?,
        false => read_partial(&segment.bytes)?,
    };
    Ok((track, media))
}

fn joined(tracks: &[Track], segment: &Segment) -> Result<(Track, MediaSegment), CliError> {
    let base = read_media(&segment.bytes)?;
    let files = [&segment.bytes].into_iter().chain(&segment.layers);
    let mut parts = Vec::with_capacity(1 + segment.layers.len());
    for (track, bytes) in tracks.iter().zip(files) {
        parts.push((track, CodedSegment::read(track, &read_media(bytes)?)?));
    }
    let parts: Vec<(&Track, &CodedSegment)> =
        parts.iter().map(|(track, part)| (*track, part)).collect();
    let (track, whole) = join(&parts)?;
    let first_frame = base.start_ticks / u64::from(track.frame_rate.frame_ticks());
    let bytes = whole.write(&track, base.sequence, first_frame)?;
    Ok((track, read_media(&bytes)?))
}
