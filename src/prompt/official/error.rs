//! Errors of the reference's files, with the file's name and the place.

use std::path::PathBuf;

/// An error in reading or writing the reference's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfficialError {
    /// The file system reported an error.
    #[error("{}: {source}", file.display())]
    Io {
        /// File or folder.
        file: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// Not a zip of stored entries as `torch.save` writes it.
    #[error("{}: entry `{entry}`: {reason}", file.display())]
    Archive {
        /// File.
        file: PathBuf,
        /// Entry of the zip, empty if the whole archive is meant.
        entry: String,
        /// Reason.
        reason: String,
    },
    /// A pickle other than the one that `torch.save` writes for such a prompt or latent.
    #[error(
        "{}: data.pkl: not what torch.save writes for a prompt (U, V and their scales) or a latent; nothing in it was executed",
        file.display()
    )]
    Pickle {
        /// File.
        file: PathBuf,
    },
    /// A readable file with other content than expected.
    #[error("{}: {field}: expected {expected}", file.display())]
    Content {
        /// File or folder.
        file: PathBuf,
        /// The field (`U`, `V_scale`, …) or file name.
        field: String,
        /// Expected content.
        expected: String,
    },
}
