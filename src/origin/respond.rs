//! An object as a response: preconditions, then range, then the bytes.

use super::conditional::{self, Outcome, Validators};
use super::encoding::Encoding;
use super::headers;
use super::object::{Content, Object};
use super::range::{Selection, select};
use super::{Origin, OriginError};
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use std::ops::Range;

/// A request as far as it matters here, and what was found for it.
pub(super) struct Answer<'a> {
    pub(super) origin: &'a Origin,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) object: &'a Object,
    pub(super) cache_control: &'a HeaderValue,
    /// Whether the bytes never change.
    pub(super) immutable: bool,
}

impl Answer<'_> {
    /// The response.
    pub(super) async fn send(&self) -> Result<Response, OriginError> {
        let object = self.object;
        let bare = || headers::bare(object, self.cache_control);
        match conditional::evaluate(self.headers, self.validators()) {
            Outcome::Failed => {
                let fields = headers::of(object, self.cache_control);
                return Ok(empty(StatusCode::PRECONDITION_FAILED, fields));
            }
            Outcome::NotModified => return Ok(empty(StatusCode::NOT_MODIFIED, bare())),
            Outcome::Proceed => {}
        }
        let selection = self.selection();
        if let Selection::Unsatisfiable = selection {
            let mut fields = bare();
            let size = format!("bytes */{}", object.size);
            insert(&mut fields, CONTENT_RANGE, size);
            return Ok(empty(StatusCode::RANGE_NOT_SATISFIABLE, fields));
        }
        let mut fields = headers::of(object, self.cache_control);
        let (status, range) = match selection {
            Selection::Part(range) => {
                let text = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
                insert(&mut fields, CONTENT_RANGE, text);
                (StatusCode::PARTIAL_CONTENT, range)
            }
            _ => (StatusCode::OK, 0..object.size),
        };
        fields.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        let body = match *self.method {
            Method::HEAD => Body::empty(),
            _ => self.body(range).await?,
        };
        Ok(response(status, fields, body))
    }

    fn validators(&self) -> Validators<'_> {
        Validators {
            etag: &self.object.etag,
            modified: self.object.modified.as_ref(),
            immutable: self.immutable,
        }
    }

    /// Ranges are for GET (RFC 9110 §14.2), and for bytes that are not coded.
    fn selection(&self) -> Selection {
        let wanted = self.headers.get(RANGE).filter(|_| {
            *self.method == Method::GET
                && self.object.encoding.is_none()
                && conditional::range_applies(self.headers, self.validators())
        });
        wanted.map_or(Selection::Whole, |value| {
            select(value.as_bytes(), self.object.size)
        })
    }

    async fn body(&self, range: Range<u64>) -> Result<Body, OriginError> {
        match &self.object.content {
            Content::Memory(bytes) => Ok(Body::from(
                bytes.slice(range.start as usize..range.end as usize),
            )),
            Content::Stored(_) if range.is_empty() => Ok(Body::empty()),
            Content::Stored(stored) => {
                let blocks = Box::pin(self.origin.streamed(stored, range)).await?;
                Ok(Body::from_stream(blocks))
            }
        }
    }
}

/// The object in the coding that the client likes best. Whoever wants a range gets it of the
/// plain text.
pub(super) async fn encoded(
    origin: &Origin,
    object: Object,
    headers: &HeaderMap,
) -> Result<Object, OriginError> {
    if !object.is_text() || headers.contains_key(RANGE) {
        return Ok(object);
    }
    match Encoding::accepted(headers) {
        Some(encoding) => origin.encoded(&object, encoding).await,
        None => Ok(object),
    }
}

/// A response without a body.
fn empty(status: StatusCode, fields: HeaderMap) -> Response {
    response(status, fields, Body::empty())
}

fn response(status: StatusCode, fields: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

/// Sets a field to text that is all digits and ASCII signs.
fn insert(fields: &mut HeaderMap, name: axum::http::HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        fields.insert(name, value);
    }
}
