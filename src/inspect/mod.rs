//! Contents of a title, a media file or a segment as JSON, for people and scripts that look inside.
//!
//! Reading checks everything down to the prompts, so that an inspection is also a test that a file can
//! be decoded.
//!
//! ```
//! use std::path::Path;
//!
//! let title = promptus::inspect::title(Path::new("manifests/demo"))?;
//! assert_eq!(title["kind"], "title");
//! assert_eq!(title["rungs"][3]["rank"], 16);
//! # Ok::<(), promptus::inspect::InspectError>(())
//! ```

mod error;
mod media;
mod title;
mod track;

pub use error::InspectError;
pub use media::file;
pub use title::title;
