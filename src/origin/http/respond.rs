//! An object as a response: preconditions, then range, then the bytes. An error as a response: the one
//! place where it gets its status.

use super::conditional;
use super::headers::{self, FAILURE};
use super::negotiate::encoded;
use super::range::{Selection, select};
use crate::origin::error::{OriginError, Result};
use crate::origin::titles::{Content, Object, Titles};
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use std::ops::Range;
use std::sync::Arc;

/// A request, and the object that was found for it.
pub(crate) struct Reply<'a> {
    pub(crate) titles: &'a Arc<Titles>,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) object: Object,
    pub(crate) cache_control: &'a HeaderValue,
    /// Whether the bytes never change.
    pub(crate) immutable: bool,
}

impl Reply<'_> {
    /// The response.
    pub(crate) async fn response(mut self) -> Result<Response> {
        self.object = encoded(self.titles, self.object, self.headers).await?;
        let (object, cache_control) = (&self.object, self.cache_control);
        let refused = conditional::evaluate(self.headers, object);
        let mut fields = match refused {
            Some(StatusCode::NOT_MODIFIED) => headers::always(object, cache_control),
            _ => headers::of(object, cache_control),
        };
        if let Some(status) = refused {
            return Ok(response(status, fields, Body::empty()));
        }
        let (status, range) = match self.selection() {
            Selection::Whole => (StatusCode::OK, 0..object.size),
            Selection::Part(range) => {
                let (first, last) = (range.start, range.end - 1);
                insert(&mut fields, format!("bytes {first}-{last}/{}", object.size));
                (StatusCode::PARTIAL_CONTENT, range)
            }
            Selection::Unsatisfiable => {
                let mut fields = headers::always(object, cache_control);
                insert(&mut fields, format!("bytes */{}", object.size));
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                return Ok(response(status, fields, Body::empty()));
            }
        };
        fields.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        let body = match *self.method == Method::HEAD {
            true => Body::empty(),
            false => self.body(range).await?,
        };
        Ok(response(status, fields, body))
    }

    /// Ranges are for GET (RFC 9110 §14.2), and of uncoded bytes.
    fn selection(&self) -> Selection {
        let wanted = self.headers.get(RANGE).filter(|_| {
            *self.method == Method::GET
                && self.object.coding.is_none()
                && conditional::range_applies(self.headers, &self.object, self.immutable)
        });
        wanted.map_or(Selection::Whole, |value| {
            select(value.as_bytes(), self.object.size)
        })
    }

    async fn body(&self, range: Range<u64>) -> Result<Body> {
        match &self.object.content {
            Content::Memory(bytes) => Ok(Body::from(
                bytes.slice(range.start as usize..range.end as usize),
            )),
            Content::Stored(_) if range.is_empty() => Ok(Body::empty()),
            Content::Stored(stored) => {
                let titles = Arc::clone(self.titles);
                let blocks = Box::pin(titles.streamed(stored.clone(), range)).await?;
                Ok(Body::from_stream(blocks))
            }
        }
    }
}

fn response(status: StatusCode, fields: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

/// Sets `Content-Range`.
fn insert(fields: &mut HeaderMap, range: String) {
    // Digits and ASCII signs are always a valid value.
    if let Ok(value) = HeaderValue::try_from(range) {
        fields.insert(CONTENT_RANGE, value);
    }
}

fn status(error: &OriginError) -> StatusCode {
    use OriginError as E;
    match error {
        E::NotFound { .. } => StatusCode::NOT_FOUND,
        E::Query { .. } => StatusCode::BAD_REQUEST,
        E::Store { .. } | E::Length { .. } | E::Changed { .. } => StatusCode::SERVICE_UNAVAILABLE,
        E::Late { .. } => StatusCode::GATEWAY_TIMEOUT,
        E::Manifest(_) | E::Damaged { .. } | E::Root { .. } | E::Log { .. } | E::Settings(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

impl IntoResponse for OriginError {
    /// The status with one line of text, which caches may keep for a second. The store's own error
    /// goes to the log only.
    fn into_response(self) -> Response {
        let status = status(&self);
        let text = self.public() + "\n";
        if status.is_server_error() {
            tracing::error!(%status, "{self}");
        }
        (status, [(CACHE_CONTROL, FAILURE)], text).into_response()
    }
}
