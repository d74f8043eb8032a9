//! A segment as it arrived, joined to what the renderer takes: a whole rung, the samples of an abandoned
//! transfer, or a base and the layers above it.
//!
//! Joined layers equal the samples of the rung of the same rank, so frames do not depend on the way in
//! which a segment was fetched.

use super::error::PlaybackError;
use crate::package::join;
use crate::player::client::Segment;
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::init::read_init;
use crate::segment::media::{MediaSegment, read_media, read_partial};

pub(super) fn media_of(segment: &Segment) -> Result<(Track, MediaSegment), PlaybackError> {
    let tracks = segment.inits.iter().map(|init| read_init(init));
    let tracks = tracks.collect::<Result<Vec<Track>, _>>()?;
    if !segment.layers.is_empty() {
        return joined(&tracks, segment);
    }
    let media = if segment.whole {
        read_media(&segment.bytes)?
    } else {
        read_partial(&segment.bytes)?
    };
    let segment = segment.segment;
    let track = tracks.into_iter().next();
    Ok((track.ok_or(PlaybackError::NoInit { segment })?, media))
}

fn joined(tracks: &[Track], segment: &Segment) -> Result<(Track, MediaSegment), PlaybackError> {
    let base = read_media(&segment.bytes)?;
    let files = [&segment.bytes].into_iter().chain(&segment.layers);
    let mut parts = Vec::with_capacity(1 + segment.layers.len());
    for (track, bytes) in tracks.iter().zip(files) {
        parts.push((track, CodedSegment::read(track, &read_media(bytes)?)?));
    }
    let parts: Vec<_> = parts.iter().map(|(track, part)| (*track, part)).collect();
    let (track, whole) = join(&parts)?;
    let first_frame = base.start_ticks / u64::from(track.frame_rate.frame_ticks());
    let bytes = whole.write(&track, base.sequence, first_frame)?;
    Ok((track, read_media(&bytes)?))
}
