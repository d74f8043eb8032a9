//! Outside weights: which files there are, where to get them and under which licence, whether they are
//! installed and right, and their download.
//!
//! ```
//! use promptus::weights::{FILES, Status, survey};
//!
//! for file in survey()? {
//!     println!("{} for {}: {:?}", file.file, file.purpose, file.status);
//! }
//! assert!(FILES.iter().all(|file| file.url.starts_with("https://")));
//! # Ok::<(), promptus::weights::WeightsError>(())
//! ```
//!
//! Where files are looked for is the business of [`crate::model::installed`]; how they are loaded, of
//! [`crate::model`].

mod check;
#[cfg_attr(feature = "download", path = "download_enabled.rs")]
#[cfg_attr(not(feature = "download"), path = "download_disabled.rs")]
mod download;
mod error;
mod table;

pub use check::{File, Status, is_ready, survey};
pub use download::download;
pub use error::WeightsError;
pub use table::{FILES, OutsideFile, Repository};
