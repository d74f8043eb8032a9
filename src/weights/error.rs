//! Errors of looking for weights and of fetching them.

use crate::model::ModelError;
use std::io;
use std::path::PathBuf;

/// Why weights could not be surveyed or fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// This build has no feature `download`.
    #[error("{}: this build does not download: fetch the file yourself, or build with --features download", .0.display())]
    NoDownload(PathBuf),
    /// The Hugging Face Hub refused or could not be reached.
    #[error("{file}: {reason}")]
    Hub {
        /// The file in its repository.
        file: &'static str,
        /// The hub client's reason.
        reason: String,
    },
    /// A download is not the published file.
    #[error("{}: SHA-256 {found}, published is {published}", path.display())]
    WrongHash {
        /// The downloaded file.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The published hash.
        published: &'static str,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason that the system gives.
        source: io::Error,
    },
    /// A checkpoint or a shipped network is damaged.
    #[error(transparent)]
    Model(#[from] ModelError),
}
