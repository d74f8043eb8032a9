//! Tokens in front of paths, and clients that are slow or ask for too much.

use crate::server::{Server, header};
use crate::title;
use promptus::manifest::Presentation;
use promptus::origin::{Origin, Settings, TokenKeys};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn keys(keys: &[&str]) -> TokenKeys {
    TokenKeys::new(keys.iter().map(|key| key.as_bytes().to_vec()).collect()).unwrap()
}

fn in_seconds(seconds: i64) -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    now.checked_add_signed(seconds).unwrap()
}

async fn closed(token_keys: TokenKeys) -> (tempfile::TempDir, Presentation, Server, Origin) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 3000);
    title::publish(root.path(), "u", 2, 3000);
    let settings = Settings {
        token_keys,
        ..Settings::default()
    };
    let origin = Origin::local(root.path(), settings).unwrap();
    (
        root,
        presentation,
        Server::start(origin.clone()).await,
        origin,
    )
}

const KEY: &str = "one key of enough bytes";
const NEXT: &str = "the next key, long enough";

#[tokio::test]
async fn a_token_opens_its_title_and_survives_relative_urls() {
    let (_root, presentation, server, _) = closed(keys(&[KEY])).await;
    let prefix = keys(&[KEY]).sign("t", in_seconds(60)).unwrap();
    let rung = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "");
    for path in [
        "t/master.m3u8",
        "t/segments/manifest.mpd",
        &format!("t/{rung}/1.m4s"),
    ] {
        assert!(!server.bytes(&format!("{prefix}/{path}")).await.is_empty());
        let without = server.get(&format!("/{path}"), &[]).await;
        assert_eq!(without.status(), 403, "{path}");
        assert_eq!(header(&without, "access-control-allow-origin"), "*");
        assert_eq!(header(&without, "cache-control"), "no-store");
    }
    let base =
        reqwest::Url::parse(&server.url(&format!("{prefix}/t/segments/master.m3u8"))).unwrap();
    let media = base.join(&format!("../{rung}/media.m3u8")).unwrap();
    let segment = media.join("2.m4s").unwrap();
    assert!(segment.path().starts_with(&prefix), "{segment}");
    assert!(!server.bytes(segment.path()).await.is_empty());
    let moved = format!("{prefix}/t/master.m3u8?profile=mini&max_rank=2");
    assert!(
        server.text(&moved).await.contains("mini-r2"),
        "a redirect keeps the prefix"
    );
}

#[tokio::test]
async fn no_other_token_opens_anything() {
    let (_root, _, server, _) = closed(keys(&[KEY])).await;
    let good = keys(&[KEY]).sign("t", in_seconds(60)).unwrap();
    let over = keys(&[KEY]).sign("t", in_seconds(-1)).unwrap();
    let foreign = keys(&[NEXT]).sign("t", in_seconds(60)).unwrap();
    let later = good.replacen(&good[3..13], &in_seconds(6000).to_string(), 1);
    for path in [
        format!("{over}/t/master.m3u8"),
        format!("{foreign}/t/master.m3u8"),
        format!("{later}/t/master.m3u8"),
        format!("{good}/u/master.m3u8"),
        format!("{good}/catalogue.json"),
        format!("{good}/"),
        format!("{good}/u%2F..%2Ft/master.m3u8"),
        format!("{good}/t%2f..%2fu/master.m3u8"),
        format!("{good}{good}/t/master.m3u8"),
        "/catalogue.json".into(),
        "/".into(),
        "/healthz/../t/master.m3u8".into(),
        "/weights/../t/master.m3u8".into(),
        "/weights/%2e%2e/t/master.m3u8".into(),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = server.raw(&request).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["403", "404"].contains(&status), "{path}: {answer}");
        assert!(!answer.contains("EXTM3U"), "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(server.get(path, &[]).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn keys_are_replaced_while_serving() {
    let (_root, _, server, origin) = closed(keys(&[KEY])).await;
    let old = keys(&[KEY]).sign("t", in_seconds(60)).unwrap();
    let new = keys(&[NEXT]).sign("t", in_seconds(60)).unwrap();
    let status = async |prefix: &str| {
        let answer = server.get(&format!("{prefix}/t/master.m3u8"), &[]).await;
        answer.status().as_u16()
    };
    assert_eq!((status(&old).await, status(&new).await), (200, 403));
    for (valid, expected) in [(&[NEXT, KEY][..], (200, 200)), (&[NEXT], (403, 200))] {
        let settings = Settings {
            token_keys: keys(valid),
            ..Settings::default()
        };
        assert!(origin.apply(settings).unwrap().is_empty());
        assert_eq!((status(&old).await, status(&new).await), expected);
    }
    let settings = Settings {
        cache_bytes: 1,
        store_timeout: Duration::from_secs(1),
        drain_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let fixed = origin.apply(settings).unwrap();
    assert_eq!(fixed, ["cache_bytes", "store_timeout"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_clients_are_served_beside_a_thousand_slow_ones() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let settings = Settings {
        header_timeout: Duration::from_millis(800),
        request_timeout: Duration::from_millis(700),
        ..Settings::default()
    };
    let server = Server::start(Origin::local(root.path(), settings).unwrap()).await;
    let mut slow = Vec::new();
    for _ in 0..1000 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream
            .write_all(b"GET /t/master.m3u8 HTTP/1.1\r\nx: ")
            .await
            .unwrap();
        slow.push(stream);
    }
    let asked = Instant::now();
    for _ in 0..20 {
        assert!(server.text("/t/master.m3u8").await.contains("EXTM3U"));
    }
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    for stream in &mut slow {
        // Another byte of the head buys no time.
        let _ = stream.write_all(b"y").await;
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest));
        let _ = ended.await.expect("the connection is ended");
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn heads_and_bodies_have_limits() {
    let (_root, _, server, _) = closed(TokenKeys::default()).await;
    let many: String = (0..100).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(20_000));
    for fields in [many, long] {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
        let answer = server.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let body = "e=t,v=2\n".repeat(10_000);
    let request = format!(
        "POST /cmcd HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/cmcd\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = server.raw(&request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_client_that_stops_reading_is_left_behind() {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 3_000_000);
    let settings = Settings {
        idle_timeout: Duration::from_millis(700),
        ..Settings::default()
    };
    let server = Server::start(Origin::local(root.path(), settings).unwrap()).await;
    let url = &presentation.groups[0].representations[1].url;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /t/{url} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let until = Instant::now() + Duration::from_secs(8);
    loop {
        let metrics = server.text("/metrics").await;
        if metrics
            .lines()
            .any(|line| line == "promptus_unfinished_total 1")
        {
            break;
        }
        assert!(Instant::now() < until, "the answer is given up: {metrics}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
