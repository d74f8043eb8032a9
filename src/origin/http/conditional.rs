//! Preconditions on entity tags and dates (RFC 9110 §13).

use crate::origin::titles::Object;
use axum::http::header::{
    HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use axum::http::{HeaderName, StatusCode};

/// Evaluates the preconditions in the order of RFC 9110 §13.2.2: a condition on dates counts only
/// without its counterpart on tags, and is ignored for an object without a date.
///
/// 304 if the client has this representation, 412 if it expected another, else `None`.
pub(crate) fn evaluate(headers: &HeaderMap, object: &Object) -> Option<StatusCode> {
    let after = |name: &HeaderName| {
        let mut dates = headers.get_all(name).iter();
        let date = dates.next().filter(|_| dates.next().is_none())?;
        object.modified.as_ref()?.is_after(date)
    };
    // Whether a list has the tag of the object; `None` without the field.
    let lists = |name: &HeaderName, weak: bool| {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        Some(values.any(|value| list_has(value.as_bytes(), object.etag.as_bytes(), weak)))
    };
    let matches = lists(&IF_MATCH, false);
    let known = lists(&IF_NONE_MATCH, true);
    if !matches.unwrap_or_else(|| after(&IF_UNMODIFIED_SINCE) != Some(true)) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let known = known.unwrap_or_else(|| after(&IF_MODIFIED_SINCE) == Some(false));
    known.then_some(StatusCode::NOT_MODIFIED)
}

/// Whether a `Range` applies (RFC 9110 §13.1.5): without `If-Range`, or if that is a strong
/// validator of this representation, which a date is only where the bytes never change.
pub(crate) fn range_applies(headers: &HeaderMap, object: &Object, immutable: bool) -> bool {
    let date = object.modified.as_ref().filter(|_| immutable);
    let is_it = |wanted| wanted == object.etag || date.is_some_and(|date| date.value == wanted);
    headers.get(IF_RANGE).is_none_or(is_it)
}

/// Whether a list of entity tags has this one, by weak or by strong comparison (§8.8.3.2).
fn list_has(list: &[u8], etag: &[u8], weakly: bool) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let mut rest = list;
    while let Some((tag, weak, after)) = next_tag(rest) {
        if tag == etag && (weakly || !weak) {
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
