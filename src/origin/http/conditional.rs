//! Preconditions on entity tags and dates (RFC 9110 §13).

use crate::origin::titles::Modified;
use axum::http::header::{
    HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use axum::http::{HeaderName, HeaderValue};

/// The validators of the selected representation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validators<'a> {
    /// A strong tag.
    pub(crate) etag: &'a HeaderValue,
    /// Without a date, conditions on dates are ignored.
    pub(crate) modified: Option<&'a Modified>,
    /// Whether the bytes never change, which makes the date a strong validator.
    pub(crate) immutable: bool,
}

/// Outcome of the preconditions of a GET or HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Respond as without preconditions.
    Proceed,
    /// 304: the client has this representation.
    NotModified,
    /// 412: the client expected another.
    Failed,
}

/// Evaluates the preconditions in the order of RFC 9110 §13.2.2: a condition on dates counts only
/// without its counterpart on tags.
pub(crate) fn evaluate(headers: &HeaderMap, now: Validators<'_>) -> Outcome {
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
    if known {
        Outcome::NotModified
    } else {
        Outcome::Proceed
    }
}

/// Whether a `Range` applies (RFC 9110 §13.1.5): without `If-Range`, or if that is a strong
/// validator of this representation, which a date is only where the bytes never change.
pub(crate) fn range_applies(headers: &HeaderMap, now: Validators<'_>) -> bool {
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

/// The first tag of a list with its quotes, whether it is weak, and the rest. A comma within quotes
/// belongs to the tag; a syntax error ends the list.
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
    use Outcome::{Failed, NotModified, Proceed};

    static ETAG: HeaderValue = HeaderValue::from_static("\"ab,c\"");
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Mon, 07 Nov 1994 08:49:36 GMT";

    fn modified() -> Modified {
        Modified::at(784_111_777).unwrap()
    }

    fn validators(modified: Option<&Modified>, immutable: bool) -> Validators<'_> {
        let etag = &ETAG;
        Validators {
            etag,
            modified,
            immutable,
        }
    }

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let value = |value| HeaderValue::from_static(value);
        let mut headers = HeaderMap::new();
        for (name, text) in fields {
            headers.append(name, value(text));
        }
        headers
    }

    #[test]
    fn lists_of_tags() {
        for (list, known, matches) in [
            ("\"ab,c\"", NotModified, Proceed),
            ("W/\"ab,c\"", NotModified, Failed),
            ("\"x\", \"ab,c\"", NotModified, Proceed),
            ("\"x\",,W/\"y\" , W/\"ab,c\"", NotModified, Failed),
            ("*", NotModified, Proceed),
            ("\"ab\"", Proceed, Failed),
            ("ab,c", Proceed, Failed),
            ("", Proceed, Failed),
            ("\"ab,c", Proceed, Failed),
        ] {
            let evaluate = |name| evaluate(&headers(&[(name, list)]), validators(None, true));
            assert_eq!(evaluate(IF_NONE_MATCH), known, "If-None-Match: {list}");
            assert_eq!(evaluate(IF_MATCH), matches, "If-Match: {list}");
        }
    }

    #[test]
    fn tags_take_precedence_over_dates_and_if_match_over_if_none_match() {
        for (fields, expected) in [
            (
                &[(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"ab,c\"")][..],
                NotModified,
            ),
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"ab,c\"")], Failed),
            (
                &[(IF_MATCH, "\"ab,c\""), (IF_NONE_MATCH, "\"ab,c\"")],
                NotModified,
            ),
            (&[(IF_MODIFIED_SINCE, DATE)], NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Proceed),
            (&[(IF_MODIFIED_SINCE, "soon")], Proceed),
            (
                &[(IF_MODIFIED_SINCE, DATE), (IF_MODIFIED_SINCE, DATE)],
                Proceed,
            ),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Proceed),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Failed),
            (&[(IF_UNMODIFIED_SINCE, "soon")], Proceed),
            (
                &[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, LATER)],
                Proceed,
            ),
            (
                &[(IF_MATCH, "\"ab,c\""), (IF_UNMODIFIED_SINCE, EARLIER)],
                Proceed,
            ),
            (
                &[(IF_UNMODIFIED_SINCE, DATE), (IF_MODIFIED_SINCE, DATE)],
                NotModified,
            ),
        ] {
            let modified = modified();
            let outcome = evaluate(&headers(fields), validators(Some(&modified), true));
            assert_eq!(outcome, expected, "{fields:?}");
        }
        for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            let undated = evaluate(&headers(&[(name, EARLIER)]), validators(None, true));
            assert_eq!(undated, Proceed);
        }
    }

    #[test]
    fn if_range_needs_a_strong_validator() {
        let modified = modified();
        for (value, if_immutable, otherwise) in [
            ("\"ab,c\"", true, true),
            ("W/\"ab,c\"", false, false),
            ("\"x\"", false, false),
            (DATE, true, false),
            (LATER, false, false),
        ] {
            let fields = headers(&[(IF_RANGE, value)]);
            let applies =
                |immutable| range_applies(&fields, validators(Some(&modified), immutable));
            assert_eq!(
                (applies(true), applies(false)),
                (if_immutable, otherwise),
                "{value}"
            );
        }
        assert!(range_applies(&HeaderMap::new(), validators(None, false)));
    }
}
