//! CPU time of a response without a connection: routing, cache, preconditions, header fields; compared
//! with `ServeDir` of tower-http on the same files. `tools/origin/run.sh speed` compares with nginx over
//! connections. Run with `cargo bench --bench origin`.

#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use divan::{Bencher, black_box};
use http_body_util::BodyExt;
use promptus::origin::{Origin, Settings, router};
use std::fs;
use std::path::Path;
use tokio::runtime::Builder;
use tower::ServiceExt;
use tower_http::services::ServeDir;

const TITLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests");

fn main() {
    divan::main();
}

fn rung() -> String {
    let title = Path::new(TITLES).join("demo");
    let mut folders = fs::read_dir(title).unwrap().filter_map(Result::ok);
    let edition = folders.find(|entry| entry.path().is_dir()).unwrap();
    let edition = edition.file_name().into_string().unwrap();
    format!("/demo/{edition}/mini-r16")
}

/// Requests: status, path, and a field. `RUNG` is the rung of rank 16 of the shipped title, 86 kB. A
/// segment has a URL of its own only here, and `ServeDir` tells by the date that nothing has changed.
const OURS: [&str; 4] = [
    "200 RUNG.mp4",
    "200 RUNG/1.m4s",
    "200 /demo/master.m3u8",
    "304 RUNG/1.m4s if-none-match: *",
];
const PEERS: [&str; 4] = [
    "200 RUNG.mp4",
    "206 RUNG.mp4 range: bytes=912-7781",
    "200 /demo/master.m3u8",
    "304 RUNG.mp4 if-modified-since: Fri, 01 Jan 2100 00:00:00 GMT",
];

#[divan::bench(args = OURS)]
fn ours(bencher: Bencher<'_, '_>, case: &str) {
    let origin = Origin::local(Path::new(TITLES), Settings::default());
    answers(bencher, &router(origin.unwrap()), case);
}

#[divan::bench(args = PEERS)]
fn serve_dir(bencher: Bencher<'_, '_>, case: &str) {
    let files = Router::new().fallback_service(ServeDir::new(TITLES));
    answers(bencher, &files, case);
}

fn answers(bencher: Bencher<'_, '_>, service: &Router, case: &str) {
    let case = case.replace("RUNG", &rung());
    let (status, rest) = case.split_once(' ').unwrap();
    let (path, field) = rest.split_once(' ').unwrap_or((rest, "accept: */*"));
    let (name, value) = field.split_once(": ").unwrap();
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().unwrap();
    bencher.bench(|| {
        let request = Request::get(path).header(name, value);
        let request = request.body(Body::empty()).unwrap();
        runtime.block_on(async {
            let answer = service.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status().as_str(), status);
            black_box(answer.into_body().collect().await.unwrap())
        })
    });
}
