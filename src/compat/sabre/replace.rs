//! Sabre's replacement: refetching a buffered segment in a higher quality.

use super::network::Verdict;
use super::options::Replacement;
use super::playback::Playback;

/// The segment to fetch again, counted from the buffer's end (1 is the last), when the rule would
/// now choose `quality`. The segments that play or are about to are excluded.
pub(super) fn candidate(
    which: Replacement,
    playback: &Playback<'_>,
    quality: usize,
) -> Option<usize> {
    let contents = playback.contents();
    let protected = (1.5 + playback.begun()).ceil() as usize;
    let mut places = protected..contents.len();
    let worse = |place: &usize| contents[*place] < quality;
    let place = match which {
        Replacement::None => None,
        Replacement::Left => places.find(worse),
        Replacement::Right => places.rev().find(worse),
    };
    place.map(|place| contents.len() - place)
}

/// Gives a replacement up once its segment is to play.
pub(super) fn look(from_end: usize, buffer_ms: f64, segment_ms: f64) -> Option<Verdict> {
    let too_late = buffer_ms - segment_ms * from_end as f64 <= 0.0;
    too_late.then_some(Verdict::GiveUp)
}
