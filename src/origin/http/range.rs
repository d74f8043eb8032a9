//! Byte ranges (RFC 9110 §14), one a request.
//!
//! Anything but one valid range of bytes (several ranges, other units, last before first) is
//! ignored, as §14.2 allows, and the whole representation is sent.

use std::ops::Range;

/// The part of a representation that a `Range` field selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All of it: 200.
    Whole,
    /// These bytes, at least one: 206.
    Part(Range<u64>),
    /// Bytes that do not exist: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` header against a representation of `size` bytes.
pub(crate) fn select(value: &[u8], size: u64) -> Selection {
    let value = std::str::from_utf8(value).ok();
    match value.and_then(|value| parse(value, size)) {
        None => Selection::Whole,
        Some(part) if part.is_empty() => Selection::Unsatisfiable,
        Some(part) => Selection::Part(part),
    }
}

/// The bytes of a range (§14.1.1, §14.1.2), as far as they exist; `None` if it is not valid.
fn parse(value: &str, size: u64) -> Option<Range<u64>> {
    let (unit, set) = value.trim().split_once('=')?;
    let (first, last) = set.trim().split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    let part = match (first, last) {
        ("", length) => size.saturating_sub(number(length)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => number(first)?..number(last)?.saturating_add(1).min(size),
    };
    let backwards = !first.is_empty() && !last.is_empty() && number(first) > number(last);
    let valid = unit.trim().eq_ignore_ascii_case("bytes") && !backwards;
    valid.then_some(part)
}

/// Digits only; saturates.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_matrix() {
        use Selection::{Part, Unsatisfiable, Whole};
        for (value, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("bytes=10-19", 10..20),
            ("bytes=90-", 90..100),
            ("bytes=90-1000", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("Bytes = 1-2 ", 1..3),
            ("bytes=0-99999999999999999999999", 0..100),
        ] {
            assert_eq!(select(value.as_bytes(), 100), Part(part), "{value}");
        }
        let beyond = "bytes=100- bytes=100-200 bytes=99999999999999999999999- bytes=-0";
        for value in beyond.split(' ') {
            assert_eq!(select(value.as_bytes(), 100), Unsatisfiable, "{value}");
        }
        let other =
            "bytes=5-4|bytes=0-1,3-4|bytes=-|bytes=a-b|bytes=+1-2|bytes=--1|bytes 0-1|s=0-1|";
        for value in other.split('|') {
            assert_eq!(select(value.as_bytes(), 100), Whole, "{value}");
        }
        assert_eq!(select(b"bytes=0-", 0), Unsatisfiable);
        assert_eq!(select(b"bytes=-5", 0), Unsatisfiable);
        assert_eq!(select(b"bytes=\xff-", 100), Whole);
    }

    proptest! {
        #[test]
        fn parts_lie_within(value in "bytes=[0-9]{0,21}-[0-9]{0,21}|[a-z=0-9, -]{0,30}", size in 0u64..1000) {
            if let Selection::Part(part) = select(value.as_bytes(), size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }
    }
}
