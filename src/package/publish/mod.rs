//! Publishing: a title's files, to a folder or to an object store, so that no reader ever sees half
//! a title.
//!
//! Media first, manifests after, the HLS entry point last; one publisher at a time. Nothing of an
//! earlier edition is overwritten: its folder stays for players that are still reading it, until
//! it has been out of date for a time that the caller names.
//!
//! `published.json` dates every file and lists the editions that were published here: only those
//! are ever removed.

#[cfg(feature = "net")]
mod bucket;
#[cfg(feature = "net")]
mod destination;
pub(super) mod edition;
mod folder;
#[cfg(feature = "net")]
mod lock;

#[cfg(feature = "net")]
pub use destination::Destination;
pub use folder::publish;

use std::time::Duration;

/// Default time for which folders of earlier editions stay: a day.
pub const KEEP_OLD: Duration = Duration::from_secs(24 * 60 * 60);
