//! Ranges (RFC 9110 §14) and HEAD.

use crate::site::{Site, assert_fields, header};
use reqwest::Method;

#[tokio::test]
async fn single_ranges_of_a_file() {
    let site = Site::new().await;
    let (path, whole) = (site.media(1), site.file(1));
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
        let response = site.get(&path, &[("range", &range)]).await;
        assert_eq!(response.status(), 206, "{range}");
        let content_range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        let length = part.len().to_string();
        let fields = [
            ("content-range", &*content_range),
            ("content-length", &length),
        ];
        assert_fields(&response, &fields, &range);
        assert_eq!(response.bytes().await.unwrap(), &whole[part], "{range}");
    }
}

#[tokio::test]
async fn unsatisfiable_ranges_and_ignored_ones() {
    let site = Site::new().await;
    let (path, whole) = (site.media(0), site.file(0));
    let all = format!("bytes */{}", whole.len());
    for range in [
        &*format!("bytes={}-", whole.len()),
        "bytes=999999999-",
        "bytes=-0",
    ] {
        let response = site.get(&path, &[("range", range)]).await;
        assert_eq!(response.status(), 416, "{range}");
        assert_fields(&response, &[("content-range", &all)], range);
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
        let response = site.get(&path, &[("range", range)]).await;
        assert_eq!(response.status(), 200, "{range}");
        assert_fields(&response, &[("content-range", "")], range);
        assert_eq!(response.bytes().await.unwrap(), whole, "{range}");
    }
}

#[tokio::test]
async fn head_ignores_ranges_and_has_the_fields_of_get() {
    let site = Site::new().await;
    let media = site.media(0);
    for path in [
        &*media,
        "/t/master.m3u8",
        "/t/segments/manifest.mpd",
        "/",
        "/catalogue.json",
    ] {
        let get = site.get(path, &[]).await;
        let head = site
            .send(Method::HEAD, path, &[("range", "bytes=0-1")])
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
async fn large_files_are_cut_and_streamed() {
    // Rank 8 gives about 10 MB in 3 segments, each larger than a block.
    let site = Site::with(420_000, |_| {}).await;
    let (path, whole) = (site.media(1), site.file(1));
    assert!(whole.len() > 10_000_000);
    assert_eq!(site.bytes(&path).await, whole);
    let etag = header(&site.get(&path, &[]).await, "etag");
    let again = site.get(&path, &[("if-none-match", &etag)]).await;
    assert_eq!(again.status(), 304);
    let fields = [("range", "bytes=5000000-5000099"), ("if-range", &*etag)];
    let part = site.get(&path, &fields).await;
    assert_eq!(part.bytes().await.unwrap(), &whole[5_000_000..5_000_100]);
    let (status, part) = site.range(&path, "bytes=1000000-9999999").await;
    assert_eq!(status, 206);
    assert!(part == whole[1_000_000..10_000_000]);
    let second = site.rung(1).segments[1].range.unwrap();
    let segment = site.bytes(&path.replace(".mp4", "/2.m4s")).await;
    assert!(segment == whole[second.start as usize..second.end() as usize]);
}
