//! A store that misbehaves on the wire, behind the real S3 client.

use crate::probe::Mode;
use crate::site::{Server, ms};
use crate::title;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use object_store::aws::AmazonS3Builder;
use promptus::origin::{Origin, Settings};
use std::sync::Arc;
use std::{fs, io};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// An imitation of S3 on a folder, as much of it as an origin needs, with faults on demand.
#[derive(Debug, Clone)]
struct Bucket {
    files: ServeDir,
    mode: watch::Sender<Mode>,
}

async fn answer(State(bucket): State<Bucket>, request: Request) -> Response {
    let mut mode = bucket.mode.subscribe();
    let mode = *mode.wait_for(|mode| *mode != Mode::Hangs).await.unwrap();
    let list = request.uri().query().unwrap_or("").contains("list-type");
    if mode == Mode::Fails {
        return (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response();
    } else if list {
        return "<ListBucketResult></ListBucketResult>".into_response();
    } else if mode == Mode::Changes && request.headers().contains_key("if-match") {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let answer = bucket.files.oneshot(request).await.unwrap();
    let (mut head, body) = answer.map(Body::new).into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap();
    let half = whole.slice(..whole.len() / 2);
    let body = match mode {
        // Breaks the connection.
        Mode::Truncates => Body::from_stream(futures_util::stream::iter([
            Ok(half),
            Err(io::Error::other("broken off")),
        ])),
        // Sends fewer bytes than its `Content-Range` says, and says so in `Content-Length`.
        Mode::WrongLength => {
            head.headers.insert("content-length", half.len().into());
            Body::from(half)
        }
        _ => Body::from(whole),
    };
    Response::from_parts(head, body)
}

/// A title of segments of about `size` bytes in a bucket, its origin, and the path of a rung.
async fn bucket(size: u64) -> (tempfile::TempDir, watch::Sender<Mode>, Server, String) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(&root.path().join("bucket"), "t", 1, size);
    let mode = watch::Sender::new(Mode::Works);
    let bucket = Bucket {
        files: ServeDir::new(root.path()),
        mode: mode.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(bucket);
    tokio::spawn(axum::serve(listener, router).into_future());
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
        settings.store_timeout = ms(500);
        settings.refresh = ms(100);
    });
    let server = Server::start(Origin::with_store(Arc::new(store), settings).unwrap()).await;
    let rung = format!("/t/{}", title::first(&presentation));
    (root, mode, server, rung)
}

#[tokio::test]
async fn failures_on_the_wire_pass() {
    for fault in [Mode::Fails, Mode::Hangs, Mode::Truncates] {
        let (_root, mode, server, rung) = bucket(3000).await;
        let before = server.text("/t/master.m3u8").await;
        mode.send_replace(fault);
        let answer = server.get(&rung, "").await;
        assert!([503, 504].contains(&answer.status), "{fault:?}");
        let fields = "access-control-allow-origin: * | cache-control: public, max-age=1";
        answer.has(fields, &rung);
        assert_eq!(server.text("/t/master.m3u8").await, before, "{fault:?}");
        mode.send_replace(Mode::Works);
        assert!(server.bytes(&rung).await.len() > 6000);
        let metrics = server.text("/metrics").await;
        let counted = metrics.contains("promptus_store_errors_total{reason=");
        assert!(counted, "{metrics}");
    }
}

#[tokio::test]
async fn ranges_of_a_large_file_are_right_or_fail() {
    for fault in [
        Mode::Fails,
        Mode::Hangs,
        Mode::Truncates,
        Mode::WrongLength,
        Mode::Changes,
    ] {
        let (root, mode, server, rung) = bucket(400_000).await;
        let whole = fs::read(root.path().join("bucket").join(&rung[1..])).unwrap();
        // Each in a block of its own.
        for (first, now) in [
            (0, Mode::Works),
            (1_000_000, fault),
            (1_000_000, Mode::Works),
        ] {
            mode.send_replace(now);
            let range = format!("{first}-{}", first + 999);
            let (status, bytes) = server.range(&rung, &range).await;
            if now == fault {
                assert!([503, 504].contains(&status), "{fault:?}: {status}");
            } else {
                let expected = (206, &whole[first..first + 1000]);
                assert_eq!((status, &bytes[..]), expected, "{fault:?}");
            }
        }
    }
}
