//! Bounds on what is fetched, and byte ranges as HTTP writes them.

use crate::manifest::ByteRange;

/// Most bytes of a body of unknown length, of a decoded text and of a range.
pub(super) const LONGEST: u64 = 64 << 20;

/// `first-last`, both included (RFC 9110 §14.1.2).
pub(super) fn span(range: ByteRange) -> String {
    format!("{}-{}", range.start, range.end().saturating_sub(1))
}
