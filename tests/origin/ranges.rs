//! Range and If-Range (RFC 9110 §14, §13.1.5).

use crate::server::{header, with_title};
use crate::title;
use reqwest::Method;

#[tokio::test]
async fn single_ranges_of_a_file() {
    let (root, presentation, server) = with_title().await;
    let rung = &presentation.groups[0].representations[1];
    let whole = title::file(root.path(), "t", rung);
    let path = format!("/t/{}", rung.url);
    let size = whole.len();
    for (range, part) in [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=800-899".to_owned(), 800..900),
        (format!("bytes={}-", size - 7), size - 7..size),
        (format!("bytes=100-{}", size * 2), 100..size),
        ("bytes=-13".to_owned(), size - 13..size),
        (format!("bytes=-{}", size * 2), 0..size),
        ("bytes=0-".to_owned(), 0..size),
    ] {
        let response = server.get(&path, &[("range", &range)]).await;
        assert_eq!(response.status(), 206, "{range}");
        let expected = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        assert_eq!(header(&response, "content-range"), expected);
        assert_eq!(header(&response, "content-length"), part.len().to_string());
        assert_eq!(response.bytes().await.unwrap(), &whole[part], "{range}");
    }
}

#[tokio::test]
async fn ranges_that_cannot_be_met_and_ranges_that_are_ignored() {
    let (root, presentation, server) = with_title().await;
    let rung = &presentation.groups[0].representations[0];
    let whole = title::file(root.path(), "t", rung);
    let path = format!("/t/{}", rung.url);
    for range in [
        format!("bytes={}-", whole.len()),
        "bytes=999999999-".into(),
        "bytes=-0".into(),
    ] {
        let response = server.get(&path, &[("range", &range)]).await;
        assert_eq!(response.status(), 416, "{range}");
        assert_eq!(
            header(&response, "content-range"),
            format!("bytes */{}", whole.len())
        );
        assert!(!header(&response, "etag").is_empty());
        assert!(response.bytes().await.unwrap().is_empty());
    }
    for range in [
        "bytes=5-4",
        "bytes=0-1,4-5",
        "bytes=x-",
        "lines=0-1",
        "bytes=",
        "5-9",
    ] {
        let response = server.get(&path, &[("range", range)]).await;
        assert_eq!(response.status(), 200, "{range}");
        assert_eq!(header(&response, "content-range"), "");
        assert_eq!(response.bytes().await.unwrap(), whole, "{range}");
    }
}

#[tokio::test]
async fn if_range_needs_the_current_strong_tag() {
    let (_root, presentation, server) = with_title().await;
    let path = format!("/t/{}", presentation.groups[0].representations[0].url);
    let etag = header(&server.get(&path, &[]).await, "etag");
    for (if_range, status) in [
        (etag.clone(), 206),
        (format!("W/{etag}"), 200),
        ("\"other\"".to_owned(), 200),
        ("Sat, 01 Nov 2025 00:00:00 GMT".to_owned(), 200),
    ] {
        let fields = [("range", "bytes=1-2"), ("if-range", if_range.as_str())];
        let response = server.get(&path, &fields).await;
        assert_eq!(response.status(), status, "{if_range}");
    }
    let beyond = [("range", "bytes=99999999-"), ("if-range", "\"other\"")];
    assert_eq!(server.get(&path, &beyond).await.status(), 200);
}

#[tokio::test]
async fn head_ignores_ranges_and_says_what_get_would() {
    let (_root, presentation, server) = with_title().await;
    for path in [
        format!("/t/{}", presentation.groups[0].representations[0].url),
        "/t/master.m3u8".to_owned(),
        "/t/segments/manifest.mpd".to_owned(),
        "/".to_owned(),
        "/catalogue.json".to_owned(),
    ] {
        let get = server.get(&path, &[]).await;
        let head = server
            .send(Method::HEAD, &path, &[("range", "bytes=0-1")])
            .await;
        assert_eq!(head.status(), 200, "{path}");
        for name in [
            "content-length",
            "content-type",
            "etag",
            "cache-control",
            "accept-ranges",
            "vary",
        ] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
        assert!(head.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn files_too_large_to_keep_are_cut_and_streamed() {
    let root = tempfile::tempdir().unwrap();
    // Rank 8 gives about 10 MB in 3 segments: read by range, and streamed as a whole.
    let presentation = title::publish(root.path(), "big", 7, 420_000);
    let rung = &presentation.groups[0].representations[1];
    let whole = title::file(root.path(), "big", rung);
    assert!(whole.len() > 10_000_000);
    let server = crate::server::Server::of(root.path()).await;
    let path = format!("/big/{}", rung.url);
    assert_eq!(server.bytes(&path).await, whole);
    let etag = header(&server.get(&path, &[]).await, "etag");
    assert_eq!(
        server
            .get(&path, &[("if-none-match", &etag)])
            .await
            .status(),
        304
    );
    let response = server
        .get(
            &path,
            &[("range", "bytes=5000000-5000099"), ("if-range", &etag)],
        )
        .await;
    assert_eq!(response.status(), 206);
    assert_eq!(
        response.bytes().await.unwrap(),
        &whole[5_000_000..5_000_100]
    );
    let response = server
        .get(&path, &[("range", "bytes=1000000-9999999")])
        .await;
    assert_eq!(
        response.bytes().await.unwrap(),
        &whole[1_000_000..10_000_000]
    );
    let second = rung.segments[1].range.unwrap();
    let segment = server
        .bytes(&format!("/big/{}/2.m4s", rung.url.trim_end_matches(".mp4")))
        .await;
    assert_eq!(
        segment,
        &whole[second.start as usize..second.end() as usize]
    );
}
