//! Proactive negotiation (RFC 9110 §12): which content coding or media type a client prefers.

use crate::origin::error::Result;
use crate::origin::titles::{Coding, Object, Titles};
use axum::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, RANGE};

/// `object` in the coding that the client prefers, unless it is coded already. A range is always one of the uncoded text.
pub(crate) async fn encoded(
    titles: &Titles,
    object: Object,
    headers: &HeaderMap,
) -> Result<Object> {
    if object.coding.is_some() || !object.is_text() || headers.contains_key(RANGE) {
        return Ok(object);
    }
    match accepted_coding(headers) {
        Some(coding) => titles.encoded(&object, coding).await,
        None => Ok(object),
    }
}

/// The coding that the client prefers, ours first among equals; `None` for identity.
pub(crate) fn accepted_coding(headers: &HeaderMap) -> Option<Coding> {
    let quality = |coding: &Coding| quality(headers, &ACCEPT_ENCODING, coding.name());
    // The last of the best, so from the end.
    let best = Coding::ALL.into_iter().rev().max_by_key(quality);
    best.filter(|coding| quality(coding) > 0)
}

/// The weight of a coding or media type in a field, in thousandths; 0 if it is not named.
pub(crate) fn quality(headers: &HeaderMap, field: &HeaderName, name: &str) -> u16 {
    let mut any = 0;
    for value in headers.get_all(field) {
        for item in value.to_str().unwrap_or("").split(',') {
            let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight(parameters);
            match coding.trim() {
                coding if coding.eq_ignore_ascii_case(name) => return weight,
                "*" | "*/*" => any = weight,
                _ => {}
            }
        }
    }
    any
}

fn weight(parameters: &str) -> u16 {
    let Some((_, value)) = parameters.split_once("q=") else {
        return 1000;
    };
    let value: f32 = value.trim().parse().unwrap_or(0.0);
    (value.clamp(0.0, 1.0) * 1000.0) as u16
}
