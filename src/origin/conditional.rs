//! Preconditions on entity tags (RFC 9110 §13).

use axum::http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH, IF_RANGE};
use axum::http::{HeaderName, HeaderValue};

/// What the preconditions of a GET or HEAD come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Answer as if there were none.
    Proceed,
    /// 304: the client has this representation.
    NotModified,
    /// 412: the client wanted another.
    Failed,
}

/// Weighs `If-Match`, then `If-None-Match`, against the strong tag of the selected
/// representation, in the order of RFC 9110 §13.2.2.
pub(super) fn evaluate(headers: &HeaderMap, etag: &HeaderValue) -> Outcome {
    if lists(headers, &IF_MATCH, etag, Comparison::Strong) == Some(false) {
        return Outcome::Failed;
    }
    match lists(headers, &IF_NONE_MATCH, etag, Comparison::Weak) {
        Some(true) => Outcome::NotModified,
        _ => Outcome::Proceed,
    }
}

/// Whether a Range may be answered with a part (RFC 9110 §13.1.5): without `If-Range`, or if that
/// is this very tag. There is no date to compare with, so a date never fits.
pub(super) fn range_applies(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers.get(IF_RANGE).is_none_or(|wanted| wanted == etag)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags has this one; `None` without the header.
fn lists(
    headers: &HeaderMap,
    name: &HeaderName,
    etag: &HeaderValue,
    comparison: Comparison,
) -> Option<bool> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    Some(values.any(|value| list_has(value.as_bytes(), etag.as_bytes(), comparison)))
}

fn list_has(list: &[u8], etag: &[u8], comparison: Comparison) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let mut rest = list;
    while let Some((tag, weak, after)) = next_tag(rest) {
        if tag == etag && (comparison == Comparison::Weak || !weak) {
            return true;
        }
        rest = after;
    }
    false
}

/// The first tag of a list with its quotes, whether it is weak, and what follows. A comma within
/// quotes belongs to the tag; what is no tag ends the list.
fn next_tag(list: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let separator = |byte: &u8| matches!(byte, b' ' | b'\t' | b',');
    let start = list.iter().position(|byte| !separator(byte))?;
    let list = &list[start..];
    let (weak, list) = match list.strip_prefix(b"W/") {
        Some(list) => (true, list),
        None => (false, list),
    };
    let inner = list.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| *byte == b'"')?;
    Some((&list[..end + 2], weak, &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: HeaderValue = HeaderValue::from_static("\"ab,c\"");

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (value, outcome) in [
            ("\"ab,c\"", Outcome::NotModified),
            ("W/\"ab,c\"", Outcome::NotModified),
            ("\"x\", \"ab,c\"", Outcome::NotModified),
            ("\"x\",,W/\"y\" , W/\"ab,c\"", Outcome::NotModified),
            ("*", Outcome::NotModified),
            ("\"ab\"", Outcome::Proceed),
            ("ab,c", Outcome::Proceed),
            ("", Outcome::Proceed),
            ("\"ab,c", Outcome::Proceed),
        ] {
            assert_eq!(
                evaluate(&headers(&[(IF_NONE_MATCH, value)]), &ETAG),
                outcome,
                "{value}"
            );
        }
        let two_lines = headers(&[(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"ab,c\"")]);
        assert_eq!(evaluate(&two_lines, &ETAG), Outcome::NotModified);
    }

    #[test]
    fn if_match_compares_strongly_and_comes_first() {
        for (value, outcome) in [
            ("\"ab,c\"", Outcome::Proceed),
            ("*", Outcome::Proceed),
            ("W/\"ab,c\"", Outcome::Failed),
            ("\"x\"", Outcome::Failed),
            ("", Outcome::Failed),
        ] {
            assert_eq!(
                evaluate(&headers(&[(IF_MATCH, value)]), &ETAG),
                outcome,
                "{value}"
            );
        }
        let both = headers(&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"ab,c\"")]);
        assert_eq!(evaluate(&both, &ETAG), Outcome::Failed);
        let both = headers(&[(IF_MATCH, "\"ab,c\""), (IF_NONE_MATCH, "\"ab,c\"")]);
        assert_eq!(evaluate(&both, &ETAG), Outcome::NotModified);
    }

    #[test]
    fn a_range_needs_the_very_tag() {
        assert!(range_applies(&HeaderMap::new(), &ETAG));
        for (value, applies) in [
            ("\"ab,c\"", true),
            ("W/\"ab,c\"", false),
            ("\"x\"", false),
            ("Sat, 01 Nov 2025 00:00:00 GMT", false),
        ] {
            assert_eq!(
                range_applies(&headers(&[(IF_RANGE, value)]), &ETAG),
                applies,
                "{value}"
            );
        }
    }
}
