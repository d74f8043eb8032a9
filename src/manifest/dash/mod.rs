//! MPEG-DASH: ISO/IEC 23009-1, static presentations of one period.
//!
//! Byte ranges are written for the on-demand profile (§8.3): one file and its `sidx` a
//! Representation. Segment URLs are written for the live profile (§8.4): a SegmentTemplate
//! with a SegmentTimeline, as segments need not last equally long. Read are also templates with one
//! `@duration` for all segments, SegmentLists, and several BaseURLs for the same files.
//!
//! SupplementalProperty descriptors of the schemes below carry the values without an attribute in
//! the schema.

mod levels;
mod list;
mod read;
mod template;
mod timeline;
mod tree;
mod write;

pub(crate) use read::parse;
pub use read::{read, read_place};
pub(crate) use tree::Element;
pub use write::write;

/// Of the elements of an MPD.
pub(crate) const NAMESPACE: &str = "urn:mpeg:dash:schema:mpd:2011";
/// Profile of titles in byte ranges (§8.3).
pub(crate) const ON_DEMAND: &str = "urn:mpeg:dash:profile:isoff-on-demand:2011";
const LIVE: &str = "urn:mpeg:dash:profile:isoff-live:2011";

/// Of an MPD: the URL of `quality.json`.
const QUALITY: &str = "urn:promptus:quality";
/// Of an AdaptationSet: the SHA-256 of the generator's weights.
const WEIGHTS: &str = "urn:promptus:weights";
/// Of an AdaptationSet: where the weights can be fetched.
const WEIGHTS_URL: &str = "urn:promptus:weights-url";
/// Of an AdaptationSet, as an EssentialProperty: its Representations hold only the components that
/// those of `@dependencyId` lack. Players that do not know the scheme ignore the set.
const LAYERS: &str = "urn:promptus:layers";
/// Of a Representation: its true rate in bit/s.
const AVERAGE_BANDWIDTH: &str = "urn:promptus:average-bandwidth";
/// Of a Representation: its score, as in HLS.
const SCORE: &str = "urn:promptus:score";

#[cfg(test)]
mod tests;
