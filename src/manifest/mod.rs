//! Manifests: one protocol-neutral [`Presentation`], read and written as HLS and as DASH.
//!
//! Segments are addressed in one of two ways. With **byte ranges** every rung is one file, and init
//! and media segments are ranges of it; with **segment URLs** each has a URL of its own. The bytes
//! are the same. Readers and writers of both protocols know both.
//!
//! No I/O, HTTP, prompts or boxes here. Sources: RFC 8216 and its successor draft (HLS), ISO/IEC
//! 23009-1 (DASH), RFC 6381 (`codecs`).
//!
//! ```
//! use promptus::manifest::{dash, hls};
//!
//! // Read an MPD; its rungs and rates are those of the title's HLS playlists.
//! let text = std::fs::read_to_string("manifests/demo/manifest.mpd")?;
//! let title = dash::read("manifests/demo/manifest.mpd", &text)?;
//! for rung in &title.groups[0].representations {
//!     println!("{}: {} bit/s, {}", rung.id, rung.average_bandwidth, rung.url);
//! }
//! let text = std::fs::read_to_string("manifests/demo/master.m3u8")?;
//! let master = hls::Master::read("master.m3u8", &text)?;
//! let ids = |title: &promptus::manifest::Presentation| -> Vec<String> {
//!     title.groups[0].representations.iter().map(|rung| rung.id.clone()).collect()
//! };
//! assert_eq!(ids(master.presentation()), ids(&title));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod addressing;
mod check;
pub(crate) mod clock;
pub mod dash;
mod error;
pub mod hls;
mod name;
mod presentation;
mod published;
mod quality;
mod reference;
mod source_record;
#[cfg(test)]
pub(crate) mod testing;

pub use error::ManifestError;
#[cfg(feature = "net")]
pub(crate) use name::problem_of_part;
pub use name::{NameError, WEIGHTS_FOLDER, check_title_folder, check_title_name};
pub use presentation::{
    ByteRange, Group, Layer, Presentation, Rates, Representation, SegmentRef, measure_rates,
};
pub use published::{PUBLISHED, Publication};
pub use quality::{Metrics, QualityReport, RungQuality, SegmentQuality};
#[cfg(feature = "web")]
pub(crate) use reference::join;
pub use source_record::SourceRecord;
