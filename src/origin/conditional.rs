//! Preconditions on entity tags and dates (RFC 9110 §13).

use super::modified::Modified;
use axum::http::header::{
    HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use axum::http::{HeaderName, HeaderValue};

/// What preconditions are weighed against: the validators of the selected representation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// A strong tag.
    pub(super) etag: &'a HeaderValue,
    /// Without it, conditions on dates are ignored.
    pub(super) modified: Option<&'a Modified>,
    /// Whether the bytes never change, so that even a date says which they are.
    pub(super) immutable: bool,
}

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

/// Weighs the preconditions in the order of RFC 9110 §13.2.2: a condition on dates counts only
/// without its counterpart on tags.
pub(super) fn evaluate(headers: &HeaderMap, now: Validators<'_>) -> Outcome {
    let after = |name: &HeaderName| {
        let mut dates = headers.get_all(name).iter();
        let date = dates.next().filter(|_| dates.next().is_none())?;
        now.modified?.is_after(date)
    };
    let failed = match lists(headers, &IF_MATCH, now.etag, Comparison::Strong) {
        Some(listed) => !listed,
        None => after(&IF_UNMODIFIED_SINCE) == Some(true),
    };
    if failed {
        return Outcome::Failed;
    }
    let known = match lists(headers, &IF_NONE_MATCH, now.etag, Comparison::Weak) {
        Some(listed) => listed,
        None => after(&IF_MODIFIED_SINCE) == Some(false),
    };
    match known {
        true => Outcome::NotModified,
        false => Outcome::Proceed,
    }
}

/// Whether a Range may be answered with a part (RFC 9110 §13.1.5): without `If-Range`, if that is
/// this very tag, or if it is this very date of something that never changes. Any other date is a
/// weak validator and does not fit.
pub(super) fn range_applies(headers: &HeaderMap, now: Validators<'_>) -> bool {
    let date = now.modified.filter(|_| now.immutable);
    headers
        .get(IF_RANGE)
        .is_none_or(|wanted| wanted == now.etag || date.is_some_and(|date| date.value == wanted))
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    static ETAG: HeaderValue = HeaderValue::from_static("\"ab,c\"");
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn modified() -> Modified {
        Modified::at(UNIX_EPOCH + Duration::from_secs(784_111_777)).unwrap()
    }

    fn weighed(pairs: &[(HeaderName, &'static str)]) -> Outcome {
        evaluate(&headers(pairs), validators(&modified(), true))
    }

    fn validators(modified: &Modified, immutable: bool) -> Validators<'_> {
        Validators {
            etag: &ETAG,
            modified: Some(modified),
            immutable,
        }
    }

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
            assert_eq!(weighed(&[(IF_NONE_MATCH, value)]), outcome, "{value}");
        }
        let two_lines = [(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"ab,c\"")];
        assert_eq!(weighed(&two_lines), Outcome::NotModified);
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
            assert_eq!(weighed(&[(IF_MATCH, value)]), outcome, "{value}");
        }
        let both = [(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"ab,c\"")];
        assert_eq!(weighed(&both), Outcome::Failed);
        let both = [(IF_MATCH, "\"ab,c\""), (IF_NONE_MATCH, "\"ab,c\"")];
        assert_eq!(weighed(&both), Outcome::NotModified);
    }

    #[test]
    fn dates_count_where_no_tag_does() {
        const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        const LATER: &str = "Mon, 07 Nov 1994 08:49:36 GMT";
        for (pairs, expected) in [
            (&[(IF_MODIFIED_SINCE, DATE)][..], Outcome::NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], Outcome::NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Outcome::Proceed),
            (&[(IF_MODIFIED_SINCE, "soon")], Outcome::Proceed),
            (
                &[(IF_MODIFIED_SINCE, DATE), (IF_MODIFIED_SINCE, DATE)],
                Outcome::Proceed,
            ),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Outcome::Proceed),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Outcome::Failed),
            (&[(IF_UNMODIFIED_SINCE, "soon")], Outcome::Proceed),
            (
                &[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, LATER)],
                Outcome::Proceed,
            ),
            (
                &[(IF_MATCH, "\"ab,c\""), (IF_UNMODIFIED_SINCE, EARLIER)],
                Outcome::Proceed,
            ),
            (
                &[(IF_UNMODIFIED_SINCE, DATE), (IF_MODIFIED_SINCE, DATE)],
                Outcome::NotModified,
            ),
        ] {
            assert_eq!(weighed(pairs), expected, "{pairs:?}");
        }
        let undated = Validators {
            etag: &ETAG,
            modified: None,
            immutable: true,
        };
        for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            assert_eq!(
                evaluate(&headers(&[(name, EARLIER)]), undated),
                Outcome::Proceed
            );
        }
    }

    #[test]
    fn a_range_needs_the_very_tag_or_the_very_date_of_what_never_changes() {
        let modified = modified();
        for (value, applies) in [
            ("\"ab,c\"", true),
            ("W/\"ab,c\"", false),
            ("\"x\"", false),
            (DATE, true),
            ("Mon, 07 Nov 1994 08:49:37 GMT", false),
        ] {
            let fields = headers(&[(IF_RANGE, value)]);
            assert_eq!(
                range_applies(&fields, validators(&modified, true)),
                applies,
                "{value}"
            );
        }
        assert!(range_applies(
            &HeaderMap::new(),
            validators(&modified, true)
        ));
        let dated = headers(&[(IF_RANGE, DATE)]);
        assert!(!range_applies(&dated, validators(&modified, false)));
    }
}
