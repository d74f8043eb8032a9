//! Errors of tracks, init segments, media segments and indexes, with their places.

use std::fmt;

/// A four-character box type, such as `moov`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where in the bytes something is wrong: the boxes that enclose it and the offset from the start
/// of the bytes that were handed in. For the content of a sample the path is `sample N` and the
/// offset counts from the start of that sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Boxes from the outermost in, joined by `/`; empty at the top of the file.
    pub path: String,
    /// Bytes from the start.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "byte {}", self.offset)
        } else {
            write!(f, "{} at byte {}", self.path, self.offset)
        }
    }
}

/// Why bytes are no init segment, media segment, index or sample of ours, or why a track cannot
/// be written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The bytes end within a box or field.
    #[error("{place}: cut short: {what} needs {needed} bytes, {left} are left")]
    Truncated {
        /// Where.
        place: Place,
        /// The box or field that does not fit.
        what: String,
        /// Bytes it takes.
        needed: u64,
        /// Bytes there are.
        left: u64,
    },
    /// A box that must be there is not.
    #[error("{place}: no {child}")]
    Missing {
        /// The box that should hold it.
        place: Place,
        /// The missing box.
        child: FourCc,
    },
    /// A field holds a value that it may not have.
    #[error("{place}: {field} is {found}, expected {expected}")]
    Field {
        /// Where.
        place: Place,
        /// Name of the field, as in its specification.
        field: &'static str,
        /// The value.
        found: String,
        /// Allowed values.
        expected: String,
    },
    /// A `prmC` of a format that this build does not know.
    #[error("{place}: format version {found}: this build reads versions 1 to {known}")]
    Version {
        /// Where.
        place: Place,
        /// The version that the file claims.
        found: u8,
        /// The highest that is known.
        known: u8,
    },
    /// A value that cannot be written.
    #[error("cannot write {field} {found}: expected {expected}")]
    Unwritable {
        /// Name of the value.
        field: &'static str,
        /// The value.
        found: String,
        /// Values that can be written.
        expected: String,
    },
}

impl SegmentError {
    pub(super) fn unwritable(
        field: &'static str,
        found: impl fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Unwritable {
            field,
            found: found.to_string(),
            expected: expected.into(),
        }
    }
}
