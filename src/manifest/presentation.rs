//! The protocol-neutral content of a manifest.
//!
//! Every URL is relative to the place of the manifest that it was read from or is written to,
//! or absolute. Every time of a group counts ticks of `group.frame_rate.timescale()`.

use crate::segment::display_size;
use crate::time::{FrameRate, MediaTime};

/// A whole title: every group shows the same content over the same duration.
#[derive(Debug, Clone, PartialEq)]
pub struct Presentation {
    /// How long the title lasts.
    pub duration: MediaTime,
    /// URL of `quality.json`, if there is one.
    pub quality_url: Option<String>,
    /// One group per profile; a player stays within one.
    pub groups: Vec<Group>,
}

/// Rungs of one profile on one segment grid (a DASH AdaptationSet, a family of HLS variants).
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name of the generator profile, such as `mini`: the second part of every rung's `codecs`.
    pub profile: String,
    /// Rate of the generated frames.
    pub frame_rate: FrameRate,
    /// Visible width in pixels; after HLS as displayed, and 0 without a RESOLUTION, which is
    /// optional: the init segments have it.
    pub width: u32,
    /// Visible height in pixels; 0 with the width.
    pub height: u32,
    /// Width to height of a pixel, in lowest terms; (1, 1) after HLS.
    pub pixel_aspect: (u32, u32),
    /// SHA-256 of the generator's weights file, 64 lower-case hex digits.
    pub weights: String,
    /// URL of those weights, if the title has one.
    pub weights_url: Option<String>,
    /// Whether every segment decodes from its own bytes alone.
    pub independent_segments: bool,
    /// The rungs, by ascending rank.
    pub representations: Vec<Representation>,
    /// The components that each rung adds to the one below it, for players that fetch only the
    /// difference: by ascending rank, above the lowest rung, which is the base. Always empty after
    /// HLS, which cannot name them.
    pub layers: Vec<Layer>,
}

impl Presentation {
    /// All rungs with their groups.
    pub(super) fn rungs(&self) -> impl Iterator<Item = (&Group, &Representation)> + Clone {
        let groups = self.groups.iter();
        groups.flat_map(|group| group.representations.iter().map(move |rung| (group, rung)))
    }

    /// All rungs and layers.
    pub(super) fn streams_mut(&mut self) -> impl Iterator<Item = &mut Representation> {
        self.groups.iter_mut().flat_map(|group| {
            let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
            group.representations.iter_mut().chain(layers)
        })
    }
}

impl Group {
    /// Width and height as displayed, in square pixels.
    pub fn display_size(&self) -> (u32, u32) {
        display_size((self.width, self.height), self.pixel_aspect)
    }
}

/// A range of components as a stream of its own, decodable only together with a rung or layers
/// that hold all components before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Components that must be there before: the rank of the rung, or of the layer, below.
    pub first_component: u32,
    /// The layer's file, on the rungs' segment grid. Its `rank` counts the components below, too;
    /// its `id` has the form `<profile>-l<first>-r<rank>`, such as `mini-l3-r5`.
    pub stream: Representation,
}

/// One rung as a complete, independent stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Representation {
    /// Unique name of the form `<profile>-r<rank>`, such as `mini-r8`.
    pub id: String,
    /// How many components its prompts have, at least 1.
    pub rank: u32,
    /// Measured peak rate in bit/s; see [`Rates::peak`].
    pub bandwidth: u64,
    /// Measured true rate in bit/s; see [`Rates::average`].
    pub average_bandwidth: u64,
    /// RFC 6381 string `prm1.<profile>.<level>`.
    pub codecs: String,
    /// Relative quality among the rungs of the title: higher is better, 0 or more.
    pub score: f64,
    /// URL of the init segment: the rung's single file, or one of its own.
    pub url: String,
    /// The init segment within `url`; `None` means all of it (segment URLs).
    pub init: Option<ByteRange>,
    /// The `sidx` box within `url`, where there is one.
    pub index: Option<ByteRange>,
    /// The media segments in order. Empty when only the `sidx` at `index` lists them (an MPD in
    /// byte ranges): fetch that range; [`crate::segment::sidx::SegmentIndex::segments`] lists them.
    pub segments: Vec<SegmentRef>,
}

impl Representation {
    /// Bytes of init and media segments, as far as their ranges are known.
    pub fn media_bytes(&self) -> u64 {
        let segments = self.segments.iter().filter_map(|segment| segment.range);
        let ranges = self.init.into_iter().chain(segments);
        ranges.map(|range| range.length).sum()
    }

    /// True rate in kbit/s of the rung in a title of `duration_s` seconds: init and media segments,
    /// as far as their ranges are known.
    pub fn kbps(&self, duration_s: f64) -> f64 {
        self.media_bytes() as f64 * 8.0 / duration_s / 1000.0
    }
}

/// One media segment of a rung.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRef {
    /// When it starts, from the start of the title.
    pub start: MediaTime,
    /// How long it lasts.
    pub duration: MediaTime,
    /// The file that holds it.
    pub url: String,
    /// Its bytes within `url`; `None` means all of it, of unknown size.
    pub range: Option<ByteRange>,
    /// Bytes from its first to the end of its first sample, where known: enough for one picture.
    pub key_frame_end: Option<u64>,
    /// Whether it starts with a stream access point, so that decoding can begin here.
    pub sap: bool,
}

/// A span of bytes within a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Number of bytes, at least 1.
    pub length: u64,
}

impl ByteRange {
    /// Offset of the byte after the last.
    pub fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// Measured rates of a rung, in whole bit/s rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Peak segment bit rate of RFC 8216 §4.3.4.2: the largest over all contiguous runs of
    /// segments that last between 0.5 and 1.5 target durations (the longest segment's, in whole
    /// seconds), and never below the average. Fulfils ISO/IEC 23009-1 §5.3.5.2 `@bandwidth` for a
    /// buffer of one such duration.
    pub peak: u64,
    /// True rate: init and media segments over the duration.
    pub average: u64,
}

/// Measures a rung from its init segment's size in bytes and its segments.
///
/// Segments without a byte range count as 0 bytes; no segments give 0 for both rates.
pub fn measure_rates(init_bytes: u64, segments: &[SegmentRef]) -> Rates {
    let spans: Vec<(f64, u64)> = segments
        .iter()
        .map(|s| (s.duration.seconds(), s.range.map_or(0, |r| r.length)))
        .collect();
    let seconds: f64 = spans.iter().map(|(seconds, _)| seconds).sum();
    let bytes: u64 = spans.iter().map(|(_, bytes)| bytes).sum();
    let average = bits_per_second(bytes.saturating_add(init_bytes), seconds);
    Rates {
        peak: peak(&spans).max(average),
        average,
    }
}

fn peak(spans: &[(f64, u64)]) -> u64 {
    let longest = spans.iter().fold(0.0, |longest, span| span.0.max(longest));
    let target = longest.round().max(1.0);
    let mut peak = 0;
    for first in 0..spans.len() {
        let (mut seconds, mut bytes) = (0.0, 0u64);
        for (more_seconds, more_bytes) in &spans[first..] {
            seconds += more_seconds;
            bytes = bytes.saturating_add(*more_bytes);
            if seconds > 1.5 * target {
                break;
            }
            // A title shorter than half a target duration has no run to measure but itself.
            if seconds >= 0.5 * target || spans.len() == 1 {
                peak = peak.max(bits_per_second(bytes, seconds));
            }
        }
    }
    peak
}

fn bits_per_second(bytes: u64, seconds: f64) -> u64 {
    if seconds > 0.0 {
        (bytes as f64 * 8.0 / seconds).ceil() as u64
    } else {
        0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_measured_over_runs_of_segments() {
        let rate = FrameRate::new(24, 1).unwrap();
        // Bytes of the init segment, frames and bytes of every segment, peak and average in bit/s.
        for (init, spans, peak, average) in [
            (1000, &[(48, 2000), (48, 3000)][..], 12_000, 12_000),
            (0, &[(48, 2000), (48, 3000)], 12_000, 10_000),
            // The init segment counts for the average, which the peak is never below.
            (5000, &[(24, 1000)], 48_000, 48_000),
            // Half a second is too short to be a peak alone at a target of 2 s.
            (0, &[(48, 2000), (12, 1000), (48, 1000)], 9600, 7112),
            (900, &[], 0, 0),
        ] {
            let segments = spans.iter().map(|&(frames, length)| SegmentRef {
                start: rate.time_of(0),
                duration: rate.time_of(frames),
                url: "a.mp4".into(),
                range: Some(ByteRange { start: 0, length }),
                key_frame_end: None,
                sap: true,
            });
            let rates = measure_rates(init, &segments.collect::<Vec<_>>());
            assert_eq!(rates, Rates { peak, average }, "{spans:?}");
        }
    }
}
