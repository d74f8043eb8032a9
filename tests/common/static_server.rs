//! A static file server on a free port, with faults on request.

#![allow(dead_code, reason = "every test binary uses its own part")]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::RANGE;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

/// A fault of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing but this status.
    Status(u16),
    /// This status, with `Retry-After` in seconds.
    Busy(u16, u64),
    /// The connection breaks after the first 100 bytes of the body.
    Cut,
    /// Nothing comes after the first 100 bytes, for ever.
    Stall,
    /// A byte comes now and then, for ever.
    Trickle,
    /// The Range header is ignored.
    WholeFile,
    /// The answer has a content coding that the request did not accept.
    Coded,
    /// The file is elsewhere.
    Moved(&'static str),
}

/// Path and range of a request, and how often that was asked for before → a fault, or none.
pub(crate) type Faults = dyn Fn(&str, &str, usize) -> Option<Fault> + Send + Sync;

/// Serves `folder` until the runtime ends; returns the base URL, with a slash at its end.
pub(crate) async fn serve(folder: &Path, faults: Arc<Faults>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let seen: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let spoil = middleware::from_fn(move |request: Request, next: Next| {
        let (faults, seen) = (Arc::clone(&faults), Arc::clone(&seen));
        async move {
            let path = request.uri().path().to_owned();
            let range = request.headers().get(RANGE);
            let range = range.map_or("", |value| value.to_str().unwrap()).to_owned();
            let nth = {
                let mut seen = seen.lock().unwrap();
                let count = seen.entry(format!("{path} {range}")).or_default();
                std::mem::replace(count, *count + 1)
            };
            spoilt(faults(&path, &range, nth), request, next).await
        }
    });
    let app = Router::new()
        .fallback_service(ServeDir::new(folder))
        .layer(spoil);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    base
}

pub(crate) async fn serve_well(folder: &Path) -> String {
    serve(folder, Arc::new(|_: &str, _: &str, _| None)).await
}

async fn spoilt(fault: Option<Fault>, mut request: Request, next: Next) -> Response {
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Busy(status, seconds)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("retry-after", seconds.to_string())]).into_response()
        }
        Some(Fault::WholeFile) => {
            request.headers_mut().remove(RANGE);
            next.run(request).await
        }
        Some(Fault::Moved(location)) => {
            (StatusCode::FOUND, [("location", location)]).into_response()
        }
        Some(Fault::Coded) => {
            let mut response = next.run(request).await;
            let headers = response.headers_mut();
            headers.insert("content-encoding", "gzip".parse().unwrap());
            response
        }
        Some(fault @ (Fault::Cut | Fault::Stall | Fault::Trickle)) => {
            let (head, _) = next.run(request).await.into_parts();
            let first = stream::iter([Ok(Bytes::from(vec![0; 100]))]);
            let later = |ms, item| async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                item
            };
            let rest = match fault {
                // Once the first bytes are on their way.
                Fault::Cut => stream::once(later(30, Err(io::Error::other("cut")))).boxed(),
                Fault::Trickle => {
                    let byte = move |()| later(50, Ok(Bytes::from_static(b"x")));
                    stream::repeat(()).then(byte).boxed()
                }
                _ => stream::pending::<io::Result<Bytes>>().boxed(),
            };
            Response::from_parts(head, Body::from_stream(first.chain(rest)))
        }
    }
}
