//! An object store in memory that speaks as much S3 as publishing needs, conditional puts included.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// An object and the headers that it was put with.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) headers: HeaderMap,
    version: u64,
    written: SystemTime,
}

/// The bucket `bucket`, by key.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) objects: BTreeMap<String, Object>,
    /// Keys in the order in which they were put.
    pub(crate) puts: Vec<String>,
    /// A key that another program changes as soon as anything is put.
    pub(crate) meddle: Option<String>,
}

impl Content {
    /// Puts an object, as another program that wrote it `age` ago.
    pub(crate) fn put(&mut self, key: &str, bytes: &[u8], age: Duration) {
        let version = self.puts.len() as u64 + 1000;
        self.insert(key, bytes.to_vec(), HeaderMap::new(), version, age);
    }

    fn insert(
        &mut self,
        key: &str,
        bytes: Vec<u8>,
        headers: HeaderMap,
        version: u64,
        age: Duration,
    ) {
        let object = Object {
            bytes,
            headers,
            version,
            written: SystemTime::now() - age,
        };
        self.objects.insert(key.to_owned(), object);
    }
}

/// A running store; it ends when this is dropped.
pub(crate) struct Bucket {
    pub(crate) content: Arc<Mutex<Content>>,
    address: String,
    _runtime: Runtime,
}

impl Bucket {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let content: Arc<Mutex<Content>> = Arc::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&content));
        runtime.spawn(axum::serve(listener, app).into_future());
        Self {
            content,
            address,
            _runtime: runtime,
        }
    }

    /// `command` with this store as the one that `s3://bucket/…` names.
    pub(crate) fn env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AWS_ENDPOINT", &self.address)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "here")
            .env("AWS_ACCESS_KEY_ID", "a")
            .env("AWS_SECRET_ACCESS_KEY", "b")
    }
}

async fn answer(State(content): State<Arc<Mutex<Content>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let key = head
        .uri
        .path()
        .trim_start_matches("/bucket")
        .trim_start_matches('/');
    let query = head.uri.query().unwrap_or_default();
    let mut content = content.lock().unwrap();
    match head.method {
        Method::GET if query.contains("list-type") => list(&content, query).into_response(),
        Method::GET | Method::HEAD => get(&content, key, head.method == Method::HEAD),
        Method::PUT => put(&mut content, key, head.headers, body),
        Method::DELETE => {
            content.objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::POST => {
            let text = String::from_utf8(body).unwrap();
            let keys = text.split("<Key>").skip(1);
            let keys = keys.map(|rest| rest.split("</Key>").next().unwrap());
            let mut deleted = String::new();
            for key in keys {
                content.objects.remove(key);
                deleted += &format!("<Deleted><Key>{key}</Key></Deleted>");
            }
            format!("<DeleteResult>{deleted}</DeleteResult>").into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn put(content: &mut Content, key: &str, headers: HeaderMap, bytes: Vec<u8>) -> Response {
    let there = content.objects.get(key).map(|object| tag(object.version));
    let refused = match (headers.get("if-none-match"), headers.get("if-match")) {
        (Some(_), _) => there.is_some(),
        (_, Some(wanted)) => there.as_deref() != wanted.to_str().ok(),
        _ => false,
    };
    if refused {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    content.puts.push(key.to_owned());
    let version = content.puts.len() as u64;
    content.insert(key, bytes, headers, version, Duration::ZERO);
    if let Some(other) = content.meddle.clone().filter(|other| other != key) {
        content.put(&other, b"changed", Duration::ZERO);
    }
    ([("etag", tag(version))], "").into_response()
}

fn tag(version: u64) -> String {
    format!("\"v{version}\"")
}

fn get(content: &Content, key: &str, head: bool) -> Response {
    let Some(object) = content.objects.get(key) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        ("etag", tag(object.version)),
        ("last-modified", httpdate::fmt_http_date(object.written)),
        ("content-length", object.bytes.len().to_string()),
    ];
    match head {
        true => (headers, Body::empty()).into_response(),
        false => (headers, object.bytes.clone()).into_response(),
    }
}

/// ListObjectsV2, all on one page.
fn list(content: &Content, query: &str) -> String {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(key, _)| *key == name);
        found.map_or_else(String::new, |(_, value)| value.replace("%2F", "/"))
    };
    let (prefix, delimiter) = (value("prefix"), value("delimiter"));
    let mut text = "<ListBucketResult>".to_owned();
    let mut folders = BTreeSet::new();
    for (key, object) in &content.objects {
        let Some(rest) = key.strip_prefix(&prefix) else {
            continue;
        };
        if let (false, Some((folder, _))) = (delimiter.is_empty(), rest.split_once('/')) {
            folders.insert(format!("{prefix}{folder}/"));
            continue;
        }
        let (tag, size) = (tag(object.version), object.bytes.len());
        let date = "2026-01-01T00:00:00.000Z";
        let _ = write!(
            text,
            "<Contents><Key>{key}</Key><LastModified>{date}</LastModified><ETag>{tag}</ETag><Size>{size}</Size></Contents>"
        );
    }
    for folder in folders {
        let _ = write!(
            text,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        );
    }
    text + "</ListBucketResult>"
}
