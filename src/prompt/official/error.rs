//! What can be wrong with a file of the reference, always with the file's name and the place.

use std::path::PathBuf;

/// An error in reading or writing the reference's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfficialError {
    /// The file system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// File or folder.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No zip of stored entries as `torch.save` writes it.
    #[error("{}: entry `{entry}`: {reason}", file.display())]
    Archive {
        /// File.
        file: PathBuf,
        /// Entry of the zip, empty if the whole archive is meant.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pickle opcode that these files never contain; code, as far as we are concerned.
    #[error(
        "{}: data.pkl: opcode 0x{opcode:02x} at offset {offset} is not allowed here, nothing was executed",
        file.display()
    )]
    Opcode {
        /// File.
        file: PathBuf,
        /// Offset in `data.pkl`.
        offset: usize,
        /// The opcode's byte.
        opcode: u8,
    },
    /// A pickle that names a Python object other than the four these files need.
    #[error(
        "{}: data.pkl: global `{global}` at offset {offset} is not allowed here, nothing was executed",
        file.display()
    )]
    Global {
        /// File.
        file: PathBuf,
        /// Offset of the opcode in `data.pkl`.
        offset: usize,
        /// `module name`, at most 80 characters of it.
        global: String,
    },
    /// A pickle whose structure makes no sense.
    #[error("{}: data.pkl: at offset {offset}: {reason}", file.display())]
    Pickle {
        /// File.
        file: PathBuf,
        /// Offset in `data.pkl`.
        offset: usize,
        /// What was found.
        reason: &'static str,
    },
    /// A sound file that holds something else than was expected.
    #[error("{}: {field}: expected {expected}", file.display())]
    Content {
        /// File or folder.
        file: PathBuf,
        /// The field (`U`, `V_scale`, …) or file name.
        field: String,
        /// What would have been right.
        expected: String,
    },
}
