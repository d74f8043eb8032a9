//! Manifests: one format-neutral [`Presentation`] and its two spellings, HLS and DASH.
//!
//! A presentation comes in two forms. In the **byte-range form** every rung is one file, and init
//! and segments are ranges of it; in the **segment-URL form** each has a URL of its own. The bytes
//! are the same. Writers and readers of both spellings know both forms.
//!
//! This module does no I/O and knows nothing of HTTP or prompts, and of boxes only that a `sidx`
//! may list segments. Its knowledge comes from RFC 8216 and its successor draft (HLS), ISO/IEC 23009-1 (DASH) and RFC 6381 (`codecs`).

mod clock;
pub mod dash;
mod error;
pub mod forms;
pub mod hls;
mod index;
mod name;
mod presentation;
mod published;
mod quality;
mod reference;
mod source_record;
#[cfg(test)]
mod testing;

pub use error::ManifestError;
#[cfg(feature = "net")]
pub(crate) use name::problem_of_part;
pub use name::{NameError, WEIGHTS_FOLDER, check_title_folder, check_title_name};
pub use presentation::{
    ByteRange, Group, Layer, Presentation, Rates, Representation, SegmentRef, measure_rates,
};
pub use published::{PUBLISHED, Publication};
pub use quality::{Metrics, QualityReport, RungQuality, SegmentQuality};
pub use source_record::SourceRecord;
