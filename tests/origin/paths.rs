//! Methods, CORS on every status, and paths that try to leave the root.

use crate::server::{Server, header, with_title};
use crate::title;
use reqwest::{Method, Response};
use std::fs;

fn assert_open_to_all(response: &Response) {
    let status = response.status();
    assert_eq!(
        header(response, "access-control-allow-origin"),
        "*",
        "{status}"
    );
    let exposed = header(response, "access-control-expose-headers");
    for name in [
        "etag",
        "content-range",
        "content-length",
        "accept-ranges",
        "x-request-id",
    ] {
        assert!(exposed.contains(name), "{status}: {exposed}");
    }
    assert!(!header(response, "x-request-id").is_empty(), "{status}");
}

#[tokio::test]
async fn every_status_may_be_read_by_any_page() {
    let (root, presentation, server) = with_title().await;
    fs::create_dir(root.path().join("broken")).unwrap();
    fs::write(root.path().join("broken/master.m3u8"), "not a playlist").unwrap();
    let media = format!("/t/{}", presentation.groups[0].representations[0].url);
    let site = ("origin", "https://player.example");
    for (method, path, field, status) in [
        (Method::GET, media.as_str(), site, 200),
        (Method::GET, &media, ("range", "bytes=0-1"), 206),
        (Method::GET, &media, ("if-none-match", "*"), 304),
        (Method::GET, "/t/none.m3u8", site, 404),
        (Method::GET, "/t//x", site, 404),
        (Method::POST, &media, site, 405),
        (Method::DELETE, "/", site, 405),
        (Method::GET, &media, ("if-match", "\"x\""), 412),
        (Method::GET, &media, ("range", "bytes=99999999-"), 416),
        (Method::GET, "/broken/segments/master.m3u8", site, 500),
        (Method::GET, "/healthz", site, 200),
        (Method::GET, "/catalogue.json", site, 200),
    ] {
        let response = server.send(method.clone(), path, &[field]).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert_open_to_all(&response);
        if status == 405 {
            assert_eq!(header(&response, "allow"), "GET,HEAD");
        }
    }
}

#[tokio::test]
async fn a_preflight_allows_ranges_for_a_day() {
    let (_root, _, server) = with_title().await;
    let fields = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "GET"),
        (
            "access-control-request-headers",
            "range,if-none-match,cmcd-request",
        ),
    ];
    let response = server
        .send(Method::OPTIONS, "/t/master.m3u8", &fields)
        .await;
    assert!(response.status().is_success());
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    assert_eq!(header(&response, "access-control-max-age"), "86400");
    let allowed = header(&response, "access-control-allow-headers");
    for name in [
        "range",
        "if-range",
        "if-none-match",
        "if-match",
        "cmcd-request",
    ] {
        assert!(allowed.contains(name), "{allowed}");
    }
}

#[tokio::test]
async fn no_request_leaves_the_root() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret.json"), "SECRET").unwrap();
    let root = outer.path().join("titles");
    title::publish(&root, "t", 1, 3000);
    fs::write(root.join("t/key.pem"), "SECRET").unwrap();
    fs::write(root.join("t/.hidden.json"), "SECRET").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path(), root.join("up")).unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret.json"), root.join("t/link.json"))
            .unwrap();
    }
    let server = Server::of(&root).await;
    for path in [
        "/../secret.json",
        "/t/../../secret.json",
        "/t/%2e%2e/%2e%2e/secret.json",
        "/t/..%2f..%2fsecret.json",
        "/t/%252e%252e/secret.json",
        "/t/..\\..\\secret.json",
        "/t/..%5c..%5csecret.json",
        "/%2e%2e%2fsecret.json",
        "//secret.json",
        "//t//key.pem",
        "/t/\u{ff0e}\u{ff0e}/secret.json",
        "/t/secret.json%00.m3u8",
        "/t/....//secret.json",
        "/up/secret.json",
        "/t/link.json",
        "/t/key.pem",
        "/t/.hidden.json",
        "/secret.json",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = server.raw(&request).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["404", "400"].contains(&status), "{path}: {answer}");
        assert!(!answer.contains("SECRET"), "{path}");
    }
    let absolute =
        "GET http://other/t/../../secret.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(server.raw(absolute).await.contains("404"));
}

#[tokio::test]
async fn names_with_blanks_and_other_scripts_work() {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "Čáp & žába (2)", 3, 2000);
    let server = Server::of(root.path()).await;
    let catalogue: serde_json::Value =
        serde_json::from_str(&server.text("/catalogue.json").await).unwrap();
    let hls = catalogue["titles"][0]["hls"].as_str().unwrap();
    assert!(hls.is_ascii() && !hls.contains(' '), "{hls}");
    assert!(server.text(&format!("/{hls}")).await.contains("mini-r8"));
    let rung = &presentation.groups[0].representations[0];
    let folder = hls.trim_end_matches("master.m3u8");
    assert_eq!(
        server.bytes(&format!("/{folder}{}", rung.url)).await,
        title::file(root.path(), "Čáp & žába (2)", rung)
    );
}
