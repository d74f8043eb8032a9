//! Single flight, and a store that fails or does not answer.

use crate::probe::{Mode, Probe};
use crate::server::{Server, header};
use crate::title;
use promptus::origin::{Origin, Settings};
use std::sync::Arc;
use std::time::Duration;

async fn probed() -> (tempfile::TempDir, Arc<Probe>, Server, String) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 3000);
    let probe = Probe::new(root.path());
    let settings = Settings {
        request_timeout: Duration::from_millis(500),
        ..Settings::default()
    };
    let origin = Origin::new(Arc::clone(&probe) as Arc<_>, settings);
    let stem = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "");
    (root, probe, Server::start(origin).await, stem)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_share_one_read() {
    let (_root, probe, server, stem) = probed().await;
    let server = Arc::new(server);
    probe.set(Mode::Hangs);
    let asked: Vec<_> = (0..200)
        .map(|n| {
            let server = Arc::clone(&server);
            let path = format!("/t/{stem}/{}.m4s", 1 + n % 3);
            tokio::spawn(async move { server.bytes(&path).await.len() })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    probe.set(Mode::Works);
    for request in asked {
        assert!(request.await.unwrap() >= 6000);
    }
    assert_eq!(probe.reads(&format!("t/{stem}.mp4")), 1);
    assert_eq!(probe.reads(&format!("t/{stem}.m3u8")), 1);
    server.bytes(&format!("/t/{stem}.mp4")).await;
    assert_eq!(probe.reads(&format!("t/{stem}.mp4")), 1);
}

#[tokio::test]
async fn a_store_that_fails_is_said_so_and_asked_again() {
    let (_root, probe, server, stem) = probed().await;
    probe.set(Mode::Fails);
    let answer = server.get(&format!("/t/{stem}/1.m4s"), &[]).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    assert_eq!(header(&answer, "cache-control"), "public, max-age=1");
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("the store failed") && !text.contains("secret-host-7"),
        "{text}"
    );
    assert_eq!(server.get("/catalogue.json", &[]).await.status(), 503);
    assert_eq!(server.text("/healthz").await, "ok\n");
    probe.set(Mode::Works);
    server.bytes(&format!("/t/{stem}/1.m4s")).await;
}

#[tokio::test]
async fn a_store_that_hangs_ends_in_a_timeout_with_cors() {
    let (_root, probe, server, stem) = probed().await;
    probe.set(Mode::Hangs);
    let answer = server.get(&format!("/t/{stem}.mp4"), &[]).await;
    assert_eq!(answer.status(), 504);
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    assert!(!header(&answer, "x-request-id").is_empty());
    probe.set(Mode::Works);
    server.bytes(&format!("/t/{stem}.mp4")).await;
}

#[tokio::test]
async fn what_is_cached_outlives_the_store() {
    let (_root, probe, server, stem) = probed().await;
    let path = format!("/t/{stem}/2.m4s");
    let before = server.bytes(&path).await;
    probe.set(Mode::Fails);
    assert_eq!(server.bytes(&path).await, before);
}
