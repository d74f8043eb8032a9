//! Limits of time and memory against slow, greedy and vanishing clients, and at shutdown.

use crate::probe::Mode;
use crate::site::{Site, ms};
use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use promptus::origin::{Settings, router};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// A site with a file of 24 MB, whose connections may be idle for 700 ms.
async fn large() -> (Site, String) {
    let site = Site::with(1_000_000, |settings| settings.idle_timeout = ms(700)).await;
    let path = site.media(1);
    (site, path)
}

/// A connection on which these bytes were sent.
async fn sent(site: &Site, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Fails unless other clients are served within a second.
async fn serves_at_once(site: &Site) {
    let asked = Instant::now();
    for _ in 0..20 {
        assert!(site.text("/t/master.m3u8").await.contains("EXTM3U"));
    }
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_heads_time_out_and_delay_no_other_client() {
    let site = Site::with(3000, |settings| {
        settings.header_timeout = ms(800);
        settings.request_timeout = ms(700);
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..1000 {
        slow.push(sent(&site, "GET /t/master.m3u8 HTTP/1.1\r\nx: ").await);
    }
    serves_at_once(&site).await;
    for stream in &mut slow {
        // Another byte of the head does not extend the limit.
        let _ = stream.write_all(b"y").await;
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        let _ = ended.expect("the connection is closed");
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn heads_and_bodies_have_a_limited_size() {
    let site = Site::new().await;
    let many: String = (0..100).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(20_000));
    let body = "e=t,v=2\n".repeat(10_000);
    let report = format!(
        "content-type: application/cmcd\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (line, fields, body, expected) in [
        ("GET /healthz", many, "", 431),
        ("GET /healthz", long, "", 431),
        ("POST /cmcd", report, &*body, 413),
    ] {
        let head = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{fields}\r\n");
        let (status, response) = site.raw(&format!("{head}{body}")).await;
        assert_eq!(status, expected, "{response}");
    }
}

#[tokio::test]
async fn clients_that_stop_reading_or_vanish_leave_nothing_behind() {
    let (site, path) = large().await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let _silent = sent(&site, &request).await;
    site.until_metric("promptus_unfinished_total 1").await;
    for reset in [false, true] {
        for _ in 0..20 {
            let mut stream = sent(&site, &request).await;
            let mut some = [0; 4096];
            stream.read_exact(&mut some).await.unwrap();
            assert!(some.starts_with(b"HTTP/1.1 200"));
            if reset {
                stream.set_zero_linger().unwrap();
            }
        }
    }
    assert_eq!(site.text("/healthz").await, "ok\n");
    site.until_metric("promptus_unfinished_total 41").await;
    // The connection of this client.
    site.until_metric("promptus_connections 1").await;
}

#[tokio::test]
async fn an_http_2_client_that_withholds_its_window_is_disconnected() {
    let (site, path) = large().await;
    let stream = TcpStream::connect(site.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1000);
    let (client, connection) = builder.handshake::<_, bytes::Bytes>(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut bodies = Vec::new();
    for _ in 0..20 {
        let request = Request::get(site.url(&path)).body(()).unwrap();
        let response = client.send_request(request, true).unwrap().0;
        bodies.push(response.await.unwrap().into_body());
    }
    serves_at_once(&site).await;
    let ended = timeout(Duration::from_secs(10), driver).await;
    assert!(ended.is_ok(), "its connection is closed");
    site.until_metric("promptus_unfinished_total 20").await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_until_an_idle_one_is_closed() {
    let site = Site::with(3000, |settings| {
        settings.max_connections = 1;
        settings.idle_timeout = ms(300);
    })
    .await;
    let _silent = TcpStream::connect(site.address).await.unwrap();
    sleep(ms(50)).await;
    let asked = Instant::now();
    assert_eq!(site.text("/healthz").await, "ok\n");
    assert!(asked.elapsed() >= ms(150), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn the_request_timeout_follows_a_reload() {
    let site = Site::new().await;
    let apply = |limit| {
        let settings = Settings::default().with(|settings| settings.request_timeout = limit);
        assert!(site.origin.apply(settings).unwrap().is_empty());
    };
    site.probe.set(Mode::Hangs);
    apply(ms(200));
    let asked = Instant::now();
    let row = "504 /t/master.m3u8 => cache-control: public, max-age=1";
    site.expect(row).await;
    let took = asked.elapsed();
    assert!((ms(200)..ms(3000)).contains(&took), "{took:?}");
    apply(Duration::from_secs(60));
    let longer = timeout(ms(600), site.status("/t/master.m3u8")).await;
    assert!(longer.is_err(), "it waits again");
}

#[tokio::test]
async fn preparing_a_response_may_take_longer_than_a_connection_may_be_idle() {
    let site = Site::with(3000, |settings| {
        settings.request_timeout = ms(1500);
        settings.idle_timeout = ms(300);
        settings.header_timeout = ms(300);
    })
    .await;
    site.probe.set(Mode::Hangs);
    let works = async {
        sleep(ms(900)).await;
        site.probe.set(Mode::Works);
    };
    let (status, ()) = tokio::join!(site.status("/t/master.m3u8"), works);
    assert_eq!(status, 200);
    site.probe.set(Mode::Hangs);
    assert_eq!(site.status("/t/quality.json").await, 504);
}

/// Four blocks of 256 KiB may be in flight: a fifth response begins when a client takes its bytes.
#[tokio::test]
async fn responses_in_flight_hold_limited_memory() {
    let site = Site::with(1_000_000, |settings| settings.in_flight_bytes = 1 << 20).await;
    let app = router(site.origin.clone());
    let ask = async || {
        let request = Request::get(site.media(1)).body(Body::empty()).unwrap();
        let response = timeout(ms(500), app.clone().oneshot(request)).await;
        response.map(|response| response.unwrap().into_body().into_data_stream())
    };
    let mut bodies = Vec::new();
    for _ in 0..4 {
        bodies.push(ask().await.unwrap());
    }
    assert!(ask().await.is_err(), "four responses hold all permits");
    drop(bodies.pop());
    let mut fifth = ask().await.unwrap();
    assert!(fifth.next().await.unwrap().is_ok());
    // Each client that reads to the end gets all, one after the other.
    drop(bodies);
    let mut received = 256 << 10;
    while let Some(bytes) = fifth.next().await {
        received += bytes.unwrap().len();
    }
    assert_eq!(received, site.file(1).len());
}

#[tokio::test]
async fn at_shutdown_requests_in_flight_are_finished_or_aborted() {
    for (drain, finished) in [(Duration::from_secs(20), true), (ms(300), false)] {
        let mut site = Site::with(30_000, |settings| settings.drain_timeout = drain).await;
        site.probe.set(Mode::Hangs);
        let url = site.url(&site.media(0));
        let asked = tokio::spawn(async {
            let bytes = reqwest::get(url).await.ok()?.bytes().await.ok()?;
            Some(bytes.len())
        });
        sleep(ms(200)).await;
        let stopped = Instant::now();
        site.server.stop.take().unwrap().send(()).unwrap();
        if finished {
            sleep(ms(200)).await;
            assert!(!site.task.is_finished());
            assert!(TcpStream::connect(site.address).await.is_err());
            site.probe.set(Mode::Works);
            assert!(asked.await.unwrap() > Some(180_000));
        }
        site.server.task.await.unwrap().unwrap();
        assert!(stopped.elapsed() < Duration::from_secs(5));
    }
}
