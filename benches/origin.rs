//! What an answer of the origin costs without a connection: routing, cache, conditions, fields. The
//! peer in the same run is `ServeDir` of tower-http, on the same files. Beside nginx, over
//! connections, it is measured by `tools/origin/run.sh speed`. Run with `cargo bench --bench origin`.

#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use divan::{Bencher, black_box};
use http_body_util::BodyExt;
use promptus::origin::{Origin, Settings, router};
use std::fs;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use tower_http::services::ServeDir;

const TITLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests");

fn main() {
    divan::main();
}

/// Path of the rung of rank 16 of the shipped title, without suffix.
fn rung() -> String {
    let title = Path::new(TITLES).join("demo");
    let mut folders = fs::read_dir(title).unwrap().filter_map(Result::ok);
    let edition = folders.find(|entry| entry.path().is_dir()).unwrap();
    let edition = edition.file_name().into_string().unwrap();
    format!("/demo/{edition}/mini-r16")
}

fn origin() -> Router {
    router(Origin::local(Path::new(TITLES), Settings::default()).unwrap())
}

fn peer() -> Router {
    Router::new().fallback_service(ServeDir::new(TITLES))
}

fn request(path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn answers(
    bencher: Bencher<'_, '_>,
    service: &Router,
    path: &str,
    fields: &[(&str, &str)],
    status: u16,
) {
    let runtime: Runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    bencher.bench(|| {
        let request = request(path, fields);
        let service = service.clone();
        runtime.block_on(async move {
            let answer = service.oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap());
            black_box(answer.into_body().collect().await.unwrap())
        })
    });
}

/// A file of 86 kB, in memory here and on disk there.
#[divan::bench]
fn rung_ours(bencher: Bencher<'_, '_>) {
    answers(bencher, &origin(), &format!("{}.mp4", rung()), &[], 200);
}

#[divan::bench]
fn rung_serve_dir(bencher: Bencher<'_, '_>) {
    answers(bencher, &peer(), &format!("{}.mp4", rung()), &[], 200);
}

/// A segment has a URL of its own only here; there, it is a range of the file.
#[divan::bench]
fn segment_ours(bencher: Bencher<'_, '_>) {
    answers(bencher, &origin(), &format!("{}/1.m4s", rung()), &[], 200);
}

#[divan::bench]
fn segment_serve_dir(bencher: Bencher<'_, '_>) {
    let range = [("range", "bytes=912-7781")];
    answers(bencher, &peer(), &format!("{}.mp4", rung()), &range, 206);
}

#[divan::bench]
fn playlist_ours(bencher: Bencher<'_, '_>) {
    answers(bencher, &origin(), "/demo/master.m3u8", &[], 200);
}

#[divan::bench]
fn playlist_serve_dir(bencher: Bencher<'_, '_>) {
    answers(bencher, &peer(), "/demo/master.m3u8", &[], 200);
}

/// ServeDir tells nothing changed by its date.
#[divan::bench]
fn not_modified_ours(bencher: Bencher<'_, '_>) {
    let known = [("if-none-match", "*")];
    answers(
        bencher,
        &origin(),
        &format!("{}/1.m4s", rung()),
        &known,
        304,
    );
}

#[divan::bench]
fn not_modified_serve_dir(bencher: Bencher<'_, '_>) {
    let known = [("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT")];
    answers(bencher, &peer(), &format!("{}.mp4", rung()), &known, 304);
}
