//! Contents of a title, a media file or a segment, as JSON and as text for people.
//!
//! Reading checks everything down to the prompts, so that an inspection is also a test that a file can
//! be decoded.
//!
//! ```
//! use std::path::Path;
//!
//! let title = promptus::inspect::title(Path::new("manifests/demo"))?;
//! assert_eq!(title.json["rungs"][3]["rank"], 16);
//! print!("{}", title.text);
//! # Ok::<(), promptus::inspect::InspectError>(())
//! ```

mod error;
mod media;
mod title;
mod track;

pub use error::InspectError;
pub use media::file;
pub use title::title;

/// A report in both forms.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// One object; `kind` is `title`, `file`, `init` or `segment`.
    pub json: serde_json::Value,
    /// Lines for people.
    pub text: String,
}
