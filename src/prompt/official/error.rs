//! Errors of the reference's files, with the file's name and the place.

use std::path::{Path, PathBuf};

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
    /// Another content than `torch.save` writes for a prompt or a start latent.
    #[error("{}: {problem}", file.display())]
    Content {
        /// File or folder.
        file: PathBuf,
        /// The entry or field (`U`, `V_scale`, …), and what was expected.
        problem: String,
    },
}

impl OfficialError {
    pub(super) fn io(file: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io {
            file: file.to_owned(),
            source,
        }
    }

    pub(super) fn content(file: &Path, problem: impl Into<String>) -> Self {
        Self::Content {
            file: file.to_owned(),
            problem: problem.into(),
        }
    }
}
