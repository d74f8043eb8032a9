//! Packaging: coded rungs on one segment grid in, a published title out; and a title read back.
//!
//! [`TitleContent::build`] makes the bytes of every file, [`publish`] puts them on disk so that no
//! one sees half a title, [`Title::open`] reads and checks what lies there. A title is a folder of
//! plain static files that any web server can serve; the layout is that of the URLs.
//!
//! Knows no pictures, no generator and no HTTP.
//!
//! ```
//! use promptus::package::Title;
//!
//! // Whatever is missing or damaged is named, with its place.
//! let error = Title::open("no/such/title".as_ref()).err().ok_or("it opened")?;
//! assert!(error.to_string().starts_with("no/such/title/master.m3u8: "));
//! # Ok::<(), &str>(())
//! ```

mod conformance;
mod durable;
mod error;
mod ladder;
mod layers;
mod occupant;
mod official;
mod open;
mod publish;
mod title;
pub mod work;

pub use conformance::{Conformance, Finding, TitleSource, check as check_title};
pub use error::PackageError;
pub use ladder::rung_id;
pub use layers::join;
pub use occupant::Occupant;
pub use official::{ImportOptions, from_official, to_official};
pub use open::{Keyframe, Title, TitleRung};
pub use publish::{KEEP_OLD, publish};
pub use title::{MASTER, MPD, POSTER, QUALITY, Rung, TitleContent, TitleFile, TitleFiles};
