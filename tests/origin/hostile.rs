//! Clients that go away, or that take what they asked for only on their own terms.

use crate::server::Server;
use crate::title;
use axum::http::Request;
use promptus::origin::{Origin, Settings};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An origin of a title with a file of 24 MB, whose connections may be silent for 700 ms.
async fn large() -> (tempfile::TempDir, Server, String) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 1_000_000);
    let settings = Settings {
        idle_timeout: Duration::from_millis(700),
        ..Settings::default()
    };
    let server = Server::start(Origin::local(root.path(), settings).unwrap()).await;
    let url = format!("/t/{}", presentation.groups[0].representations[1].url);
    (root, server, url)
}

/// Waits until a line of `/metrics` has the given value.
async fn metric(server: &Server, name: &str, value: u64) {
    let until = Instant::now() + Duration::from_secs(10);
    let line = format!("{name} {value}");
    loop {
        let metrics = server.text("/metrics").await;
        if metrics.lines().any(|found| found == line) {
            return;
        }
        assert!(Instant::now() < until, "{line}\n{metrics}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn clients_that_vanish_mid_body_leave_nothing_behind() {
    let (_root, server, url) = large().await;
    for reset in [false, true] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let request = format!("GET {url} HTTP/1.1\r\nhost: x\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut some = [0; 4096];
            stream.read_exact(&mut some).await.unwrap();
            assert!(some.starts_with(b"HTTP/1.1 200"));
            if reset {
                stream.set_zero_linger().unwrap();
            }
        }
    }
    assert_eq!(server.text("/healthz").await, "ok\n");
    metric(&server, "promptus_unfinished_total", 40).await;
    // The one that asks.
    metric(&server, "promptus_connections", 1).await;
}

#[tokio::test]
async fn an_http_2_client_that_withholds_its_window_is_left_behind() {
    let (_root, server, url) = large().await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1000);
    let (client, connection) = builder.handshake::<_, bytes::Bytes>(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut bodies = Vec::new();
    for _ in 0..20 {
        let request = Request::get(server.url(&url)).body(()).unwrap();
        let answer = client.send_request(request, true).unwrap().0;
        bodies.push(answer.await.unwrap().into_body());
    }
    let asked = Instant::now();
    assert!(server.text("/t/master.m3u8").await.contains("EXTM3U"));
    assert!(asked.elapsed() < Duration::from_secs(1));
    let ended = tokio::time::timeout(Duration::from_secs(10), driver).await;
    assert!(ended.is_ok(), "its connection is closed");
    metric(&server, "promptus_unfinished_total", 20).await;
}
