//! Checks of a response's head: status, range, entity tag, coding (RFC 9110 §8.8.3, §14, §15).

use super::coding::Coding;
use super::error::{AnswerProblem, FetchError};
use super::patience::retry_after;
use super::resolve::{LONGEST, span};
use crate::manifest::ByteRange;
use reqwest::header::{CONTENT_RANGE, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use std::time::SystemTime;

/// Properties of a body that the head states.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) coding: Coding,
    /// The URL after redirects, if there were any: the base of relative references (RFC 3986 §5.1.3).
    pub(super) moved: Option<Url>,
}

impl Head {
    /// Reads the head of `response` to a request for `url`. Fails on a content coding if `plain`, and
    /// on one that was not offered.
    pub(super) fn of(url: &Url, response: &Response, plain: bool) -> Result<Self, FetchError> {
        let found = without_cmcd(response.url());
        Ok(Self {
            coding: Coding::of(url, response.headers(), plain)?,
            moved: (found != without_cmcd(url)).then_some(found),
        })
    }
}

/// `url` without the CMCD query argument.
fn without_cmcd(url: &Url) -> Url {
    let mut plain = url.clone();
    let other = |part: &&str| !part.starts_with("CMCD=");
    let parts = url.query().unwrap_or("").split('&').filter(other);
    let query = parts.collect::<Vec<_>>().join("&");
    plain.set_query(Some(&*query).filter(|query| !query.is_empty()));
    plain
}

/// A header as text; `None` if it is absent or not ASCII.
pub(super) fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

pub(super) fn check_status(url: &Url, response: &Response) -> Result<(), FetchError> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let pause = header(response, RETRY_AFTER);
    let pause = pause.and_then(|text| retry_after(text, SystemTime::now()));
    let (status, retry_after) = (status.as_u16(), pause);
    let problem = AnswerProblem::Status {
        status,
        retry_after,
    };
    Err(problem.at(url))
}

/// Fails unless the head answers a request for `range`; returns the length of the body, if known.
pub(super) fn check_head(
    url: &Url,
    response: &Response,
    range: Option<ByteRange>,
) -> Result<Option<u64>, FetchError> {
    check_status(url, response)?;
    let announced = response.content_length();
    let expected = range.map_or(announced, |range| Some(range.length));
    if expected.is_some_and(|length| length > LONGEST) {
        return Err(AnswerProblem::TooLong(LONGEST).at(url));
    }
    let Some(range) = range else {
        return Ok(announced);
    };
    let status = response.status();
    let found = if status == StatusCode::PARTIAL_CONTENT {
        let stated = header(response, CONTENT_RANGE).unwrap_or("no Content-Range");
        if stated.starts_with(&format!("bytes {}/", span(range))) {
            return Ok(expected);
        }
        format!("`{stated}`")
    } else {
        format!("{status} and the whole file: it must support byte ranges")
    };
    let asked = span(range);
    Err(AnswerProblem::Range { asked, found }.at(url))
}
