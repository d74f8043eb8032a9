//! Packaging: coded rungs on one segment grid in, a published title out; and a title read back.
//!
//! [`TitleContent::build`] makes the bytes of every file, [`publish`] writes them to a folder and
//! [`Destination::publish`] to a folder or an object store, [`Title::open`] reads and checks a
//! folder. A title is a folder of plain static files that any web server can serve; the layout is
//! that of the URLs.
//!
//! Knows no pictures, no generator and no HTTP.
//!
//! ```
//! use promptus::package::{KEEP_OLD, Title, TitleContent, publish};
//!
//! // Read a title; damage is named with its file and place.
//! let title = Title::open("manifests/demo".as_ref())?;
//! for rung in title.rungs() {
//!     println!("{}: {} segments, {:.0} bit/s", rung.id(), rung.segments().len(), rung.layout().true_rate());
//! }
//! // Publish the same rungs elsewhere, with what each adds to the one below it as layers.
//! let content = TitleContent { layers: true, ..title.content()? };
//! let folder = tempfile::tempdir()?;
//! publish(folder.path(), &content.build()?, KEEP_OLD)?;
//! assert_eq!(Title::open(folder.path())?.layers().len(), title.rungs().len() - 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "net")]
mod bucket;
mod conformance;
mod durable;
mod error;
mod import;
mod ladder;
mod layers;
mod occupant;
mod publish;
mod rung;
mod title;
mod title_reader;
pub mod work;

pub use conformance::{Conformance, Finding, TitleSource, check as check_title};
pub use error::PackageError;
pub use import::{ImportOptions, from_official, to_official};
pub use layers::join;
pub use occupant::Occupant;
#[cfg(feature = "net")]
pub use publish::Destination;
pub use publish::{KEEP_OLD, publish};
pub use rung::{Keyframe, Rung, rung_id};
pub use title::{MASTER, MPD, POSTER, QUALITY, TitleContent, TitleFile, TitleFiles};
pub use title_reader::{Title, TitleRung};
