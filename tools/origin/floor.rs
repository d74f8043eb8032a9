//! Baseline of `speed.py`: a response by axum alone, with one handler, constant header fields, and the
//! files of a folder in memory. Any `If-None-Match` is answered with 304. The origin's cost above this
//! is its own; the difference from nginx is that of the library. Arguments: folder, address.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
};
use axum::http::{Response, StatusCode};
use axum::serve::ListenerExt;
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Files by the path of their URL.
type Files = Arc<HashMap<String, Bytes>>;

/// As many fields as the origin sends, and as long.
const FIELDS: [(&str, &str); 10] = [
    ("etag", "\"4d2d2d9e8d2e4a1b4d2d2d9e8d2e4a1b\""),
    ("accept-ranges", "bytes"),
    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("cmsd-static", "br=36,d=2000,ot=v,st=v"),
    ("link", "<2.m4s>; rel=prefetch"),
    ("cache-control", "public, max-age=31536000, immutable"),
    ("x-request-id", "f3ea2891-10"),
    ("timing-allow-origin", "*"),
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "accept-ranges,alt-svc,cmsd-dynamic,cmsd-static,content-encoding,content-length,\
         content-range,date,etag,link,retry-after,server-timing,x-request-id",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: floor FOLDER ADDRESS".into());
    };
    let mut files = HashMap::new();
    read(Path::new(&folder), "", &mut files)?;
    let router = Router::new().fallback(answer).with_state(Arc::new(files));
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(address).await?.tap_io(|connection| {
            // Failure only delays responses.
            let _ = connection.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

fn read(folder: &Path, url: &str, files: &mut HashMap<String, Bytes>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let url = format!("{url}/{name}");
        match path.is_dir() {
            true => read(&path, &url, files)?,
            false => drop(files.insert(url, fs::read(&path)?.into())),
        }
    }
    Ok(())
}

async fn answer(State(files): State<Files>, request: Request) -> Response<Body> {
    let headers = request.headers();
    let path = request.uri().path();
    let wants_coded = |value: &HeaderValue| value.as_bytes().starts_with(b"gzip");
    let coded = headers.get(ACCEPT_ENCODING).filter(|v| wants_coded(v));
    let coded = coded.and_then(|_| files.get(&format!("{path}.gz")));
    let mut response = match coded.or_else(|| files.get(path)) {
        Some(_) if headers.contains_key(IF_NONE_MATCH) => empty(StatusCode::NOT_MODIFIED),
        Some(bytes) => Response::new(Body::from(bytes.clone())),
        None => return empty(StatusCode::NOT_FOUND),
    };
    let fields = response.headers_mut();
    *fields = HeaderMap::with_capacity(FIELDS.len() + 4);
    for (name, value) in FIELDS {
        fields.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if coded.is_some() {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
