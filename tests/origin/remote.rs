//! A store that misbehaves on the wire, behind the real S3 client.

use crate::site::{Server, assert_fields};
use crate::title;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use object_store::aws::AmazonS3Builder;
use promptus::origin::{Origin, Settings};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Works,
    /// 500, with a page of text.
    Fails,
    /// Takes the request and says nothing.
    Hangs,
    /// Breaks the connection in the middle of the body.
    Truncates,
    /// Sends fewer bytes than its `Content-Range` says, and says so in `Content-Length`.
    WrongLength,
    /// Has another version than the one that was read before.
    Changes,
}

/// An imitation of S3 on a folder, as much of it as an origin needs, that fails on demand.
#[derive(Debug, Clone)]
struct Bucket {
    root: PathBuf,
    mode: watch::Sender<Mode>,
}

impl Bucket {
    /// The bucket and its address.
    async fn start(root: PathBuf) -> (Self, String) {
        let mode = watch::Sender::new(Mode::Works);
        let bucket = Self { root, mode };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(bucket.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        (bucket, address)
    }
}

async fn answer(State(bucket): State<Bucket>, request: Request) -> Response {
    let mut mode = bucket.mode.subscribe();
    let mode = *mode.wait_for(|mode| *mode != Mode::Hangs).await.unwrap();
    if mode == Mode::Fails {
        return (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response();
    }
    if request
        .uri()
        .query()
        .is_some_and(|query| query.contains("list-type"))
    {
        return "<ListBucketResult></ListBucketResult>".into_response();
    }
    let field = |name: &str| request.headers().get(name)?.to_str().ok();
    if mode == Mode::Changes && field("if-match").is_some() {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let path = request.uri().path().trim_start_matches("/bucket/");
    let Ok(whole) = std::fs::read(bucket.root.join(path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = field("range").and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((
            first.parse().ok()?,
            last.parse::<usize>().ok()?.min(whole.len() - 1),
        ))
    });
    let (first, last) = range.unwrap_or((0, whole.len() - 1));
    let part = whole[first..=last].to_vec();
    let half = part.len() / 2;
    let wrong = mode == Mode::WrongLength;
    let length = if wrong { half } else { part.len() };
    let body = match mode {
        Mode::Truncates => Body::from_stream(futures_util::stream::iter([
            Ok(part[..half].to_vec()),
            Err(io::Error::other("broken off")),
        ])),
        _ => Body::from(part[..length].to_vec()),
    };
    let builder = Response::builder()
        .header("etag", format!("\"{}\"", whole.len()))
        .header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        .header("content-length", length);
    let builder = match range {
        Some(_) => builder.status(StatusCode::PARTIAL_CONTENT).header(
            "content-range",
            format!("bytes {first}-{last}/{}", whole.len()),
        ),
        None => builder,
    };
    builder.body(body).unwrap()
}

/// A title of segments of about `size` bytes in a bucket, its origin, and the place of a rung.
async fn bucket(size: u64) -> (tempfile::TempDir, Bucket, Server, String) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, size);
    let (bucket, address) = Bucket::start(root.path().to_owned()).await;
    let store = AmazonS3Builder::new()
        .with_bucket_name("bucket")
        .with_endpoint(address)
        .with_allow_http(true)
        .with_region("here")
        .with_access_key_id("a")
        .with_secret_access_key("b")
        .build()
        .unwrap();
    let settings = Settings::default().with(|settings| {
        settings.store_timeout = Duration::from_millis(500);
        settings.refresh = Duration::from_millis(100);
    });
    let server = Server::start(Origin::new(Arc::new(store), settings).unwrap()).await;
    let rung = presentation.groups[0].representations[0].url.clone();
    (root, bucket, server, format!("/t/{rung}"))
}

#[tokio::test]
async fn failures_on_the_wire_pass() {
    for mode in [Mode::Fails, Mode::Hangs, Mode::Truncates] {
        let (_root, bucket, server, rung) = bucket(3000).await;
        let before = server.text("/t/master.m3u8").await;
        bucket.mode.send_replace(mode);
        let answer = server.get(&rung, &[]).await;
        let status = answer.status().as_u16();
        assert!([503, 504].contains(&status), "{mode:?}: {status}");
        let cache_control = ("cache-control", "public, max-age=1");
        assert_fields(
            &answer,
            &[("access-control-allow-origin", "*"), cache_control],
            &rung,
        );
        assert_eq!(server.text("/t/master.m3u8").await, before, "{mode:?}");
        bucket.mode.send_replace(Mode::Works);
        assert!(server.bytes(&rung).await.len() > 6000);
        let metrics = server.text("/metrics").await;
        assert!(
            metrics.contains("promptus_store_errors_total{reason="),
            "{metrics}"
        );
    }
}

#[tokio::test]
async fn ranges_of_a_large_file_are_right_or_fail() {
    for mode in [
        Mode::Fails,
        Mode::Hangs,
        Mode::Truncates,
        Mode::WrongLength,
        Mode::Changes,
    ] {
        let (root, bucket, server, rung) = bucket(400_000).await;
        let whole = std::fs::read(root.path().join(&rung[1..])).unwrap();
        // Each in a block of its own.
        let ask = async |first: usize| {
            let range = format!("bytes={first}-{}", first + 999);
            server.range(&rung, &range).await
        };
        let (status, bytes) = ask(0).await;
        assert_eq!((status, &bytes[..]), (206, &whole[..1000]));
        bucket.mode.send_replace(mode);
        let (status, _) = ask(1_000_000).await;
        assert!([503, 504].contains(&status), "{mode:?}: {status}");
        bucket.mode.send_replace(Mode::Works);
        let (status, bytes) = ask(1_000_000).await;
        assert_eq!(
            (status, &bytes[..]),
            (206, &whole[1_000_000..1_001_000]),
            "{mode:?}"
        );
    }
}
